"""The words of a consent do not change under those who agreed to them."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from recordings.models import ConsentWording
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_wording_that_nobody_has_agreed_to_can_be_changed(harbour):
    wording = factories.make_wording(harbour.programme)
    wording.text = "Better words."
    wording.full_clean()


def test_a_wording_that_a_consent_rests_on_cannot(harbour, thea):
    consent = factories.make_consent(factories.make_family(harbour, thea))
    consent.wording.text = "Other words."
    with pytest.raises(ValidationError, match="Add the next version"):
        consent.wording.full_clean()


def test_the_back_office_refuses_to_delete_it(client, harbour, thea):
    consent = factories.make_consent(factories.make_family(harbour, thea))
    boss = factories.make_user("boss", is_superuser=True)
    client.force_login(boss)
    address = f"/admin/snippets/recordings/consentwording/delete/{consent.wording.pk}/"
    client.post(address)
    consent.wording.refresh_from_db()


class TestTheBackOffice:
    @pytest.fixture
    def boss(self, client):
        client.force_login(factories.make_user("boss", is_superuser=True))
        return client

    def fields(self, programme, **changes):
        return {
            "programme": programme.pk,
            "effective_from": factories.days_ago(0).isoformat(),
            "text": "Words.",
            "young_text": "Yours.",
            "spoken_text": "Said.",
            **changes,
        }

    def test_versions_number_themselves(self, boss, harbour, meadow):
        factories.make_wording(harbour.programme, version=4)
        for programme in (harbour.programme, meadow.programme):
            assert boss.post("/admin/snippets/recordings/consentwording/add/", self.fields(programme)).status_code == 302
        assert ConsentWording.objects.get(programme=harbour.programme, text="Words.").version == 5
        made = ConsentWording.objects.get(programme=meadow.programme)
        assert (made.version, made.young_text, made.spoken_text) == (1, "Yours.", "Said.")

    def test_a_copy_does_not_come_into_force_in_the_past(self, boss, harbour):
        old = factories.make_wording(harbour.programme)
        address = "/admin/snippets/recordings/consentwording/add/"
        same_day = boss.post(address, self.fields(harbour.programme, effective_from=old.effective_from.isoformat()))
        assert b"Enter a later day from which these hold" in same_day.content
        assert ConsentWording.objects.get(programme=harbour.programme) == old
        later = (old.effective_from + dt.timedelta(days=1)).isoformat()
        assert boss.post(address, self.fields(harbour.programme, effective_from=later)).status_code == 302
        assert ConsentWording.objects.filter(programme=harbour.programme).count() == 2

    def test_a_version_in_use_is_not_changed_there_either(self, boss, harbour, thea):
        wording = factories.make_consent(factories.make_family(harbour, thea)).wording
        response = boss.post(f"/admin/snippets/recordings/consentwording/edit/{wording.pk}/", self.fields(harbour.programme))
        assert b"Add the next version" in response.content
        wording.refresh_from_db()
        assert wording.text != "Words."

    def test_the_preview_is_the_familys_sheet(self, boss, harbour):
        wording = factories.make_wording(harbour.programme)
        address = f"/admin/snippets/recordings/consentwording/preview/{wording.pk}/"
        boss.post(address, self.fields(harbour.programme, text="## Why\n\nNot yet saved."))
        words = boss.get(address).content.decode()
        assert "<h3>Why</h3>" in words
        assert "Not yet saved." in words
        assert "Your answers" in words
