"""Derived scores: figures worked out from one rating's items by a formula over their keys. Nothing is ever run as code.

A formula has numbers, + - * / and parentheses, keys of items and of derived scores that stand before it, and the functions
sum, mean, count, min and max over keys or whole sections: `(simple_reflections + complex_reflections) / mean(questions)`.
Keys are written with underscores, because a hyphen is a minus.

A value is a number, or None: not applicable, or not there. None never counts as 0. With + - * / it makes the whole not scorable, and
so it does in sum(), which needs all of its parts: leaving one out would count it as 0. (A count that annotations fill is 0 where there are
none, and that is a figure.) A mean needs at least half of its parts, as is usual for scales with unanswered questions; min, max and
count leave None out. Dividing by nothing is never 0 and never infinite: it is not scorable, with the reason.

Arithmetic is exact, in fractions; a decimal is what is written, so that 0.1 + 0.2 - 0.3 is nothing and not almost nothing. What
comes out is rounded once, at the end.
"""

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from supervision.models import DerivedScore, Instrument, ItemScore, Rating

Value = float | Fraction | None
LONGEST = 400
MOST_PARTS = 250
TOO_LARGE = "the figures are too large to be true"
MOST_BITS = 20_000  # of a fraction's two whole numbers: far more than figures have, and few enough to be quick
FUNCTIONS = ("sum", "mean", "count", "min", "max")
_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class FormulaRefused(ValueError):
    """The formula cannot be used; str() says what to change in it."""


class NotScorable(ValueError):
    """There is no figure for this rating; str() says why, as the end of "not scorable: …"."""


@dataclass(frozen=True)
class Names:
    """What a formula may speak of: name (with underscores) to what people call it, and section to the names in it."""

    labels: Mapping[str, str]
    sections: Mapping[str, Sequence[str]]


def name_of(key: str) -> str:
    """A key as a formula writes it."""
    return key.replace("-", "_")


def parsed(formula: str) -> ast.expr:
    """The formula as a tree of allowed parts only, whose numbers are still as they were written. Raises FormulaRefused."""
    if not formula.strip():
        raise FormulaRefused("The formula is empty.")
    if len(formula) > LONGEST:
        raise FormulaRefused(f"The formula is longer than {LONGEST} characters.")
    try:
        tree = ast.parse(formula.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaRefused("The formula cannot be read. Look for a missing sign or parenthesis.") from None
    nodes = list(ast.walk(tree))
    if len(nodes) > MOST_PARTS:
        raise FormulaRefused("The formula has too many parts. Make a derived score of a part of it first.")
    _check_shape(tree)
    for node in nodes:
        if isinstance(node, ast.Constant):
            node.value = _as_written(node, formula.strip())
    return tree


def _as_written(node: ast.Constant, formula: str) -> str:
    """A number as it stands in the formula, for Fraction to read; the float that Python makes of it is only near it. Raises
    FormulaRefused."""
    number = node.value
    if not isinstance(number, float):
        return str(number)
    text = ast.get_source_segment(formula, node) or repr(number)
    if number:
        return text
    if any(digit in "123456789" for digit in text.lower().partition("e")[0]):
        raise FormulaRefused("A number in the formula is too small.")
    return "0"


def _check_shape(node: ast.expr) -> None:
    match node:
        case ast.Name():
            return
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            try:
                is_usable = math.isfinite(float(number))
            except OverflowError:
                is_usable = False
            if not is_usable:
                raise FormulaRefused("A number in the formula is too large.")
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            _check_shape(left)
            _check_shape(right)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check_shape(operand)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            parts = _listed(args)
            if not parts:
                raise FormulaRefused(f"{name}() needs at least one key.")
            for part in parts:
                if not isinstance(part, ast.Name):
                    raise FormulaRefused(f"{name}() takes keys of items, sections or derived scores, and nothing else.")
        case ast.Call(func=ast.Name(id=name)):
            raise FormulaRefused(f"There is no function {name}(). There are {', '.join(FUNCTIONS)}.")
        case _:
            raise FormulaRefused("A formula has numbers, + - * / ( ), keys, and sum, mean, count, min and max. It has nothing else.")


def _listed(args: Sequence[ast.expr]) -> list[ast.expr]:
    """Arguments, whether they are given one by one or as a list."""
    return [part for arg in args for part in (arg.elts if isinstance(arg, ast.List) else [arg])]


def check(formula: str, names: Names) -> None:
    """Refuses a formula that cannot be read, or that speaks of something that is not there. Raises FormulaRefused."""
    tree = parsed(formula)
    in_lists = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Call) for part in _listed(node.args)}
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name) or id(node) in functions:
            continue
        if node.id in names.labels or (id(node) in in_lists and node.id in names.sections):
            continue
        if node.id in names.sections:
            raise FormulaRefused(f"{node.id} is a section. Write mean({node.id}) or sum({node.id}).")
        hyphened = next((name for name in names.labels if name.startswith(f"{node.id}_") and name.replace("_", "-") in formula), None)
        if hyphened:
            raise FormulaRefused(f"In a formula a hyphen is a minus. Write {hyphened}, with underscores.")
        raise FormulaRefused(f"{node.id} is neither an item nor a derived score that stands before this one.")


