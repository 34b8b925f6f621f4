"""The picture of a session in a real browser: it stays with the sound, seeks at once, can be put away; and names are muted by hand."""

import io
import os
import statistics
import subprocess
import time

import pytest
from django.utils import timezone

from recordings import audio, casefile, features, redaction, vault, voice
from recordings.models import Annotation, Processing, Purpose, Recording, SealedObject
from tests import factories
from tests.browser.waiting import until
from tests.recordings import review_setup as setup
from tests.recordings.making import bare_recording

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LENGTH = 40
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this thread; nothing of ours is asynchronous


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Forty seconds of picture with the sound of a role-played session."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    picture = ["-f", "lavfi", "-i", f"testsrc=d={LENGTH}:s=320x180:r=25"]
    sound = ["-i", factories.AUDIO / "session-1.opus"]
    arguments = ["-t", LENGTH, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", path]
    subprocess.run([audio.ffmpeg_path(), "-v", "error", *map(str, [*picture, *sound, *arguments])], check=True)
    return path.read_bytes()


@pytest.fixture(scope="module")
def derivatives(film):
    """Sound, picture, and the samples."""
    sound = b"".join(audio.make_playback(io.BytesIO(film)))
    return sound, b"".join(audio.make_video(io.BytesIO(film), duration_s=LENGTH)), audio.decode(io.BytesIO(sound))


@pytest.fixture
def recording(harbour, thea, derivatives):
    sound, picture, samples = derivatives
    purposes = [Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE, Purpose.TEACH]
    consent = factories.make_consent(factories.make_family(harbour, thea), purposes=purposes)
    made = bare_recording(consent=consent, state=Recording.State.READY, duration_ms=LENGTH * 1000, has_video=True, container="mp4")
    Processing.objects.create(recording=made, state=Processing.State.DONE, queued_at=timezone.now())
    words = [
        {"start": 2.0 + at, "end": 2.5 + at, "text": f" {word}", "probability": 0.9}
        for at, word in enumerate("then Callum rang me".split())
    ]
    segments = [{"start": 2.0, "end": 6.0, "text": "then Callum rang me", "words": words, "supported": True, "speaker": "S1"}]
    whole = features.build(samples, segments, recording=str(made.pk), probability=voice.activity(samples))
    for kind, content in (("playback", sound), ("video", picture), ("features", whole)):
        vault.seal(made, SealedObject.Kind(kind), [content], now=timezone.now())
    return made


@pytest.fixture
def page(browser, live_server, client, thea):
    client.force_login(thea)
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    opened = context.new_page()
    opened.set_default_timeout(120_000)  # for a machine that is busy with other things
    opened.trouble = []
    opened.on("pageerror", lambda error: opened.trouble.append(str(error)))
    opened.on("console", lambda message: opened.trouble.append(message.text) if message.type == "error" else None)
    yield opened
    context.close()


PART = "document.querySelector('[data-picture]')"
SOUND = "document.querySelector('[data-listen-audio]')"
AUDIO = "document.querySelector('audio')"
PICTURE = "document.querySelector('video')"


def test_the_picture_stays_with_the_sound(page, recording):
    page.goto(f"/recordings/{recording.pk}/")
    until(page, f"{PICTURE}.readyState >= 2 && {PICTURE}.muted && !{PICTURE}.controls")
    drifts = []
    for start in (0, 21.3):
        page.evaluate(f"{SOUND}.currentTime = {start}; {SOUND}.play()")
        until(page, f"{SOUND}.currentTime > {start} + 2 && !{PICTURE}.paused")
        for _ in range(30):
            page.wait_for_timeout(100)
            drifts.append(abs(page.evaluate(f"{PICTURE}.currentTime - {SOUND}.currentTime")))
    assert statistics.median(drifts) < 0.125  # from there on people notice sound that comes late (ITU-R BT.1359)
    page.evaluate(f"{SOUND}.pause()")
    until(page, f"{PICTURE}.paused && Math.abs({PICTURE}.currentTime - {SOUND}.currentTime) < 0.08")
    assert page.trouble == []


def test_a_jump_shows_its_picture_soon(page, recording):
    page.goto(f"/recordings/{recording.pk}/")
    until(page, f"{PICTURE}.readyState >= 2 && {SOUND}.readyState >= 1")
    taken = []
    for place in (35, 3.3, 27.7, 14.2, 38.2):
        begun = time.monotonic()
        page.evaluate(f"{SOUND}.currentTime = {place}")
        until(page, f"!{PICTURE}.seeking && Math.abs({PICTURE}.currentTime - {place}) < 0.08 && {PICTURE}.readyState >= 2")
        taken.append(time.monotonic() - begun)
    assert statistics.median(taken) < 3  # a quarter of a second on a machine that does nothing else


def test_it_can_be_put_away_and_stays_away(page, recording):
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(f"/recordings/{recording.pk}/")
    page.get_by_role("button", name="Hide the picture").click()
    assert not page.locator("video").is_visible()
    page.reload()
    page.get_by_role("button", name="Show the picture").wait_for()
    assert page.evaluate(f"{PICTURE}.networkState") == 0 or page.evaluate(f"{PICTURE}.buffered.length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_feedback_plays_each_moment_with_its_picture(page, recording, cora):
    own = setup.released(recording, cora)
    page.set_viewport_size({"width": 375, "height": 667})
    page.goto(f"/recordings/feedback/{own.pk}/")
    until(page, f"{PICTURE}.readyState >= 2 && {PICTURE}.muted && !{PICTURE}.controls")
    for place, moment in (("10", "0:10 to 0:18"), ("30", "0:30 to 0:40")):
        page.get_by_role("button", name=f"Play {moment}").click()
        until(page, f"!{PICTURE}.paused && {PICTURE}.currentTime > {place} + 1")
        assert abs(page.evaluate(f"{PICTURE}.currentTime - {AUDIO}.currentTime")) < 0.4
        assert page.locator("video").bounding_box()["y"] >= 0  # the player stays in sight, and the words below it
        assert page.locator("[data-player]").bounding_box()["height"] < 667 / 2
    page.get_by_role("button", name="Hide the picture").click()
    until(page, f"{PICTURE}.paused && !{AUDIO}.paused")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.trouble == []


def test_the_workbench_shows_it_beside_the_transcript(browser, live_server, client, recording, cora):
    setup.begin(recording, cora)
    client.force_login(cora)
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"/recordings/{recording.pk}/review/")
    until(page, f"{PICTURE}.readyState >= 2 && document.querySelectorAll('[data-w]').length > 0")
    assert page.locator("video").is_visible()
    page.evaluate("document.getElementById('bench').pl.seek(12000)")
    until(page, f"Math.abs({PICTURE}.currentTime - 12) < 0.1")
    video, transcript = (page.locator(what).bounding_box() for what in ("video", "#bench-transcript"))
    assert video["x"] >= transcript["x"] + transcript["width"]
    context.close()


def test_the_picture_leaves_room_for_the_rating(browser, live_server, client, recording, cora):
    own = setup.begin(recording, cora)
    codes = recording.team.programme.codes.order_by("position", "pk")
    now = {"created_at": timezone.now(), "changed_at": timezone.now()}
    Annotation.objects.bulk_create(
        Annotation(review=own, code=code, start_ms=at * 4000, end_ms=at * 4000 + 3000, **now) for at, code in enumerate(codes)
    )
    client.force_login(cora)
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"/recordings/{recording.pk}/review/")
    until(page, f"{PICTURE}.readyState >= 2 && document.querySelectorAll('[data-w]').length > 0")
    page.click("#tab-rating")
    video, rating = (page.locator(what).bounding_box() for what in ("video", "#bench-rating"))
    assert min(video["height"], rating["height"]) > 60
    page.locator("label.pl-scale__step").first.click()  # not beneath the bar
    context.close()


