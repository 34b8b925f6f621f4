"""What a learner does in a lesson. Each form works without JavaScript; htmx swaps the same fragment."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from learning import access, attempts, completion, exercises, notes, reading, visits
from learning.access import Access
from learning.forms import CheckForm, ExerciseForm, NoteForm, PlaceForm
from learning.http import AuthenticatedRequest
from learning.models import LessonPage
from learning.views.pages import lesson_context, lesson_response


def _open_lesson(request: AuthenticatedRequest, key: uuid.UUID) -> tuple[LessonPage, Access]:
    lesson = get_object_or_404(LessonPage, key=key)
    found = access.to_part(request.user, lesson)
    if not found.is_known:
        raise Http404
    if not found.can_read:
        raise PermissionDenied(found.reason)
    return lesson, found


@require_POST
def check(request: AuthenticatedRequest, key: uuid.UUID) -> HttpResponse:
    lesson, found = _open_lesson(request, key)
    check_key = request.POST.get("check", "")
    try:
        block = attempts.find(lesson, check_key)
    except attempts.NoSuchCheck as gone:
        return _changed(request, lesson, gone)
    form = CheckForm(block.value, request.POST, auto_id=f"check-{block.id}-%s")
    if not form.is_valid():
        read = reading.read(lesson, found.enrolment)
        view = read.find_check(check_key)
        if view is not None and not view.is_passed:
            view.error = str(form.errors["chosen"][0])
        if request.htmx:
            context = {**lesson_context(lesson, found, read), "check": view, "is_swap": True, "form": None}
            return render(request, "learning/_check.html", context, status=422)
        return lesson_response(request, lesson, found, read, form=form, status=422)
    if found.enrolment is None:
        read = reading.read(lesson, None)
        view = read.find_check(check_key)
        if view is not None:
            reading.answered(view, attempts.mark(block.value, form.values()))
        if not request.htmx:
            return lesson_response(request, lesson, found, read)
    else:
        attempts.answer(enrolment=found.enrolment, lesson=lesson, key=check_key, values=form.values(), now=timezone.now())
        if not request.htmx:
            return redirect(f"{lesson.get_url(request)}#block-{block.id}")
        read = reading.read(lesson, found.enrolment)
        view = read.find_check(check_key)
    return render(request, "learning/_check_swap.html", {**lesson_context(lesson, found, read), "check": view, "is_swap": True})


@require_POST
def exercise(request: AuthenticatedRequest, key: uuid.UUID) -> HttpResponse:
    lesson, found = _open_lesson(request, key)
    exercise_key = request.POST.get("exercise", "")
    read = reading.read(lesson, found.enrolment)
    view = read.find_exercise(exercise_key)
    if view is None:
        return _changed(request, lesson, exercises.NoSuchExercise("This exercise has been taken out of the lesson since you opened it."))
    form = ExerciseForm(request.POST, auto_id=f"exercise-{view.block_id}-%s")
    if not form.is_valid():
        view.form = form
        if request.htmx:
            context = {**lesson_context(lesson, found, read), "exercise": view, "is_swap": True}
            return render(request, "learning/_exercise.html", context, status=422)
        return lesson_response(request, lesson, found, read, form=form, status=422)
    if found.enrolment is None:
        raise PermissionDenied("A preview keeps no answers.")
    exercises.save(
        enrolment=found.enrolment, lesson=lesson, key=exercise_key, text=form.cleaned_data["text"], by=request.user, now=timezone.now()
    )
    if not request.htmx:
        messages.success(request, "Your answer is saved.")
        return redirect(f"{lesson.get_url(request)}#block-{view.block_id}")
    read = reading.read(lesson, found.enrolment)
    context = {**lesson_context(lesson, found, read), "exercise": read.find_exercise(exercise_key), "is_swap": True}
    return render(request, "learning/_exercise_swap.html", context)


@require_POST
def note(request: AuthenticatedRequest, key: uuid.UUID) -> HttpResponse:
    lesson, found = _open_lesson(request, key)
    if found.enrolment is None:
        raise PermissionDenied("A preview keeps no notes.")
    form = NoteForm(request.POST, auto_id="note-%s")
    if not form.is_valid():
        read = reading.read(lesson, found.enrolment)
        if request.htmx:
            return render(request, "learning/_note_state.html", {"error": form.errors["text"][0]}, status=422)
        return lesson_response(request, lesson, found, read, form=form, note=form, status=422)
    kept = notes.keep(enrolment=found.enrolment, lesson=lesson, text=form.cleaned_data["text"], now=timezone.now())
    if request.htmx:
        return render(request, "learning/_note_state.html", {"note": kept})
    messages.success(request, "Your notes are saved.")
    return redirect(f"{lesson.get_url(request)}#notes")


@require_POST
def done(request: AuthenticatedRequest, key: uuid.UUID) -> HttpResponse:
    lesson, found = _open_lesson(request, key)
    if found.enrolment is None:
        raise PermissionDenied("A preview cannot be marked as done.")
    was_complete = found.enrolment.completed_at is not None
    try:
        completion.mark_done(enrolment=found.enrolment, lesson=lesson, by=request.user, now=timezone.now())
    except completion.NotYetDone as refusal:
        read = reading.read(lesson, found.enrolment)
        context = {**lesson_context(lesson, found, read), "refusal": refusal}
        return render(request, "learning/lesson_detail.html", context, status=422)
    found.enrolment.refresh_from_db(fields=["completed_at"])
    if found.enrolment.completed_at is not None and not was_complete:
        messages.success(request, f"You have completed “{found.enrolment.course_title}”. It is in your training record.")
    else:
        messages.success(request, f"“{lesson.title}” is done.")
    return redirect(f"{lesson.get_url(request)}#done")


@require_POST
def place(request: AuthenticatedRequest, key: uuid.UUID) -> HttpResponse:
    """Sent in the background as the learner reads; answers nothing."""
    lesson, found = _open_lesson(request, key)
    form = PlaceForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=422)
    if found.enrolment is not None:
        sent = form.cleaned_data
        visits.keep_place(
            enrolment=found.enrolment,
            lesson=lesson,
            block_id=sent["block"],
            media_id=sent["player"],
            seconds=sent["seconds"],
            now=timezone.now(),
        )
    return HttpResponse(status=204)


def _changed(request: AuthenticatedRequest, lesson: LessonPage, gone: Exception) -> HttpResponse:
    """An editor took the question away while the page was open: show the lesson as it now is."""
    messages.warning(request, f"{gone} Here is the lesson as it is now.")
    url = lesson.get_url(request)
    return HttpResponse(status=204, headers={"HX-Redirect": url}) if request.htmx else redirect(url)
