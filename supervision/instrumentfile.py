"""Reading an instrument from YAML, with every problem found at its line. Nothing is written to the database here.

The layout is that of `instruments/example.yaml`, which people can download and start from.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import yaml

from supervision import formulas
from supervision.models import Instrument, Item

LONGEST_FILE = 200_000  # characters
MOST_ITEMS = 120
MOST_ANCHOR, MOST_THRESHOLD = 1_000, 1_000_000
_KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_UNKEPT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # what no database keeps or no page can show
_LINE, _BOOL = "__line__", "tag:yaml.org,2002:bool"
MOST_COUNT = 9_999
MOST_SECONDS = 86_400

TOP = {
    "slug", "version", "name", "kind", "introduction", "owner", "licence_note", "minimum_heard", "programmes", "sections", "items", "derived",
}  # fmt: skip
PARTS = {
    "sections": {"key", "name", "introduction"},
    "items": {"key", "section", "name", "question", "scale", "anchors", "least", "most", "allows_na", "codes"},
    "derived": {"key", "name", "formula", "decimals", "is_percent", "explanation", "thresholds"},
}
KINDS = {"sections": "Section", "items": "Item", "derived": "Derived score"}


@dataclass(frozen=True)
class Problem:
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.sentence}"


@dataclass
class Draft:
    """An instrument as a file describes it, in the shape of the models' fields. Usable where `problems` is empty."""

    values: dict[str, Any] = field(default_factory=dict)
    programmes: list[str] = field(default_factory=list)
    sections: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    derived: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def names(self, *, before: int) -> formulas.Names:
        """What the formula of derived score number `before` may speak of."""
        labels = {formulas.name_of(one["key"]): one["name"] for one in [*self.items, *self.derived[:before]]}
        sections = {
            formulas.name_of(section["key"]): [formulas.name_of(one["key"]) for one in self.items if one["section_key"] == section["key"]]
            for section in self.sections
        }
        return formulas.Names(labels, sections)


