"""What a recording's page tells of its voices: how the time was shared, to those who may know, and whether voice prints are kept."""

import re
from dataclasses import dataclass

from recordings import measures, permissions, transcript, vault, voiceprints
from recordings.models import Recording, SealedObject
from supervision.models import User

_LABEL = re.compile(r"[SP]\d+$")  # as the machine and the transcript's page number voices that have no name yet
WAIT = "Figures about the session are shown to you once you have submitted your review, so that they cannot sway it."
MOST_PIXELS = 8192


@dataclass(frozen=True)
class Stretch:
    """A voice's part of the bar: where it begins and how wide it is, in percent of the whole."""

    name: str
    number: int
    start: float
    width: float

    @property
    def has_room(self) -> bool:
        """Whether the name fits on the bar of a telephone; the table has it in any case."""
        return self.width >= 4 + 2.6 * len(self.name)


@dataclass(frozen=True)
class Panel:
    measured: measures.Measures | None = None
    bar: tuple[Stretch, ...] = ()
    finding: str = ""
    why_hidden: str = ""
    are_named: bool = False
    has_prints: bool = False
    may_delete: bool = False
    trouble: str = ""


def panel(user: User, recording: Recording) -> Panel:
    """For the recording's page. Opens the vault only for those who may see what is in it."""
    may_read = permissions.can_read(user, recording)
    may_delete = permissions.can_delete_voice_prints(user, recording)
    if not may_read and not may_delete:
        return Panel()
    try:
        has_prints = voiceprints.are_there(recording)
        may_measure = permissions.can_see_measures(user, recording)
        found = measured(recording) if may_measure else None
    except (vault.KeyGone, vault.Damaged) as error:
        return Panel(trouble=str(error))
    has_voices = found is not None and bool(found.speakers)
    return Panel(
        measured=found if has_voices else None,
        bar=_bar(found) if found else (),
        finding=_finding(found) if found else "",
        why_hidden=WAIT if may_read and not may_measure and recording.state == Recording.State.READY else "",
        are_named=found is not None and has_voices and not any(_LABEL.match(one.speaker) for one in found.speakers),
        has_prints=has_prints,
        may_delete=may_delete and has_prints,
    )


def measured(recording: Recording) -> measures.Measures | None:
    """The measures of the transcript as people have put it right; None without one. Raises KeyGone, Damaged."""
    from recordings import features

    segments = transcript.edited(recording)
    sealed = SealedObject.objects.filter(recording=recording, kind=SealedObject.Kind.FEATURES).first()
    if not segments or sealed is None:
        return None
    with vault.open_sealed(sealed) as content:
        speech = features.speech_spans(content)
    return measures.of(segments, speech, duration=recording.duration_ms / 1000)


def spectrum(recording: Recording, level: int, start: int, end: int) -> bytes:
    """Raw uint8 [pixels, 80] of one level of the spectrum; at most MOST_PIXELS. Raises ValueError, KeyGone, Damaged."""
    from recordings import features

    if end - start > MOST_PIXELS:
        raise ValueError("Ask for less at once.")
    sealed = SealedObject.objects.filter(recording=recording, kind=SealedObject.Kind.FEATURES).first()
    if sealed is None:
        return b""
    with vault.open_sealed(sealed) as content:
        return features.mel(content, level, start, end)


def _bar(found: measures.Measures) -> tuple[Stretch, ...]:
    stretches: list[Stretch] = []
    reached = 0.0
    for number, one in enumerate(found.speakers, 1):
        stretches.append(Stretch(one.speaker, number, round(reached, 2), round(one.share * 100, 2)))
        reached += one.share * 100
    return tuple(stretches)


def _finding(found: measures.Measures) -> str:
    """The figure's title: what it shows, in a sentence."""
    if len(found.speakers) == 1:
        return f"Only {found.speakers[0].speaker} was told apart."
    shares = [f"{one.speaker} {one.share * 100:.0f}\u00a0%" for one in found.speakers]
    return f"Of the time in which somebody spoke: {', '.join(shares[:-1])} and {shares[-1]}."
