"""The back office in a real browser, under the site's content security policy: a code of one's own, and an instrument's items."""

import pytest
from playwright.sync_api import expect

from tests.factories import AUDIO

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def ed(sign_in):
    page = sign_in("ed@northport.example")
    page.refused = []
    page.on("console", lambda message: page.refused.append(message.text) if message.type == "error" else None)
    yield page
    assert page.refused == []


def test_a_code_is_given_its_programme(ed):
    ed.goto("/admin/snippets/recordings/code/add/")
    ed.locator("#id_programme-chooser button:visible").first.click()
    ed.locator(".modal-body table a").first.click()
    expect(ed.locator("#id_programme-chooser [data-chooser-title]")).not_to_be_empty()
    assert ed.locator("#id_programme").input_value()


def test_an_instrument_gets_a_further_item_and_loses_it_again(ed):
    ed.goto("/admin/snippets/supervision/instrument/add/")
    total, shown = ed.locator("#id_items-TOTAL_FORMS"), ed.locator("[id^=inline_child_items-] input[name$='-key']:visible")
    before = shown.count()
    ed.get_by_role("button", name="Add Item").click()
    expect(shown).to_have_count(before + 1)
    assert total.input_value() == str(before + 1)
    ed.locator("#id_items-FORMS").get_by_role("button", name="Delete").last.click()
    expect(shown).to_have_count(before)


def test_a_sound_takes_its_title_from_its_file(ed):
    ed.goto("/admin/media/audio/add/")
    ed.set_input_files("#id_file", AUDIO / "session-1.opus")
    expect(ed.locator("#id_title")).to_have_value("session-1")
