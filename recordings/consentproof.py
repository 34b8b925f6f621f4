"""Giving a consent what shows it: where it is spoken and who was a witness, or where the form on paper is filed.

With that the recordings under it, which until then were for their therapist only, go their ordinary way.
"""

import contextlib
import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from wagtail.log_actions import log

from recordings import consent as consents
from recordings import pipeline
from recordings.consent import ConsentRefused
from recordings.models import Consent, Purpose, Recording
from supervision.models import User


@transaction.atomic
def place_spoken(*, consent: Consent, spoken_at_ms: int | None, witness: str | None = None, by: User, now: dt.datetime) -> Consent:
    """Enters or corrects where on the recording the consent is spoken, in milliseconds, and who was a witness, where that is
    given. Raises ConsentRefused."""
    locked = _locked(consent, Consent.Method.SPOKEN, "Only a spoken consent has a time on the recording.")
    heard_on = Recording.objects.kept().filter(Q(consent=locked) | Q(earlier_consents__consent=locked))
    longest = max(heard_on.values_list("duration_ms", flat=True), default=None)
    if spoken_at_ms is not None and longest is not None and spoken_at_ms >= longest:
        raise ConsentRefused("That is after the end of the recording. Listen again and enter minutes and seconds.")
    locked.spoken_at_ms = spoken_at_ms
    locked.witness = locked.witness if witness is None else witness.strip()
    locked.save(update_fields=["spoken_at_ms", "witness"])
    about = {"is_set": spoken_at_ms is not None, "has_witness": bool(locked.witness)}
    log(instance=locked, action="recordings.consent_spoken", user=by, data=about)
    begin_transcripts(locked, by=by, now=now)
    consent.spoken_at_ms, consent.witness = locked.spoken_at_ms, locked.witness
    return consent


@transaction.atomic
def file_form(*, consent: Consent, filed_at: str, by: User, now: dt.datetime) -> Consent:
    """Enters or corrects where the signed form is kept; empty takes it out. Raises ConsentRefused."""
    locked = _locked(consent, Consent.Method.SIGNED_PAPER, "Only a consent on paper is kept in a paper file.")
    locked.filed_at = filed_at.strip()
    locked.save(update_fields=["filed_at"])
    log(instance=locked, action="recordings.consent_filed", user=by, data={"is_set": bool(locked.filed_at)})
    begin_transcripts(locked, by=by, now=now)
    consent.filed_at = locked.filed_at
    return consent


def begin_transcripts(consent: Consent, *, by: User, now: dt.datetime) -> None:
    """Transcribes what was taken in before it could be: recordings under the consent that have no transcript and may have one."""
    if not consents.covers(consent, Purpose.TRANSCRIBE, on=timezone.localdate(now)):
        return
    for recording in Recording.objects.ready().filter(consent=consent, runs__isnull=True).order_by("uploaded_at", "pk"):
        with contextlib.suppress(pipeline.NotRetryable):  # its page says why, and offers it
            pipeline.rerun(recording=recording, by=by, now=now)


def _locked(consent: Consent, method: str, refusal: str) -> Consent:
    locked = Consent.objects.select_for_update().get(pk=consent.pk)
    if locked.method != method:
        raise ConsentRefused(refusal)
    if locked.withdrawn_at is not None:
        raise ConsentRefused("This consent was withdrawn. Nothing is changed in it any more.")
    return locked
