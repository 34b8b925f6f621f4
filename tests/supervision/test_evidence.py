"""Attendance, certificates and waivers given by people: who may, what is asked, and taking back."""

import datetime as dt

import pytest
from django.db.models import ProtectedError
from django.urls import reverse
from django.utils import timezone

from supervision import evidence
from supervision.models import Evidence
from tests import factories


@pytest.fixture
def booster(harbour):
    return factories.make_requirement(harbour.programme, "booster", key="booster", name="Booster")


def record(team, person, by, kind="attendance", **fields):
    fields.setdefault("occurred_on", factories.days_ago(3))
    fields.setdefault("note", "Signed list of the day")
    return evidence.record(
        person=person, programme=team.programme, requirement_key="booster", kind=kind, by=by, now=timezone.now(), **fields
    )


def post(client, person, **values):
    data = {
        "kind": "waiver",
        "occurred_on": factories.today().isoformat(),
        "valid_until": (factories.today() + dt.timedelta(days=30)).isoformat(),
        "note": "Long leave",
        **values,
    }
    return client.post(reverse("supervision:evidence-create", args=["harbour", person.pk, "booster"]), data)


def test_a_waiver_changes_the_cell_and_says_why(as_user, sam, thea, booster):
    client = as_user(sam)
    response = post(client, thea)
    content = client.get(response["Location"]).content.decode()
    assert "Waived" in content
    assert "Long leave" in content
    assert "Sam Example" in content


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"valid_until": ""}, "Enter the last day of the waiver."),
        ({"note": ""}, "Say what it rests on."),
        ({"valid_until": "2999-01-01"}, "a year at most"),
        ({"kind": "attendance", "occurred_on": "2999-01-01", "valid_until": ""}, "in the future"),
        ({"kind": ""}, "Choose what to record."),
        ({"kind": "withdrawn"}, "not one of the available choices"),
    ],
)
def test_a_slip_is_explained_and_nothing_is_kept(as_user, sam, thea, booster, values, words):
    response = post(as_user(sam), thea, **values)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Evidence.objects.exists()


def test_nobody_vouches_for_themselves(as_user, sam, harbour, booster):
    assert post(as_user(sam), sam).status_code == 403
    with pytest.raises(evidence.EvidenceRefused, match="Somebody else"):
        record(harbour, sam, sam)


def test_a_waiver_needs_an_end_even_without_the_form(harbour, sam, thea, booster):
    with pytest.raises(evidence.EvidenceRefused, match="last day"):
        record(harbour, thea, sam, kind="waiver")


def test_an_entry_is_withdrawn_with_a_reason_and_never_deleted(as_user, sam, thea, harbour, booster):
    entry = record(harbour, thea, sam)
    url = reverse("supervision:evidence-withdraw", args=["harbour", entry.pk])
    client = as_user(sam)
    assert client.post(url, {"note": ""}).status_code == 422
    client.post(url, {"note": "Meant for Tom"})
    assert Evidence.objects.filter(withdraws=entry, note="Meant for Tom").exists()
    assert Evidence.objects.filter(pk=entry.pk).exists()
    assert client.post(url, {"note": "Again"}).status_code == 422
    with pytest.raises(ProtectedError):
        entry.delete()


def test_an_entry_about_somebody_elses_team_cannot_be_withdrawn_here(as_user, sam, otto, olly, meadow, harbour, booster):
    entry = record(meadow, olly, otto)
    assert as_user(sam).get(reverse("supervision:evidence-withdraw", args=["harbour", entry.pk])).status_code == 404
