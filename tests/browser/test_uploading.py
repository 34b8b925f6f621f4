"""Sending recordings in a real browser with the real tus-js-client: cuts, a reload, the same bytes; and the microphone."""

import re
import subprocess
import uuid

import pytest
from playwright.sync_api import expect

from recordings import audio
from tests.browser.conftest import CHROMIUM, PASSWORD
from tests.browser.test_accessible import trouble
from tests.browser.test_loop import BASE, SPEECH

pytestmark = [pytest.mark.browser, pytest.mark.slow]
RECORDING = re.compile(r"/recordings/[0-9a-f-]{36}/$")


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """17 MB of sound no stretch of which is like another."""
    path = tmp_path_factory.mktemp("sound") / f"Blodwen Prydderch {uuid.uuid4().hex[:8]}.wav"
    source = ["-f", "lavfi", "-i", "anoisesrc=d=180:c=pink:a=0.3:r=48000", "-ac", "1"]
    subprocess.run([audio.ffmpeg_path(), "-v", "error", *source, str(path)], check=True)
    return path


@pytest.fixture
def tom(sign_in):
    page = sign_in("tom@harbour.example")
    page.on("dialog", lambda dialog: dialog.accept())
    open_form(page)
    return page


def open_form(page):
    page.goto("/recordings/upload/")
    choose = page.get_by_role("link", name=re.compile("^Choose"))
    if choose.count():
        choose.first.click()


def slow(page, bytes_a_second):
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", conditions)


def row(page, name):
    return page.locator("[data-upload-queue] li.upl-row", has_text=name)


def reach(page, name, percent):
    """Waits until that much has been sent."""
    for _ in range(600):
        said = re.search(r"(\d+) %", row(page, name).inner_text())
        if said and int(said[1]) >= percent:
            return
        page.wait_for_timeout(100)
    raise AssertionError(row(page, name).inner_text())


def test_cut_off_reloaded_and_taken_up_again_the_bytes_are_the_same(tom, noise):
    page, name = tom, noise.name
    slow(page, 2_000_000)
    page.set_input_files("input[type=file]", str(noise))
    expect(row(page, name)).to_contain_text("3 minutes")
    page.get_by_role("button", name="Upload", exact=True).click()
    reach(page, name, 20)
    page.context.set_offline(True)
    expect(row(page, name)).to_contain_text("Waiting for the network")
    assert not trouble(page, "waiting for the network", 1280)
    page.context.set_offline(False)
    reach(page, name, 45)
    page.reload()
    stored = page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    assert "Blodwen" not in stored
    assert "uploads" not in stored
    unfinished = page.locator("#unfinished li", has_text=name)
    arrived = int(re.search(r"(\d+) % of", unfinished.inner_text())[1])
    assert arrived >= 20
    assert not trouble(page, "an unfinished upload", 320)
    with page.expect_file_chooser() as chooser:
        unfinished.get_by_role("button", name="Choose the file again").click()
    chooser.value.set_files(str(SPEECH))
    expect(unfinished).to_contain_text("That is another file")
    slow(page, 4_000_000)
    with page.expect_file_chooser() as chooser:
        unfinished.get_by_role("button", name="Choose the file again").click()
    chooser.value.set_files(str(noise))
    reach(page, name, arrived)
    page.wait_for_url(RECORDING, timeout=90_000)
    expect(page.get_by_text("Your recording is safe: 3 minutes")).to_be_visible()
    assert "Blodwen" not in page.content()
    # The service knows equal content by its fingerprint: the very same file is there already.
    open_form(page)
    page.set_input_files("input[type=file]", str(noise))
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(row(page, name)).to_contain_text("This recording has already been uploaded.")


