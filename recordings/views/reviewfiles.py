"""Annotations and ratings of a review as files, and annotations from files."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from recordings import annotation, annotationfiles, annotationimport, keeping, permissions, reading
from recordings.annotationimportforms import FileForm, TiersForm
from recordings.models import Review
from recordings.views import bench
from supervision.http import AuthenticatedRequest


@require_safe
def review_file(request: AuthenticatedRequest, review_id: uuid.UUID, kind: str) -> HttpResponse:
    """The rater's own at any time, others' once released."""
    seen = Review.objects.visible_to(request.user).select_related("recording__consent", "recording__team__programme", "instrument")
    review = get_object_or_404(seen, pk=review_id)
    if kind not in annotationfiles.FORMATS:
        raise Http404
    if not permissions.can_listen(request.user, review.recording):
        raise PermissionDenied
    made = annotationfiles.document(review, keep_until=keeping.due_on(review.recording))
    reading.note_taken(recording=review.recording, review=review, file_format=kind, person=request.user)
    name = f"review-{review.recording.session_on:%Y-%m-%d}.{annotationfiles.SUFFIXES.get(kind, kind)}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    response = HttpResponse(annotationfiles.FORMATS[kind](made), content_type=annotationfiles.TYPES[kind], headers=headers)
    patch_cache_control(response, private=True, no_store=True)
    return response


class _InMemory(MemoryFileUploadHandler):
    """Never on a disk: whatever is larger than a file of annotations may be is cut off, and then refused by its size."""

    def handle_raw_input(self, *args: object, **kwargs: object) -> None:
        self.activated = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start <= annotationimport.LARGEST:
            self.file.write(raw_data)


@csrf_exempt  # only to set the handler before anything reads the body; `_import` checks the token
def import_annotations(request: AuthenticatedRequest, review_id: uuid.UUID) -> HttpResponse:
    request.upload_handlers = [_InMemory(request)]
    return _import(request, review_id)


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def _import(request: AuthenticatedRequest, review_id: uuid.UUID) -> HttpResponse:
    own = bench.own_review(request, review_id)
    if own.state != Review.State.IN_PROGRESS:
        messages.error(request, str(annotation.Locked()))
        return redirect("recordings:review", own.recording_id)
    codes = annotationimport.codes_of(own)
    if request.method != "POST":
        return _show(request, own, FileForm())
    if "content" in request.POST:
        return _bring(request, own, TiersForm(request.POST, codes=codes))
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show(request, own, form, status=422)
    try:
        parsed = annotationimport.read(form.cleaned_data["file"].read())
        if not parsed.found:
            raise annotationimport.FileRefused("There is no annotation with times and words in this file.")
    except annotationimport.FileRefused as reason:
        form.add_error("file", str(reason))
        return _show(request, own, form, status=422)
    tiers = TiersForm(codes=codes, found=parsed.found)
    plan = annotationimport.plan(own, parsed.found, tiers.guessed)
    return render(request, "recordings/annotations_preview.html", {"review": own, "form": tiers, "plan": plan, "missed": parsed.missed})


def _bring(request: AuthenticatedRequest, own: Review, form: TiersForm) -> HttpResponse:
    if not form.is_valid():
        messages.error(request, "The file has to be chosen again.")
        return _show(request, own, FileForm(), status=422)
    try:
        done = annotationimport.bring(review=own, found=form.found, chosen=form.chosen, by=request.user, now=timezone.now())
    except annotation.AnnotationRefused as reason:
        messages.error(request, str(reason))
        return redirect("recordings:review", own.recording_id)
    added = {0: "Nothing was added", 1: "One annotation was added"}.get(len(done.new), f"{len(done.new)} annotations were added")
    there = f"; {done.there} {'was' if done.there == 1 else 'were'} there already" if done.there else ""
    messages.success(request, " ".join([f"{added}{there}.", *done.left_out]))
    return redirect("recordings:review", own.recording_id)


def _show(request: AuthenticatedRequest, own: Review, form: FileForm, *, status: int = 200) -> HttpResponse:
    return render(request, "recordings/annotations_import.html", {"review": own, "form": form}, status=status)


urlpatterns = [
    path("reviews/<uuid:review_id>/files/<slug:kind>/", review_file, name="review-file"),
    path("reviews/<uuid:review_id>/annotations/import/", import_annotations, name="annotations-import"),
]
