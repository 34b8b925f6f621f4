"""What the tests of double rating and calibration share: two raters of one session, at any stage."""

import datetime as dt

from django.utils import timezone

from recordings import assigning, comparing, review, sampling
from recordings.models import Assignment, Comparison, Purpose
from supervision import instruments
from supervision.models import Instrument, Item, Membership
from tests import factories
from tests.recordings import review_setup as setup

ALL = (Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE, Purpose.TRAIN_RATERS)


def instrument():
    if not Instrument.objects.exists():
        instruments.load_instruments()
    return Instrument.objects.get(slug="practice-review", is_current=True)


def make_plan(team, by, **values):
    values.setdefault("double_share", 1.0)
    values.setdefault("seed", 7)
    return sampling.make(team=team, instrument=instrument(), by=by, now=timezone.now(), **values)


def recording(therapist, team, *, purposes=ALL, **fields):
    consent = factories.make_consent(factories.make_family(team, therapist), purposes=purposes)
    fields.setdefault("uploaded_at", timezone.now())
    return setup.ready_recording(therapist, team, consent=consent, **fields)


def consultant(name, team):
    return factories.make_member(name, team, Membership.Role.CONSULTANT)


def run(now=None):
    return assigning.run(now=now or timezone.now())


def asked(recording, part="first"):
    return Assignment.objects.get(recording=recording, part=part, skipped_at__isnull=True)


def begin(assignment):
    return review.start(recording=assignment.recording, rater=assignment.rater, assignment=assignment, now=timezone.now())


def submit(assignment, *, score=3, others=None, comment=setup.SECRET):
    """Begins, annotates, rates (`others`: item key to score), hears and submits."""
    own = begin(assignment)
    setup.mark(own, comment=comment)
    for item in Item.objects.filter(instrument=own.instrument):
        review.score(review=own, item=item, score=(others or {}).get(item.key, score), version=0, by=own.rater, now=timezone.now())
    setup.hear(own.recording, own.rater)
    return review.submit(review=own, by=own.rater, now=timezone.now())


def both(recording, *, differ=("finding-the-fit",)):
    """Both ratings are in: the second gives 1 where it differs, 3 elsewhere. Returns the comparison."""
    submit(asked(recording, "first"))
    submit(asked(recording, "second"), others=dict.fromkeys(differ, 1), comment="The uncle was not asked about")
    return Comparison.objects.get(first__recording=recording)


def agree_on_all(comparison, score=2):
    first, second = comparison.first.rater, comparison.second.rater
    for item in comparing.unsettled(comparison):
        made = comparing.propose(comparison=comparison, item=item, score=score, version=0, by=first, now=timezone.now())
        comparing.agree(comparison=comparison, item=item, version=made.version, by=second, now=timezone.now())
    return comparing.settle(comparison=comparison, by=first, now=timezone.now())


def tomorrow():
    return timezone.now() + dt.timedelta(days=1)
