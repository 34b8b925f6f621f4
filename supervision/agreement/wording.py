"""What may be said of a figure.

The size of the sample and the interval are in every sentence; nothing from fewer than ten units is called good or bad; percent
agreement stands beside κ, and AC1 beside κ where a value is rare. The labels are conventions, not findings, and say whose they are.
"""

from collections.abc import Callable

from supervision.agreement.figures import Figure

FEWEST = 10
RARE = 0.10
NEEDS = f"n is under {FEWEST}: too few to call it good or bad."

_LANDIS_KOCH = ((0.00, "poor"), (0.21, "slight"), (0.41, "fair"), (0.61, "moderate"), (0.81, "substantial"), (2.0, "almost perfect"))
_CICCHETTI = ((0.40, "poor"), (0.60, "fair"), (0.75, "good"), (2.0, "excellent"))


def landis_koch(value: float) -> str:
    """The label of Landis & Koch 1977, Biometrics 33:159-174, for a κ, taken to two decimals as they print theirs."""
    return _label(value, _LANDIS_KOCH)


def cicchetti(value: float) -> str:
    """The label of Cicchetti 1994, Psychological Assessment 6:284-290, for an ICC, taken to two decimals."""
    return _label(value, _CICCHETTI)


def of_kappa(kappa: Figure, *, percent: Figure, ac1: Figure, rarest: float | None, name: str = "Cohen's κ") -> str:
    """Sentences for a κ. `rarest` is the share of the rarest value or code (`Ratings.rarest`, or a prevalence), 0 to 1."""
    parts = [plain(name, kappa)]
    if kappa.value is not None:
        parts.append(_called(kappa, landis_koch, "Landis and Koch (1977)"))
    parts.append(plain("Percent agreement", percent, is_share=True))
    if rarest is not None and min(rarest, 1 - rarest) < RARE:
        parts.append(f"One value is rare ({share(min(rarest, 1 - rarest))}), which pulls κ down, so read AC1 beside it.")
        parts.append(plain("AC1", ac1))
    return " ".join(part for part in parts if part)


def of_icc(figure: Figure, form: str) -> str:
    """Sentences for an ICC of one of the forms in `icc.FORMS`."""
    parts = [plain(f"ICC({form})", figure)]
    if figure.value is not None:
        parts.append(_called(figure, cicchetti, "Cicchetti (1994)"))
    return " ".join(parts)


def of_other(name: str, figure: Figure, *, is_share: bool = False) -> str:
    """Sentences for a figure that no convention labels; `is_share` for one from 0 to 1 that reads better in percent."""
    few = NEEDS if figure.value is not None and figure.n_units < FEWEST else ""
    return f"{plain(name, figure, is_share=is_share)} {few}".strip()


def plain(name: str, figure: Figure, *, is_share: bool = False) -> str:
    """The value with n and interval, or why there is none; no judgement."""
    if figure.value is None:
        return f"{name} does not apply. {figure.reason}"
    say = share if is_share else number
    n = f"n = {figure.n_units} {figure.counted}, {figure.n_raters} {'rater' if figure.n_raters == 1 else 'raters'}"
    if figure.low is None or figure.high is None:
        return f"{name} is {say(figure.value)} (no interval; {n}). {figure.reason}"
    return f"{name} is {say(figure.value)} (95 % interval {say(figure.low)} to {say(figure.high)}; {n})."


def number(value: float) -> str:
    """Two decimals with a proper minus sign; never "-0.00"."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def share(value: float) -> str:
    """Whole percent."""
    return f"{100 * value:.0f} %"


def _called(figure: Figure, label: Callable[[float], str], whose: str) -> str:
    if figure.n_units < FEWEST:
        return NEEDS
    if figure.value is None or figure.low is None or figure.high is None:
        return "Without an interval it is not called good or bad."
    low, value, high = label(figure.low), label(figure.value), label(figure.high)
    reach = f"the whole interval is {value}" if low == high else f"the interval runs from {low} to {high}"
    return f"By the convention of {whose} that is {value}; {reach}."


def _label(value: float, bands: tuple[tuple[float, str], ...]) -> str:
    rounded = round(value, 2)
    return next((name for under, name in bands if rounded < under), bands[-1][1])
