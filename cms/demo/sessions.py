"""The demo's recorded sessions: three whole ones, two of them reviewed by the consultant, and three short ones, one of which
retention destroys soon.

The worker transcribes them for real once it runs. Scripts are ours and the voices are synthetic (`audio/README.md`).
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from django.db import transaction

from cms.demo import consents, governing, twice
from recordings import annotation, listening, review, sent, uploads, vault
from recordings.models import Assignment, Code, Recording, Review
from supervision.models import FamilyReference, Instrument, Item

if TYPE_CHECKING:
    from cms.demo.load import Loaded

AUDIO = Path(__file__).resolve().parent / "audio"
REVIEWS = Path(__file__).resolve().parent / "reviews.yaml"
# file, family, days before the load on which it took place
SESSIONS = (
    ("session-4.opus", "M-318", 57),  # its programme keeps it for 60 days
    ("session-5.opus", "H-2044", 20),
    ("session-6.opus", "H-2043", 7),
    ("session-1.opus", "H-2041", 15),
    ("session-2.opus", "H-2041", 3),
    ("session-3.opus", "M-318", 11),
)


def are_loaded() -> bool:
    families = {reference for _, reference, _ in SESSIONS}
    reviewed = Review.objects.filter(recording__family__reference__in=families, state=Review.State.RELEASED).count()
    sent = Recording.objects.filter(family__reference__in=families).count()
    return sent > len(SESSIONS) and reviewed >= 2 and governing.is_loaded() and twice.is_loaded()


def load(loaded: "Loaded") -> None:
    with transaction.atomic():
        consents.load(loaded)
    governing.destroy_mistake(loaded, upload)
    reviews = yaml.safe_load(REVIEWS.read_text(encoding="utf-8"))
    for name, reference, days in SESSIONS:
        recording = upload(loaded, name, reference, days)
        if name in reviews:
            rate(loaded, recording, reviews[name], submitted=days - 4)
    governing.load(loaded)
    twice.load(loaded, rate)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(65536):
            yield block


def upload(loaded: "Loaded", name: str, reference: str, days: int) -> Recording:
    family = FamilyReference.objects.get(reference=reference)
    session_on = loaded.days_ago(days)
    there = Recording.objects.filter(family=family, session_on=session_on).first()
    if there is not None:
        return there
    staged = vault.Staging()
    try:
        for block in _blocks(AUDIO / name):
            staged.write(block)
        return uploads.receive(
            consent=family.consents.get(), session_on=session_on, staged=staged, by=family.therapist, now=loaded.at(max(days - 1, 0), 18)
        )
    finally:
        staged.discard()


@transaction.atomic
def rate(loaded: "Loaded", recording: Recording, said: dict[str, Any], *, submitted: int, asked: Assignment | None = None) -> None:
    """A finished review, Cora's or of the rater who was asked, by the same functions as on the page; only `review.start` is
    passed by, because the demo's recordings are transcribed after the demo is loaded."""
    rater = asked.rater if asked else loaded.users["Cora"]
    if Review.objects.filter(recording=recording, rater=rater).exists():
        return
    now = loaded.at(submitted, 14)
    instrument = Instrument.objects.get(slug=review.INSTRUMENT, is_current=True)
    draft = Review.objects.create(recording=recording, rater=rater, instrument=instrument, assignment=asked, started_at=now)
    sent.note(recording=recording, person=rater, spans=[(0, recording.duration_ms)], now=now)
    listening.heard(recording=recording, person=rater, purpose="review", intervals_ms=[(0, recording.duration_ms)], now=now)
    codes = {code.slug: code for code in Code.objects.filter(programme=recording.team.programme)}
    marks = {}
    for moment in said["moments"]:
        marks[moment["id"]] = annotation.annotate(
            review=draft,
            code=codes[moment["code"]],
            start_ms=int(moment["from"] * 1000),
            end_ms=int(moment["to"] * 1000),
            comment=moment["comment"],
            by=rater,
            now=now,
        )
    items = {item.key: item for item in Item.objects.filter(instrument=instrument)}
    for key, (score, evidence) in said["scores"].items():
        review.score(
            review=draft,
            item=items[key],
            score=score,
            is_not_applicable=score is None,
            evidence=[marks[name].pk for name in evidence],
            version=0,
            by=rater,
            now=now,
        )
    for name in review.TEXTS:
        review.write(review=draft, name=name, text=said[name], seen=None, by=rater)
    review.submit(review=draft, by=rater, now=now + dt.timedelta(minutes=40))
    if said.get("released", True):
        draft.refresh_from_db()
        review.release(review=draft, by=rater, now=now + dt.timedelta(minutes=45))
