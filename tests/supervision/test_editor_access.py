"""The Wagtail admin opens to content editors, for as long as they are."""

from django.urls import reverse
from django.utils import timezone

from recordings.models import Code, ConsentWording
from supervision import teams
from supervision.models import Instrument, Membership
from tests import factories


def add_editor(user, starts_on):
    return teams.add_member(team=None, user=user, role=Membership.Role.CONTENT_EDITOR, starts_on=starts_on, by=None, now=timezone.now())


def test_an_editor_reaches_the_admin(client, db):
    editor = factories.make_user("ed")
    add_editor(editor, factories.days_ago(3))
    client.force_login(editor)
    assert client.get("/admin/").status_code == 200


def test_an_editor_whose_membership_ended_yesterday_does_not(client, db):
    editor = factories.make_user("ed")
    membership = add_editor(editor, factories.days_ago(30))
    membership.ends_on = factories.days_ago(1)
    membership.save()
    client.force_login(editor)
    assert client.get("/admin/").status_code == 403


def test_a_therapist_does_not(client, thea):
    client.force_login(thea)
    assert client.get("/admin/").status_code == 403


def test_an_editor_can_add_images_documents_and_media(client, db):
    editor = factories.make_user("ed")
    factories.course_index()
    add_editor(editor, factories.days_ago(3))
    client.force_login(editor)
    for address in ("/admin/images/add/", "/admin/documents/add/", "/admin/media/audio/add/"):
        assert client.get(address).status_code == 200


def test_an_editor_writes_instruments_code_books_and_the_words_of_consent_and_deletes_none(client, db):
    editor = factories.make_user("ed")
    add_editor(editor, factories.days_ago(3))
    client.force_login(editor)
    for model in (Instrument, Code, ConsentWording):
        for name in ("list", "add"):
            assert client.get(reverse(model.snippet_viewset.get_url_name(name))).status_code == 200
        assert not editor.has_perm(f"{model._meta.app_label}.delete_{model._meta.model_name}")
