"""What shows a consent, whoever asks; who is told that nothing does; and what begins once something does: of that consent alone."""

import datetime as dt
from itertools import product

import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import consentproof, evidence
from recordings.models import Consent, ConsentPaper, EarlierConsent, Recording
from tests import factories
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.localtime() - dt.timedelta(days=9)


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea)


def paper(consent, kind):
    about = {"content_type": "image/png", "size": 1, "sha256": "0" * 64, "sealed_at": timezone.now(), "sealed_by": consent.recorded_by}
    return ConsentPaper.objects.create(consent=consent, kind=kind, **about)


def bare(family, **fields):
    return factories.make_consent(family, **{"filed_at": "", "recorded_at": LONG_AGO, **fields})


def test_a_list_and_a_page_say_the_same_of_every_consent_there_can_be(family):
    """Beside them always stands one with a scan, so that no paper of another consent counts."""
    paper(bare(family), "form")
    for method, filed, witness, spoken, kinds in product(
        Consent.Method.values, ("", "Cabinet 2"), ("", "T.O."), (None, 0), ((), ("form",), ("signature", "capacity"))
    ):
        made = bare(family, method=method, filed_at=filed, witness=witness, spoken_at_ms=spoken)
        for kind in kinds:
            paper(made, kind)
        shown = method in ("signed_screen", "typed") or (
            (witness or spoken is not None) if method == "spoken" else (filed or "form" in kinds)
        )
        assert bool(evidence.missing(made)) is not bool(shown)
        assert Consent.objects.evidenced().filter(pk=made.pk).exists() is bool(shown)


class TestOverdue:
    def overdue(self):
        return evidence.overdue(on=factories.today())

    @pytest.fixture
    def own(self, family):
        return bare(family)

    def test_withdrawn_it_is_not_asked_for_nor_where_something_shows_it(self, own, family):
        bare(family, withdrawn_at=timezone.now())
        bare(family, filed_at="Cabinet 2")
        assert self.overdue() == [own]

    @pytest.mark.parametrize(("state", "asked"), [("ready", True), ("destroyed", False)])
    def test_once_it_has_ended_only_while_something_recorded_under_it_is_kept(self, own, family, state, asked):
        ended = bare(family, renewal="until_date", given_on=factories.days_ago(20), valid_until=factories.days_ago(1))
        gone = {"destroyed_at": timezone.now()} if state == "destroyed" else {}
        bare_recording(consent=ended, state=state, **gone)
        bare_recording(consent=own)
        assert self.overdue() == ([own, ended] if asked else [own])

    def test_of_those_who_can_put_it_right(self, own, harbour, thea, sam, cora, tom, olly):
        northport = factories.make_team(programme=harbour.programme)
        factories.make_member("sol", northport, "supervisor")
        told = [one for one in (thea, sam, cora, tom, olly) if evidence.overdue_for(one, on=factories.today()) == [own]]
        assert told == [thea, sam]

    @pytest.mark.parametrize("change", ["left", "in another team", "runs the office"])
    def test_a_therapist_who_no_longer_treats_there_is_not_told(self, own, harbour, thea, sam, change):
        elsewhere = factories.make_team(programme=harbour.programme)
        values = {"left": {"ends_on": factories.days_ago(1)}, "in another team": {"team": elsewhere}}
        thea.memberships.update(**values.get(change, {"role": "administrator"}))
        assert evidence.overdue_for(thea, on=factories.today()) == []
        assert evidence.overdue_for(sam, on=factories.today()) == [own]


class TestOnceSomethingShowsIt:
    @pytest.fixture
    def begun(self, monkeypatch):
        found = []
        monkeypatch.setattr("recordings.pipeline.rerun", lambda *, recording, by, now: found.append(recording))
        return found

    def test_what_waits_under_it_is_transcribed_and_nothing_else(self, family, harbour, thea, begun):
        own = bare(family)
        waits = bare_recording(consent=own, state=Recording.State.READY)
        bare_recording(consent=own, state=Recording.State.QUEUED)
        bare_recording(consent=own, state=Recording.State.DESTROYED, destroyed_at=timezone.now())
        done = bare_recording(consent=own, state=Recording.State.READY)
        done.runs.create(number=1, engine="e", model="m", finished_at=timezone.now())
        for beside in (family, factories.make_family(harbour, thea)):
            bare_recording(consent=factories.make_consent(beside), state=Recording.State.READY)
        consentproof.file_form(consent=own, filed_at=" Cabinet 2 ", by=thea, now=timezone.now())
        assert begun == [waits]
        (entry,) = ModelLogEntry.objects.filter(action="recordings.consent_filed")
        assert (entry.user, entry.object_id, entry.data) == (thea, str(own.pk), {"is_set": True})

    def test_a_place_lies_within_what_is_kept(self, family, thea, begun):
        own = bare(family, method="spoken")
        bare_recording(consent=own, duration_ms=60_000)
        gone = {"state": "destroyed", "destroyed_at": timezone.now()}
        bare_recording(consent=own, duration_ms=90_000, **gone)
        with pytest.raises(consentproof.ConsentRefused, match="after the end"):
            consentproof.place_spoken(consent=own, spoken_at_ms=60_000, by=thea, now=timezone.now())
        consentproof.place_spoken(consent=own, spoken_at_ms=59_999, by=thea, now=timezone.now())
        (entry,) = ModelLogEntry.objects.filter(action="recordings.consent_spoken")
        assert (entry.user, entry.data) == (thea, {"is_set": True, "has_witness": False})

    def test_nor_beyond_what_was_made_under_it_and_stands_under_a_newer_one(self, family, thea, begun):
        own = bare(family, method="spoken")
        moved = bare_recording(consent=factories.make_consent(family), duration_ms=60_000)
        EarlierConsent.objects.create(recording=moved, consent=own, replaced_at=timezone.now(), replaced_by=thea)
        with pytest.raises(consentproof.ConsentRefused, match="after the end"):
            consentproof.place_spoken(consent=own, spoken_at_ms=60_000, by=thea, now=timezone.now())
        consentproof.place_spoken(consent=own, spoken_at_ms=59_999, by=thea, now=timezone.now())

    @pytest.mark.parametrize("values", [{"withdrawn_at": LONG_AGO}, {"method": "typed"}])
    def test_nothing_is_changed_in_one_that_was_withdrawn_or_needs_none(self, family, thea, begun, values):
        own = bare(family, **values)
        with pytest.raises(consentproof.ConsentRefused):
            consentproof.file_form(consent=own, filed_at="Cabinet 2", by=thea, now=timezone.now())
        assert Consent.objects.get(pk=own.pk).filed_at == ""
