"""Changing a transcript by hand: each change is a sealed, numbered edit on top of the machine's run, and can be undone by whoever made it.

Whoever may read a transcript may put it right: it is one text, shared by the therapist, the supervisors and the consultant. That
holds while raters are blind to each other, too: they share what was said, never what they think of it. Who may is for the caller
to ask (`permissions.can_edit`). A change names the turn as it was on the page and by which edit it had last been changed.
"""

import datetime as dt
import json
from typing import Any

from django.db import transaction
from django.db.models import Max
from wagtail.log_actions import log

from recordings import editing, transcript, vault
from recordings.models import Recording, TranscriptEdit
from supervision.initials import are_initials
from supervision.models import User

Kind = TranscriptEdit.Kind
Row = dict[str, Any]
LONGEST_TEXT = 4000
THERAPIST, OTHER = "therapist", "other"


class EditRefused(ValueError):
    """The change cannot be made; str() says why."""


class Changed(EditRefused):
    """Somebody changed the turn since it was put on the page. `current` is the turn that stands there now, if one does."""

    def __init__(self, current: Row | None) -> None:
        super().__init__("Somebody else changed this turn since you opened it. Look at both, then save what is right.")
        self.current = current


def _open(recording: Recording) -> editing.Layer:
    """The transcript, held until the transaction ends."""
    Recording.objects.select_for_update().get(pk=recording.pk)
    layer = transcript.layer(recording)
    if not layer.run:
        raise EditRefused("There is no transcript to change.")
    return layer


def _turn(layer: editing.Layer, turn_id: str, expected: int, at: float | None) -> int:
    """The place of the turn that the page showed. Raises Changed."""
    place = layer.find(turn_id)
    if place is None:
        there = [turn for turn in layer.turns if at is not None and turn["start"] - 0.01 <= at < turn["end"]]
        raise Changed(there[0] if there else None)
    if layer.turns[place]["edit"] != expected:
        raise Changed(layer.turns[place])
    return place


def _add(recording: Recording, layer: editing.Layer, kind: str, payload: Row, by: User, now: dt.datetime) -> TranscriptEdit:
    last = TranscriptEdit.objects.filter(recording=recording).aggregate(last=Max("number"))["last"] or 0
    edit = TranscriptEdit.objects.create(
        recording=recording,
        number=last + 1,
        run=layer.run,
        kind=kind,
        payload=vault.seal_text(recording, json.dumps(payload, ensure_ascii=False)),
        made_at=now,
        made_by=by,
    )
    log(instance=recording, action="recordings.edit", user=by, data={"edit": edit.number, "kind": kind})
    return edit


def _about(words: list[Row]) -> Row:
    """What an edit keeps of the words that it is about."""
    return {
        "words": [word["id"] for word in words],
        "was": [word["text"] for word in words],
        "start": words[0]["start"],
        "end": words[-1]["end"],
    }


# Words


@transaction.atomic
def correct(
    *, recording: Recording, turn: str, expected: int, text: str, at: float | None = None, by: User, now: dt.datetime
) -> TranscriptEdit | None:
    """Gives a turn other words; None where they are the same. Only the part that differs is kept as changed.

    Raises EditRefused, Changed, vault.KeyGone; so do the other verbs.
    """
    layer = _open(recording)
    words = layer.turns[_turn(layer, turn, expected, at)]["words"]
    old, new = [word["text"] for word in words], checked(text)
    if not new:
        raise EditRefused("A turn cannot be empty. If nobody said this, choose “Not said” instead.")
    first = _common(old, new)
    after = _common(old[first:][::-1], new[first:][::-1])
    if first == len(old) == len(new):
        return None
    upto = len(old) - after
    if first == upto:  # only put in: a word beside it says where
        first, upto, after = (first - 1, upto, after) if first else (first, upto + 1, after - 1)
    span = " ".join(new[first : len(new) - after])
    if not span:  # only taken out: the word beside it stays
        first, upto, after = (first - 1, upto, after) if first else (first, upto + 1, after - 1)
        span = " ".join(new[first : len(new) - after])
    return _add(recording, layer, Kind.REPLACE, {**_about(words[first:upto]), "text": span}, by, now)


def checked(text: str) -> list[str]:
    """The words of a text that somebody typed: no line breaks or other control characters. Raises EditRefused."""
    if len(text) > LONGEST_TEXT:
        raise EditRefused(f"That is longer than {LONGEST_TEXT} characters. Split the turn first.")
    return "".join(" " if ord(letter) < 32 or 127 <= ord(letter) < 160 else letter for letter in text).split()


