"""Rating one's own session: saved as it is chosen, two tabs that never overwrite each other, and a connection that goes."""

import re
import time

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def until(condition, seconds=20):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("It did not come about.")


def said(page):
    return page.locator("[data-saved]").inner_text()


def pick(page, name, value):
    page.locator(f"input[name='{name}'][value='{value}']").check()


def is_picked(page, name, value):
    return page.locator(f"input[name='{name}'][value='{value}']").is_checked()


def test_it_saves_itself_and_two_tabs_never_overwrite_each_other(sign_in):
    first = sign_in("tom@harbour.example")
    first.goto("/recordings/")
    places = re.findall(r"/recordings/([0-9a-f-]{36})/", first.content())
    for place in dict.fromkeys(places):
        address = f"/recordings/{place}/self-rating/"
        if first.request.get(address).ok and first.goto(address) and first.locator("[data-own]").count():
            break
    else:
        pytest.fail("Tom has no session that he can rate himself.")
    second = first.context.new_page()
    second.goto(address)
    names = first.eval_on_selector_all("[data-own] fieldset", "all => all.map(one => one.id.replace('id_', ''))")

    pick(first, names[0], "2")
    until(lambda: said(first) == "Saved")
    before = first.locator("[name=version]").input_value()
    first.fill("textarea[name=note]", "Written in the first tab")
    until(lambda: first.locator("[name=version]").input_value() != before)
    pick(second, names[1], "3")  # another item: both are kept, and the second tab shows what the first chose
    until(lambda: said(second) == "Saved")
    assert is_picked(second, names[0], "2")
    assert second.input_value("textarea[name=note]") == "Written in the first tab"

    pick(first, names[1], "0")  # the same item: told, and shown both
    until(lambda: first.locator("[data-both] dl").count() == 1)
    both = first.locator("[data-both]").inner_text()
    assert "There: 3" in both
    assert "Here: 0" in both
    assert said(first).startswith("Not saved")
    first.click("[data-keep=there]")
    until(lambda: said(first) == "Saved")
    assert is_picked(first, names[1], "3")

    first.context.set_offline(True)
    pick(first, names[2], "1")
    until(lambda: said(first).startswith("Not saved: no connection"))
    first.locator("button[value=submit]").click()
    assert first.locator("[data-own]").count() == 1  # it waits here: the browser's error page would lose it
    first.context.set_offline(False)
    until(lambda: said(first) == "Saved")
    second.reload()
    assert is_picked(second, names[2], "1")
