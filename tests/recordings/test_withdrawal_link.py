"""The family's own link: no account, no names, works once, and what it does is done at once."""

import datetime as dt
import io
import logging
import re
import threading

import docx
import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from wagtail.models import ModelLogEntry

from cms.logs import HideSecrets
from recordings import vault, withdrawal, withdrawallink
from recordings.models import Consent, LegalHold, Recording, Upload, Withdrawal, WithdrawalLink
from recordings.views import withdrawals
from tests import factories
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db
GONE, MISSING = 410, 404


@pytest.fixture
def consent(harbour, thea):
    return factories.make_consent(factories.make_family(harbour, thea))


@pytest.fixture
def token(consent, thea):
    return withdrawallink.make(consent=consent, by=thea, now=timezone.now())


@pytest.fixture
def family():
    """A telephone without an account, without cookies, with every check switched on."""
    cache.clear()
    return Client(enforce_csrf_checks=True)


def page(token):
    return f"/recordings/withdraw/{token}/"


def test_only_a_hash_of_it_is_kept(consent, token):
    assert len(token) >= 43
    link = WithdrawalLink.objects.get()
    assert token not in str(link.__dict__)
    if connection.vendor == "sqlite":
        assert token not in "\n".join(connection.connection.iterdump())


def test_looking_changes_nothing_however_often(family, consent, token):
    recording = bare_recording(consent=consent)
    for _ in range(3):
        assert family.get(page(token)).status_code == 200
        assert family.head(page(token)).status_code == 200
    consent.refresh_from_db()
    assert consent.withdrawn_at is None
    assert vault.has_key(recording.pk)


def test_it_says_what_goes_and_what_stays_without_a_name(family, consent, token, thea):
    bare_recording(consent=consent)
    response = family.get(page(token))
    words = response.content.decode()
    assert "What goes" in words
    assert "What stays" in words
    for secret in (consent.family.reference, consent.family.initials, thea.last_name, thea.first_name, "M.B."):
        assert secret not in words
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    assert "noindex" in response["X-Robots-Tag"]
    assert not response.cookies


def test_one_tap_withdraws_and_destroys_and_says_so(family, consent, token):
    recording = bare_recording(consent=consent)
    response = family.post(page(token))
    words = response.content.decode()
    assert response.status_code == 200
    recording.refresh_from_db()
    assert recording.state == Recording.State.DESTROYED
    assert str(recording.certificate.reference) in words
    assert f"{recording.certificate.backups_unreadable_on:%-d %B %Y}" in words
    done = Withdrawal.objects.get()
    assert (done.channel, done.recorded_by, done.person) == ("link", None, None)
    assert ModelLogEntry.objects.get(action="recordings.withdraw").user is None
    assert WithdrawalLink.objects.get().used_at is not None


def test_it_works_once(family, consent, token):
    family.post(page(token))
    for response in (family.get(page(token)), family.post(page(token))):
        assert response.status_code == GONE
        assert b"This link has been used" in response.content
        assert b"Taken back on" in response.content
    assert Withdrawal.objects.count() == 1


def test_links_given_out_before_go_on_working_until_one_is_used(family, consent, token, thea):
    second, third = (withdrawallink.make(consent=consent, by=thea, now=timezone.now()) for _ in range(2))
    assert [family.get(page(one)).status_code for one in (token, second, third)] == [200] * 3
    assert family.post(page(second)).status_code == 200
    assert [family.get(page(one)).status_code for one in (token, second, third)] == [GONE] * 3
    assert b"already been withdrawn" in family.post(page(token)).content
    assert WithdrawalLink.objects.filter(used_at__isnull=False).count() == 1


class TestAPaperThatWasLost:
    def test_the_page_counts_and_dates_what_was_given_out_and_shows_no_secret(self, as_user, thea, consent, token):
        withdrawallink.make(consent=consent, by=thea, now=timezone.localtime() - dt.timedelta(days=3))
        words = as_user(thea).get(f"/recordings/consents/{consent.pk}/").content.decode()
        assert "2 links that work were given out" in words
        assert f"{factories.days_ago(3):%-d %B %Y}" in words
        assert token not in words

    def test_ending_all_links_is_an_act_of_its_own_and_takes_nothing_back(self, as_user, thea, consent, token, family):
        second = withdrawallink.make(consent=consent, by=thea, now=timezone.now())
        for _ in range(2):
            assert as_user(thea).post(f"/recordings/consents/{consent.pk}/links/end/").status_code == 302
        for one in (token, second):
            response = family.post(page(one))
            assert response.status_code == GONE
            assert b"The service has ended this link" in response.content
        consent.refresh_from_db()
        assert consent.withdrawn_at is None
        assert ModelLogEntry.objects.get(action="recordings.withdrawal_links_end").data == {"links": 2}
        newer = withdrawallink.make(consent=consent, by=thea, now=timezone.now())
        assert family.get(page(newer)).status_code == 200


def test_after_a_withdrawal_on_the_familys_word_the_link_tells_what_became_of_it(family, consent, token, thea):
    withdrawal.withdraw(consent=consent, channel="telephone", by=thea, now=timezone.now())
    response = family.get(page(token))
    assert response.status_code == GONE
    assert b"already been withdrawn" in response.content
    with pytest.raises(withdrawallink.LinkRefused, match="nothing left"):
        withdrawallink.make(consent=consent, by=thea, now=timezone.now())


def test_guessing_ends_and_a_link_that_works_is_never_refused_for_it(family, consent, token):
    statuses = [family.get(page(f"{number:043d}")).status_code for number in range(withdrawals.WRONG_LINKS + 2)]
    assert statuses == [MISSING] * withdrawals.WRONG_LINKS + [429, 429]
    assert family.get(page(token)).status_code == 200


