"""Supervision in the back office: its audit verbs, and the few lists that a superuser keeps there."""

from typing import Any

from django.contrib import messages
from django.db import router
from django.db.models.deletion import Collector, ProtectedError, RestrictedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from wagtail import hooks
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet, SnippetViewSetGroup

from supervision.models import Programme, Team

ACTIONS = {
    "supervision.member_added": ("Add a member", "Added a member"),
    "supervision.membership_changed": ("Change a membership", "Changed the end of a membership"),
    "supervision.member_ended": ("End a membership", "Ended a membership"),
    "supervision.invited": ("Invite", "Invited a person"),
    "supervision.invitation_resent": ("Send an invitation again", "Sent an invitation again"),
    "supervision.invitation_cancelled": ("Cancel an invitation", "Cancelled an invitation"),
    "supervision.invitation_accepted": ("Accept an invitation", "Accepted an invitation"),
    "supervision.family_opened": ("Open a family", "Added a family"),
    "supervision.family_closed": ("Close a family", "Closed a family"),
    "supervision.session_recorded": ("Record a session", "Recorded a supervision session"),
    "supervision.session_cancelled": ("Cancel a session", "Cancelled a supervision session"),
    "supervision.evidence_recorded": ("Record evidence", "Recorded evidence"),
    "supervision.requirement_waived": ("Waive a requirement", "Waived a requirement"),
    "supervision.evidence_withdrawn": ("Withdraw evidence", "Withdrew evidence"),
    "supervision.rating_recorded": ("Record a rating", "Recorded a rating"),
    "supervision.rating_released": ("Release a rating", "Released a rating"),
    "supervision.requirements_loaded": ("Load requirements", "Loaded requirements"),
    "supervision.instrument_loaded": ("Load an instrument", "Loaded an instrument"),
    "supervision.matrix_exported": ("Export the matrix", "Exported a team's matrix"),
    "supervision.answers_read": ("Read exercise answers", "Read a learner's exercise answers"),
}


@hooks.register("register_log_actions")
def register_log_actions(actions: Any) -> None:
    for name, (label, message) in ACTIONS.items():
        actions.register_action(name, label, message)


class ProgrammeViewSet(SnippetViewSet):
    model = Programme
    icon = "clipboard-list"
    list_display = ["name", "model_name", "retention_days_after_release", "retention_days_after_upload"]
    ordering = ["name", "pk"]
    search_fields = ["name"]
    panels = [
        FieldPanel("name"),
        FieldPanel("slug"),
        FieldPanel("model_name"),
        FieldPanel("lawful_basis"),
        MultiFieldPanel(
            [
                FieldPanel(
                    "retention_days_after_release",
                    help_text="A recording is destroyed so many days after its first feedback was released. 1 to 365; usually 28.",
                ),
                FieldPanel(
                    "retention_days_after_upload",
                    help_text="And so many days after its upload at the latest, feedback or not. 1 to 365, and not less than the days "
                    "after the feedback; usually 90.",
                ),
            ],
            heading="How long recordings are kept",
            help_text="A change holds for recordings that are here already, within a minute. After a shorter time is saved, those "
            "whose time is then up are destroyed without a warning. Extensions and legal holds stay as they are.",
        ),
    ]


class TeamViewSet(SnippetViewSet):
    model = Team
    icon = "group"
    list_display = ["name", "programme", "organisation"]
    ordering = ["name", "pk"]
    search_fields = ["name"]


class ServiceViewSetGroup(SnippetViewSetGroup):
    items = (ProgrammeViewSet, TeamViewSet)
    menu_label = "Service"
    menu_icon = "group"
    menu_order = 800


register_snippet(ServiceViewSetGroup)


@hooks.register("before_delete_snippet")
def refuse_to_delete_what_is_used(request: HttpRequest, instances: list[Any]) -> HttpResponse | None:
    """A programme with teams, a wording with consents: said in a sentence instead of an error page."""
    try:
        Collector(using=router.db_for_write(type(instances[0]))).collect(instances)
    except (ProtectedError, RestrictedError):
        messages.error(request, "This is in use, so it cannot be deleted. Records rest on it, and they are kept.")
        return redirect("wagtailadmin_home")
    return None
