from django.urls import path
from django.views.generic import RedirectView

from supervision.views import boosters, development, evidence, families, instruments, invitations, members, people, scores, sessions, teams

app_name = "supervision"

_team = "teams/<slug:slug>/"
_person = f"{_team}people/<int:person_pk>/requirements/<slug:requirement_key>/"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="supervision:team-list"), name="index"),
    path("teams/", teams.team_list, name="team-list"),
    path(_team, teams.team_detail, name="team-detail"),
    path(f"{_team}matrix.csv", teams.team_matrix_csv, name="team-matrix-csv"),
    path(f"{_team}people/<int:pk>/", people.person_detail, name="person-detail"),
    path(_person, people.cell_detail, name="cell-detail"),
    path(f"{_person}evidence/new/", evidence.evidence_create, name="evidence-create"),
    path(f"{_team}evidence/<int:pk>/withdraw/", evidence.evidence_withdraw, name="evidence-withdraw"),
    path(f"{_team}members/", members.member_list, name="member-list"),
    path(f"{_team}members/add/", members.membership_add, name="membership-add"),
    path(f"{_team}members/<int:pk>/change/", members.membership_change, name="membership-change"),
    path(f"{_team}members/<int:pk>/end/", members.membership_end, name="membership-end"),
    path(f"{_team}invitations/new/", invitations.invitation_create, name="invitation-create"),
    path(f"{_team}invitations/<int:pk>/resend/", invitations.invitation_resend, name="invitation-resend"),
    path(f"{_team}invitations/<int:pk>/cancel/", invitations.invitation_cancel, name="invitation-cancel"),
    path("join/<str:token>/", invitations.invitation_accept, name="invitation-accept"),
    path(f"{_team}sessions/", sessions.session_list, name="session-list"),
    path(f"{_team}sessions/new/", sessions.session_create, name="session-create"),
    path(f"{_team}sessions/<int:pk>/cancel/", sessions.session_cancel, name="session-cancel"),
    path(f"{_team}families/", families.family_list, name="family-list"),
    path(f"{_team}families/new/", families.family_create, name="family-create"),
    path(f"{_team}families/<int:pk>/close/", families.family_close, name="family-close"),
    *development.urlpatterns,
    *boosters.urlpatterns,
    *instruments.urlpatterns,
    *scores.urlpatterns,
]
