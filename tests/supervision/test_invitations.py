"""Inviting, sending again, cancelling."""

import datetime as dt

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from supervision import invitations
from supervision.models import Invitation
from tests import factories


def form(**values):
    return {
        "first_name": "Nina",
        "last_name": "Novak",
        "email": "Nina.Novak@example.org",
        "role": "therapist",
        "starts_on": factories.today().isoformat(),
        "ends_on": "",
        **values,
    }


@pytest.fixture
def invited(harbour, sam):
    return invitations.invite(
        email="nina@example.org",
        first_name="Nina",
        last_name="Novak",
        team=harbour,
        role="therapist",
        starts_on=factories.today(),
        ends_on=None,
        by=sam,
        now=timezone.now(),
    )


def test_an_invitation_goes_out_by_e_mail_with_a_link(as_user, sam, harbour, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        response = as_user(sam).post(reverse("supervision:invitation-create", args=["harbour"]), form())
    assert response.status_code == 302
    [message] = mail.outbox
    assert message.to == ["nina.novak@example.org"]
    assert "/supervision/join/" in message.body
    assert "Harbour MST team" in message.body


def test_the_link_is_on_the_page_once(as_user, sam, harbour):
    client = as_user(sam)
    first = client.post(reverse("supervision:invitation-create", args=["harbour"]), form(), follow=True).content.decode()
    assert "/supervision/join/" in first
    assert "/supervision/join/" not in client.get(reverse("supervision:member-list", args=["harbour"])).content.decode()


def test_the_token_itself_is_not_kept(invited):
    invitation, token = invited
    assert token not in str(Invitation.objects.filter(pk=invitation.pk).values())


def test_the_links_address_is_the_sites_own_whatever_host_was_asked(settings, invited):
    settings.SITE_URL = "https://plumbline.example"
    assert invitations.link("token").startswith("https://plumbline.example/supervision/join/")


def test_a_second_invitation_to_the_same_role_is_refused_while_the_first_is_open(as_user, sam, harbour, invited):
    response = as_user(sam).post(reverse("supervision:invitation-create", args=["harbour"]), form(email="nina@example.org"))
    assert response.status_code == 422
    assert "on its way" in response.content.decode()


def test_sending_again_makes_a_new_link_and_ends_the_old(as_user, sam, harbour, invited, django_capture_on_commit_callbacks):
    invitation, old = invited
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        as_user(sam).post(reverse("supervision:invitation-resend", args=["harbour", invitation.pk]))
    assert len(mail.outbox) == 1
    with pytest.raises(invitations.InvitationRefused, match="newer one"):
        invitations.find(old, now=timezone.now())


def test_a_cancelled_link_says_whom_to_ask(as_user, sam, harbour, invited):
    invitation, token = invited
    as_user(sam).post(reverse("supervision:invitation-cancel", args=["harbour", invitation.pk]))
    with pytest.raises(invitations.InvitationRefused, match="Sam Example"):
        invitations.find(token, now=timezone.now())


def test_cancelling_and_sending_again_take_a_post(as_user, sam, harbour, invited):
    for name in ("invitation-resend", "invitation-cancel"):
        assert as_user(sam).get(reverse(f"supervision:{name}", args=["harbour", invited[0].pk])).status_code == 405


@pytest.mark.parametrize("role", ["ig_lead", "content_editor"])
def test_offices_of_the_whole_service_cannot_be_given_by_a_team(as_user, sam, harbour, role):
    assert as_user(sam).post(reverse("supervision:invitation-create", args=["harbour"]), form(role=role)).status_code == 422


def test_cover_needs_a_last_day(as_user, sam, harbour):
    response = as_user(sam).post(reverse("supervision:invitation-create", args=["harbour"]), form(role="backup_supervisor"))
    assert response.status_code == 422
    assert "last day of the cover" in response.content.decode()


def test_errors_are_summed_up_and_nothing_is_made(as_user, sam, harbour):
    response = as_user(sam).post(reverse("supervision:invitation-create", args=["harbour"]), {})
    assert response.status_code == 422
    assert "Enter the e-mail address." in response.content.decode()
    assert not Invitation.objects.exists()


def test_a_mail_server_that_is_down_does_not_undo_the_invitation(as_user, sam, harbour, settings, django_capture_on_commit_callbacks):
    settings.EMAIL_BACKEND = "tests.supervision.test_invitations.DownBackend"
    with django_capture_on_commit_callbacks(execute=True):
        response = as_user(sam).post(reverse("supervision:invitation-create", args=["harbour"]), form())
    assert response.status_code == 302
    assert Invitation.objects.count() == 1


class DownBackend:
    def __init__(self, *args, **kwargs):
        raise ConnectionRefusedError


def test_the_list_shows_which_have_run_out(as_user, sam, harbour, invited):
    Invitation.objects.update(expires_at=timezone.localtime() - dt.timedelta(days=1))
    assert "Ran out" in as_user(sam).get(reverse("supervision:member-list", args=["harbour"])).content.decode()
