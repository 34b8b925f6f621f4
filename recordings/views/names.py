"""The names that are to be taken out of a family's transcripts and clips."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from recordings import casefile, permissions, vault
from recordings.consentforms import NamesForm
from supervision.http import AuthenticatedRequest
from supervision.models import FamilyReference


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: AuthenticatedRequest, family_pk: int) -> HttpResponse:
    family = get_object_or_404(FamilyReference.objects.visible_to(request.user).select_related("team"), pk=family_pk)
    if not permissions.can_keep_names(request.user, family):
        raise PermissionDenied("The list of names is kept by the family's therapist and the team's supervisors.")
    if request.method == "POST":
        form = NamesForm(request.POST)
        if form.is_valid():
            try:
                kept = casefile.set_names(family=family, names=form.cleaned_data["names"], by=request.user, now=timezone.now())
            except (casefile.NamesRefused, vault.KeyGone) as refusal:
                form.add_error("names", str(refusal))
            else:
                words = {0: "The list is empty now.", 1: "One name is kept, sealed."}.get(len(kept), f"{len(kept)} names are kept, sealed.")
                messages.success(request, words)
                return redirect("recordings:consent-list", family.pk)
    else:
        form = NamesForm(initial={"names": "\n".join(casefile.names(family))})
    return render(
        request, "recordings/consent_names.html", {"family": family, "form": form}, status=422 if request.method == "POST" else 200
    )


urlpatterns = [path("families/<int:family_pk>/names/", edit, name="names")]
