"""What shows that a consent was given. Until there is something, a recording under it is for its therapist only.

A signature or a name typed on the device is kept as it is given. A spoken consent needs its place on a recording, or a witness;
a form on paper needs a scan, or the place where it is filed. Both can be given after the upload.
"""

import datetime as dt

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from recordings.models import Consent, ConsentPaper, Recording
from supervision.models import Membership, User

OVERDUE_DAYS = 7
SPOKEN = "Nothing shows this spoken consent yet. Enter where on the recording it is spoken, or who was a witness."
PAPER = "Nothing shows this consent on paper yet. Add a scan of the form, or say where it is filed."


def missing(consent: Consent) -> str:
    """What is still to be given, as sentences; empty where something shows the consent."""
    if consent.method == Consent.Method.SPOKEN:
        return "" if consent.spoken_at_ms is not None or consent.witness else SPOKEN
    if consent.method == Consent.Method.SIGNED_PAPER and not consent.filed_at:
        return "" if consent.papers.filter(kind=ConsentPaper.Kind.FORM).exists() else PAPER
    return ""


def overdue(*, on: dt.date) -> list[Consent]:
    """Consents written down more than a week ago with nothing to show for them, not withdrawn, the oldest first; also ended
    ones, for as long as something recorded under them is kept."""
    before = timezone.make_aware(dt.datetime.combine(on - dt.timedelta(days=OVERDUE_DAYS), dt.time.min))
    kept = Recording.objects.kept().filter(consent=OuterRef("pk"))
    standing = Q(pk__in=Consent.objects.in_force(on).values("pk")) | Exists(kept)
    found = Consent.objects.filter(standing, recorded_at__lt=before, withdrawn_at__isnull=True)
    found = found.exclude(pk__in=Consent.objects.evidenced().values("pk"))
    return list(found.select_related("family__team", "family__therapist").order_by("recorded_at", "pk"))


def overdue_for(user: User, *, on: dt.date) -> list[Consent]:
    """Those of them that this person can put right: as therapist of the family, or as a supervisor of its team."""
    held = Membership.objects.of(user).on(on)
    supervised = set(held.filter(role__in=Membership.SUPERVISORS).values_list("team_id", flat=True))
    treated = supervised | set(held.filter(role=Membership.Role.THERAPIST).values_list("team_id", flat=True))
    return [
        consent
        for consent in overdue(on=on)
        if consent.family.team_id in supervised or (consent.family.therapist_id == user.pk and consent.family.team_id in treated)
    ]