def evaluate(formula: str, names: Names, values: Mapping[str, Value]) -> float:
    """The figure. `values` has numbers by name; what is None or lacking is not applicable or not there.

    Raises NotScorable with the reason, FormulaRefused where the formula is not one, and nothing else.
    """
    return float(exactly(formula, names, values))


def exactly(formula: str, names: Names, values: Mapping[str, Value]) -> Fraction:
    """As `evaluate`, before it is rounded: for formulas that go on from it. What it gives fits into a float."""
    check(formula, names)
    return _worked_out(parsed(formula), names, values)


def _worked_out(node: ast.expr, names: Names, values: Mapping[str, Value]) -> Fraction:
    match node:
        case ast.Constant(value=str() as number):
            return Fraction(number)
        case ast.Name(id=name):
            value = values.get(name)
            if value is None:
                raise NotScorable(f"“{names.labels[name]}” has no figure")
            return _exact(value)
        case ast.UnaryOp(op=op, operand=operand):
            inner = _worked_out(operand, names, values)
            return -inner if isinstance(op, ast.USub) else inner
        case ast.BinOp(left=left, op=op, right=right):
            first, second = _worked_out(left, names, values), _worked_out(right, names, values)
            if isinstance(op, ast.Div):
                if second == 0:
                    raise NotScorable(f"{_said(right, names)} is nothing, and nothing can be divided by it")
                return _usable(first / second)
            if isinstance(op, ast.Mult):
                return _usable(first * second)
            return _usable(first + second if isinstance(op, ast.Add) else first - second)
        case ast.Call(func=ast.Name(id=function), args=args):
            listed = [part.id for part in _listed(args) if isinstance(part, ast.Name)]
            return _of_list(function, [key for name in listed for key in _members(name, names)], names, values)
        case _:  # check() has refused it
            raise FormulaRefused("The formula cannot be read.")


def _members(name: str, names: Names) -> Sequence[str]:
    return [name] if name in names.labels else names.sections[name]


