"""Feedback in a real browser, on the review that the demo has: told what became of it, contested, decided, planned; a file out and in."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessible import trouble

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def feedback_that_is_heard(page):
    """The demo's earlier reviews have no sound left; the latest has."""
    page.goto("/recordings/reviews/")
    addresses = [link.get_attribute("href") for link in page.locator("table a").all()]
    for address in addresses:
        page.goto(address)
        if page.locator("[data-player]").count():
            return address
    raise AssertionError("no feedback with sound")


def test_feedback_is_answered_in_every_way(sign_in):
    tom = sign_in("tom@harbour.example")
    address = feedback_that_is_heard(tom)
    expect(tom.get_by_role("heading", name="Over time")).to_be_visible()
    assert not trouble(tom, "feedback", 1280)
    tell(tom)
    contest = disagree(tom)
    propose(sign_in("cora@harbour.example"), contest)
    agree(sign_in("sam@harbour.example"), contest)
    tom.goto(address)
    expect(tom.get_by_text("Agreed beside it:")).to_be_visible()
    plan(tom)


def tell(page):
    part = page.locator(".pl-part--growth")
    part.get_by_text("Tell what became of it").first.click()
    part.get_by_label("I tried it, and it helped").first.check()
    part.get_by_label("What happened (optional)").first.fill("She told me about her brother.")
    part.get_by_role("button", name="Tell Cora").first.click()
    expect(page.get_by_text("She told me about her brother.")).to_be_visible()


def disagree(page):
    page.get_by_role("link", name=re.compile("I see this differently: Generalisation|I see this differently")).last.click()
    assert not trouble(page, "disagreeing", 375)
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("alert")).to_contain_text("Say what you see differently")
    page.get_by_label("What you see differently").fill("At the end she says herself who takes the phone.")
    page.get_by_role("button", name="Send it").click()
    page.wait_for_url("**/contests/**")
    expect(page.get_by_text("Waiting for an answer")).to_be_visible()
    return page.url


def propose(page, contest):
    page.goto(contest)
    page.get_by_label(re.compile("^2 instead")).check()
    page.get_by_label("Why").fill("I had not heard that as part of it. You are right.")
    assert not trouble(page, "answering a disagreement", 1280)
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_text("waits for a supervisor")).to_be_visible()
    assert not page.get_by_role("button", name="I agree with this answer").count()


def agree(page, contest):
    page.goto(contest)
    assert not trouble(page, "deciding on a disagreement", 375)
    page.get_by_role("button", name="I agree with this answer").click()
    expect(page.get_by_text("A consensus stands beside it").first).to_be_visible()


def plan(page):
    page.get_by_role("link", name="Put this into the development plan").click()
    assert not trouble(page, "making a goal", 375)
    page.get_by_label("What to practise").fill("Ask one question about the exception.")
    page.get_by_role("button", name="Put it in the plan").click()
    expect(page.get_by_role("heading", name="Ask one question about the exception.")).to_be_visible()
    assert not trouble(page, "the development plan", 375)


def test_the_supervisor_chooses_a_booster_topic(sign_in):
    page = sign_in("sam@harbour.example")
    page.goto("/supervision/teams/harbour/booster-topics/")
    assert not trouble(page, "booster topics", 1280)
    topic = page.locator("section.sup-goal").first
    name = topic.get_by_role("heading").inner_text()
    topic.get_by_label("Note (optional)").fill("In pairs, with the phone")
    topic.get_by_role("button", name=re.compile("^Choose")).click()
    expect(page.get_by_text(f"{name} is chosen for the coming quarter.")).to_be_visible()
    assert not trouble(page, "booster topics", 375)


def test_annotations_go_out_as_a_file_and_come_back(sign_in, tmp_path):
    tom = sign_in("tom@harbour.example")
    feedback_that_is_heard(tom)
    tom.get_by_text("Take annotations and ratings away as a file").click()
    with tom.expect_download() as waiting:
        tom.get_by_role("link", name="ELAN (EAF)").click()
    path = tmp_path / "review.eaf"
    waiting.value.save_as(path)
    assert "<ANNOTATION_DOCUMENT" in path.read_text()
