"""Supervision in the back office: its audit verbs, and the few lists that a superuser keeps there."""

from typing import Any, cast

from django.contrib import messages
from django.db import router, transaction
from django.db.models.deletion import Collector, ProtectedError, RestrictedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from wagtail import hooks
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet, SnippetViewSetGroup

from supervision import instruments
from supervision.instrumentadmin import InstrumentViewSet
from supervision.models import Instrument, Programme, Team, User

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
    "supervision.instrument_copied": ("Make the next version", "Made the next version of an instrument"),
    "supervision.instrument_deleted": ("Delete an instrument", "Deleted an instrument that was never used"),
    "supervision.instrument_put_into_use": ("Put an instrument into use", "Put an instrument into use"),
    "supervision.instrument_taken_out_of_use": ("Take an instrument out of use", "Took an instrument out of use"),
    "supervision.score_recorded": ("Record a score", "Recorded a score of a measure"),
    "supervision.score_withdrawn": ("Withdraw a score", "Withdrew a score of a measure"),
    "supervision.scores_exported": ("Export scores", "Exported a team's scores"),
    "supervision.matrix_exported": ("Export the matrix", "Exported a team's matrix"),
    "supervision.goal_set": ("Set a goal", "Set a goal in a development plan"),
    "supervision.goal_moved": ("Move a goal", "Moved the day on which a goal is looked at again"),
    "supervision.goal_closed": ("Close a goal", "Closed a goal of a development plan"),
    "supervision.plan_exported": ("Export a plan", "Exported a development plan"),
    "supervision.booster_topic": ("Decide on a booster topic", "Decided on a booster topic"),
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
register_snippet(InstrumentViewSet)


@hooks.register("before_edit_snippet")
def lead_from_what_is_locked(request: HttpRequest, instance: Any) -> HttpResponse | None:
    """A used instrument is shown, not edited: ratings rest on its words."""
    if not isinstance(instance, Instrument) or not instruments.is_locked(instance):
        return None
    messages.warning(request, f"{instance} has been used, so its words are locked. Make the next version to change them.")
    return redirect("supervision:instrument-detail", instance.slug, instance.version)


@hooks.register("before_delete_snippet")
def refuse_to_delete_what_is_used(request: HttpRequest, instances: list[Any]) -> HttpResponse | None:
    """A programme with teams, a wording with consents: said in a sentence instead of an error page. An instrument that was never used
    goes with its parts, once that is confirmed."""
    if isinstance(instances[0], Instrument):
        return _delete_instruments(request, instances)
    try:
        Collector(using=router.db_for_write(type(instances[0]))).collect(instances)
    except (ProtectedError, RestrictedError):
        messages.error(request, "This is in use, so it cannot be deleted. Records rest on it, and they are kept.")
        return redirect("wagtailadmin_home")
    return None


def _delete_instruments(request: HttpRequest, found: list[Instrument]) -> HttpResponse | None:
    try:
        for instrument in found:
            instruments.refuse_to_delete(instrument)
        if request.method != "POST":
            return None  # the back office asks first
        with transaction.atomic():
            for instrument in found:
                instruments.delete(instrument=instrument, by=cast("User", request.user), now=timezone.now())
    except instruments.InstrumentRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Deleted, with its items.")
    return redirect(InstrumentViewSet().get_url_name("list"))
