"""The demo: loading it twice adds nothing, and there is something to see on the pages of governance."""

import datetime as dt

import pytest
from django.apps import apps
from django.utils import timezone

from cms.demo import load as demo
from recordings import comparing, keeping, legalhold, lookagain
from recordings.models import Assignment, Comparison, DestructionCertificate, LegalHold, Purpose, Recording, SamplingPlan
from supervision.models import Programme, User

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def counts():
    return {model._meta.label: model.objects.count() for model in apps.get_models(include_auto_created=True) if model._meta.managed}


def test_loading_it_twice_changes_nothing_and_governance_has_something_to_show():
    now = timezone.now()
    assert demo.load(now=now)
    before = counts()
    assert not demo.load(now=now + dt.timedelta(days=1))
    demo._people_and_teams(now)
    assert counts() == before

    today = timezone.localdate(now)
    ines = User.objects.get(email="ines@northport.example")
    words = sorted(legalhold.word(hold, on=today)[0] for hold in LegalHold.objects.all())
    assert words == ["In force", "Waits for agreement"]
    assert DestructionCertificate.objects.get(recording__family__reference="H-2043").reason == "mistake"
    [due] = keeping.due_soon(User.objects.get(first_name="Nia"), today)
    assert 0 < due.days <= keeping.WARN_DAYS
    assert not LegalHold.objects.filter(asked_by=ines).exists()  # so she can agree to each
    assert [one.family.reference for one in lookagain.due(User.objects.get(first_name="Priya"), today)] == ["H-2044"]


def test_three_families_of_one_programme_agree_to_research():
    now = timezone.now()
    demo.load(now=now)
    kept = Recording.objects.kept().filter(team__programme=Programme.objects.get(slug="mst"))
    for purpose in (Purpose.RECORD, Purpose.TRANSCRIBE, Purpose.RESEARCH):
        kept = kept.agreed_to(purpose, on=timezone.localdate(now))
    assert len(set(kept.values_list("family", flat=True))) == 3


def test_one_pair_of_ratings_waits_to_be_compared_and_one_first_rating_to_be_made():
    now = timezone.now()
    demo.load(now=now)
    cora, carl = User.objects.get(first_name="Cora"), User.objects.get(first_name="Carl")
    [pair] = Comparison.objects.open()
    assert (pair.first.rater, pair.second.rater, pair.first.recording.family.reference) == (cora, carl, "H-2044")
    rows = comparing.rows(pair)
    assert 0 < sum(row.is_same for row in rows) < len(rows)
    [asked] = Assignment.objects.open()
    assert (asked.rater, asked.part, asked.recording.family.reference) == (cora, "first", "H-2043")
    assert Comparison.objects.filter(released_at__isnull=False).count() == 5
    arriving = timezone.localdate(now)
    assert not SamplingPlan.objects.filter(starts_on__lte=arriving, ends_on__isnull=True).exists()  # what Thea sends waits for Cora
