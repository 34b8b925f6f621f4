"""Who may do what. Roles are facts with dates: every answer is about today.

`Model.objects.visible_to(user)` says whether somebody may know that a thing exists (404); these say what they may do (403).
"""

from django.utils import timezone

from supervision.models import Membership, Team, User

Role = Membership.Role

MANAGERS = (Role.SUPERVISOR, Role.BACKUP_SUPERVISOR, Role.ADMINISTRATOR)
# What a team's own managers may give. The service-wide offices reach beyond the team, so they come from a superuser.
TEAM_ROLES = (Role.THERAPIST, Role.SUPERVISOR, Role.BACKUP_SUPERVISOR, Role.CONSULTANT, Role.ADMINISTRATOR, Role.SERVICE_MANAGER)


def has_role(user: User, *roles: str, team: Team | None = None) -> bool:
    """Holds one of these roles today: in that team or service-wide; with no team given, anywhere."""
    held = Membership.objects.of(user).on(timezone.localdate()).filter(role__in=roles)
    return any(team is None or team_id is None or team_id == team.pk for team_id in held.values_list("team_id", flat=True))


def is_supervisor(user: User, team: Team) -> bool:
    """Supervisor, or back-up supervisor during the cover."""
    return has_role(user, *Membership.SUPERVISORS, team=team)


def is_consultant(user: User, team: Team) -> bool:
    return has_role(user, Role.CONSULTANT, team=team)


def can_lead(user: User, team: Team) -> bool:
    return has_role(user, *Membership.LEADS, team=team)


def can_manage_team(user: User, team: Team) -> bool:
    """Members, invitations, evidence and waivers."""
    return has_role(user, *MANAGERS, team=team)


def can_see_matrix(user: User, team: Team) -> bool:
    return has_role(user, *MANAGERS, Role.CONSULTANT, Role.SERVICE_MANAGER, team=team)


def can_see_person(user: User, person: User, team: Team) -> bool:
    """A person's page in a team: the person, and whoever sees the team's matrix."""
    return user.pk == person.pk or can_see_matrix(user, team)


def can_read_answers(user: User, person: User, team: Team) -> bool:
    """Typed exercise answers: the learner, the supervisor and the back-up, and nobody else."""
    return user.pk == person.pk or is_supervisor(user, team)


def can_plan(user: User, person_pk: int, team: Team) -> bool:
    """A development plan, to read and to write: the person's own while in the team, and those who lead it."""
    if user.pk == person_pk and has_role(user, Role.THERAPIST, *Membership.SUPERVISORS, team=team):
        return True
    return can_lead(user, team)


def works_with_families(person: User, team: Team) -> bool:
    """Whose practice a development plan is about: therapists, and supervisors, who see families too."""
    return has_role(person, Role.THERAPIST, *Membership.SUPERVISORS, team=team)


def can_change_membership(user: User, membership: Membership) -> bool:
    """Nobody changes a membership of their own: no cover extends itself."""
    return membership.team is not None and membership.user_id != user.pk and can_manage_team(user, membership.team)


def can_record_evidence(user: User, person: User, team: Team) -> bool:
    """Evidence and waivers come from somebody else than the person they are about."""
    return user.pk != person.pk and can_manage_team(user, team)


def can_record_session(user: User, team: Team) -> bool:
    return has_role(user, *MANAGERS, Role.CONSULTANT, team=team)


def can_open_family(user: User, team: Team) -> bool:
    return has_role(user, Role.THERAPIST, *Membership.SUPERVISORS, team=team)


def can_enter_scores(user: User, team: Team) -> bool:
    """Totals of licensed measures: an administrator or supervisor, and nobody who is a therapist of that team."""
    return has_role(user, *MANAGERS, team=team) and not has_role(user, Role.THERAPIST, team=team)


def can_see_scores(user: User, team: Team) -> bool:
    """A team's score reports: those who lead or administer it. A therapist sees what is about themselves."""
    return has_role(user, *MANAGERS, Role.CONSULTANT, team=team)


def can_read_instruments(user: User) -> bool:
    """What is asked, and in which words: whoever leads a team, or keeps the service's instruments."""
    return has_role(user, *Membership.LEADS) or can_keep_instruments(user)


def can_keep_instruments(user: User) -> bool:
    """Bring an instrument in: superusers, content editors, service managers."""
    return user.is_superuser or has_role(user, Role.CONTENT_EDITOR, Role.SERVICE_MANAGER)
