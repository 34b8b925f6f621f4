"""A worry about somebody's safety, raised from a recording by whoever hears it, until a supervisor has closed it with an outcome.

Its words are sealed under the recording's key and go with it. Plumbline is not the emergency route, and says so; what must be
kept belongs in the service's own safeguarding record. A concern never shows a score, so a blind review stays blind.
"""

import datetime as dt
from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from wagtail.log_actions import log

from recordings import comments
from recordings.models import Concern, Recording
from supervision.models import Membership, User


class ConcernRefused(ValueError):
    """It cannot be so; str() says why, for people."""


def readers(recording: Recording, *, with_therapist: bool, on: dt.date) -> list[User]:
    """Who is told: the team's supervisors and back-up supervisors, and the recording's therapist unless the raiser left them out."""
    supervisors = Membership.objects.on(on).filter(team=recording.team_id, role__in=Membership.SUPERVISORS)
    found = {row.user_id: row.user for row in supervisors.select_related("user").order_by("user__first_name", "pk")}
    if not with_therapist:
        found.pop(recording.therapist_id, None)
    elif Membership.objects.of(recording.therapist).on(on).filter(team=recording.team_id).exists():
        found[recording.therapist_id] = recording.therapist
    return list(found.values())


@transaction.atomic
def raise_concern(
    *,
    recording: Recording,
    urgency: str,
    text: str,
    at_ms: int | None = None,
    with_therapist: bool = True,
    by: User,
    now: dt.datetime,
) -> Concern:
    """Seals the words and tells those who lead the team by e-mail, which holds nothing of them. Raises ConcernRefused, vault.KeyGone."""
    if recording.state == Recording.State.DESTROYED:
        raise ConcernRefused("The recording is gone. Tell your safeguarding lead yourself.")
    if at_ms is not None and not 0 <= at_ms <= recording.duration_ms:
        raise ConcernRefused("That time is outside the recording.")
    told = readers(recording, with_therapist=with_therapist, on=timezone.localdate(now))
    if not any(one.pk not in (by.pk, recording.therapist_id) for one in told):
        raise ConcernRefused(
            "There is nobody else who leads this team today and could read it here. Tell your safeguarding lead yourself, now."
        )
    sealed = comments.sealed(recording, text)
    if sealed is None:
        raise ConcernRefused("Write what worries you.")
    concern = Concern.objects.create(
        recording=recording,
        at_ms=at_ms,
        urgency=Concern.Urgency(urgency),
        text=sealed,
        with_therapist=with_therapist,
        raised_by=by,
        raised_at=now,
    )
    log(instance=recording, action="recordings.concern", user=by, data={"concern": str(concern.pk)})
    for person in told:
        if person.pk != by.pk:
            # Robust: a mail server that is down must not undo the concern; it stands on their home pages.
            transaction.on_commit(partial(_send, concern, person), robust=True)
    return concern


@transaction.atomic
def close(*, concern: Concern, outcome: str, by: User, now: dt.datetime) -> Concern:
    """Ends it with what was done. Closing again changes nothing. Raises ConcernRefused, vault.KeyGone."""
    stored = Concern.objects.select_for_update(of=("self",)).select_related("recording").get(pk=concern.pk)
    if stored.closed_at is not None:
        return stored
    is_gone = stored.recording.state == Recording.State.DESTROYED
    sealed = None if is_gone else comments.sealed(stored.recording, outcome)
    if sealed is None and not is_gone:
        raise ConcernRefused("Write what was done, or why nothing had to be.")
    Concern.objects.filter(pk=stored.pk).update(closed_at=now, closed_by=by, outcome=sealed)
    log(instance=stored.recording, action="recordings.concern_close", user=by, data={"concern": str(stored.pk)})
    return Concern.objects.get(pk=stored.pk)


def counts(*, now: dt.datetime) -> dict[str, int]:
    """For the information governance lead, who learns how many there are and nothing more: open ones, and those open for over a week."""
    is_open = Concern.objects.filter(closed_at__isnull=True)
    return {"open": is_open.count(), "old": is_open.filter(raised_at__lt=now - dt.timedelta(days=7)).count()}


def _send(concern: Concern, person: User) -> None:
    link = f"{settings.SITE_URL.rstrip('/')}{reverse('recordings:concern', args=[concern.pk])}"
    text = render_to_string("recordings/concern_email.txt", {"person": person, "concern": concern, "link": link})
    send_mail("Plumbline: a concern was raised in your team", text, None, [person.email])
