"""What the page shell needs on every page: the person's own navigation, and what the demo says of itself."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from cms.demo import people
from supervision.models import Membership, User

Role = Membership.Role


def shell(request: HttpRequest) -> dict[str, Any]:
    context: dict[str, Any] = {
        "demo_mode": settings.DEMO,
        "mfa_required": settings.REQUIRE_MFA,
        "site_version": settings.PLUMBLINE_VERSION,
    }
    if request.path.startswith("/admin/"):  # Wagtail has a menu of its own
        return context
    user = getattr(request, "user", None)
    if isinstance(user, User):
        context["nav_items"] = navigation(user, request.path)
    elif settings.DEMO:
        context["demo_password"] = people.PASSWORD
        by_name = {person.first_name: person for person in people.PEOPLE}
        context["demo_accounts"] = [
            {"role": str(Role(by_name[name].role).label), "email": by_name[name].email, "note": by_name[name].note} for name in people.SHOWN
        ]
    return context


def navigation(user: User, path: str) -> list[dict[str, Any]]:
    """Only what the person may use. One query."""
    roles = set(Membership.objects.of(user).on(timezone.localdate()).values_list("role", flat=True))
    items = [("Home", reverse("home"))]
    items.append(("Learning", reverse("learning:home")))
    if roles & {Role.THERAPIST, Role.IG_LEAD, *Membership.LEADS}:
        items.append(("Recordings", reverse("recordings:list")))
    if Role.IG_LEAD in roles:
        items.append(("Governance", reverse("recordings:governance")))
    if Role.CONSULTANT in roles:
        items.append(("Reviews", reverse("recordings:review-list")))
    elif roles & set(Membership.SUPERVISORS):
        items.append(("Feedback", reverse("recordings:review-list")))
    if roles & {Role.THERAPIST, *Membership.SUPERVISORS, Role.CONSULTANT, Role.ADMINISTRATOR, Role.SERVICE_MANAGER}:
        items.append(("Team" if Role.SERVICE_MANAGER not in roles else "Teams", reverse("supervision:team-list")))
    if user.has_perm("wagtailadmin.access_admin"):
        items.append(("Edit content", reverse("wagtailadmin_home")))
    items.append(("Help", "/help/"))
    here = max((url for _, url in items if path == url or (url != "/" and path.startswith(url))), key=len, default="")
    if (work := reverse("recordings:review-list")) in {url for _, url in items} and _is_about_ratings(path):
        here = work
    return [{"label": label, "url": url, "current": url == here} for label, url in items]


ABOUT_RATINGS = ("comparisons/", "assignments/", "plans/", "agreement/", "calibration/", "workbench/", "feedback/", "contests/")


def _is_about_ratings(path: str) -> bool:
    """Pages that belong to the work list: the workbench, comparing, planning, agreement, calibration, feedback."""
    inside = path.removeprefix(reverse("recordings:list"))
    return inside != path and (inside.startswith(ABOUT_RATINGS) or inside.endswith("/review/"))
