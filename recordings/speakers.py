"""Who speaks when, told by the voice alone: no names, nothing kept beyond the recording, nothing downloaded.

Each stretch of speech is cut into windows of at most 1.6 s; a small network (Resemblyzer's, its weights in its own package)
turns a window into 256 numbers that are alike for one voice; windows that are alike are gathered; and the best path
through the speech, which changes voices at pauses rather than within a breath, gives the turns.

Where two people speak at once, one of them is named: overlap is not found by this method, and nothing says that it is.
"""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from recordings import acoustics, voice, voicenet
from recordings.turns import Voices, assign
from recordings.voicenet import BANDS, SIZE, NoVoiceWeights

__all__ = ["NoVoiceWeights", "Voices", "assign", "embed", "separate"]

RATE = voice.RATE
BATCH = 128
WINDOW_S = 1.6
HOP_S = 0.8
NEAR_S = 0.81
SHORTEST_S = 0.3  # below it a voice cannot be told; such a sound goes with what is around it
CLEAR_S = 0.9  # windows this long find the voices; shorter ones are only given to one of them
LOUD_DBFS = -20.0
# Cosine distance at which average linkage stops. Measured: parts of one voice meet below 0.33, two voices above 0.36, and any value from 0.32 to 0.36 tells 1 to 5 of them apart.
SAME_VOICE = 0.335
MOST = 8
MOST_GATHERED = 4000  # windows that are compared with each other: more tell nothing new
LEAST_WINDOWS, LEAST_SHARE = 4, 0.01  # a smaller gathering is a cough, a laugh, a door: not a voice
STEP_S = 0.1
TRUST = 10.0  # what one second of being wholly alike counts, beside the costs of changing voices
CHANGE_AT_PAUSE, CHANGE_IN_BREATH = 0.3, 3.0
BREATH_S = 1.0  # pauses within a turn

Floats = NDArray[np.float32]


def separate(samples: Floats, probability: Floats, *, count: int | None = None) -> Voices:
    """The voices in 16 kHz mono sound with its voice activity (`voice.activity`); `count` where somebody knows how many.

    Never more than MOST voices; none where nobody speaks. Raises NoVoiceWeights, and ValueError for a count out of range.
    """
    if count is not None and not 1 <= count <= MOST:
        raise ValueError(f"A recording has 1 to {MOST} voices.")
    spans = [span for span in voice.segments(probability) if span[1] <= len(samples) / RATE + voice.FRAME_S]
    times, island = _windows(spans)
    if not len(times):
        return Voices([], [], np.zeros((0, 2), np.float32), np.zeros((0, SIZE), np.float16), np.zeros(0, np.int8))
    embeddings = embed(samples, times)
    centres = _centres(_steadied(embeddings, times, island), times, count)
    path = _path(spans, times, island, embeddings @ centres.T)
    return _voices(path, times, embeddings)


