"""For `make bench`: the workbench with an hour and a half of session, 2,000 turns and 1,500 annotations in it, beside wavesurfer.js
decoding the same sound in the browser, as it does where it is given nothing but an address.

Both are opened in the same headless Chromium. What is sent is reckoned as gzip would send it. Memory is that of the page's own
process: decoded sound lies outside the heap of its scripts. An interaction lasts from the input to the next frame: for keys and
buttons as the Event Timing API says (in steps of 8 ms; what it leaves out took less than 16), for the wheel and the moving
pointer from the event to the end of the frame that follows it. All is done several times over. What must stay below 100 ms is
reckoned as Interaction to Next Paint is (web.dev/articles/inp): the longest, one left out for each 50. The longest of all is
printed as well.
"""

import contextlib
import functools
import gzip
import http.server
import json
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from recordings import audio
from recordings.benching_tus import free_port, running
from recordings.benchmarks import Bench, Row

MINUTES, TURNS, NOTES = 90, 2_000, 1_500
SLOWEST_MS, TIMES = 100, 5
_FLAGS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required", "--enable-precise-memory-info"]
_WATCH = """
window.taken = []
new PerformanceObserver((list) => {
  const each = new Map()
  for (const one of list.getEntries()) if (one.interactionId) each.set(one.interactionId, Math.max(each.get(one.interactionId) ?? 0, one.duration))
  window.taken.push(...each.values())
}).observe({ type: 'event', durationThreshold: 16 })
for (const kind of ['wheel', 'pointermove']) addEventListener(kind, (event) => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => window.taken.push(performance.now() - event.timeStamp)
  port2.postMessage(0)
}), { capture: true, passive: true })
"""
_PEER = """<!doctype html><meta charset="utf-8"><div id="wave"></div><script type="module">
import WaveSurfer from './wavesurfer.esm.js'
import Regions from './plugins/regions.esm.js'
const regions = Regions.create()
const wave = WaveSurfer.create({ container: '#wave', url: './sound', minPxPerSec: 10, plugins: [regions] })
wave.on('decode', () => {
  for (let at = 0; at < COUNT; at += 1) regions.addRegion({ start: at * 3.5, end: at * 3.5 + 3, content: 'Fit explored' })
  document.body.dataset.ready = '1'
})
window.wave = wave
</script>"""


def workbench(bench: Bench) -> None:
    """Payload, memory and the longest interaction."""
    name = "wavesurfer.js, decoding in the browser"
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        bench.print_row(Row("workbench: Playwright is not installed", "", None, name=name))
        return
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        bench.print_row(Row("workbench: there is no Chromium", "", None, name=name))
        return
    sound = _long(bench)
    with sync_playwright() as playwright:
        launch = functools.partial(playwright.chromium.launch, executable_path=chromium, args=_FLAGS)
        ours = _ours(bench, sound, launch)
        peer = _peer(bench, launch)
    about = f"workbench, {MINUTES} min, {TURNS} turns, {NOTES} marks"
    for what, unit, key in (("sent, gzip", "kB", "sent"), ("memory of the page", "MB", "memory")):
        other = peer[key] if peer else None
        ratio = ours[key] / other if other else None
        bench.print_row(Row(f"{about}: {what}", unit, ours[key], other, ratio, "< 1", ratio < 1 if ratio else None, name))
    bench.print_row(Row("  heap of its scripts", "MB", ours["heap"], peer["heap"] if peer else None, name=name))
    for what, taken in ours["acts"].items():
        others = peer["acts"].get(what) if peer else None
        for how, of in (("median", statistics.median), ("to the next paint", next_paint), ("longest", max)):
            value, other = of(taken), of(others) if others else None
            is_met = value < SLOWEST_MS if of is next_paint else None
            goal = f"< {SLOWEST_MS}" if of is next_paint else ""
            bench.print_row(Row(f"  {what}: {how}, of {len(taken)}", "ms", value, other, None, goal, is_met, name if others else ""))


