"""What the tests of keeping share: midday, a recording with something sealed in it, and holds."""

import datetime as dt

from django.utils import timezone

from recordings import legalhold, vault
from recordings.models import Processing, Recording, Review, SealedObject
from supervision.models import Instrument
from tests import factories
from tests.recordings.making import bare_recording

DAY = dt.timedelta(days=1)


def midday(day=None):
    """Midday, so that so many days back is the same local day of the clock also where the clocks have changed between."""
    day = day or timezone.localdate()
    return timezone.make_aware(dt.datetime.combine(day, dt.time(12)))


def sealed_recording(team, therapist, *, now, **fields):
    """Ready, processed, with sound sealed under its key."""
    consent = fields.pop("consent", None) or factories.make_consent(factories.make_family(team, therapist))
    recording = bare_recording(consent=consent, state=Recording.State.READY, **{"uploaded_at": now, **fields})
    vault.seal(recording, SealedObject.Kind.PLAYBACK, [b"OggS" + b"what was said " * 50], now=now)
    Processing.objects.create(recording=recording, queued_at=now, state=Processing.State.DONE, finished_at=now)
    return recording


def released(recording, moment):
    instrument, _ = Instrument.objects.get_or_create(slug="i", defaults={"name": "I", "owner": "O", "licence_note": "N"})
    return Review.objects.create(
        recording=recording,
        rater=factories.make_user(),
        instrument=instrument,
        started_at=moment,
        submitted_at=moment,
        released_at=moment,
        state=Review.State.RELEASED,
    )


def held(recording, asker, agreer, *, now, days=30, reason="Complaint 12"):
    """A hold in force, until so many days from now."""
    hold = legalhold.ask(recording=recording, reason=reason, ends_on=timezone.localdate(now) + days * DAY, by=asker, now=now)
    return legalhold.agree(hold=hold, by=agreer, now=now)


def is_readable(recording):
    """Whether the sealed sound can still be opened: by whoever runs the server, not by a person of the site."""
    row = SealedObject.objects.filter(recording=recording).first()
    if row is None or not vault.has_key(recording.pk):
        return False
    with vault.open_sealed(row) as content:
        return content.read(4) == b"OggS"
