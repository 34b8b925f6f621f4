"""Harbour's pilot of double rating: a plan that ran for three weeks, one pair of ratings that waits to be compared, one session of
which the first rating is still to come; and the plan that follows."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from django.db import transaction

from cms.demo import people
from recordings import assigning, review, sampling
from recordings.models import Assignment, Recording, Review, SamplingDraw, SamplingPlan
from supervision.models import Instrument

if TYPE_CHECKING:
    from collections.abc import Callable

    from cms.demo.load import Loaded

RATINGS = Path(__file__).resolve().parent / "twice.yaml"
# Days before the load on which the pilot began and ended, and after it on which the next plan begins.
BEGAN, ENDED, NEXT = 22, 4, 30
SEED = 20_261
# file, family, days before the load on which the session took place, and on which the ratings were submitted
SESSIONS = (("session-5.opus", "H-2044", 20, 12), ("session-6.opus", "H-2043", 7, 3))


def is_loaded() -> bool:
    plans = SamplingPlan.objects.filter(team__slug=people.HARBOUR)
    rated = Review.objects.filter(recording__team__slug=people.HARBOUR, assignment__part=Assignment.Part.SECOND, submitted_at__isnull=False)
    return plans.count() >= 2 and rated.count() >= len(SESSIONS)


@transaction.atomic
def load(loaded: "Loaded", rate: "Callable[..., None]") -> None:
    """`rate` makes a finished review: `sessions.rate`."""
    if is_loaded():
        return
    team, sam = loaded.teams[people.HARBOUR], loaded.users["Sam"]
    instrument = Instrument.objects.get(slug=review.INSTRUMENT, is_current=True)
    pilot = sampling.make(team=team, instrument=instrument, by=sam, now=loaded.at(BEGAN), double_share=1.0, seed=SEED)
    ratings = yaml.safe_load(RATINGS.read_text(encoding="utf-8"))
    for name, reference, days, submitted in SESSIONS:
        recording = Recording.objects.get(family__reference=reference, session_on=loaded.days_ago(days))
        arrived = loaded.at(days - 1, 20)
        SamplingDraw.objects.create(plan=pilot, recording=recording, is_chosen=True, is_double=True, drawn_at=arrived)
        for part in (Assignment.Part.FIRST, Assignment.Part.SECOND):
            asked = assigning.place(recording, pilot, part, now=arrived)
            said = ratings[name].get(asked.rater.first_name) if asked else None
            if said:
                rate(loaded, recording, said | {"released": False}, submitted=submitted, asked=asked)
    sampling.end(plan=pilot, by=sam, now=loaded.at(ENDED))
    starts_on = loaded.anchor + dt.timedelta(days=NEXT)
    sampling.make(team=team, instrument=instrument, by=sam, now=loaded.at(ENDED), starts_on=starts_on, double_share=0.2, seed=SEED)