def next_paint(taken: Sequence[float]) -> float:
    """Interaction to Next Paint: the longest of them, one left out for each 50."""
    return sorted(taken)[-1 - len(taken) // 50]


def _long(bench: Bench) -> Path:
    """The demo's session over and over, as it would be played."""
    sounds, made = bench.folder / "bench-list", bench.folder / "bench-sound"
    sounds.write_text(f"file '{bench.audio}'\n" * 60)
    command = [audio.ffmpeg_path(), "-v", "error", "-f", "concat", "-safe", "0", "-i", str(sounds), "-t", str(MINUTES * 60)]
    subprocess.run([*command, "-ac", "1", "-ar", "24000", "-b:a", "48k", "-f", "mp3", str(made)], check=True)
    return made


# In the browser


def _measure(page: Any, acts: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    """How long each of its interactions took, in ms; those too short to be told apart count as 16."""
    found = {}
    for what, act in acts.items():
        taken: list[float] = []
        for _ in range(TIMES):
            page.wait_for_timeout(400)
            page.evaluate("window.taken = []")
            act()
            page.wait_for_timeout(600)
            taken += page.evaluate("window.taken") or [16.0]
        found[what] = taken
    return found


def _until(page: Any, condition: str, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        if time.monotonic() > end:
            raise RuntimeError(f"The page never came so far: {condition}")
        page.wait_for_timeout(100)


def _memory(browser: Any, page: Any) -> dict[str, float]:
    """Of the largest page process, in MB, and of the scripts' own heap, after collecting garbage."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    heap = next(one["value"] for one in session.send("Performance.getMetrics")["metrics"] if one["name"] == "JSHeapUsedSize")
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    sizes = [_resident(one["id"]) for one in processes if one["type"] == "renderer"]
    return {"heap": heap / 1e6, "memory": max(sizes) / 1e6}


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def _wheel(page: Any, x: float, y: float) -> None:
    page.mouse.move(x, y)
    for _ in range(25):
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(40)


def _ours(bench: Bench, sound: Path, launch: Callable[[], Any]) -> dict[str, Any]:
    session, recording = json.loads(bench.room.run("-c", _PREPARE.format(sound=str(sound))).splitlines()[-1])
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "cms.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--log-level", "error"]
    with running(command, port, settings.BASE_DIR, bench.room.environment):
        browser = launch()
        context = browser.new_context(base_url=f"http://127.0.0.1:{port}", viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": "sessionid", "value": session, "url": f"http://127.0.0.1:{port}"}])
        page = context.new_page()
        page.add_init_script(_WATCH)
        bodies: list[Any] = []
        page.on("response", lambda response: bodies.append(response) if _is_data(response.url) else None)
        page.goto(f"/recordings/{recording}/review/")
        _until(page, "document.querySelectorAll('#bench-turns [data-w]').length > 0 && document.querySelector('audio').readyState > 0")
        page.wait_for_timeout(1500)
        sent = sum(len(gzip.compress(response.body())) for response in bodies) / 1e3
        memory = _memory(browser, page)
        box = page.locator("#bench-overview").bounding_box()
        page.locator("#bench-transcript").focus()

        def seek() -> None:
            for part in (0.2, 0.8, 0.5):
                page.mouse.click(box["x"] + part * box["width"], box["y"] + 20)
                page.wait_for_timeout(150)
            page.keyboard.press("l")

        def mark() -> None:
            for key in "147":
                page.keyboard.press("l")
                page.keyboard.press(key)
                page.wait_for_timeout(150)

        def zoom() -> None:
            for key in ("ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown", "ArrowDown"):
                page.keyboard.press(f"Shift+{key}")
                page.wait_for_timeout(100)

        def drag() -> None:
            place = page.evaluate(_LANE)
            page.wait_for_timeout(300)  # the list follows what this chose, not the pointer
            page.mouse.move(*place)
            page.mouse.down()
            page.mouse.move(place[0] + 90, place[1], steps=12)
            page.mouse.up()

        def find() -> None:
            page.keyboard.press("/")
            page.keyboard.type("friday", delay=30)
            page.keyboard.press("Enter")
            page.locator("#bench-transcript").focus()

        def scroll() -> None:
            _wheel(page, 300, 640)
            _wheel(page, 1050, 640)

        acts = {"seeking": seek, "marking": mark, "zooming": zoom, "dragging": drag, "finding": find, "scrolling": scroll}
        found = _measure(page, acts)
        browser.close()
    return {"sent": sent, **memory, "acts": found}


_LANE = """(() => { const { pl } = document.getElementById('bench'); const box = document.getElementById('bench-lanes').getBoundingClientRect()
  const { from, span } = pl.wave.view(); const note = pl.notes.list().find((one) => one.start > from + span / 4)
  pl.notes.choose(note.id); return [box.left + ((note.start + note.end) / 2 - from) / span * box.width,
    box.top + (document.getElementById('bench').pl.data.codes.findIndex((one) => one.slug === note.code) * 18) + 29] })()"""


def _is_data(url: str) -> bool:
    return any(part in url for part in ("/review/", "/reviews/", "/peaks/"))


def _peer(bench: Bench, launch: Callable[[], Any]) -> dict[str, Any] | None:
    """None where npm is not at hand, or cannot install it."""
    npm = shutil.which("npm")
    folder = bench.folder / "wavesurfer"
    folder.mkdir()
    if (
        npm is None
        or subprocess.run([npm, "install", "--silent", "wavesurfer.js@8"], cwd=folder, check=False, capture_output=True).returncode
    ):
        return None
    served = folder / "node_modules" / "wavesurfer.js" / "dist"
    (served / "index.html").write_text(_PEER.replace("COUNT", str(NOTES)))
    shutil.copyfile(bench.folder / "bench-sound", served / "sound")
    with _serving(served) as port:
        browser = launch()
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(_WATCH)
        page.goto(f"http://127.0.0.1:{port}/index.html")
        _until(page, "document.body.dataset.ready === '1'")
        page.wait_for_timeout(1500)
        memory = _memory(browser, page)

        def seek() -> None:
            for x in (200, 900, 600):
                page.mouse.click(x, 60)
                page.wait_for_timeout(150)

        def zoom() -> None:
            for size in (20, 40, 80):
                page.evaluate(f"window.wave.zoom({size})")
            page.mouse.click(640, 60)

        def scroll() -> None:
            page.mouse.move(600, 60)
            for _ in range(25):
                page.mouse.wheel(700, 0)
                page.wait_for_timeout(40)

        found = _measure(page, {"seeking": seek, "zooming": zoom, "scrolling": scroll})
        browser.close()
    return {"sent": len(gzip.compress((served / "sound").read_bytes(), 1)) / 1e3, **memory, "acts": found}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, "": "audio/mpeg"}

    def log_message(self, *_arguments: Any) -> None:
        """Nothing: the table is what is printed."""


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


# In the room's own process

_PREPARE = """
import django, json; django.setup()
from recordings import benching_bench
print(json.dumps(benching_bench.prepare({sound!r})))
"""


def prepare(sound: str) -> tuple[str, str]:
    """A long recording with its words, and a consultant's review of it full of annotations: her session, the recording's id."""
    from importlib import import_module

    import numpy as np
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.utils import timezone

    from recordings import benchroom, features, review, vault
    from recordings.models import Annotation, Processing, Recording
    from supervision.models import Membership

    recording_id, _token = benchroom.prepare(sound)
    recording = Recording.objects.select_related("team__programme").get(pk=recording_id)
    now = timezone.now()
    content = Path(sound).read_bytes()
    vault.seal(recording, "playback", [content], now=now)
    every, said = MINUTES * 60 / TURNS, "so what happened on Friday morning before school".split()
    words: list[dict[str, Any]] = [
        {"start": at * every / 9, "end": (at + 0.9) * every / 9, "text": f" {word}", "probability": 0.9} for at, word in enumerate(said)
    ]
    turns = [
        {
            "start": number * every,
            "end": number * every + every * 0.95,
            "text": " ".join(said),
            "words": [{**word, "start": word["start"] + number * every, "end": word["end"] + number * every} for word in words],
            "supported": True,
            "speaker": f"S{number % 2 + 1}",
        }
        for number in range(TURNS)
    ]
    with Path(sound).open("rb") as file:
        samples = audio.decode(file)
    probability = np.ones(len(samples) // 512, np.float32)
    vault.seal(recording, "features", [features.with_words(features.peaks_only(samples), turns, probability=probability)], now=now)
    Processing.objects.filter(recording=recording).update(state=Processing.State.DONE)
    Recording.objects.filter(pk=recording.pk).update(state=Recording.State.READY, duration_ms=min(recording.duration_ms, MINUTES * 60_000))
    recording.refresh_from_db()
    rater = Membership.objects.get(team=recording.team, role=Membership.Role.CONSULTANT).user
    own = review.start(recording=recording, rater=rater, now=now)
    codes = list(recording.team.programme.codes.order_by("position", "pk"))
    step = MINUTES * 60_000 // NOTES
    Annotation.objects.bulk_create(
        Annotation(
            review=own, code=codes[at % len(codes)], start_ms=at * step, end_ms=at * step + step - 300, created_at=now, changed_at=now
        )
        for at in range(NOTES)
    )
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(rater.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = rater.get_session_auth_hash()
    session.create()
    return session.session_key, recording_id
