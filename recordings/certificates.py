"""What a destruction certificate says: what was destroyed, when, why, on whose word, and from when no backup can be read."""

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from recordings import legalhold, research
from recordings.models import DestructionCertificate, LegalHold, SealedObject, Withdrawal
from supervision.models import Team

Reason = DestructionCertificate.Reason

# In words, for one and for several: what was sealed in the database, or lay within the sealed files.
COUNTED: dict[str, tuple[str, str]] = {
    "words": ("word of the transcript, with its times", "words of the transcript, with their times"),
    "voices": ("voice told apart, with what was computed from it", "voices told apart, with what was computed from them"),
    "edits": ("correction of the transcript", "corrections of the transcript"),
    "texts": ("comment or answer", "comments or answers"),
    "redactions": ("list of moments at which names were said", "lists of moments at which names were said"),
}


def facts(certificate: DestructionCertificate) -> dict[str, Any]:
    """What the page shows beside the certificate's own fields."""
    sealed = [{**item, "label": _label(item)} for item in certificate.items if "object" in item]
    return {
        "certificate": certificate,
        "sealed": sealed,
        "sealed_size": sum(item["size"] for item in sealed),
        "counted": [f"{count:,} {_counted(kind, count)}" for kind, count in counts(certificate).items()],
        "word_of": on_whose_word(certificate),
        "exports": research.exports_with(certificate.recording),
        "holds": legalhold.rows(
            LegalHold.objects.filter(recording=certificate.recording_id)
            .select_related("asked_by", "agreed_by", "released_by", "recording")
            .order_by("asked_at", "pk"),
            on=timezone.localdate(certificate.destroyed_at),
        ),
    }


def counts(certificate: DestructionCertificate) -> dict[str, int]:
    """How many of each kind that is counted and not named one by one."""
    found: dict[str, int] = {}
    for item in certificate.items:
        if "count" in item:
            found[item["kind"]] = found.get(item["kind"], 0) + item["count"]
    return found


def _counted(kind: str, count: int) -> str:
    one, several = COUNTED.get(kind, (kind, kind))
    return one if count == 1 else several


def _label(item: dict[str, Any]) -> str:
    known = dict(SealedObject.Kind.choices)
    label = known.get(item["kind"], item["kind"])
    return f"{label} {item['number'] + 1}" if item["kind"] == SealedObject.Kind.PIECE else label


def on_whose_word(certificate: DestructionCertificate) -> str:
    """ "The programme's retention rule, carried out by the system" """
    if certificate.reason == Reason.WITHDRAWAL:
        withdrawal = Withdrawal.objects.filter(consent=certificate.recording.consent_id).select_related("recorded_by").first()
        if withdrawal is not None:
            told = withdrawal.get_channel_display()
            return f"The family. {told}" + (f", written down by {withdrawal.recorded_by}" if withdrawal.recorded_by else "")
    if certificate.destroyed_by is not None:
        return str(certificate.destroyed_by)
    return {
        Reason.RETENTION: "The programme's retention rule, carried out by the system",
        Reason.WITHDRAWAL: "The family, carried out by the system",
    }.get(Reason(certificate.reason), "An earlier decision, carried out by the system")


def among(
    certificates: QuerySet[DestructionCertificate],
    *,
    reason: str = "",
    team: Team | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> QuerySet[DestructionCertificate]:
    """Those of a reason, a team, and of destructions between two days, inclusive; the latest first."""
    if reason:
        certificates = certificates.filter(reason=reason)
    if team is not None:
        certificates = certificates.filter(recording__team=team)
    if since is not None:
        certificates = certificates.filter(destroyed_at__date__gte=since)
    if until is not None:
        certificates = certificates.filter(destroyed_at__date__lte=until)
    related = ("recording__family", "recording__team", "recording__therapist", "destroyed_by")
    return certificates.select_related(*related).order_by("-destroyed_at", "-pk")
