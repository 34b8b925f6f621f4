"""Instruments in the database: loaded from files, chosen for a review, put into use, copied to the next version.

A version that has been used never changes, because ratings rest on its words.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, ProtectedError, Q
from wagtail.log_actions import log
from wagtail.models import ModelLogEntry

from supervision import instrumentfile, instrumenttext
from supervision.instrumentfile import Draft
from supervision.models import DerivedScore, Instrument, Item, Programme, Section, Team, User

FILES = Path(__file__).resolve().parent / "instruments"
EXAMPLE = FILES / "example.yaml"
FIRST = "practice-review"
FIELDS = ("name", "kind", "introduction", "owner", "licence_note", "minimum_heard")
SECTION_FIELDS = ("key", "name", "introduction")
ITEM_FIELDS = ("key", "section_key", "name", "question", "scale", "anchors", "least", "most", "allows_na", "codes")
DERIVED_FIELDS = ("key", "name", "formula", "decimals", "is_percent", "explanation", "thresholds")


class InstrumentRefused(Exception):
    """It cannot be loaded, changed or put into use; the text says what to change."""


@transaction.atomic
def load_instruments(folder: Path = FILES, *, by: User | None = None) -> list[Instrument]:
    """Add every instrument version of the folder that is not there yet. Loading again changes nothing. Raises InstrumentRefused.

    The newest version of a shipped instrument comes into use at once; programmes that are not here are passed over. What a service
    has changed, or made under the same number, stays as it is.
    """
    made = []
    for path in sorted(folder.glob("*.yaml")):
        if path == EXAMPLE:
            continue
        draft = instrumentfile.read(path.read_text(encoding="utf-8"))
        if draft.problems:
            raise InstrumentRefused(f"{path.name}: {draft.problems[0]}")
        instrument = _load(draft, name=path.name, by=by)
        made += [instrument] if instrument else []
    return made


def _load(draft: Draft, *, name: str, by: User | None) -> Instrument | None:
    present = Instrument.objects.filter(slug=draft.values["slug"], version=draft.values["version"]).first()
    if present is not None:
        if not is_same(present, draft) and not is_own(present):
            raise InstrumentRefused(f"{name}: version {present.version} is loaded with other words. Give the change the next version.")
        return None
    newest = not Instrument.objects.filter(slug=draft.values["slug"], version__gt=draft.values["version"]).exists()
    return _create(draft, is_current=newest, by=by)


def is_same(present: Instrument, draft: Draft) -> bool:
    """Whether the loaded version says what the file says. Programmes are a service's own choice and are not compared."""
    return (
        {field: getattr(present, field) for field in FIELDS} == {field: draft.values[field] for field in FIELDS}
        and _rows(present.sections, SECTION_FIELDS) == draft.sections
        and _rows(present.items, ITEM_FIELDS) == draft.items
        and _rows(present.derived_scores, DERIVED_FIELDS) == draft.derived
    )


def is_own(present: Instrument) -> bool:
    """Whether somebody of this service made or changed this version, which a later file of the same number never overwrites."""
    changes = ModelLogEntry.objects.for_instance(present)
    return changes.filter(
        Q(action__in=["wagtail.create", "wagtail.edit", "supervision.instrument_copied"])
        | Q(action="supervision.instrument_loaded", user__isnull=False)
    ).exists()


def _rows(manager: Any, fields: Sequence[str]) -> list[dict[str, Any]]:
    return [{field: getattr(row, field) for field in fields} for row in manager.order_by("position", "pk")]


def _create(draft: Draft, *, is_current: bool, by: User | None) -> Instrument:
    if is_current:
        Instrument.objects.filter(slug=draft.values["slug"], is_current=True).update(is_current=False)
    instrument = Instrument.objects.create(**draft.values, is_current=is_current)
    Section.objects.bulk_create(Section(instrument=instrument, position=at, **row) for at, row in enumerate(draft.sections, start=1))
    Item.objects.bulk_create(Item(instrument=instrument, position=at, **row) for at, row in enumerate(draft.items, start=1))
    DerivedScore.objects.bulk_create(
        DerivedScore(instrument=instrument, position=at, **row) for at, row in enumerate(draft.derived, start=1)
    )
    if draft.programmes:
        instrument.programmes.set(Programme.objects.filter(slug__in=draft.programmes))
        instrument.save()
    log(instance=instrument, action="supervision.instrument_loaded", user=by, data={"items": len(draft.items)})
    return instrument


@transaction.atomic
def add(draft: Draft, *, is_current: bool, by: User, now: dt.datetime) -> Instrument:
    """A service's own or licensed instrument, from a file that somebody has looked through. Raises InstrumentRefused."""
    if draft.problems:
        raise InstrumentRefused(str(draft.problems[0]))
    unknown = sorted(set(draft.programmes) - set(Programme.objects.filter(slug__in=draft.programmes).values_list("slug", flat=True)))
    if unknown:
        raise InstrumentRefused(f"There is no programme called {', '.join(unknown)} here.")
    newest = Instrument.objects.filter(slug=draft.values["slug"]).aggregate(number=Max("version"))["number"] or 0
    if Instrument.objects.filter(slug=draft.values["slug"], version=draft.values["version"]).exists():
        raise InstrumentRefused(
            f"Version {draft.values['version']} of “{draft.values['slug']}” is here already. Give this one version {newest + 1}, or another slug."
        )
    return _create(draft, is_current=is_current, by=by)


