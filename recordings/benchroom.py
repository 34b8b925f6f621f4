"""A small Plumbline of its own for `make bench`: a folder and a database, thrown away afterwards; the real worker's child at work."""

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

_LEASE_SECONDS = 3600  # nobody else is there to take over


@dataclass(frozen=True)
class Processed:
    recording: str
    seconds: float  # from the start of the child to its end
    peak_bytes: int  # of its resident memory
    first_text_s: float  # from the start of the child to the first sealed piece
    page_s: float | None  # from the sealing of the peaks to the review page, where that was watched


class Room:
    def __init__(self, folder: Path) -> None:
        self.database = folder / "db.sqlite3"
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "DEMO": "1",
            "DJANGO_SETTINGS_MODULE": "cms.settings",
            "PLUMBLINE_DATA": str(folder),
            "WEIGHTS_DIR": str(settings.WEIGHTS_DIR),
            "PROCESSING_LEASE_SECONDS": str(_LEASE_SECONDS),
            "RECORDING_MAX_SECONDS": "14400",
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        self.run("-m", "django", "migrate", "--verbosity", "0")
        self.run("-m", "django", "createcachetable")
        self.run("-m", "django", "collectstatic", "--noinput", "--verbosity", "0")

    def run(self, *arguments: str, **more: str) -> str:
        environment = {**self.environment, **more}
        command = [sys.executable, "-W", "ignore", *arguments]
        done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def call(self, code: str) -> Any:
        """What a piece of code prints, as JSON, run in this Plumbline."""
        said = self.run("-c", f"import django, json; django.setup(); from recordings import benchroom\nprint(json.dumps(benchroom.{code}))")
        return json.loads(said.splitlines()[-1])

    def process(self, sound: Path, *, engine: str, model: str, with_page: bool = False) -> Processed:
        """One recording through the worker's child, as after an upload: playback, peaks, speech, speakers, features, all sealed."""
        recording, token = self.call(f"prepare({str(sound)!r})")
        pages: list[float] = []
        watcher = threading.Thread(target=lambda: pages.append(self.call(f"page_after_peaks({recording!r})")))
        if with_page:
            watcher.start()
            time.sleep(6)  # until it has loaded what a web process has loaded
        more = {"TRANSCRIPTION_ENGINE": engine, "TRANSCRIPTION_DEVICE": "cpu", "WHISPER_MODEL": model}
        begun = time.perf_counter()
        command = [sys.executable, "-W", "ignore", "-m", "recordings.child", recording, str(token), str(os.getpid())]
        child = subprocess.Popen(command, cwd=settings.BASE_DIR, env={**self.environment, **more})
        first_text, ended = None, 0
        while not ended:
            ended, status, used = os.wait4(child.pid, os.WNOHANG)
            if first_text is None and self._has_words(recording):
                first_text = time.perf_counter() - begun
            time.sleep(0.02)
        seconds = time.perf_counter() - begun
        if status:
            raise RuntimeError(f"The recording was not processed: {self.call(f'failure({recording!r})')}")
        if with_page:
            watcher.join()
        return Processed(recording, seconds, used.ru_maxrss * 1024, first_text or seconds, pages[0] if pages else None)

    def _has_words(self, recording: str) -> bool:
        """Whether the first piece is sealed. Read beside the child's own connection."""
        query = "SELECT 1 FROM recordings_sealedobject WHERE recording_id = ? AND kind = 'piece'"
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)) as connection:
            return connection.execute(query, (uuid.UUID(recording).hex,)).fetchone() is not None

    def text(self, recording: str) -> str:
        return str(self.call(f"text({recording!r})"))


# In the room's own processes


