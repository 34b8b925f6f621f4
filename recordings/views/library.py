"""The recordings a person may know of, and the page of each: its life from consent to destruction."""

import datetime as dt

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from recordings import (
    accessrecord,
    certificates,
    destruction,
    evidence,
    keeping,
    legalhold,
    life,
    listening,
    permissions,
    reading,
    renewing,
    transcript,
    uploads,
    vault,
    voices,
)
from recordings import consent as consents
from recordings.forms import DeleteForm, LibraryFilter
from recordings.models import DestructionCertificate, EarlierConsent, LegalHold, Purpose, Recording, Review, SealedObject, SelfRating
from supervision import instruments
from supervision.http import AuthenticatedRequest
from supervision.models import Instrument

PER_PAGE = 25


@require_safe
def index(request: AuthenticatedRequest) -> HttpResponse:
    known = Recording.objects.visible_to(request.user)
    filters = LibraryFilter(request.GET, recordings=known)
    matching = keeping.with_dates(filters.apply(known).select_related("family", "therapist", "team", "certificate"))
    page = Paginator(matching, PER_PAGE).get_page(request.GET.get("page"))
    soon = keeping.soon_among(Recording.objects.filter(pk__in=[row.pk for row in page]), timezone.localdate())
    blind = set(Recording.objects.being_rated_by(request.user).filter(pk__in=[row.pk for row in page]).values_list("pk", flat=True))
    for row in page:
        if row.pk in blind:  # whoever still rates it does not learn that somebody else has
            row.released_at = None  # type: ignore[attr-defined]
    rows = [
        {
            "recording": row,
            "next": life.next_words(row, soon.get(row.pk)),
            "can_extend": row.pk in soon and permissions.can_extend(request.user, row),
            "tone": life.TONES[row.state],
            "minutes": row.duration_ms / 60_000,
        }
        for row in page
    ]
    context = {
        "filters": filters,
        "page": page,
        "rows": rows,
        "is_filtered": bool(request.GET.get("state") or request.GET.get("family") or request.GET.get("therapist")),
        "has_several_therapists": "therapist" in filters.fields,
        "can_upload": uploads.families_for(request.user).exists(),
    }
    return render(request, "recordings/recording_list.html", context)


def _load(request: AuthenticatedRequest, pk: str) -> Recording:
    known = Recording.objects.visible_to(request.user)
    related = known.select_related("consent__wording", "family", "therapist", "team__programme", "certificate", "processing")
    renewed = related.annotate(is_renewed=Exists(EarlierConsent.objects.filter(recording=OuterRef("pk"))))
    return get_object_or_404(keeping.with_dates(renewed.prefetch_related("consent__people")), pk=pk)


@require_safe
def detail(request: AuthenticatedRequest, pk: str) -> HttpResponse:
    recording = _load(request, pk)
    is_blind = Recording.objects.filter(pk=recording.pk, pk__in=Recording.objects.being_rated_by(request.user)).exists()
    released_at = None if is_blind else recording.released_at  # type: ignore[attr-defined]
    may_listen = permissions.can_listen(request.user, recording)
    has_sound = SealedObject.objects.filter(recording=recording, kind=SealedObject.Kind.PLAYBACK).exists()
    today = timezone.localdate()
    words = _transcript(request, recording)
    context = {
        "recording": recording,
        "can_retry": permissions.can_retry(request.user, recording),
        "family": recording.family,
        "tone": life.TONES[recording.state],
        "steps": life.steps(recording, released_at=released_at, on=today, is_wordless=bool(words.get("is_wordless"))),
        "privacy": life.privacy(recording, reader=request.user),
        "can_listen": may_listen and has_sound,
        **words,
        "can_review": Recording.objects.reviewable().filter(pk=recording.pk).exists() and permissions.can_review(request.user, recording),
        "can_ask_second": permissions.can_ask_second(request.user, recording) and _is_for_two(recording, released_at),
        "other_instruments": _other_instruments(request, recording),
        "self_rating_word": _self_rating_word(request, recording, has_sound=has_sound),
        "can_delete": permissions.can_delete(request.user, recording) and legalhold.is_held(recording, today) is None,
        "can_extend": permissions.can_extend(request.user, recording) and not life.why_closed(recording, on=today),
        "can_hold": permissions.can_hold(request.user, recording),
        "holds": _holds(request, recording),
        **_consent(request, recording, today),
        "voices": voices.panel(request.user, recording),
        "accesses": accessrecord.of(recording) if permissions.can_see_listening(request.user, recording) else None,
    }
    return render(request, "recordings/recording_detail.html", context)


