"""How far turns found are from turns known: the diarization error rate (NIST RT-09: missed, false and confused time over spoken time)."""

import numpy as np
from scipy.optimize import linear_sum_assignment

STEP = 0.01


def error_rates(known, found, *, collar=0.25):
    """(missed, false, confused) as shares of the known time; `collar` seconds around known edges are not counted."""
    length = round((max(end for _start, end, _who in [*known, *found]) + 1) / STEP)
    wanted, got = _tracks(known, length), _tracks(found, length)
    counted = np.ones(length, bool)
    for start, end, _who in known:
        for edge in (start, end):
            counted[max(0, round((edge - collar) / STEP)) : round((edge + collar) / STEP)] = False
    wanted, got = wanted[:, counted], got[:, counted]
    together = (wanted[:, None] & got[None]).sum(axis=2)
    right = sum((wanted[row] & got[column]).astype(int) for row, column in zip(*linear_sum_assignment(-together), strict=True))
    many, few = wanted.sum(axis=0), got.sum(axis=0)
    total = many.sum()
    missed, false = np.maximum(many - few, 0).sum(), np.maximum(few - many, 0).sum()
    return float(missed / total), float(false / total), float((np.minimum(many, few) - right).sum() / total)


def _tracks(turns, length):
    names = sorted({who for _start, _end, who in turns})
    tracks = np.zeros((len(names), length), bool)
    for start, end, who in turns:
        tracks[names.index(who), round(start / STEP) : round(end / STEP)] = True
    return tracks
