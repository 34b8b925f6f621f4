"""Sessions that were rated twice, each by two people, who need not be the same two each time.

Which of the two stands first is nobody's choice and means nothing, so no figure here depends on it. Where the same two people rated
every session, each of them is a rater: Cohen's κ and ICC(2,1) are theirs, and see that one is stricter. Where people change, κ is Fleiss'
and the ICC one-way, ICC(1,1), in which being strict counts as disagreement (Shrout & Fleiss 1979, Psychological Bulletin 86:420-428, on
which to choose). Percent, Gwet's AC and Krippendorff's α are the same for both.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from supervision.agreement.cohen import cohen_kappa
from supervision.agreement.figures import Figure, inapplicable
from supervision.agreement.fleiss import fleiss_kappa
from supervision.agreement.gwet import gwet_ac1, gwet_ac2
from supervision.agreement.icc import icc
from supervision.agreement.krippendorff import krippendorff_alpha
from supervision.agreement.percent import percent_agreement
from supervision.agreement.ratings import Level, Ratings

COUNTED = "sessions"
NOTHING = "Both scored it in no session."

Scores = Mapping[str, float | None]  # by item; None is "not applicable", and what is not there was not rated


@dataclass(frozen=True)
class Pair:
    """One session: who rated it (two different people, as ids that can be sorted), and what each gave."""

    raters: tuple[int, int]
    scores: tuple[Scores, Scores]


@dataclass(frozen=True)
class Applicable:
    """Whether an item applies at all. `one_sided` counts the sessions in which one of the two said that it does not, `neither` those in
    which both did; the figures are of the answers "it applies" and "it does not"."""

    one_sided: int
    neither: int
    percent: Figure
    ac1: Figure


def people(pairs: Iterable[Pair]) -> list[int]:
    """Everybody who rated one of them, in order."""
    return sorted({rater for pair in pairs for rater in pair.raters})


def are_two(pairs: Iterable[Pair]) -> bool:
    """Whether the same two people rated all of them."""
    return len(people(pairs)) == 2


def of_item(pairs: Sequence[Pair], key: str, level: Level, *, scale: Iterable[Hashable] | None = None) -> dict[str, Figure]:
    """By name: percent, κ, Gwet's AC and α of an item with steps, over the sessions in which both scored it.

    κ has quadratic weights where the steps are ordered, and AC is then AC2 with ordinal weights. `scale` is every step there is.
    """
    table = _table(pairs, key, level, scale=scale)
    if table is None:
        names = ("percent_agreement", kappa_name(pairs, level), gwet_name(level), "krippendorff_alpha")
        return dict.fromkeys(names, _nothing())
    weights = "none" if level == Level.NOMINAL else "quadratic"
    return {
        "percent_agreement": _of_sessions(percent_agreement(table)),
        kappa_name(pairs, level): _of_sessions((cohen_kappa if are_two(pairs) else fleiss_kappa)(table, weights)),
        gwet_name(level): _of_sessions((gwet_ac1 if level == Level.NOMINAL else gwet_ac2)(table)),
        "krippendorff_alpha": _of_sessions(krippendorff_alpha(table)),
    }


def of_amount(pairs: Sequence[Pair], key: str) -> dict[str, Figure]:
    """By name: percent, ICC and α of a count or a duration, which has no steps for κ or AC to compare."""
    table = _table(pairs, key, Level.INTERVAL)
    if table is None:
        return dict.fromkeys(("percent_agreement", icc_name(pairs), "krippendorff_alpha"), _nothing())
    return {
        "percent_agreement": _of_sessions(percent_agreement(table)),
        icc_name(pairs): _of_sessions(icc(table)[icc_form(pairs)]),
        "krippendorff_alpha": _of_sessions(krippendorff_alpha(table)),
    }


def of_mean(pairs: Sequence[Pair], keys: Sequence[str]) -> Figure:
    """ICC of the mean of these items, which must have one and the same steps. A session counts where both scored half of them or more, and
    its two means are over the items that both scored."""
    rows = []
    for pair in pairs:
        both = [
            (one, other) for key in keys if (one := pair.scores[0].get(key)) is not None and (other := pair.scores[1].get(key)) is not None
        ]
        if both and 2 * len(both) >= len(keys):
            rows.append((pair.raters, [sum(side) / len(both) for side in zip(*both, strict=True)]))
    if not rows:
        return inapplicable("There is no session in which both scored half of these items.", n_units=0, n_raters=0, counted=COUNTED)
    return _of_sessions(icc(Ratings.of(_by_person(rows), Level.INTERVAL))[icc_form(pairs)])


def applicable(pairs: Sequence[Pair], key: str) -> Applicable | None:
    """Agreement on whether the item applies; None where nobody said that it does not."""
    answers = [
        (pair.raters, [int(scores[key] is not None) for scores in pair.scores])
        for pair in pairs
        if all(key in scores for scores in pair.scores)
    ]
    one_sided = sum(first != second for _, (first, second) in answers)
    neither = sum(first == second == 0 for _, (first, second) in answers)
    if not one_sided + neither:
        return None
    table = Ratings.of(_by_person(answers), Level.NOMINAL, scale=(0, 1))
    return Applicable(one_sided, neither, _of_sessions(percent_agreement(table)), _of_sessions(gwet_ac1(table)))


def kappa_name(pairs: Iterable[Pair], level: Level) -> str:
    return ("cohen_kappa" if are_two(pairs) else "fleiss_kappa") + ("" if level == Level.NOMINAL else "_quadratic")


def gwet_name(level: Level) -> str:
    return "gwet_ac1" if level == Level.NOMINAL else "gwet_ac2"


def icc_form(pairs: Iterable[Pair]) -> str:
    """One of the forms in `icc.FORMS`."""
    return "2,1" if are_two(pairs) else "1,1"


def icc_name(pairs: Iterable[Pair]) -> str:
    return f"icc_{icc_form(pairs).replace(',', '_')}"


def _table(pairs: Sequence[Pair], key: str, level: Level, *, scale: Iterable[Hashable] | None = None) -> Ratings | None:
    """The sessions in which both scored the item."""
    rows = [(pair.raters, [scores.get(key) for scores in pair.scores]) for pair in pairs]
    both = [(raters, values) for raters, values in rows if None not in values]
    return Ratings.of(_by_person(both), level, scale=scale) if both else None


def _by_person(rows: Sequence[tuple[tuple[int, int], Sequence[float | None]]]) -> list[list[float | None]]:
    """One column for each person, with gaps."""
    columns = sorted({rater for raters, _ in rows for rater in raters})
    table = []
    for raters, values in rows:
        given = dict(zip(raters, values, strict=True))
        table.append([given.get(rater) for rater in columns])
    return table


def _of_sessions(found: Figure) -> Figure:
    return replace(found, counted=COUNTED)


def _nothing() -> Figure:
    return inapplicable(NOTHING, n_units=0, n_raters=0, counted=COUNTED)