def prepare(sound: str) -> tuple[str, int]:
    """A recording whose original is sealed and whose processing this process has claimed: its id and the token."""
    import datetime as dt

    from django.utils import timezone

    from recordings import ledger, vault
    from recordings.models import Consent, ConsentPerson, ConsentWording, Processing, Purpose, Recording
    from supervision.instruments import load_instruments
    from supervision.models import FamilyReference, Instrument, Membership, Programme, Team, User

    now = timezone.now()
    today = timezone.localdate(now)
    if not Instrument.objects.exists():
        load_instruments()
    number = Recording.objects.count() + 1
    programme = Programme.objects.create(name=f"Bench {number}", slug=f"bench-{number}", model_name="Multisystemic Therapy")
    team = Team.objects.create(name=f"Bench {number}", slug=f"bench-{number}", programme=programme)
    people = {}
    for role in (Membership.Role.THERAPIST, Membership.Role.CONSULTANT):
        people[role] = User.objects.create_user(email=f"{role}{number}@example.org", first_name=str(role))
        Membership.objects.create(user=people[role], team=team, role=role, starts_on=today, added_at=now)
    therapist = people[Membership.Role.THERAPIST]
    family = FamilyReference.objects.create(
        team=team, therapist=therapist, reference=f"B-{number}", initials="B.B.", opened_on=today - dt.timedelta(days=30)
    )
    wording = ConsentWording.objects.create(programme=programme, version=1, text="A benchmark.", effective_from=today)
    consent = Consent.objects.create(
        family=family,
        wording=wording,
        method=Consent.Method.SIGNED_PAPER,
        filed_at="Nowhere: a benchmark",
        given_on=today,
        recorded_at=now,
        recorded_by=therapist,
    )
    purposes = [str(purpose) for purpose in (Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE)]
    ConsentPerson.objects.create(consent=consent, role=ConsentPerson.Role.CAREGIVER, initials="B.B.", purposes=purposes)
    content = Path(sound).read_bytes()
    recording = Recording.objects.create(
        consent=consent,
        family=family,
        therapist=therapist,
        team=team,
        session_on=today,
        uploaded_at=now,
        duration_ms=_duration_ms(sound),
        container=Path(sound).suffix[1:],
        size=len(content),
        fingerprint=uuid.uuid4().hex,
    )
    vault.create_key(recording.pk)
    vault.seal(recording, "original", [content], now=now)
    Processing.objects.create(recording=recording, queued_at=now, sent_at=now)
    token = ledger.claim(recording.pk, now=ledger.clock())
    return str(recording.pk), token or 0


def _duration_ms(sound: str) -> int:
    from recordings import audio

    with Path(sound).open("rb") as content:
        return audio.inspect(content, max_seconds=4 * 3600).duration_ms


def page_after_peaks(recording_id: str) -> float:
    """Seconds from the sealing of the peaks until the consultant has the review page."""
    from django.test import Client
    from django.urls import reverse
    from django.utils import timezone

    from recordings import review
    from recordings.models import Recording, SealedObject
    from supervision.models import Membership

    recording = Recording.objects.select_related("team").get(pk=recording_id)
    rater = Membership.objects.get(team=recording.team, role=Membership.Role.CONSULTANT).user
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(rater)
    client.get("/")  # templates, routes and the connection are loaded, as in a web process at work
    while not SealedObject.objects.filter(recording=recording, kind="features").exists():
        time.sleep(0.02)
    seen = SealedObject.objects.get(recording=recording, kind="features").sealed_at
    review.start(recording=recording, rater=rater, now=timezone.now())
    answer = client.get(reverse("recordings:review", args=[recording.pk]))
    if answer.status_code != 200:
        raise RuntimeError(f"The review page answered {answer.status_code}.")
    return (timezone.now() - seen).total_seconds()


class _Plain(io.FileIO):
    """A plain file, served as a sealed one is."""

    object_id = "plain"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.size = path.stat().st_size

    def check(self) -> None:
        """There is no key that could go."""


def range_requests(sound: str, count: int, length: int) -> tuple[float, float]:
    """Milliseconds for a Range request to the site for the sound to play: sealed, and from a plain file."""
    import random

    from django.test import Client
    from django.urls import reverse
    from django.utils import timezone

    from recordings import audio, vault
    from recordings.models import Recording

    recording_id, _token = prepare(sound)
    recording = Recording.objects.get(pk=recording_id)
    with Path(sound).open("rb") as content:
        playback = b"".join(audio.make_playback(content)) * 4
    vault.seal(recording, "playback", [playback], now=timezone.now())
    plain = Path(settings.PLUMBLINE_DATA) / "plain"
    plain.write_bytes(playback)
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(recording.therapist)
    url = reverse("recordings:audio", args=[recording_id])
    places = [random.Random(2).randrange(len(playback) - length) for _ in range(count)]  # noqa: S311 (places to read, not a secret)

    def answer() -> float:
        begun = time.perf_counter()
        for place in places:
            response = client.get(url, headers={"range": f"bytes={place}-{place + length - 1}"})
            if response.status_code != 206 or sum(map(len, response)) != length:
                raise RuntimeError(f"The range was answered with {response.status_code}.")
            response.close()
        return 1000 * (time.perf_counter() - begun) / count

    answer()
    ours = answer()
    vault.open_sealed = lambda *_arguments, **_options: _Plain(plain)  # type: ignore[assignment]
    return ours, answer()


def failure(recording_id: str) -> str:
    from recordings.models import Processing

    return Processing.objects.get(recording_id=recording_id).failure


def text(recording_id: str) -> str:
    from recordings import transcript
    from recordings.models import Recording

    return " ".join(segment["text"] for segment in transcript.segments(Recording.objects.get(pk=recording_id)))
