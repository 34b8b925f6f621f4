"""Course, day and lesson pages, called by their Wagtail models."""

from dataclasses import dataclass
from typing import Any

from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_cache_control

from learning import access, reading, visits
from learning.access import Access
from learning.forms import NoteForm
from learning.http import AuthenticatedRequest, is_draft_preview, signed_in
from learning.models import CourseIndexPage, CoursePage, DayPage, LessonPage
from learning.progress import CourseProgress, LessonProgress, outline


@dataclass(frozen=True)
class Place:
    """Where a lesson stands in its course."""

    day_title: str
    day_number: int
    number: int
    of: int
    previous: LessonProgress | None
    next: LessonProgress | None
    ends_day: bool


@signed_in
def course_index(request: AuthenticatedRequest, page: CourseIndexPage) -> HttpResponse:
    return redirect("learning:home")


@signed_in
def course(request: AuthenticatedRequest, page: CoursePage) -> HttpResponse:
    found = _draft(page, page) if is_draft_preview(request) else access.to_course(request.user, page)
    if found.progress is None:
        raise Http404
    return render(request, "learning/course_detail.html", {"page": page, "access": found, "progress": found.progress})


@signed_in
def day(request: AuthenticatedRequest, page: DayPage) -> HttpResponse:
    found = _draft(page, _course_of(page)) if is_draft_preview(request) else access.to_part(request.user, page)
    if found.progress is None:
        raise Http404
    if not found.can_read:
        return _closed(request, page, found)
    days = found.progress.days
    place = next((number for number, each in enumerate(days) if each.day.pk == page.pk), None)
    context = {
        "page": page,
        "access": found,
        "progress": found.progress,
        "day": days[place] if place is not None else None,
        "next_day": days[place + 1] if place is not None and place + 1 < len(days) else None,
        "previous_day": days[place - 1] if place else None,
    }
    return render(request, "learning/day_detail.html", context)


@signed_in
def lesson(request: AuthenticatedRequest, page: LessonPage) -> HttpResponse:
    found = _draft(page, _course_of(page)) if is_draft_preview(request) else access.to_part(request.user, page)
    if found.progress is None:
        raise Http404
    if not found.can_read:
        return _closed(request, page, found)
    read = reading.read(page, found.enrolment)
    if found.enrolment is not None and request.method == "GET":
        visits.seen(enrolment=found.enrolment, lesson=page, now=timezone.now())
    return lesson_response(request, page, found, read)


def lesson_response(
    request: HttpRequest,
    page: LessonPage,
    found: Access,
    read: reading.Reading,
    *,
    form: Form | None = None,
    note: NoteForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The whole page of a lesson that this person may read. `form` is an invalid one, for the error summary."""
    response = render(
        request,
        "learning/lesson_detail.html",
        lesson_context(page, found, read, is_draft=is_draft_preview(request), form=form, note=note),
        status=status,
    )
    if any(each.type == "clip" for each in read.blocks):  # nothing of a voice stays in a browser's cache
        add_never_cache_headers(response)
        patch_cache_control(response, private=True, no_store=True)
    return response


def lesson_context(
    page: LessonPage,
    found: Access,
    read: reading.Reading,
    *,
    is_draft: bool = False,
    form: Form | None = None,
    note: NoteForm | None = None,
) -> dict[str, Any]:
    """What the page of a lesson and each of its fragments need."""
    progress = found.progress
    return {
        "page": page,
        "access": found,
        "progress": progress,
        "place": _place(progress, page) if progress else None,
        "reading": read,
        "is_draft": is_draft,
        "aims": [line for line in page.aims.splitlines() if line.strip()],
        "sources": [line for line in page.sources.splitlines() if line.strip()],
        "form": form,
        "note_form": note or NoteForm(initial={"text": read.note.text if read.note else ""}, auto_id="note-%s"),
        "course": progress.course if progress else None,
    }


def _closed(request: HttpRequest, page: DayPage | LessonPage, found: Access) -> HttpResponse:
    """The page exists for this person, but is not open yet: say why, and where to go instead."""
    return render(request, "learning/lesson_locked.html", {"page": page, "access": found, "progress": found.progress}, status=403)


def _place(progress: CourseProgress, page: LessonPage) -> Place | None:
    for each in progress.days:
        for inside in each.lessons:
            if inside.lesson.pk == page.pk:
                return Place(
                    day_title=each.day.title,
                    day_number=each.number,
                    number=inside.number,
                    of=each.total,
                    previous=progress.before(page),
                    next=progress.after(page),
                    ends_day=inside.number == each.total,
                )
    return None


def _course_of(page: DayPage | LessonPage) -> CoursePage | None:
    return CoursePage.objects.ancestor_of(page).first()


def _draft(page: Any, course: CoursePage | None) -> Access:
    """Wagtail's preview of a draft: whoever sees it has passed Wagtail's own check."""
    return Access(progress=outline(course if course is not None else page), is_preview=True)