def _consent(request: AuthenticatedRequest, recording: Recording, today: dt.date) -> dict[str, object]:
    """Under which consents it stood before; for those who can do something about its consent: what is missing, what comes at its end."""
    earlier = recording.earlier_consents.select_related("consent").order_by("replaced_at", "pk")
    found: dict[str, object] = {"earlier_consents": earlier if recording.is_renewed else []}  # type: ignore[attr-defined]
    consent = recording.consent
    to_show, is_closing = evidence.missing(consent), renewing.is_closing(consent, on=today)
    if consent.withdrawn_at or not (to_show or is_closing) or not permissions.can_use_renewal(request.user, recording):
        return found
    renewal = renewing.panel(recording, on=today)
    return found | {"to_show": to_show, "renewal": renewal, "can_record": permissions.can_record_consent(request.user, recording.family)}


def _is_for_two(recording: Recording, released_at: dt.datetime | None) -> bool:
    return released_at is None and consents.covers(recording.consent, Purpose.REVIEW, on=timezone.localdate())


def _other_instruments(request: AuthenticatedRequest, recording: Recording) -> list[Instrument]:
    """What somebody who has begun to review it, and was not asked to rate it, can review it with besides."""
    own = Review.objects.visible_to(request.user).filter(recording=recording, rater=request.user)
    if not own.exists() or not permissions.can_review(request.user, recording):
        return []
    used = set(own.values_list("instrument", flat=True))
    return [one for one in instruments.choices(recording.team) if one.pk not in used]


def _self_rating_word(request: AuthenticatedRequest, recording: Recording, *, has_sound: bool) -> str:
    """What leads the therapist to a rating of their own; empty where there is neither one nor time for one."""
    if recording.therapist_id != request.user.pk:
        return ""
    own = SelfRating.objects.visible_to(request.user).filter(recording=recording).first()
    if own is not None and (own.submitted_at or not permissions.can_rate_oneself(request.user, recording)):
        return "Your own rating"
    if not has_sound or not permissions.can_rate_oneself(request.user, recording):
        return ""
    return "Go on rating it yourself" if own else "Rate it yourself first"


def _holds(request: AuthenticatedRequest, recording: Recording) -> list[dict[str, object]]:
    """Every hold that there was, with what may be done about it: for those who decide on holds."""
    if recording.state != Recording.State.DESTROYED and not permissions.can_hold(request.user, recording):
        return []
    if recording.state == Recording.State.DESTROYED and not permissions.can_govern(request.user):
        return []
    holds = LegalHold.objects.filter(recording=recording).select_related("asked_by", "agreed_by", "released_by", "recording")
    return legalhold.rows(holds.order_by("asked_at", "pk"), on=timezone.localdate(), for_user=request.user)


def _transcript(request: AuthenticatedRequest, recording: Recording) -> dict[str, object]:
    if not permissions.can_read(request.user, recording):
        return {}
    try:
        layer = transcript.layer(recording)
    except (vault.KeyGone, vault.Damaged) as error:
        return {"transcript_trouble": str(error)}
    segments = [turn for turn in layer.turns if not turn["refused"]]
    if segments:
        reading.note_read(recording=recording, person=request.user, purpose=listening.LISTEN, now=timezone.now())
    return {"segments": segments, "is_wordless": bool(layer.run) and not layer.turns}


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: AuthenticatedRequest, pk: str) -> HttpResponse:
    recording = _load(request, pk)
    if not permissions.can_delete(request.user, recording):
        raise PermissionDenied("This recording can be deleted by the team's supervisors, and by its therapist until a review has begun.")
    now = timezone.now()
    form = DeleteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            destruction.destroy(
                recording=recording, reason=DestructionCertificate.Reason.MISTAKE, by=request.user, now=now, **form.cleaned_data
            )
        except destruction.Held as held:
            messages.error(request, str(held))
            return redirect("recordings:detail", recording.pk)
        messages.success(request, "The recording is destroyed. Nobody can hear or read it any more. This is its certificate.")
        return redirect("recordings:certificate", recording.pk)
    context = {
        "recording": recording,
        "family": recording.family,
        "form": form,
        "goes": [
            "The sound, the transcript, and what was computed from them.",
            "What a reviewer wrote about it, and the replies.",
            "Work on it that is under way.",
        ],
        "stays": [
            "That a session was recorded and when, and who listened.",
            "Scores that a reviewer has submitted, without a word that was said.",
            "The family's consent: other recordings under it are not touched.",
            f"A certificate of destruction. Backups become unreadable by {destruction.unreadable_on(now):%-d %B %Y}.",
        ],
    }
    return render(request, "recordings/recording_delete.html", context, status=422 if request.method == "POST" else 200)


@require_safe
def certificate(request: AuthenticatedRequest, pk: str) -> HttpResponse:
    recording = _load(request, pk)
    if recording.state != Recording.State.DESTROYED:
        raise Http404
    context = {"recording": recording, "family": recording.family, **certificates.facts(recording.certificate)}
    return render(request, "recordings/certificate_detail.html", context)
