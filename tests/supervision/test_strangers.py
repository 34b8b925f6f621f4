"""To somebody of another team, no address of a team exists."""

import uuid

import pytest
from django.urls import get_resolver, reverse
from django.utils import timezone

from supervision import development, instruments
from supervision.models import Instrument, ScoreReport
from tests import factories


def team_addresses():
    patterns = get_resolver("supervision.urls").url_patterns
    return sorted(
        (pattern.name, tuple(pattern.pattern.converters)) for pattern in patterns if str(pattern.pattern).startswith("teams/<slug")
    )


@pytest.fixture
def score_report(harbour, thea, sam):
    instruments.load_instruments()
    return ScoreReport.objects.create(
        instrument=Instrument.objects.get(slug="tam-r"), team=harbour, about=thea, respondent="R-1", occurred_on=factories.days_ago(3),
        values={}, source="typed", recorded_at=timezone.now(), recorded_by=sam,
    )  # fmt: skip


@pytest.fixture
def goal(harbour, thea, sam):
    return development.set_goal(therapist=thea, team=harbour, text="Ask before advising.", by=sam, now=timezone.now())


@pytest.mark.parametrize(("name", "parts"), team_addresses())
@pytest.mark.parametrize("stranger", ["olly", "otto", "lena"])
def test_a_stranger_finds_nothing(request, client, harbour, thea, score_report, goal, name, parts, stranger):
    requirement = factories.make_requirement(harbour.programme, "course", key="orientation")
    person = request.getfixturevalue(stranger)
    values = {
        "slug": harbour.slug,
        "pk": thea.pk,
        "person_pk": thea.pk,
        "requirement_key": requirement.key,
        "goal_id": goal.pk,
        "measure": "tam-r",
    }
    if name == "score-withdraw":
        values["pk"] = score_report.pk
    url = reverse(f"supervision:{name}", kwargs={part: values[part] for part in parts})
    client.force_login(person)
    assert {client.get(url).status_code, client.post(url).status_code} <= {404, 405}
    assert client.post(url).status_code in {404, 405}
    if name not in {"invitation-resend", "invitation-cancel", "goal-close", "goal-again"}:  # these only take POST
        assert client.get(url).status_code == 404


@pytest.mark.parametrize(("name", "parts"), team_addresses())
def test_nobody_gets_in_without_signing_in(client, harbour, name, parts):
    values = {"slug": harbour.slug, "pk": 1, "person_pk": 1, "requirement_key": "x", "goal_id": uuid.uuid4(), "measure": "x"}
    if name == "score-withdraw":
        values["pk"] = uuid.uuid4()
    response = client.get(reverse(f"supervision:{name}", kwargs={part: values[part] for part in parts}))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")