def test_uploads_under_way_end(consent, token, thea, family):
    now = timezone.now()
    upload = Upload.objects.create(
        user=thea,
        consent=consent,
        session_on=factories.today(),
        length=1000,
        began_at=now,
        changed_at=now,
        expires_at=now + dt.timedelta(days=2),
    )
    vault.create_key(upload.pk, purpose="upload")
    family.post(page(token))
    upload.refresh_from_db()
    assert upload.state == Upload.State.ENDED
    assert not vault.has_key(upload.pk)


def test_a_legal_hold_is_told_and_nobody_may_listen(consent, token, thea, sam, iggy, family):
    from recordings import permissions

    now = timezone.now()
    recording, free = bare_recording(consent=consent, state=Recording.State.READY), bare_recording(consent=consent)
    until = factories.today() + dt.timedelta(days=30)
    LegalHold.objects.create(recording=recording, reason="Court", ends_on=until, asked_at=now, asked_by=sam, agreed_at=now, agreed_by=iggy)
    assert f"{until:%-d %B %Y}" in family.get(page(token)).content.decode()
    words = family.post(page(token)).content.decode()
    assert f"{until:%-d %B %Y}" in words
    recording = Recording.objects.get(pk=recording.pk)
    assert recording.state == Recording.State.READY
    assert not permissions.can_listen(thea, recording)
    assert not permissions.can_listen(sam, recording)
    assert str(Recording.objects.get(pk=free.pk).certificate.reference) in words


def test_no_log_line_names_the_secret(token):
    record = logging.LogRecord("django.request", logging.ERROR, "", 0, "%s: %s", ("Internal Server Error", page(token)), None)
    assert HideSecrets().filter(record)
    assert record.getMessage() == "Internal Server Error: /recordings/withdraw/…/"
    plain = logging.LogRecord("a", logging.ERROR, "", 0, "%s: %s", ("Not Found", "/recordings/5/"), None)
    HideSecrets().filter(plain)
    assert plain.getMessage() == "Not Found: /recordings/5/"


def test_every_handler_that_writes_has_the_filter(settings):
    assert all("hide_secrets" in handler["filters"] for handler in settings.LOGGING["handlers"].values())


class TestHandingItOut:
    def test_the_copy_shows_it_in_full_this_once(self, as_user, thea, consent):
        client = as_user(thea)
        response = client.post(f"/recordings/consents/{consent.pk}/link/")
        address = re.search(r"http\S+/recordings/withdraw/[\w-]{43}/", response.content.decode()).group()
        assert "no-store" in response["Cache-Control"]
        assert b"data:image/svg+xml" in response.content
        assert address not in client.get(f"/recordings/consents/{consent.pk}/print/").content.decode()
        assert Client().get(address.replace("http://127.0.0.1:8000", "")).status_code == 200

    def test_the_word_file_of_that_copy_has_the_same_link(self, as_user, thea, consent, token):
        response = as_user(thea).post(f"/recordings/consents/{consent.pk}/link/", {"token": token, "format": "docx"})
        words = "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(response.content)).paragraphs)
        assert withdrawallink.address(token) in words
        assert WithdrawalLink.objects.count() == 1

    def test_a_secret_of_another_consent_makes_a_new_link(self, as_user, thea, consent, token):
        other = factories.make_consent(consent.family)
        as_user(thea).post(f"/recordings/consents/{other.pk}/link/", {"token": token})
        assert WithdrawalLink.objects.filter(consent=other).count() == 1
        assert WithdrawalLink.objects.get(consent=consent).revoked_at is None

    def test_a_secret_that_somebody_made_up_is_never_printed(self, as_user, thea, consent, token):
        made_up = "x" * 43
        words = as_user(thea).post(f"/recordings/consents/{consent.pk}/link/", {"token": made_up}).content.decode()
        assert made_up not in words
        assert WithdrawalLink.objects.filter(consent=consent).count() == 2

    def test_who_handed_it_out_is_on_record_and_the_secret_is_not(self, consent, token, thea):
        entry = ModelLogEntry.objects.get(action="recordings.withdrawal_link")
        assert (entry.user, entry.object_id, entry.data) == (thea, str(consent.pk), {"link": WithdrawalLink.objects.get().pk})


def test_between_looking_and_tapping_a_consent_taken_back_by_staff_leaves_the_link_unspent(consent, token, thea, monkeypatch):
    """Who comes second finds nothing to spend, also where the page had found the link good."""
    good = withdrawallink.find(token)
    withdrawal.withdraw(consent=consent, channel="telephone", by=thea, now=timezone.now())
    monkeypatch.setattr(withdrawallink, "find", lambda token: good)
    with pytest.raises(withdrawallink.LinkRefused, match="already been withdrawn"):
        withdrawallink.use(token=token, now=timezone.now())
    assert WithdrawalLink.objects.get().used_at is None
    assert Withdrawal.objects.get().channel == "telephone"


@pytest.mark.django_db(transaction=True)
def test_under_many_requests_at_once_it_works_exactly_once(consent, token):
    recording = bare_recording(consent=consent)
    start, results = threading.Barrier(6), []

    def ask():
        try:
            start.wait(20)
            results.append(Client().post(page(token)).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == [200] + [GONE] * 5
    assert Withdrawal.objects.count() == 1
    assert Recording.objects.get(pk=recording.pk).state == Recording.State.DESTROYED
    assert Consent.objects.get(pk=consent.pk).withdrawn_at is not None