def test_names_are_muted_by_ear_and_by_choosing_words(page, recording, thea):
    casefile.set_names(family=recording.family, names=["Callum"], by=thea, now=timezone.now())
    row = redaction.propose(recording=recording, by=thea, now=timezone.now())
    page.goto(f"/recordings/{recording.pk}/redactions/{row.number}/")
    page.get_by_role("button", name="Play from 0:02.8").click()
    until(page, "document.querySelector('audio').currentTime > 1")
    until(page, "document.querySelector('audio').paused")
    assert 5.5 <= page.evaluate("document.querySelector('audio').currentTime") <= 7
    page.evaluate(
        "const word = document.querySelector('[data-s=\"4000\"]'); const range = document.createRange(); range.selectNodeContents(word);"
        "const chosen = getSelection(); chosen.removeAllRanges(); chosen.addRange(range)"
    )
    until(page, "document.getElementById('id_start').value === '0:03.7' && document.getElementById('id_end').value === '0:04.8'")
    page.get_by_role("button", name="Add, and keep my choices").click()
    page.get_by_text("Your choices are kept").wait_for()
    row.refresh_from_db()
    assert any(one["start_ms"] <= 3750 and one["end_ms"] >= 4750 and one["is_muted"] for one in row.spans)
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.trouble == []
