"""Totals that caregivers gave over the last three months, as Harbour's administrator entered them. H-2044 has none, to be noticed."""

from typing import TYPE_CHECKING

from django.db import transaction

from cms.demo import people
from supervision import measures
from supervision.models import FamilyReference, Instrument, ScoreReport

if TYPE_CHECKING:
    from cms.demo.load import Loaded

INSTRUMENT = "tam-r"
# Family, and days before the load with the total of that day.
TOTALS = (
    ("H-2036", ((104, 0.48), (76, 0.57), (48, 0.69), (20, 0.74))),
    ("H-2041", ((50, 0.52), (27, 0.63), (2, 0.71))),
    ("H-2043", ((30, 0.58), (3, 0.60))),
)


def is_loaded() -> bool:
    return ScoreReport.objects.filter(team__slug=people.HARBOUR).exists()


@transaction.atomic
def load(loaded: "Loaded") -> None:
    if is_loaded():
        return
    instrument = Instrument.objects.get(slug=INSTRUMENT, is_current=True)
    for reference, totals in TOTALS:
        family = FamilyReference.objects.select_related("therapist").get(team=loaded.teams[people.HARBOUR], reference=reference)
        for days, total in totals:
            measures.record(
                instrument=instrument,
                team=loaded.teams[people.HARBOUR],
                about=family.therapist,
                family=family,
                occurred_on=loaded.days_ago(days),
                values={"total": total},
                by=loaded.users["Ada"],
                now=loaded.at(days, 16),
            )
