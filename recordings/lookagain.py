"""The day on which a consent is looked at again because a young person grows up: at 16 or 18 they may decide for themselves.

No birth date is kept. A therapist who knows it sets a month, and of that the first day is kept, which is nobody's birthday.
"""

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from wagtail.log_actions import log

from recordings.models import Consent, ConsentPerson
from supervision.models import Membership, User


class NotAgain(Exception):
    """No such day can be set; the text says why."""


def month_of(day: dt.date) -> dt.date:
    """The first day of its month."""
    return day.replace(day=1)


def check(role: str, day: dt.date | None, *, today: dt.date) -> None:
    """Raises NotAgain."""
    if day is None:
        return
    if role != ConsentPerson.Role.YOUNG_PERSON:
        raise NotAgain("Only for a young person a consent is looked at again. Leave the month empty for everybody else.")
    if month_of(day) <= today:
        raise NotAgain("The month has begun already. Enter a later one, or leave it empty and ask for a new consent now.")


@transaction.atomic
def set_month(*, person: ConsentPerson, day: dt.date | None, by: User, now: dt.datetime) -> ConsentPerson:
    """Sets, moves or takes out the month, given as any day of it. Raises NotAgain."""
    consent = Consent.objects.select_for_update().get(pk=person.consent_id)
    if consent.withdrawn_at is not None:
        raise NotAgain("This consent was withdrawn. Nothing is changed in it any more.")
    check(person.role, day, today=timezone.localdate(now))
    person.look_again_on = month_of(day) if day else None
    person.save(update_fields=["look_again_on"])
    log(instance=consent, action="recordings.look_again", user=by, data={"person": person.pk, "is_set": day is not None})
    return person


def is_due(consent: Consent, *, on: dt.date) -> bool:
    """Whether somebody heard in it has reached the month, and the consent is still in force."""
    is_over = consent.withdrawn_at is not None or (consent.valid_until is not None and consent.valid_until < on)
    return not is_over and any(person.look_again_on is not None and person.look_again_on <= on for person in consent.people.all())


def due(user: User, on: dt.date) -> list[Consent]:
    """Consents in force whose month has come and that this person could ask for anew, the earliest first; none of a family
    that was asked again since."""
    held = Membership.objects.of(user).on(on).filter(team=OuterRef("family__team"))
    supervises = held.filter(role__in=Membership.SUPERVISORS)
    treats = held.filter(role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS])
    reached = ConsentPerson.objects.filter(consent=OuterRef("pk"), look_again_on__lte=on)
    asked_since = Consent.objects.filter(family=OuterRef("consent__family"), given_on__gte=OuterRef("look_again_on"))
    is_open = Q(family__closed_on__isnull=True) | Q(family__closed_on__gte=on)
    found = Consent.objects.in_force(on).filter(is_open, Exists(reached.exclude(Exists(asked_since))))
    found = found.filter(Exists(supervises) | Q(Exists(treats), family__therapist=user))
    return list(found.select_related("family").order_by("given_on", "pk"))