def test_several_with_pause_and_cancel(tom, noise, tmp_path):
    page = tom
    other = tmp_path / "second.wav"
    source = ["-f", "lavfi", "-i", "anoisesrc=d=60:c=brown:a=0.4:r=48000", "-ac", "1"]
    subprocess.run([audio.ffmpeg_path(), "-v", "error", *source, str(other)], check=True)
    slow(page, 1_000_000)
    page.set_input_files("input[type=file]", [str(BASE / "README.md"), str(noise), str(other)])
    expect(row(page, "README.md")).to_contain_text("not a recording")
    expect(row(page, "second.wav")).to_contain_text("1 minute")
    assert not trouble(page, "the queue", 320)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Upload", exact=True).click()
    reach(page, noise.name, 5)
    row(page, noise.name).get_by_role("button", name="Pause").click()
    expect(row(page, noise.name)).to_contain_text("Paused")
    reach(page, "second.wav", 3)  # the next one goes meanwhile
    slow(page, 10_000_000)
    expect(row(page, "second.wav")).to_contain_text("Your recording is safe")
    row(page, noise.name).get_by_role("button", name="Cancel this upload").click()
    row(page, noise.name).get_by_role("button", name="Cancel the upload").click()
    expect(row(page, noise.name)).to_have_count(0)
    page.reload()
    expect(page.locator("#unfinished li", has_text=noise.name)).to_have_count(0)


def test_without_a_script_it_is_a_plain_form(sign_in):
    page = sign_in("tom@harbour.example", java_script_enabled=False)
    open_form(page)
    assert "Without JavaScript a file of up to 200" in page.locator("main").inner_text()
    page.set_input_files("input[type=file]", str(BASE / "README.md"))
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("[data-pl-error-summary]")).to_contain_text("not an audio file")


def test_recorded_with_the_microphone(browser, demo_site, tmp_path):
    if not CHROMIUM:
        pytest.fail("Chromium is missing; `make test` installs it.")
    spoken = tmp_path / "spoken.wav"
    subprocess.run([audio.ffmpeg_path(), "-v", "error", "-i", str(SPEECH), "-ar", "48000", "-ac", "1", str(spoken)], check=True)
    flags = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    own = browser.browser_type.launch(executable_path=CHROMIUM, args=[*flags, f"--use-file-for-fake-audio-capture={spoken}"])
    try:
        page = own.new_context(base_url=demo_site, viewport={"width": 375, "height": 800}).new_page()
        page.set_default_timeout(60_000)
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto("/accounts/login/")
        page.fill("input[name=login]", "tom@harbour.example")
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url("**/")
        open_form(page)
        page.get_by_role("button", name="Record now").click()
        expect(page.locator("[data-mic-sent]")).to_contain_text("is safe")
        assert not trouble(page, "recording", 375)
        page.get_by_role("button", name="Pause recording").click()
        expect(page.locator("[data-mic-word]")).to_have_text("Paused")
        stood = page.locator("[data-mic-time]").inner_text()
        page.wait_for_timeout(1500)
        assert page.locator("[data-mic-time]").inner_text() == stood
        page.get_by_role("button", name="Go on recording").click()
        page.wait_for_timeout(12_000)
        page.reload()  # as when a battery dies: what had been sent is there
        kept = page.locator("#unfinished li", has_text="Recorded on this site").first  # the newest
        expect(kept).to_contain_text("arrived")
        kept.get_by_role("link", name=re.compile("Give it up")).click()
        page.get_by_role("button", name="Give it up").click()
        expect(page.get_by_text("The upload was given up.")).to_be_visible()
        page.get_by_role("button", name="Record now").click()
        page.wait_for_timeout(23_000)
        page.get_by_role("button", name="Stop recording").click()
        keep = page.get_by_role("button", name="Keep this recording")
        expect(keep).to_be_enabled(timeout=20_000)
        assert page.locator("[data-mic-listen]").evaluate("player => player.src.startsWith('blob:')")
        assert not trouble(page, "listening back", 375)
        keep.click()
        page.wait_for_url(RECORDING)
        expect(page.get_by_text(re.compile("Your recording is safe: 2[0-9] seconds"))).to_be_visible()
    finally:
        own.close()


def test_only_this_page_may_use_the_microphone(sign_in):
    page = sign_in("tom@harbour.example")
    elsewhere = page.request.get("/recordings/").headers["permissions-policy"]
    open_form(page)
    here = page.request.get(page.url).headers["permissions-policy"]
    assert "microphone=()" in elsewhere
    assert "microphone=(self)" in here