def _common(one: list[str], other: list[str]) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


@transaction.atomic
def fill(*, recording: Recording, start: float, end: float, text: str, speaker: str = "", by: User, now: dt.datetime) -> TranscriptEdit:
    """Writes down what is said from `start` to `end` (seconds), where the machine heard nothing."""
    layer = _open(recording)
    if not 0 <= start < end <= recording.duration_ms / 1000 + 1:
        raise EditRefused("That time is outside the recording.")
    if any(word["start"] < end and word["end"] > start for turn in layer.turns for word in turn["words"]):
        raise Changed(next((turn for turn in layer.turns if turn["start"] < end and turn["end"] > start), None))
    words = checked(text)
    if not words:
        raise EditRefused("Write what is said there first.")
    payload = {"words": [], "was": [], "start": start, "end": end, "text": " ".join(words), "speaker": _known(layer, speaker) or None}
    return _add(recording, layer, Kind.REPLACE, payload, by, now)


@transaction.atomic
def confirm(*, recording: Recording, turn: str, expected: int, at: float | None = None, by: User, now: dt.datetime) -> TranscriptEdit:
    """Vouches for a turn: these words are said."""
    layer = _open(recording)
    words = layer.turns[_turn(layer, turn, expected, at)]["words"]
    return _add(recording, layer, Kind.CONFIRM, _about(words), by, now)


@transaction.atomic
def refuse(*, recording: Recording, turn: str, expected: int, at: float | None = None, by: User, now: dt.datetime) -> TranscriptEdit:
    """Marks a turn as not said: nobody but this page shows it any more."""
    layer = _open(recording)
    words = layer.turns[_turn(layer, turn, expected, at)]["words"]
    return _add(recording, layer, Kind.REFUSE, _about(words), by, now)


# Turns


@transaction.atomic
def split(
    *, recording: Recording, turn: str, expected: int, word: int, at: float | None = None, by: User, now: dt.datetime
) -> TranscriptEdit:
    """Parts a turn before its word number `word`, counted from 0."""
    layer = _open(recording)
    words = layer.turns[_turn(layer, turn, expected, at)]["words"]
    if not 0 < word < len(words):
        raise EditRefused("Choose a word after the first: the turn is split before it.")
    there = words[word]
    return _add(recording, layer, Kind.SPLIT, {"word": there["id"], "was": there["text"], "start": there["start"]}, by, now)


@transaction.atomic
def join(*, recording: Recording, turn: str, expected: int, at: float | None = None, by: User, now: dt.datetime) -> TranscriptEdit:
    """Joins a turn to the one before it, whose speaker it takes."""
    layer = _open(recording)
    place = _turn(layer, turn, expected, at)
    if place == 0:
        raise EditRefused("This is the first turn: there is none before it.")
    if layer.turns[place]["refused"] != layer.turns[place - 1]["refused"]:
        raise EditRefused("One of the two turns is marked as not said. Confirm it first.")
    there = layer.turns[place]["words"][0]
    return _add(recording, layer, Kind.MERGE, {"word": there["id"], "was": there["text"], "start": there["start"]}, by, now)


@transaction.atomic
def assign(
    *, recording: Recording, turn: str, expected: int, speaker: str, at: float | None = None, by: User, now: dt.datetime
) -> TranscriptEdit:
    """Gives a turn to one of the voices; "new" makes up another."""
    layer = _open(recording)
    words = layer.turns[_turn(layer, turn, expected, at)]["words"]
    label = _new_label(recording) if speaker == "new" else _known(layer, speaker)
    if not label:
        raise EditRefused("Choose whose voice it is.")
    return _add(recording, layer, Kind.ASSIGN, {**_about(words), "speaker": label}, by, now)


def _known(layer: editing.Layer, speaker: str) -> str:
    if speaker and speaker not in layer.voices:
        raise EditRefused("That voice is not in this transcript any more. Reload the page.")
    return speaker


def _new_label(recording: Recording) -> str:
    """P1, P2 … for voices that a person told apart: never a label that a run may use, never one used before."""
    return f"P{TranscriptEdit.objects.filter(recording=recording, kind=Kind.ASSIGN).count() + 1}"


# Speakers


