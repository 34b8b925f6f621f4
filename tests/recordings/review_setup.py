"""What the tests of reviews share: a recording that is ready, a review with every item rated, and words sealed in it."""

import datetime as dt
import uuid

from django.utils import timezone

from recordings import annotation, codebook, listening, review, sent, vault
from recordings.models import Recording
from supervision.instruments import load_instruments
from supervision.models import Instrument, Item
from tests import factories

MINUTE = 60_000
SECRET = "Mum laughed at the washing up"


def ready_recording(therapist, team, *, consent=None, minutes=10, **fields):
    """A ready recording with a key and nothing sealed yet: enough for everything but listening itself."""
    consent = consent or factories.make_consent(factories.make_family(team, therapist))
    recording = Recording.objects.create(
        consent=consent,
        family=consent.family,
        therapist=therapist,
        team=team,
        session_on=factories.days_ago(3),
        state=Recording.State.READY,
        uploaded_at=fields.pop("uploaded_at", timezone.localtime() - dt.timedelta(days=2)),
        duration_ms=minutes * MINUTE,
        container="ogg",
        size=1000,
        fingerprint=uuid.uuid4().hex,
        **fields,
    )
    vault.create_key(recording.pk)
    return recording


def begin(recording, rater):
    if not Instrument.objects.exists():
        load_instruments()
    return review.start(recording=recording, rater=rater, now=timezone.now())


def code(review, slug="fit-explored"):
    return next(one for one in codebook.current(review.recording.team.programme) if one.slug == slug)


def mark(own, slug="fit-explored", start_ms=10_000, end_ms=18_000, comment=SECRET):
    return annotation.annotate(
        review=own, code=code(own, slug), start_ms=start_ms, end_ms=end_ms, comment=comment, by=own.rater, now=timezone.now()
    )


def rate_all(own, *, score=3, leave_out=()):
    for item in Item.objects.filter(instrument=own.instrument).exclude(key__in=leave_out):
        review.score(review=own, item=item, score=score, version=0, by=own.rater, now=timezone.now())


def hear(recording, person, start_ms=0, end_ms=None):
    end_ms = recording.duration_ms if end_ms is None else end_ms
    sent.note(recording=recording, person=person, spans=[(start_ms, end_ms)], now=timezone.now())
    return listening.heard(recording=recording, person=person, purpose="review", intervals_ms=[(start_ms, end_ms)], now=timezone.now())


def submitted(recording, rater):
    """A review with an annotation and overall words, submitted."""
    own = begin(recording, rater)
    mark(own)
    mark(own, "opening-missed", 30_000, 40_000, "He said nobody checks")
    review.write(review=own, name="strengths", text="You let her find it", seen=None, by=rater)
    review.write(review=own, name="next_step", text="Ask who checks at night", seen=None, by=rater)
    rate_all(own)
    hear(recording, rater)
    return review.submit(review=own, by=rater, now=timezone.now())


def released(recording, rater):
    return review.release(review=submitted(recording, rater), by=rater, now=timezone.now())