@transaction.atomic
def next_version(*, instrument: Instrument, by: User, now: dt.datetime) -> Instrument:
    """A copy with the next number that can be changed; not in use until somebody puts it there."""
    _hold(instrument)
    number = Instrument.objects.filter(slug=instrument.slug).aggregate(number=Max("version"))["number"]
    values = {field: getattr(instrument, field) for field in FIELDS}
    copy = Instrument.objects.create(slug=instrument.slug, version=number + 1, is_current=False, **values)
    kinds: list[tuple[Any, type[Section] | type[Item] | type[DerivedScore], tuple[str, ...]]] = [
        (instrument.sections, Section, SECTION_FIELDS),
        (instrument.items, Item, ITEM_FIELDS),
        (instrument.derived_scores, DerivedScore, DERIVED_FIELDS),
    ]
    for manager, model, fields in kinds:
        for at, row in enumerate(_rows(manager, fields), start=1):
            model.objects.create(instrument=copy, position=at, **row)
    copy.programmes.set(instrument.programmes.all())
    copy.save()
    log(instance=copy, action="supervision.instrument_copied", user=by, data={"from": instrument.pk})
    return copy


def _hold(instrument: Instrument) -> None:
    """Of two who put a version of it into use, or copy one, at the same moment, the second waits."""
    list(Instrument.objects.select_for_update().filter(slug=instrument.slug).order_by("pk").values_list("pk"))


@transaction.atomic
def put_into_use(*, instrument: Instrument, by: User, now: dt.datetime) -> Instrument:
    """New reviews use this version from now on; those begun go on with theirs. Raises InstrumentRefused."""
    problems = problems_of(instrument)
    if problems:
        raise InstrumentRefused(problems[0])
    _hold(instrument)
    Instrument.objects.filter(slug=instrument.slug, is_current=True).exclude(pk=instrument.pk).update(is_current=False)
    if Instrument.objects.filter(pk=instrument.pk, is_current=False).update(is_current=True):
        log(instance=instrument, action="supervision.instrument_put_into_use", user=by)
    instrument.is_current = True
    return instrument


@transaction.atomic
def take_out_of_use(*, instrument: Instrument, by: User, now: dt.datetime) -> Instrument:
    """No new review uses it; what has been rated with it stays."""
    if Instrument.objects.filter(pk=instrument.pk, is_current=True).update(is_current=False):
        log(instance=instrument, action="supervision.instrument_taken_out_of_use", user=by)
    instrument.is_current = False
    return instrument


@transaction.atomic
def delete(*, instrument: Instrument, by: User, now: dt.datetime) -> None:
    """Removes a version that nothing rests on, with its sections, items and derived scores. Raises InstrumentRefused."""
    instrument = Instrument.objects.select_for_update().get(pk=instrument.pk)
    refuse_to_delete(instrument)
    try:
        with transaction.atomic():
            log(instance=instrument, action="supervision.instrument_deleted", user=by, data={"slug": instrument.slug})
            for part in (Section, Item, DerivedScore):
                part.objects.filter(instrument=instrument).delete()
            Instrument.objects.get(pk=instrument.pk).delete()
    except ProtectedError:
        raise InstrumentRefused(f"{instrument} is named by a plan or an assignment, so it is kept.") from None


def refuse_to_delete(instrument: Instrument) -> None:
    """Raises InstrumentRefused where something may rest on it."""
    if is_locked(instrument):
        raise InstrumentRefused(f"{instrument} has been used. Ratings rest on its words, so it is kept. It can be taken out of use.")
    if instrument.is_current:
        raise InstrumentRefused(f"{instrument} is in use. Take it out of use first; then it can be deleted.")


def problems_of(instrument: Instrument) -> list[str]:
    """What is wrong with an instrument as it is stored or about to be: the sentences that a file would get, without lines."""
    return [problem.sentence for problem in instrumentfile.read(instrumenttext.as_yaml(instrument)).problems]


def is_locked(instrument: Instrument) -> bool:
    """Reviews or scores rest on it: neither words nor scales can be changed."""
    return instrument.first_used_at is not None


def note_use(*, instrument: Instrument, now: dt.datetime) -> None:
    """The first review or score with a version locks it."""
    if Instrument.objects.filter(pk=instrument.pk, first_used_at__isnull=True).update(first_used_at=now):
        instrument.first_used_at = now


def choices(team: Team) -> list[Instrument]:
    """What a review in this team can be made with, the usual one first.

    Those in use that name the team's programme; where none does, those that are for every programme, the practice review first.
    """
    current = Instrument.objects.filter(kind=Instrument.Kind.REVIEW, is_current=True)
    current = current.annotate(item_count=Count("items", distinct=True))
    of_programme = current.filter(programmes=team.programme_id)
    found = list(of_programme if of_programme.exists() else current.filter(programmes__isnull=True))
    return sorted(found, key=lambda one: (one.slug != FIRST, one.name, one.pk))