@transaction.atomic
def name(*, recording: Recording, speaker: str, who: str, initials: str = "", by: User, now: dt.datetime) -> TranscriptEdit:
    """Says whose voice it is: the therapist, one of the people of the consent (by key), or somebody else by initials."""
    layer = _open(recording)
    if not _known(layer, speaker):
        raise EditRefused("Choose a voice.")
    if who == OTHER:
        if not are_initials(initials.strip()):
            raise EditRefused("Enter initials such as K.L., at most four letters; never a name.")
        called = f"Another person {initials.strip().upper()}"
    else:
        called = dict(people(recording)).get(who, "")
        if not called:
            raise EditRefused("Choose who it is.")
    return _add(recording, layer, Kind.NAME, {"speaker": speaker, "name": called, "who": who}, by, now)


def people(recording: Recording) -> list[tuple[str, str]]:
    """Who a voice may be: (key, role and initials), the therapist first."""
    from recordings.consent import name_of

    return [(THERAPIST, "Therapist"), *((str(person.pk), name_of(person)) for person in recording.consent.people.order_by("pk"))]


@transaction.atomic
def merge_voices(*, recording: Recording, speaker: str, into: str, by: User, now: dt.datetime) -> TranscriptEdit:
    """Two voices turn out to be one."""
    layer = _open(recording)
    if not _known(layer, speaker) or not _known(layer, into) or speaker == into:
        raise EditRefused("Choose another voice to join it to.")
    return _add(recording, layer, Kind.MERGE_SPEAKERS, {"speaker": speaker, "into": into}, by, now)


# Undoing


def _own(recording: Recording, number: int, by: User) -> TranscriptEdit:
    Recording.objects.select_for_update().get(pk=recording.pk)
    edit = TranscriptEdit.objects.filter(recording=recording, number=number).first()
    if edit is None:
        raise EditRefused("There is no such change.")
    if edit.made_by_id != by.pk:
        raise EditRefused("Only the person who made a change can undo it. You can change the turn again.")
    return edit


@transaction.atomic
def undo(*, recording: Recording, number: int, by: User, now: dt.datetime) -> TranscriptEdit:
    """Takes back one of one's own changes, whichever; undoing again changes nothing."""
    edit = _own(recording, number, by)
    return _set_aside(edit, by, now) if edit.undone_at is None else edit


@transaction.atomic
def redo(*, recording: Recording, number: int, by: User, now: dt.datetime) -> TranscriptEdit:
    """Puts one of one's own changes back."""
    edit = _own(recording, number, by)
    if edit.undone_at is not None:
        edit.undone_at = edit.undone_by = None
        edit.save(update_fields=["undone_at", "undone_by"])
        log(instance=recording, action="recordings.edit_redo", user=by, data={"edit": number})
    return edit


def _set_aside(edit: TranscriptEdit, by: User, now: dt.datetime) -> TranscriptEdit:
    edit.undone_at, edit.undone_by = now, by
    edit.save(update_fields=["undone_at", "undone_by"])
    log(instance=edit.recording, action="recordings.edit_undo", user=by, data={"edit": edit.number})
    return edit


@transaction.atomic
def settle(*, recording: Recording, number: int, keep: bool, by: User, now: dt.datetime) -> TranscriptEdit | None:
    """Settles a change that found no place: it is set aside, and with `keep` made anew in the transcript as it is. None without."""
    layer = _open(recording)
    found = next((one.edit for one in layer.unplaced if one.edit.number == number), None)
    if found is None:
        raise EditRefused("That change has been settled already.")
    made = None
    if keep:
        kind, payload = _anew(layer, found)
        made = _add(recording, layer, kind, payload, by, now)
    _set_aside(TranscriptEdit.objects.get(recording=recording, number=number), by, now)
    return made


def _anew(layer: editing.Layer, edit: editing.Edit) -> tuple[str, Row]:
    """The same change for whatever words stand at its time now. Raises EditRefused where it cannot be made so."""
    if edit.kind not in (Kind.REPLACE, Kind.CONFIRM):
        raise EditRefused("This change cannot be made by itself in the new transcript. Make it by hand, then set the old one aside.")
    start, end = edit.payload["start"], edit.payload["end"]
    text = edit.payload["text"] if edit.kind == Kind.REPLACE else " ".join(edit.payload["was"])
    for turn in layer.turns:
        inside = [word for word in turn["words"] if start <= (word["start"] + word["end"]) / 2 <= end]
        if inside:
            return Kind.REPLACE, {**_about(inside), "text": text}
    return Kind.REPLACE, {"words": [], "was": [], "start": start, "end": end, "text": text, "speaker": None}
