"""A real site for the browser: the demo as `make demo` starts it, with its worker, on a port and in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

BASE = Path(__file__).resolve().parent.parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
PASSWORD = "plumbline demo"
START = 15 * 60  # seconds: a minute on a machine that has nothing else to do
expect.set_options(timeout=60_000)  # the machine may be busy: a sentence that comes late is still right


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory):
    """Its address. Loading takes most of a minute; the worker then transcribes with tiny.en while the tests run.
    PLUMBLINE_TEST_SITE names one that runs already, which is quicker while a test is being written."""
    if running := os.environ.get("PLUMBLINE_TEST_SITE"):
        yield running
        return
    data = tmp_path_factory.mktemp("demo")
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}}
    environment |= {"PLUMBLINE_DATA": str(data), "PORT": str(port), "WHISPER_MODEL": "tiny.en"}
    with (data / "log").open("wb") as log:  # the process keeps its own
        process = subprocess.Popen(
            [sys.executable, "-m", "cms.demo.run"], cwd=BASE, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(START):
            time.sleep(1)
            if process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{address}/health/ready", timeout=5):  # noqa: S310
                    break
            except OSError:
                continue
        else:
            pytest.fail(f"The demo did not start: {(data / 'log').read_text()[-3000:]}")
        if process.poll() is not None:
            pytest.fail(f"The demo ended at once: {(data / 'log').read_text()[-3000:]}")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def browser():
    if not CHROMIUM:
        pytest.fail("Chromium is missing; `make test` installs it.")
    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--autoplay-policy=no-user-gesture-required",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def sign_in(browser, demo_site):
    """`sign_in("thea@harbour.example")` gives a page of a browser of her own, on her home page."""
    contexts = []

    def go(email, *, width=1280, height=900, **options):
        context = browser.new_context(base_url=demo_site, viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto("/accounts/login/")
        page.fill("input[name=login]", email)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url("**/")
        return page

    yield go
    for context in contexts:
        context.close()