def _of_list(function: str, keys: Sequence[str], names: Names, values: Mapping[str, Value]) -> Fraction:
    known = [_exact(value) for key in keys if (value := values.get(key)) is not None]
    if function == "count":
        return Fraction(len(known))
    if not known:
        raise NotScorable("none of the items that it rests on has a figure")
    if function == "min":
        return min(known)
    if function == "max":
        return max(known)
    if function == "sum" and len(known) < len(keys):
        lacking = [f"“{names.labels[key]}”" for key in keys if values.get(key) is None]
        raise NotScorable(f"a sum needs all of its parts, and {' and '.join(lacking[:4])} {_has(len(lacking))} no figure")
    if function == "mean" and len(known) * 2 < len(keys):
        raise NotScorable(f"only {len(known)} of {len(keys)} items were scored, fewer than half")
    total = Fraction(0)
    for value in known:
        total = _small(total + value)
    return _usable(total if function == "sum" else total / len(known))


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def _said(node: ast.expr, names: Names) -> str:
    """What stands under a fraction, in words: “Questions”, or the sum of several."""
    keys = dict.fromkeys(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
    labels = [names.labels[key] for key in keys if key in names.labels]
    if not labels:
        return "what it is divided by"
    return " with ".join(f"“{label}”" for label in labels[:4])


def _exact(number: float | Fraction) -> Fraction:
    """A figure as a fraction; a float is taken for the decimal that it is written as."""
    if isinstance(number, float):
        if not math.isfinite(number):
            raise NotScorable(TOO_LARGE)
        return Fraction(repr(number))
    return _usable(Fraction(number))


def _usable(number: Fraction) -> Fraction:
    try:
        float(number)
    except OverflowError:
        raise NotScorable(TOO_LARGE) from None
    return _small(number)


def _small(number: Fraction) -> Fraction:
    if number.numerator.bit_length() + number.denominator.bit_length() > MOST_BITS:
        raise NotScorable("the figures have too many digits to be true")
    return number


# An instrument's derived scores, for people


@dataclass(frozen=True)
class Figure:
    """A derived score of one rating: a value, or the reason why there is none."""

    score: DerivedScore
    value: float | None
    reason: str

    @property
    def text(self) -> str:
        """Such as "1.25", "50 %" or "not scorable"."""
        return "not scorable" if self.value is None else written(self.value, self.score)

    @property
    def label(self) -> str:
        """The highest threshold that is reached; empty where none is, or there is no figure."""
        reached = [one["label"] for one in self.score.thresholds if self.value is not None and self.value >= one["least"] - 1e-9]
        return str(reached[-1]) if reached else ""

    @property
    def threshold_sentence(self) -> str:
        if self.value is None or not self.score.thresholds:
            return ""
        if self.label:
            one = next(one for one in reversed(self.score.thresholds) if one["label"] == self.label)
            return f"{self.label}: {written(one['least'], self.score)} or more"
        first = self.score.thresholds[0]
        return f"below “{first['label']}”, which begins at {written(first['least'], self.score)}"


def written(value: float, score: DerivedScore) -> str:
    """A figure with the decimals of its score; a share as per cent."""
    return f"{value * 100:.{score.decimals}f}\u00a0%" if score.is_percent else f"{value:.{score.decimals}f}"


def names_of(instrument: Instrument) -> Names:
    """What the instrument's formulas may speak of, derived scores included."""
    items = list(instrument.items.order_by("position", "pk"))
    labels = {name_of(item.key): item.name for item in items}
    sections = {
        name_of(section.key): [name_of(item.key) for item in items if item.section_key == section.key]
        for section in instrument.sections.order_by("position", "pk")
    }
    labels |= {name_of(score.key): score.name for score in instrument.derived_scores.order_by("position", "pk")}
    return Names(labels, sections)


def figures(instrument: Instrument, values: Mapping[str, Value]) -> list[Figure]:
    """Every derived score of the instrument for these values, by item key. An earlier one that cannot be scored has no figure."""
    names = names_of(instrument)
    known: dict[str, Value] = {name_of(key): value for key, value in values.items()}
    found = []
    for score in instrument.derived_scores.order_by("position", "pk"):
        value, reason = None, ""
        try:
            value = exactly(score.formula, names, known)
        except (NotScorable, FormulaRefused) as why:
            reason = str(why)
        known[name_of(score.key)] = value
        found.append(Figure(score, None if value is None else float(value), reason))
    return found


def derived(rating: Rating) -> list[Figure]:
    """The derived scores of a submitted rating, for display: never stored, so that they always follow from its items."""
    scores = ItemScore.objects.filter(rating=rating).values_list("item__key", "score")
    return figures(rating.instrument, {key: None if score is None else float(score) for key, score in scores})