def _windows(spans: voice.Spans) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Windows over the stretches of speech, [windows, 2] seconds, none across a pause; and the stretch of each."""
    times, island = [], []
    for place, (start, end) in enumerate(spans):
        if end - start >= SHORTEST_S:
            last = max(start, end - WINDOW_S)
            for begin in np.linspace(start, last, max(1, math.ceil((last - start) / HOP_S) + 1)):
                times.append((begin, min(end, begin + WINDOW_S)))
                island.append(place)
    return np.array(times, np.float64).reshape(-1, 2), np.array(island, np.int64)


def embed(samples: Floats, times: NDArray[np.float64]) -> Floats:
    """The voice in each window ([windows, 2] seconds) as [windows, 256], of length 1. Raises NoVoiceWeights."""
    network = voicenet.load()
    found = np.zeros((len(times), SIZE), np.float32)
    for first in range(0, len(times), BATCH):  # neighbours are of much the same length: most are whole windows
        found[first : first + BATCH] = network([_spectrum(samples, start, end) for start, end in times[first : first + BATCH]])
    return found


def _spectrum(samples: Floats, start: float, end: float) -> Floats:
    """40 mel bands of a window as power, [frames, 40], as loud as the network expects: it was trained on levelled speech."""
    part = samples[round(start * RATE) : round(end * RATE)]
    part = part if len(part) >= acoustics.HOP else np.zeros(acoustics.HOP, np.float32)
    power = np.concatenate(list(acoustics.mel_power(part, BANDS)))
    return power * np.float32(10 ** (LOUD_DBFS / 10) / max(float(np.mean(np.square(part))), 1e-10))


def _steadied(embeddings: Floats, times: NDArray[np.float64], island: NDArray[np.int64]) -> Floats:
    """Each window with its neighbours in the same breath: one voice varies less so, and two stay apart."""
    steady = np.empty_like(embeddings)
    for place, (start, _end) in enumerate(times):
        near = slice(max(0, place - 4), place + 5)
        is_same = (island[near] == island[place]) & (np.abs(times[near, 0] - start) <= NEAR_S)
        steady[place] = embeddings[near][is_same].mean(axis=0)
    return _unit(steady)


def _centres(vectors: Floats, times: NDArray[np.float64], count: int | None) -> Floats:
    """One vector for each voice, [voices, 256]: what average linkage gathers below SAME_VOICE, small gatherings left out."""
    from scipy.cluster import hierarchy

    clear = np.flatnonzero(times[:, 1] - times[:, 0] >= CLEAR_S)
    if len(clear) < 2:
        return _unit(vectors.mean(axis=0, keepdims=True))
    clear = clear[:: -(-len(clear) // MOST_GATHERED)]
    tree = hierarchy.linkage(vectors[clear], "average", metric="cosine")
    if count is not None:
        members = hierarchy.fcluster(tree, count, "maxclust")
        kept = list(np.unique(members))
    else:
        members = hierarchy.fcluster(tree, SAME_VOICE, "distance")
        numbers, sizes = np.unique(members, return_counts=True)
        enough = max(LEAST_WINDOWS, LEAST_SHARE * len(clear))
        order = numbers[np.argsort(-sizes)][:MOST]
        kept = [number for number in order if sizes[numbers == number][0] >= enough] or [order[0]]
    return _unit(np.stack([vectors[clear][members == number].mean(axis=0) for number in kept]))


def _path(spans: voice.Spans, times: NDArray[np.float64], island: NDArray[np.int64], likeness: Floats) -> list[tuple[float, float, int]]:
    """Who speaks in each stretch, as (start, end, voice): the best path through steps of 0.1 s of speech.

    A step counts by how alike the windows over it are to each voice, those centred on it most. Changing voices costs
    little at a pause and much within a breath.
    """
    steps: list[tuple[float, float]] = []
    costs: list[float] = []
    scores: list[Floats] = []
    middles = times.mean(axis=1)
    for place, (start, end) in enumerate(spans):
        own = np.flatnonzero(island == place)
        edges = np.linspace(start, end, max(2, round((end - start) / STEP_S) + 1))
        for begin, stop in itertools.pairwise(edges):
            steps.append((begin, stop))
            costs.append(CHANGE_IN_BREATH if begin > start else CHANGE_AT_PAUSE)
            near = own[(times[own, 0] < stop) & (times[own, 1] > begin)]
            if len(near):
                weight = 1.05 - np.minimum(np.abs(middles[near] - (begin + stop) / 2) / (WINDOW_S / 2), 1)
                scores.append((likeness[near] * weight[:, None]).sum(axis=0) / weight.sum() * (stop - begin))
            else:
                scores.append(np.zeros(likeness.shape[1], np.float32))
    best = _viterbi(np.array(scores, np.float64) * TRUST, np.array(costs))
    joined: list[tuple[float, float, int]] = []
    for (begin, stop), who in zip(steps, best, strict=True):
        if joined and joined[-1][2] == who and abs(joined[-1][1] - begin) < 1e-6:
            joined[-1] = (joined[-1][0], stop, who)
        else:
            joined.append((begin, stop, who))
    return joined


def _viterbi(scores: NDArray[np.float64], costs: NDArray[np.float64]) -> list[int]:
    """The places of greatest sum down the rows of [steps, voices], where a change into row i costs `costs[i]`."""
    total = scores[0].copy()
    came_from = np.zeros(scores.shape, np.int64)
    stay = np.arange(scores.shape[1])
    for row in range(1, len(scores)):
        other = int(total.argmax())
        is_change = total[other] - costs[row] > total
        came_from[row] = np.where(is_change, other, stay)
        total = np.where(is_change, total[other] - costs[row], total) + scores[row]
    path = [int(total.argmax())]
    for row in range(len(scores) - 1, 0, -1):
        path.append(int(came_from[row][path[-1]]))
    return path[::-1]


def _voices(path: list[tuple[float, float, int]], times: NDArray[np.float64], embeddings: Floats) -> Voices:
    """Labels in the order of first speech; turns, over the breaths that one voice takes."""
    order = list(dict.fromkeys(who for _start, _end, who in path))
    labels = [f"S{place}" for place in range(1, len(order) + 1)]
    turns: list[tuple[float, float, str]] = []
    for start, end, who in path:
        label = labels[order.index(who)]
        if turns and turns[-1][2] == label and start - turns[-1][1] <= BREATH_S:
            turns[-1] = (turns[-1][0], end, label)
        else:
            turns.append((start, end, label))
    turns = [(round(start, 3), round(end, 3), label) for start, end, label in turns]
    middles = times.mean(axis=1)
    at = np.searchsorted([start for start, _end, _who in path], middles, side="right") - 1
    window_labels = np.array([order.index(path[place][2]) for place in at], np.int8)
    return Voices(labels, turns, times.astype(np.float32), embeddings.astype(np.float16), window_labels)


def _unit(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