class _Lined(yaml.SafeLoader):
    """Mappings keep the line on which they begin; a key given twice is refused, where YAML would silently take the last. Only true
    and false are truth values, as in YAML 1.2: Yes, No, On and Off are words, and the wording of many an anchor."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"“{key.value}” is given twice", problem_mark=key.start_mark)
            seen.add(key.value)
        made = super().construct_mapping(node, deep=deep)
        made[_LINE] = node.start_mark.line + 1
        return made

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        made: str = super().construct_scalar(node)
        if _UNKEPT.search(made):
            raise yaml.MarkedYAMLError(problem="there is a character in it that cannot be shown", problem_mark=node.start_mark)
        return made

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="references (*) are not used in instruments", problem_mark=self.peek_event().start_mark)
        return super().compose_node(parent, index)


_Lined.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != _BOOL or first in "tTfF"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> Draft:
    """Everything that the text says, and everything that is wrong with it. Never raises for what a file contains."""
    draft = Draft()
    if len(text) > LONGEST_FILE:
        draft.problems.append(Problem(1, "The file is too long to be an instrument."))
        return draft
    try:
        entry = yaml.load(text, Loader=_Lined)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        draft.problems.append(Problem(mark.line + 1 if mark else 1, f"This is not YAML that can be read: {error.problem}."))
        return draft
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        draft.problems.append(Problem(1, "This is not YAML that can be read."))
        return draft
    if not isinstance(entry, dict):
        draft.problems.append(Problem(1, "An instrument begins with slug, version, name, owner, licence_note and items."))
        return draft
    _Reader(draft, entry).run()
    draft.problems.sort(key=lambda one: one.line)
    return draft


class _Reader:
    def __init__(self, draft: Draft, entry: dict[str, Any]) -> None:
        self.draft, self.entry = draft, entry
        self.parts = {name: self._listed(name) for name in PARTS}

    def problem(self, part: dict[str, Any], sentence: str) -> None:
        self.draft.problems.append(Problem(part.get(_LINE, 1), sentence))

    def run(self) -> None:
        self._unknown(self.entry, TOP, "The instrument")
        self._head()
        for number, part in enumerate(self.parts["sections"], start=1):
            self._section(part, number)
        items = self.parts["items"]
        if not items:
            self.problem(self.entry, "The instrument has no items.")
        if len(items) > MOST_ITEMS:
            self.problem(self.entry, f"The instrument has {len(items)} items. The most is {MOST_ITEMS}.")
            items = items[:MOST_ITEMS]
        for number, part in enumerate(items, start=1):
            self._item(part, number)
        for number, part in enumerate(self.parts["derived"], start=1):
            self._derived(part, number)
        self._unique()

    def _head(self) -> None:
        entry, values = self.entry, self.draft.values
        values["slug"] = self._key(entry, "slug", "The instrument")
        values["version"] = self._whole(entry, "version", "The instrument", least=1, most=9_999, default=None)
        for name, longest in (("name", 160), ("owner", 160), ("licence_note", 4_000)):
            values[name] = self._words(entry, name, "The instrument", longest=longest)
        values["introduction"] = self._words(entry, "introduction", "The instrument", longest=6_000, is_needed=False)
        values["kind"] = self._one_of(entry, "kind", "The instrument", Instrument.Kind.values, Instrument.Kind.REVIEW)
        share = entry.get("minimum_heard", 0)
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            self.problem(entry, "minimum_heard is a share from 0 to 1, such as 0.8.")
            share = 0
        values["minimum_heard"] = float(share)
        programmes = entry.get("programmes") or []
        if not isinstance(programmes, list) or any(not isinstance(one, str) for one in programmes):
            self.problem(entry, "programmes is a list of programmes' short names, such as [mst].")
            programmes = []
        self.draft.programmes = programmes

    def _section(self, part: dict[str, Any], number: int) -> None:
        who = self._who(part, KINDS["sections"], number)
        self.draft.sections.append(
            {
                "key": self._key(part, "key", who),
                "name": self._words(part, "name", who, longest=160),
                "introduction": self._words(part, "introduction", who, longest=2_000, is_needed=False),
            }
        )

    def _item(self, part: dict[str, Any], number: int) -> None:
        who = self._who(part, KINDS["items"], number)
        scale = self._one_of(part, "scale", who, Item.Scale.values, Item.Scale.ORDINAL)
        if scale == Item.Scale.DECIMAL and self.draft.values["kind"] != Instrument.Kind.SCORES:
            self.problem(part, f"{who}: a decimal figure belongs to an instrument of kind scores.")
        if scale != Item.Scale.DECIMAL and self.draft.values["kind"] == Instrument.Kind.SCORES:
            self.problem(part, f"{who}: an instrument of kind scores has items of scale decimal only.")
        section = part.get("section") or ""
        if section and section not in [one["key"] for one in self.draft.sections]:
            self.problem(part, f"{who}: there is no section “{section}”.")
            section = ""
        anchors = self._anchors(part, who, scale)
        least, most = self._range(part, who, scale, anchors)
        codes = part.get("codes") or []
        if not isinstance(codes, list) or any(not isinstance(one, str) for one in codes):
            self.problem(part, f"{who}: codes is a list of the codes that are counted.")
            codes = []
        if codes and scale not in (Item.Scale.COUNT, Item.Scale.DURATION):
            self.problem(part, f"{who}: only a count or a duration is filled from codes.")
        allows_na = part.get("allows_na", scale in (Item.Scale.ORDINAL, Item.Scale.YES_NO))
        if not isinstance(allows_na, bool):
            self.problem(part, f"{who}: allows_na is true or false.")
            allows_na = True
        question_needed = self.draft.values["kind"] == Instrument.Kind.REVIEW
        self.draft.items.append(
            {
                "key": self._key(part, "key", who),
                "section_key": section,
                "name": self._words(part, "name", who, longest=160),
                "question": self._words(part, "question", who, longest=2_000, is_needed=question_needed),
                "scale": scale,
                "anchors": anchors,
                "least": least,
                "most": most,
                "allows_na": allows_na,
                "codes": codes,
            }
        )

    def _anchors(self, part: dict[str, Any], who: str, scale: str) -> dict[str, str]:
        found = part.get("anchors") or {}
        if not isinstance(found, dict):
            self.problem(part, f"{who}: anchors is a list of scores, each with its wording.")
            found = {}
        found = {key: value for key, value in found.items() if key != _LINE}
        if any(isinstance(key, bool) or not isinstance(key, int) or not isinstance(value, str) for key, value in found.items()):
            self.problem(part, f"{who}: each anchor is a whole number with its wording in words, such as 0: Not seen.")
            found = {}
        if any(abs(score) > MOST_ANCHOR for score in found):
            self.problem(part, f"{who}: an anchor's score is from -{MOST_ANCHOR} to {MOST_ANCHOR}.")
            found = {}
        scores = sorted(found)
        if scores and scores != list(range(scores[0], scores[-1] + 1)):
            self.problem(part, f"{who}: the anchors leave a score out between {scores[0]} and {scores[-1]}.")
        if scale == Item.Scale.ORDINAL and len(scores) < 2:
            self.problem(part, f"{who}: ordered steps need at least two anchors.")
        if scale == Item.Scale.ORDINAL and len(scores) > 11:
            self.problem(part, f"{who}: ordered steps have at most 11 anchors.")
        if scale == Item.Scale.YES_NO and scores not in ([], [0, 1]):
            self.problem(part, f"{who}: the anchors of a yes or no are 0 (no) and 1 (yes).")
        return {str(score): " ".join(found[score].split()) for score in found}

    def _range(self, part: dict[str, Any], who: str, scale: str, anchors: dict[str, str]) -> tuple[int, int]:
        if scale == Item.Scale.ORDINAL:
            scores = sorted(int(score) for score in anchors) or [0, 4]
            least, most = scores[0], scores[-1]
            if part.get("least", least) != least or part.get("most", most) != most:
                self.problem(part, f"{who}: its anchors go from {least} to {most}, so least and most are not needed.")
            return least, most
        if scale == Item.Scale.YES_NO:
            return 0, 1
        usual = {Item.Scale.COUNT: MOST_COUNT, Item.Scale.DURATION: MOST_SECONDS, Item.Scale.DECIMAL: 1}[Item.Scale(scale)]
        least = self._whole(part, "least", who, least=-1_000, most=MOST_SECONDS, default=0)
        most = self._whole(part, "most", who, least=-1_000, most=MOST_SECONDS, default=usual)
        if most < least:
            self.problem(part, f"{who}: most is less than least.")
            most = least
        return least, most

    def _derived(self, part: dict[str, Any], number: int) -> None:
        who = self._who(part, KINDS["derived"], number)
        formula = self._words(part, "formula", who, longest=formulas.LONGEST)
        if formula:
            try:
                formulas.check(formula, self.draft.names(before=number))
            except formulas.FormulaRefused as refusal:
                self.problem(part, f"{who}: {refusal}")
        is_percent = part.get("is_percent", False)
        if not isinstance(is_percent, bool):
            self.problem(part, f"{who}: is_percent is true or false.")
            is_percent = False
        self.draft.derived.append(
            {
                "key": self._key(part, "key", who),
                "name": self._words(part, "name", who, longest=160),
                "formula": formula,
                "decimals": self._whole(part, "decimals", who, least=0, most=6, default=0 if is_percent else 2),
                "is_percent": is_percent,
                "explanation": self._words(part, "explanation", who, longest=2_000, is_needed=False),
                "thresholds": self._thresholds(part, who),
            }
        )

    def _thresholds(self, part: dict[str, Any], who: str) -> list[dict[str, Any]]:
        found = part.get("thresholds") or []
        try:
            made = thresholds_read([{key: value for key, value in one.items() if key != _LINE} for one in found])
        except (AttributeError, TypeError, ValueError):
            self.problem(part, f"{who}: a threshold has least (a number) and label (a word), the lowest first.")
            return []
        return made

    def _unique(self) -> None:
        seen: set[str] = set()
        for kind, parts in (("sections", self.draft.sections), ("items", self.draft.items), ("derived", self.draft.derived)):
            for part, source in zip(parts, self.parts[kind], strict=False):
                name = formulas.name_of(part["key"])
                if part["key"] and name in seen:
                    self.problem(source, f"The key “{part['key']}” is used twice. Each section, item and derived score has its own.")
                seen.add(name)

    # One field

    def _listed(self, name: str) -> list[dict[str, Any]]:
        found = self.entry.get(name) or []
        if not isinstance(found, list) or any(not isinstance(one, dict) for one in found):
            self.problem(self.entry, f"{name} is a list; each of its entries begins with “- key:”.")
            return []
        for number, part in enumerate(found, start=1):
            self._unknown(part, PARTS[name], self._who(part, KINDS[name], number))
        return found

    def _who(self, part: dict[str, Any], kind: str, number: int) -> str:
        label = part.get("name") or part.get("key")
        return f"“{' '.join(label.split())}”" if isinstance(label, str) and label.strip() else f"{kind} {number}"

    def _unknown(self, part: dict[str, Any], known: set[str], who: str) -> None:
        for key in part:
            if key not in known and key != _LINE:
                self.problem(part, f"{who}: “{key}” is not part of an instrument file.")

    def _key(self, part: dict[str, Any], name: str, who: str) -> str:
        value = part.get(name)
        if not isinstance(value, str) or not _KEY.fullmatch(value) or len(value) > 50:
            self.problem(
                part, f"{who} needs a {name} of small letters, digits and hyphens that begins with a letter, such as clear-next-step."
            )
            return ""
        return value

    def _words(self, part: dict[str, Any], name: str, who: str, *, longest: int, is_needed: bool = True) -> str:
        value = part.get(name)
        text = " ".join(str(value).split()) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        if is_needed and not text:
            self.problem(part, f"{who} lacks its {name.replace('_', ' ')}.")
        if len(text) > longest:
            self.problem(part, f"{who}: its {name.replace('_', ' ')} is longer than {longest} characters.")
        return text[:longest]

    def _whole(self, part: dict[str, Any], name: str, who: str, *, least: int, most: int, default: int | None) -> int:
        value = part.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.problem(part, f"{who}: {name} is a whole number from {least} to {most}.")
            return default if default is not None else least
        return value

    def _one_of(self, part: dict[str, Any], name: str, who: str, choices: list[str], default: str) -> str:
        value = part.get(name, default)
        if value not in choices:
            self.problem(part, f"{who}: {name} is one of {', '.join(choices)}.")
            return str(default)
        return str(value)


def thresholds_read(found: Any) -> list[dict[str, Any]]:
    """Thresholds as they are stored, the lowest first. Raises ValueError or TypeError."""
    made: list[dict[str, Any]] = []
    for one in found:
        least, label = one["least"], one["label"] if set(one) == {"least", "label"} else None
        if isinstance(least, bool) or not isinstance(least, int | float) or not isinstance(label, str) or not label.strip():
            raise ValueError("threshold")
        if not -MOST_THRESHOLD <= least <= MOST_THRESHOLD:  # nor is .nan
            raise ValueError("threshold")
        made.append({"least": least, "label": " ".join(label.split())})
    if any(second["least"] <= first["least"] for first, second in pairwise(made)):
        raise ValueError("order")
    return made
