"""How views come by a team and its people: 404 for whoever may not know of them."""

from django.http import Http404
from django.shortcuts import get_object_or_404

from supervision import permissions
from supervision.http import AuthenticatedRequest
from supervision.models import Membership, Team, User


def load_team(request: AuthenticatedRequest, slug: str) -> Team:
    return get_object_or_404(Team.objects.visible_to(request.user).select_related("programme"), slug=slug)


def load_person(request: AuthenticatedRequest, team: Team, pk: int) -> User:
    """Somebody who is or was in the team: for themselves, and for those who see its matrix."""
    person = get_object_or_404(User, pk=pk)
    if not Membership.objects.filter(user=person, team=team).exists() or not permissions.can_see_person(request.user, person, team):
        raise Http404
    return person


def rights(user: User, team: Team) -> dict[str, bool]:
    """For templates, so that buttons and views agree."""
    return {
        "can_manage": permissions.can_manage_team(user, team),
        "can_see_matrix": permissions.can_see_matrix(user, team),
        "can_record_session": permissions.can_record_session(user, team),
        "can_lead": permissions.can_lead(user, team),
        "can_open_family": permissions.can_open_family(user, team),
    }
