"""The whole loop in a real browser, with real audio and real Whisper: learn, send, transcribe, review, hear, see, withdraw."""

import re
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import expect

from tests.browser.test_accessible import trouble
from tests.browser.waiting import settled, until

BASE = Path(__file__).resolve().parent.parent.parent
CONTENT = BASE / "learning" / "content"
SPEECH = CONTENT / "media" / "doorstep.mp3"
SPOKEN = CONTENT / "media" / "doorstep.txt"
FAMILY = "H-2049"
MINUTES = 60_000

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def lesson_file(address):
    """The course file behind a lesson's address, for the right answers."""
    course, day, slug = re.search(r"/courses/([^/]+)/([^/]+)/([^/]+)/", address).groups()
    for path in (CONTENT / course / day).glob("*.yaml"):
        data = yaml.safe_load(path.read_text())
        if data.get("slug") == slug:
            return data
    raise AssertionError(f"no file for {address}")


def flat(text):
    return " ".join(str(text).split())


def answer(page, check, *, rightly):
    section = page.locator("section.lrn-check", has_text=flat(check["question"]))
    for option in check["options"]:
        if bool(option["correct"]) is rightly:
            section.get_by_text(flat(option["text"]), exact=True).click()
            if not (rightly and check["kind"] == "multiple"):
                break
    section.get_by_role("button").click()


def test_the_loop(sign_in):
    thea = sign_in("thea@harbour.example")
    learn(thea)
    recording = send(thea)
    hear_and_rate(sign_in("cora@harbour.example"), recording)
    hear_feedback(thea)
    see_who_is_in_date(sign_in("sam@harbour.example"))
    stranger(sign_in("olly@meadow.example"), recording)
    withdraw(thea, recording)


def learn(page):
    page.get_by_role("link", name=re.compile("^(Continue|Begin)")).first.click()
    lesson = lesson_file(page.url)
    page.get_by_role("button", name="Mark as done").click()
    expect(page.get_by_role("alert")).to_contain_text("Before you mark it as done")
    checks = [block["check"] for block in lesson["body"] if "check" in block]
    wrongly = next(check for check in checks if check["kind"] != "multiple")
    answer(page, wrongly, rightly=False)
    feedback = next(option["feedback"] for option in wrongly["options"] if not option["correct"])
    expect(page.get_by_text(flat(feedback))).to_be_visible()
    for check in checks:
        answer(page, check, rightly=True)
        expect(page.locator("section.lrn-check", has_text=flat(check["question"])).get_by_text("Right.")).to_be_visible()
    for exercise in (block["exercise"] for block in lesson["body"] if "exercise" in block):
        section = page.locator("section.lrn-exercise", has_text=exercise["title"])
        section.get_by_role("textbox").fill("I would ask what happened just before, and write down what was seen and heard. " * 8)
        section.get_by_role("button").click()
        expect(section.get_by_text("What a thoughtful answer covers")).to_be_visible()
    page.get_by_role("button", name="Mark as done").click()
    expect(page.get_by_role("heading", name="You have done this lesson")).to_be_visible()


def send(page):
    """Uploads, waits for the transcript; the recording's address."""
    page.goto("/recordings/upload/")
    if page.get_by_role("link", name=re.compile(FAMILY)).count():
        page.get_by_role("link", name=re.compile(FAMILY)).click()
    page.set_input_files("input[type=file]", str(BASE / "README.md"))
    expect(page.get_by_text("not a recording").first).to_be_visible()
    page.goto(page.url)
    page.set_input_files("input[type=file]", str(SPEECH))
    page.get_by_role("button", name="Upload", exact=True).click()
    page.wait_for_url(re.compile(r"/recordings/[0-9a-f-]{36}/"), timeout=MINUTES)
    recording = re.search(r"/recordings/[0-9a-f-]{36}/", page.url)[0]
    page.wait_for_selector("[data-start]", timeout=10 * MINUTES)  # the page refreshes itself when the transcript is there
    page.wait_for_load_state()
    said = set(re.findall(r"[a-z]{5,}", SPOKEN.read_text().lower()))
    written = set(re.findall(r"[a-z]{5,}", page.locator("main").inner_text().lower()))
    assert len(said & written) > 0.5 * len(said)
    return recording


