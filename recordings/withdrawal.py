"""Taking a consent back. It acts at once on every recording made under it, whatever state each is in."""

import datetime as dt

from django.db import transaction
from wagtail.log_actions import log

from recordings import destruction
from recordings.models import Consent, ConsentPerson, DestructionCertificate, Recording, Withdrawal
from supervision.models import User


def withdraw(*, consent: Consent, person: ConsentPerson | None = None, channel: str, by: User, now: dt.datetime) -> Withdrawal:
    """Withdraws the consent for everybody: a voice cannot be taken out of a recording. Doing it again changes nothing.

    The consent is closed first and for itself, so that nothing more can begin under it (an upload that is under way is
    refused at its end); then each recording is destroyed. What a crash leaves over `destruction.finish_pending` destroys.
    """
    withdrawal = _close(consent, person=person, channel=channel, by=by, now=now)
    for recording in Recording.objects.kept().filter(consent=consent).order_by("uploaded_at", "pk"):
        destruction.destroy(recording=recording, reason=DestructionCertificate.Reason.WITHDRAWAL, by=by, now=now)
    consent.refresh_from_db()
    return withdrawal


@transaction.atomic
def _close(consent: Consent, *, person: ConsentPerson | None, channel: str, by: User, now: dt.datetime) -> Withdrawal:
    locked = Consent.objects.select_for_update().get(pk=consent.pk)
    existing = Withdrawal.objects.filter(consent=locked).first()
    if existing is not None:
        return existing
    locked.withdrawn_at = now
    locked.save(update_fields=["withdrawn_at"])
    withdrawal = Withdrawal.objects.create(consent=locked, person=person, channel=channel, withdrawn_at=now, recorded_by=by)
    log(instance=locked, action="recordings.withdraw", user=by, data={"person": person.pk if person else None, "channel": channel})
    return withdrawal
