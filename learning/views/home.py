"""Where learning begins: my courses, search, and courses that anyone may start."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from wagtail.permissions import page_permission_policy

from learning import access, completion, enrolment, search
from learning.forms import SearchForm
from learning.http import AuthenticatedRequest
from learning.models import CoursePage, Enrolment
from learning.progress import courses, in_hand


@require_safe
def home(request: AuthenticatedRequest) -> HttpResponse:
    mine = courses(request.user)
    form = SearchForm(request.GET, auto_id="search-%s")
    query = form.cleaned_data["q"] if form.is_valid() else ""
    taken = [each.course.pk for each in mine]
    is_editor = request.user.has_perm("wagtailadmin.access_admin")
    editable = page_permission_policy.instances_user_has_permission_for(request.user, "change") if is_editor else None
    context = {
        "active": in_hand(mine),
        "completed": [each for each in mine if each.is_complete and not each.new_lessons],
        "startable": CoursePage.objects.live().filter(is_open=True).exclude(pk__in=taken).order_by("title", "pk"),
        "withdrawn": Enrolment.objects.filter(learner=request.user.pk).current().exclude(course__live=True).order_by("-enrolled_at", "-pk"),
        "editable": CoursePage.objects.filter(pk__in=editable.values("pk")).order_by("title", "pk") if editable is not None else [],
        "search": form,
        "query": query,
        "found": search.lessons(request.user, query, mine) if query else [],
    }
    return render(request, "learning/home.html", context)


@require_POST
def enrol(request: AuthenticatedRequest, key: uuid.UUID) -> HttpResponse:
    course = get_object_or_404(CoursePage.objects.live(), key=key)
    if not access.to_course(request.user, course).is_known:
        raise Http404
    try:
        enrolment.start(learner=request.user, course=course, now=timezone.now())
    except enrolment.NotOpen as closed:
        raise PermissionDenied(str(closed)) from closed
    messages.success(request, f"You have started “{course.title}”.")
    return redirect(course.get_url(request))


@require_POST
def finish(request: AuthenticatedRequest, key: uuid.UUID) -> HttpResponse:
    """For a course whose last open lesson was taken away while somebody was in it."""
    course = get_object_or_404(CoursePage.objects.live(), key=key)
    mine = access.to_course(request.user, course).enrolment
    if mine is None:
        raise Http404
    try:
        completion.finish(enrolment=mine, by=request.user, now=timezone.now())
    except completion.NotYetDone as refusal:
        messages.warning(request, str(refusal))
        return redirect(course.get_url(request))
    messages.success(request, f"You have completed “{course.title}”. It is in your training record.")
    return redirect("learning:record")
