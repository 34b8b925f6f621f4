"""A family's consent survives what happens in a kitchen: no network, a session that ended, a sign-in in another tab."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD
from tests.browser.test_accessible import trouble
from tests.browser.test_consent import begin, sign
from tests.browser.test_feedback import feedback_that_is_heard

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def fill(page):
    begin(page, "H-2047")
    page.get_by_label("Signed on the therapist's device").check()
    first = page.locator("fieldset.rec-person").nth(0)
    first.get_by_label("Who", exact=True).select_option("caregiver")
    first.get_by_label("Initials").fill("A.S.")
    first.get_by_label("The session is recorded").check()
    sign(page, 0)
    page.get_by_label("Who holds parental responsibility").fill("mother")


def record(page):
    page.get_by_role("button", name="Record the consent").click()


def is_as_it_was(page):
    first = page.locator("fieldset.rec-person").nth(0)
    expect(first.get_by_label("Initials")).to_have_value("A.S.")
    expect(first.locator(".rec-sign__note")).to_contain_text("Signed")
    return True


def test_signed_out_or_without_a_network_what_was_signed_stays_and_can_be_sent(sign_in):
    page = sign_in("priya@harbour.example", width=375)
    fill(page)
    page.context.set_offline(True)
    record(page)
    expect(page.get_by_role("alert")).to_contain_text("There is no connection")
    assert is_as_it_was(page)
    page.context.set_offline(False)
    page.context.clear_cookies()
    record(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("You have been signed out")
    assert is_as_it_was(page)
    assert not trouble(page, "signed out with a consent on the page", 375)
    with page.context.expect_page() as opened:
        alert.get_by_role("link", name="Sign in").click()
    tab = opened.value
    tab.fill("input[name=login]", "priya@harbour.example")
    tab.fill("input[name=password]", PASSWORD)
    tab.press("input[name=password]", "Enter")
    tab.wait_for_url("**/")
    page.bring_to_front()
    record(page)
    expect(page.get_by_text("The consent is recorded")).to_be_visible()
    expect(page.get_by_role("img", name="Signature of caregiver A.S.")).to_be_visible()


def test_leaving_a_consent_that_is_not_recorded_is_asked_about(sign_in):
    page = sign_in("priya@harbour.example")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    fill(page)
    page.get_by_role("link", name="Plumbline").first.click()
    page.wait_for_timeout(500)
    assert asked == ["beforeunload"]
    assert is_as_it_was(page)


def test_an_answer_to_feedback_is_not_sent_into_nothing(sign_in):
    page = sign_in("tom@harbour.example", width=375)
    feedback_that_is_heard(page)
    form = page.locator("form[data-pl-kept]", has=page.get_by_label("Your answer")).first
    form.locator("xpath=ancestor::details").locator("summary").click()
    form.get_by_label("Your answer").fill("I will try it on Thursday.")
    page.context.set_offline(True)
    form.get_by_role("button").click()
    expect(form.get_by_role("alert")).to_contain_text("There is no connection")
    expect(form.get_by_label("Your answer")).to_have_value("I will try it on Thursday.")
    page.context.set_offline(False)
    form.get_by_role("button").click()
    expect(page.get_by_text("I will try it on Thursday.")).to_be_visible()