def hear_and_rate(page, recording):
    page.goto("/recordings/reviews/")
    start = page.get_by_role("button", name=re.compile("Start the review of Thea"))
    start.or_(page.get_by_role("link", name=re.compile("Carry on with Thea"))).first.click()
    page.wait_for_url("**/review/**")
    until(page, "document.querySelector('audio').readyState > 1")
    page.locator("#bench-transcript").focus()
    for _ in range(8):
        page.keyboard.press("=")  # two and a half times the speed
    page.keyboard.press("Space")
    until(page, "document.querySelector('audio').currentTime > 6")
    assert not trouble(page, "the workbench", 1280)
    before = page.locator("#bench-notes .pl-note").count()
    for key in "147":
        page.keyboard.press(key)
        page.wait_for_timeout(1500)
    until(page, "document.querySelector('audio').currentTime > 36")  # the instrument asks for half of it
    page.keyboard.press("Space")
    expect(page.locator("#bench-notes .pl-note")).to_have_count(before + 3)
    page.click("#tab-rating")
    for item in page.locator("form.pl-item").all():
        item.locator("label.pl-scale__step", has_text="3").first.click()
    expect(page.locator("#bench-progress")).to_contain_text("9 of 9 rated", timeout=MINUTES)
    page.locator("#text-strengths").fill("You let her finish, and said back what mattered.")
    page.locator("#text-next_step").fill("Ask one more question before you explain.")
    page.locator("#text-next_step").blur()
    settled(page)
    page.goto(f"{recording}review/")
    page.locator(".pl-bench__head").get_by_role("link", name="Submit").click()
    assert not trouble(page, "submitting", 1280)
    page.get_by_role("button", name="Submit and lock").click()
    page.goto(f"{recording}review/")
    page.get_by_role("link", name=re.compile("Release to Thea")).click()
    assert not trouble(page, "releasing", 1280)
    page.get_by_role("button", name=re.compile("Release")).click()


def hear_feedback(page):
    page.goto("/")
    page.get_by_role("link", name=re.compile("Hear it")).click()
    expect(page.get_by_text("You let her finish, and said back what mattered.")).to_be_visible()
    page.locator("[data-play]").first.click()
    until(page, "document.querySelector('audio').currentTime > 0")
    reply = page.get_by_role("textbox").last
    if not reply.is_visible():
        page.get_by_text(re.compile("^Answer")).last.click()
    reply.fill("Thank you. I will try the question on Thursday.")
    reply.locator("xpath=ancestor::form").get_by_role("button").click()
    expect(page.get_by_text("Thank you. I will try the question on Thursday.").first).to_be_visible()


def see_who_is_in_date(page):
    page.goto("/supervision/teams/harbour/?show=all")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Harbour")
    csv = page.request.get("/supervision/teams/harbour/matrix.csv?show=all").text()  # else only who needs something today
    line = next(line for line in csv.splitlines() if "Thea" in line and "ecording" in line)
    assert re.search("valid|done|in date", line, re.IGNORECASE), line


def stranger(page, recording):
    unknown = "/recordings/00000000-0000-4000-8000-000000000000/"
    for address in ("", "audio/", "peaks/?level=0", "transcript/", "status/", "review/", "delete/"):
        assert page.request.get(recording + address).status == 404
        assert page.request.get(unknown + address).status == 404


def withdraw(page, recording):
    page.goto(recording)
    page.get_by_role("link", name="See the consent").click()
    page.get_by_role("link", name="Somebody withdraws this consent").click()
    page.get_by_label("By telephone").check()
    page.get_by_label(re.compile("Caregiver")).first.check()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.request.get(f"{recording}audio/").status in (403, 404, 410)
    page.goto(recording)
    expect(page.locator("main")).to_contain_text(re.compile("destroyed", re.IGNORECASE))
    assert "question on Thursday" not in page.content()
