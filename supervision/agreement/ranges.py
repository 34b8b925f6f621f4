"""Two people marked stretches of one recording with codes: how far do they agree in time?

A range is (start_ms, end_ms, code), half open; start and end may be equal (a moment). What lies outside the recording is cut off.
Each code is compared by itself, as used or not used, so codes may overlap. Several recordings are compared as one sample, and no
frame, block or boundary reaches from one into the next.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supervision.agreement import intervals
from supervision.agreement.figures import Figure, figure, inapplicable
from supervision.agreement.ratings import Floats

Range = tuple[float, float, str]

FRAME_MS = 100
BLOCK_MS = 30_000
FEWEST_BLOCKS = 10
COUNTED = "marked ranges"
_RESAMPLES = 1000
_SEED = 20_260_101
_FEWEST = 0.95  # of the resamples must have a value, or there is no interval


@dataclass(frozen=True)
class Session:
    """What two people marked in one recording, in ms from its beginning."""

    first: Sequence[Range]
    second: Sequence[Range]
    duration_ms: float


@dataclass(frozen=True)
class FrameAgreement:
    """Agreement on one code, frame by frame. `n_units` of each figure is the ranges of whoever marked more of them in a recording:
    neighbouring frames are not separate observations, and a recording full of frames is not a large sample."""

    percent: Figure
    kappa: Figure
    ac1: Figure
    prevalence: float | None  # the share of all frames, of both, that have the code: AC1 is the one to read where it is near 0 or 1


def frame_agreement(first: Iterable[Range], second: Iterable[Range], *, code: str, duration_ms: float) -> FrameAgreement:
    """Percent agreement, Cohen's κ and AC1 on frames of 100 ms (the time-unit κ of Bakeman & Quera 2011, Sequential Analysis and
    Observational Methods for the Behavioral Sciences, chapter 5).

    A frame has the code where a range covers its middle; a moment marks the frame that it falls in. Intervals: percentiles of a seeded
    bootstrap over blocks of 30 s, since neighbouring frames go together (block bootstrap: Künsch 1989, Annals of Statistics
    17:1217-1241); from 10 blocks on. Raises ValueError where a range ends before it starts.
    """
    return frames_over([Session(list(first), list(second), duration_ms)], code=code)


def frames_over(sessions: Iterable[Session], *, code: str, are_same_two: bool = True) -> FrameAgreement:
    """As `frame_agreement`, over several recordings as one sample.

    Where `are_same_two` is False, first and second are not the same two people throughout: κ is then Fleiss' for two ratings a frame (Scott
    1955, Public Opinion Quarterly 19:321-325), with what the two give on average as chance, so that it does not matter who of
    them is called first.
    """
    tables: list[Floats] = []
    n, duration = 0, 0.0
    for session in sessions:
        one, other = (_of_code(some, code, session.duration_ms) for some in (session.first, session.second))
        n += max(len(one), len(other))
        duration += session.duration_ms
        if session.duration_ms > 0:
            a, b = _frames(one, session.duration_ms), _frames(other, session.duration_ms)
            cells = np.stack([a & b, a & ~b, ~a & b, ~a & ~b], axis=1)
            tables.append(_blocked(cells.astype(np.float64), BLOCK_MS // FRAME_MS))
    if reason := _why_not(n, duration):
        nothing = inapplicable(reason, n_units=n, n_raters=2, counted=COUNTED)
        return FrameAgreement(nothing, nothing, nothing, None)
    blocks = np.concatenate(tables)
    if not are_same_two:
        blocks[:, 1:3] = blocks[:, 1:3].mean(axis=1, keepdims=True)
    both, one_alone, other_alone, _ = blocks.sum(axis=0)
    return FrameAgreement(
        _bootstrapped(blocks, _percent, n, duration, least=0.0),
        _bootstrapped(blocks, _kappa, n, duration, undefined="Both marked every frame with this code, so κ is not defined."),
        _bootstrapped(blocks, _ac1, n, duration),
        float((both + (one_alone + other_alone) / 2) / blocks.sum()),
    )


def duration_overlap(first: Iterable[Range], second: Iterable[Range], *, code: str, duration_ms: float) -> Figure:
    """The time that both marked over the time that either marked (Jaccard 1901; "intersection over union"), 0 to 1.

    What one person marked twice over counts once. Interval: the block bootstrap of `frame_agreement`. Raises ValueError.
    """
    one, other = _of_code(first, code, duration_ms), _of_code(second, code, duration_ms)
    n = max(len(one), len(other))
    if reason := _why_not(n, duration_ms):
        return inapplicable(reason, n_units=n, n_raters=2, counted=COUNTED)
    edges = np.append(np.arange(0.0, duration_ms, BLOCK_MS), duration_ms)
    a, b, either = (np.diff(_covered(edges, _merged(some))) for some in (one, other, one + other))
    if not either.sum():
        reason = "Only moments were marked, and a moment has no duration."
        return inapplicable(reason, n_units=n, n_raters=2, counted=COUNTED)
    return _bootstrapped(np.stack([a + b - either, either], axis=1), _jaccard, n, duration_ms, least=0.0)


def boundary_f1(
    first: Iterable[Range], second: Iterable[Range], *, tolerance_ms: float, duration_ms: float, code: str | None = None
) -> Figure:
    """How well starts and ends coincide: 2 × matched / (boundaries of one + boundaries of the other), 0 to 1.

    The F1 of segmentation (van Rijsbergen 1979, Information Retrieval, chapter 7): a boundary matches at most one of the other person's, of
    the same code and the same kind (start or end), no more than `tolerance_ms` away; the most that can be matched are. Without `code`
    all codes count together. Interval: Wilson's for the share of distinct boundaries that were matched, carried over to F1, a range's two
    boundaries counting as one observation because they go together. Raises ValueError.
    """
    return boundaries_over([Session(list(first), list(second), duration_ms)], tolerance_ms=tolerance_ms, code=code)


def boundaries_over(sessions: Iterable[Session], *, tolerance_ms: float, code: str | None = None) -> Figure:
    """As `boundary_f1`, over several recordings as one sample."""
    matched = total = n = 0
    for session in sessions:
        codes = {code} if code is not None else {each[2] for each in itertools.chain(session.first, session.second)}
        for each in codes:
            one, other = (_of_code(some, each, session.duration_ms) for some in (session.first, session.second))
            n += max(len(one), len(other))
            total += 2 * (len(one) + len(other))
            for end in (0, 1):
                matched += matches(sorted(each[end] for each in one), sorted(each[end] for each in other), tolerance_ms)
    if not total:
        return inapplicable("Neither of the two marked anything.", n_units=0, n_raters=2, counted=COUNTED)
    distinct = total - matched
    low, high = intervals.wilson(matched / distinct, distinct / 2)
    return figure(2 * matched / total, (_f1(low), _f1(high)), n_units=n, n_raters=2, counted=COUNTED, least=0.0)


def matches(first: list[float], second: list[float], tolerance: float) -> int:
    """The largest number of pairs, each within `tolerance`, that use no time twice. Both lists ascend.

    Taking the earliest that fits is best here: an earlier time can only reach the same later ones or fewer.
    """
    count = i = j = 0
    while i < len(first) and j < len(second):
        if abs(first[i] - second[j]) <= tolerance:
            count, i, j = count + 1, i + 1, j + 1
        elif first[i] < second[j]:
            i += 1
        else:
            j += 1
    return count


def _f1(jaccard: float) -> float:
    return 2 * jaccard / (1 + jaccard)


def _why_not(n: int, duration_ms: float) -> str:
    if duration_ms <= 0:
        return "The recording has no duration."
    return "" if n else "Neither of the two used this code."


def _of_code(ranges: Iterable[Range], code: str, duration_ms: float) -> list[tuple[float, float]]:
    kept = []
    for start, end, its in ranges:
        if end < start:
            raise ValueError("A range ends before it starts.")
        is_moment = start == end and 0 <= start <= duration_ms
        if its == code and (is_moment or (start < duration_ms and end > 0)):
            kept.append((max(start, 0.0), min(end, duration_ms)))
    return kept


def _frames(ranges: list[tuple[float, float]], duration_ms: float) -> NDArray[np.bool_]:
    n = int(np.ceil(duration_ms / FRAME_MS))
    middles = (np.arange(n) + 0.5) * FRAME_MS
    frames = np.zeros(n, dtype=bool)
    for start, end in ranges:
        if start == end:
            frames[min(int(start // FRAME_MS), n - 1)] = True
        else:
            frames[np.searchsorted(middles, start) : np.searchsorted(middles, end)] = True
    return frames


def _merged(ranges: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _covered(edges: Floats, merged: list[tuple[float, float]]) -> Floats:
    """How much time is covered up to each edge. `merged` ascends and does not overlap."""
    covered = np.zeros(edges.size)
    for start, end in merged:
        covered += np.clip(edges, start, end) - start
    return covered


def _blocked(cells: Floats, size: int) -> Floats:
    return np.add.reduceat(cells, np.arange(0, len(cells), size), axis=0)


def _percent(cells: Floats) -> Floats:
    return (cells[:, 0] + cells[:, 3]) / cells.sum(axis=1)


def _kappa(cells: Floats) -> Floats:
    """2 (ad - bc) / (expected disagreement), which is κ for two values; NaN where both used one value only."""
    a, b, c, d = cells.T
    disagreement = (a + b) * (b + d) + (a + c) * (c + d)
    return np.where(disagreement > 0, 2 * (a * d - b * c) / np.where(disagreement > 0, disagreement, 1.0), np.nan)


def _ac1(cells: Floats) -> Floats:
    a, b, c, _ = cells.T
    prevalence = (2 * a + b + c) / (2 * cells.sum(axis=1))
    chance = 2 * prevalence * (1 - prevalence)
    return (_percent(cells) - chance) / (1 - chance)


def _jaccard(sums: Floats) -> Floats:
    both, either = sums.T
    return np.where(either > 0, both / np.where(either > 0, either, 1.0), np.nan)


def _bootstrapped(
    blocks: Floats, statistic: Callable[[Floats], Floats], n: int, duration_ms: float, *, least: float = -1.0, undefined: str = ""
) -> Figure:
    value = float(statistic(blocks.sum(axis=0, keepdims=True))[0])
    if np.isnan(value):
        return inapplicable(undefined, n_units=n, n_raters=2, counted=COUNTED)
    interval, reason = None, ""
    if len(blocks) < FEWEST_BLOCKS:
        reason = f"{duration_ms / 1000:.0f} s are too short for an interval, which takes {FEWEST_BLOCKS * BLOCK_MS // 60_000} minutes."
    elif value == 1:
        reason = "The two do not differ anywhere, so there is nothing from which to make an interval."
    else:
        share = np.full(len(blocks), 1 / len(blocks))
        draws = np.random.default_rng(_SEED).multinomial(len(blocks), share, size=_RESAMPLES)
        values = statistic(draws @ blocks)
        values = values[~np.isnan(values)]
        if len(values) < _FEWEST * _RESAMPLES:
            reason = "The code is too rare in this recording for an interval."
        elif np.ptp(values) <= 1e-9:
            reason = "The two differ in the same way throughout, so there is nothing from which to make an interval."
        else:
            low, high = np.percentile(values, [2.5, 97.5])
            interval = float(low), float(high)
    return figure(value, interval, n_units=n, n_raters=2, reason=reason, counted=COUNTED, least=least)
