"""Disagreeing with a score: the therapist says why, the rater answers, somebody else agrees."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recordings import comments, contesting, permissions
from recordings.contestforms import ContestForm, ProposalForm
from recordings.models import Contest, Review
from recordings.views import bench
from supervision.http import AuthenticatedRequest
from supervision.models import Item, ItemScore

State = Contest.State


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def contest_create(request: AuthenticatedRequest, review_id: uuid.UUID, item_key: str) -> HttpResponse:
    seen = Review.objects.visible_to(request.user).filter(state=Review.State.RELEASED)
    review = get_object_or_404(seen.select_related("recording__consent", "recording__team__programme", "rater"), pk=review_id)
    item = get_object_or_404(Item, instrument=review.instrument_id, key=item_key)
    if not permissions.can_contest(request.user, review):
        raise PermissionDenied
    form = ContestForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = contesting.contest(review=review, item=item, text=form.cleaned_data["text"], by=request.user, now=timezone.now())
        except contesting.ContestRefused as reason:
            form.add_error(None, str(reason))
        else:
            messages.success(
                request, f"{review.rater.first_name} sees it and answers. Then somebody else agrees, so that two people decide."
            )
            return redirect("recordings:contest", made.pk)
    given = ItemScore.objects.filter(rating__source=review.pk, item=item).first()
    context = {"review": review, "item": item, "form": form, "given": contesting.Given(given.score, item.most) if given else None}
    return render(request, "recordings/contest_create.html", context, status=422 if form.errors else 200)


def _load(request: AuthenticatedRequest, pk: uuid.UUID) -> Contest:
    related = ("review__recording__consent", "review__recording__team__programme", "review__recording__therapist", "review__rater")
    found = contesting.seen_by(request.user).select_related(*related, "text", "answer", "answered_by", "closed_by", "raised_by")
    return get_object_or_404(found, pk=pk)


@never_cache
@require_safe
def contest_detail(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    return _page(request, _load(request, pk))


def _page(request: AuthenticatedRequest, contest: Contest, form: ProposalForm | None = None) -> HttpResponse:
    review, user = contest.review, request.user
    item, given = contesting.item_of(contest), contesting.original(contest)
    may_listen = permissions.can_listen(user, review.recording)
    is_open = contest.state == State.OPEN and may_listen
    context: dict[str, Any] = {
        "contest": contest,
        "review": review,
        "recording": review.recording,
        "item": item,
        "given": given,
        "proposed": contesting.proposed(contest, item),
        "has_answer": contest.answer_id is not None,
        "can_listen": may_listen,
        "why": "" if may_listen else bench.gone_sentence(review.recording),
        "text": comments.opened(contest.text) if may_listen else "",
        "answer": comments.opened(contest.answer) if may_listen else "",
        "seen": contesting.version(contest),
        "answered_by": contest.answered_by or review.rater,
        "stands_in": user.pk != review.rater_id,
        "answers_next": review.rater.first_name
        if permissions.consults(review.rater, review.recording.team_id)
        else "A supervisor of the team",
        "can_answer": is_open and permissions.can_answer_contest(user, contest),
        "can_agree": is_open and contest.answer_id is not None and permissions.can_agree_contest(user, contest),
        "can_take_back": is_open and user.pk == contest.raised_by_id,
        "form": form or ProposalForm(item=item, given=given.score),
        "is_refused": form is not None,
    }
    return render(request, "recordings/contest_detail.html", context, status=422 if form else 200)


@never_cache
@require_POST
def contest_propose(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    contest = _load(request, pk)
    if not permissions.can_answer_contest(request.user, contest):
        raise PermissionDenied
    form = ProposalForm(request.POST, item=contesting.item_of(contest), given=contesting.original(contest).score)
    if not form.is_valid():
        return _page(request, contest, form)
    try:
        contesting.propose(contest=contest, by=request.user, now=timezone.now(), **form.values)
    except contesting.ContestRefused as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, "Your answer waits for a supervisor or another consultant to agree.")
    return redirect("recordings:contest", pk)


@never_cache
@require_POST
def contest_agree(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    contest = _load(request, pk)
    if not permissions.can_agree_contest(request.user, contest):
        raise PermissionDenied
    seen, now = request.POST.get("seen", ""), timezone.now()
    try:
        if request.POST.get("action") == "send_back":
            contesting.send_back(contest=contest, seen=seen, by=request.user, now=now)
            sentence = f"Sent back. Talk it over with {(contest.answered_by or contest.review.rater).first_name}, who then answers anew."
        else:
            contesting.agree(contest=contest, seen=seen, by=request.user, now=now)
            sentence = f"Decided. {contest.review.recording.therapist.first_name} sees the answer from now on."
    except contesting.ContestRefused as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, sentence)
    return redirect("recordings:contest", pk)


@never_cache
@require_POST
def contest_take_back(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    contest = _load(request, pk)
    if request.user.pk != contest.raised_by_id:
        raise PermissionDenied
    try:
        contesting.take_back(contest=contest, by=request.user, now=timezone.now())
    except contesting.ContestRefused as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, "Taken back. The score stays as it was given.")
    return redirect("recordings:feedback", contest.review_id)


urlpatterns = [
    path("feedback/<uuid:review_id>/contests/<slug:item_key>/", contest_create, name="contest-create"),
    path("contests/<uuid:pk>/", contest_detail, name="contest"),
    path("contests/<uuid:pk>/answer/", contest_propose, name="contest-propose"),
    path("contests/<uuid:pk>/agree/", contest_agree, name="contest-agree"),
    path("contests/<uuid:pk>/take-back/", contest_take_back, name="contest-take-back"),
]
