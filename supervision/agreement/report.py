"""Every coefficient for one table of ratings, as JSON or as text."""

from typing import Any

from supervision.agreement import wording
from supervision.agreement.cohen import cohen_kappa
from supervision.agreement.figures import Figure
from supervision.agreement.fleiss import fleiss_kappa
from supervision.agreement.gwet import gwet_ac1, gwet_ac2
from supervision.agreement.icc import icc
from supervision.agreement.krippendorff import krippendorff_alpha
from supervision.agreement.percent import percent_agreement
from supervision.agreement.ratings import Ratings

NAMES = {
    "percent_agreement": "Percent agreement",
    "cohen_kappa": "Cohen's κ",
    "cohen_kappa_linear": "Cohen's κ, linear weights",
    "cohen_kappa_quadratic": "Cohen's κ, quadratic weights",
    "fleiss_kappa": "Fleiss' κ",
    "krippendorff_alpha": "Krippendorff's α",
    "gwet_ac1": "Gwet's AC1",
    "gwet_ac2": "Gwet's AC2",
}


def figures(ratings: Ratings) -> dict[str, Figure]:
    """All of them by name; the ICCs are "icc(1,1)" to "icc(3,k)"."""
    return {
        "percent_agreement": percent_agreement(ratings),
        "cohen_kappa": cohen_kappa(ratings),
        "cohen_kappa_linear": cohen_kappa(ratings, "linear"),
        "cohen_kappa_quadratic": cohen_kappa(ratings, "quadratic"),
        "fleiss_kappa": fleiss_kappa(ratings),
        "krippendorff_alpha": krippendorff_alpha(ratings),
        "gwet_ac1": gwet_ac1(ratings),
        "gwet_ac2": gwet_ac2(ratings),
        **{f"icc({form})": each for form, each in icc(ratings).items()},
    }


def as_dict(ratings: Ratings) -> dict[str, Any]:
    """As INTERFACES has it: shares from 0 to 1, null where a figure does not apply or has no interval.

    `intervals` has the shape of the figures themselves: [low, high], the ICCs under "icc". `not_applicable` is flat: name to reason.
    """
    known = figures(ratings)
    simple = {name: each for name, each in known.items() if name in NAMES}
    iccs = {name[len("icc(") : -1]: each for name, each in known.items() if name not in NAMES}
    return {
        "n_units": ratings.n_units,
        "n_raters": ratings.n_raters,
        "level": ratings.level.value,
        **{name: each.value for name, each in simple.items()},
        "icc": {form: each.value for form, each in iccs.items()},
        "intervals": {
            **{name: _interval(each) for name, each in simple.items()},
            "icc": {form: _interval(each) for form, each in iccs.items()},
        },
        "not_applicable": {name: each.reason for name, each in known.items() if each.value is None},
    }


def as_text(ratings: Ratings) -> str:
    lines = [f"{ratings.n_units} units, {ratings.n_raters} raters, {ratings.level} level"]
    if 0 < ratings.n_paired < ratings.n_units:
        lines.append(f"{ratings.n_paired} of the units were rated by two raters or more; the others cannot show agreement.")
    rows = []
    notes: dict[str, list[str]] = {}
    for name, each in figures(ratings).items():
        label = NAMES.get(name, name.replace("icc", "ICC"))
        say = wording.share if name == "percent_agreement" else wording.number
        interval = "none" if each.low is None or each.high is None else f"{say(each.low)} to {say(each.high)}"
        if each.value is not None:
            rows.append(f"{label:30}{say(each.value):>8}   {interval:<18}{each.n_units:>8}")
        if each.reason:
            missing = "No interval for" if each.value is not None else "Does not apply:"
            notes.setdefault(each.reason, []).append(f"{missing} {label}")
    if rows:
        lines += ["", f"{'':30}{'value':>8}   {'95 % interval':<18}{'units':>8}", *rows]
        if ratings.n_paired < wording.FEWEST:
            lines += ["", f"With n = {ratings.n_paired}, under {wording.FEWEST}, none of this can be called good or bad."]
    for reason, labels in notes.items():
        lines += ["", *labels, f"    {reason}"]
    return "\n".join(lines)


def _interval(each: Figure) -> list[float] | None:
    return None if each.low is None or each.high is None else [each.low, each.high]
