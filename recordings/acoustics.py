"""What the sound itself shows, in NumPy: mel spectra, loudness and pitch, for every 10 ms.

Everything here works through the samples in blocks, so that an hour of sound needs little more memory than its samples, and
gives the same answer wherever the blocks fall. Samples are 16 kHz mono, float32, full scale 1.
"""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
HOP = 160  # 10 ms
WINDOW = 400  # 25 ms
BLOCK = 4096  # frames

MELS = 80
DB_MIN, DB_MAX = -110.0, 0.0  # dB relative to the strongest that a full-scale tone gives

F0_LEAST, F0_MOST = 65.0, 500.0  # hertz: from a low man's voice to an excited child's
PERIODIC = 0.2  # YIN's threshold: below it a frame repeats itself well enough to have a pitch
QUIET_DB = -60.0  # no pitch is looked for below this level

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Measured:
    """What is kept of the sound itself, for every 10 ms."""

    spectrum: NDArray[np.uint8]  # as `log_mel`, [frames, 80]
    pitch: Floats  # hertz
    intensity: Floats  # decibels


def measure(samples: Floats) -> Measured:
    """An hour of sound takes 32 MB."""
    return Measured(np.concatenate([np.zeros((0, MELS), np.uint8), *log_mel(samples)]), pitch(samples), intensity(samples))


def blocks(samples: Floats, length: int, *, hop: int = HOP) -> Iterator[NDArray[np.float32]]:
    """Windows of `length` samples centred on each hop, [frames, length], BLOCK frames at a time; silence beyond both ends."""
    count = -(-len(samples) // hop)
    before = length // 2
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        start, end = first * hop - before, (last - 1) * hop - before + length
        part = samples[max(start, 0) : max(end, 0)]
        padded = np.pad(part, (max(-start, 0), end - start - max(-start, 0) - len(part)))
        yield np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]


@functools.lru_cache(maxsize=4)
def mel_filters(count: int, *, size: int = WINDOW, top: float = RATE / 2) -> Floats:
    """Triangles of equal area on Slaney's mel scale from 0 to `top` hertz, [count, size/2+1]; what librosa gives by default."""
    centres = _hertz(np.linspace(0, _mel(top), count + 2))
    bins = np.fft.rfftfreq(size, 1 / RATE)
    rising = (bins - centres[:-2, None]) / (centres[1:-1] - centres[:-2])[:, None]
    falling = (centres[2:, None] - bins) / (centres[2:] - centres[1:-1])[:, None]
    area = 2 / (centres[2:] - centres[:-2])
    return (np.maximum(0, np.minimum(rising, falling)) * area[:, None]).astype(np.float32)


def mel_power(samples: Floats, count: int) -> Iterator[Floats]:
    """Power in `count` mel bands, [frames, count], block by block."""
    from scipy import fft

    window, filters = _hann(WINDOW), mel_filters(count)
    for block in blocks(samples, WINDOW):
        spectrum = fft.rfft(block * window, axis=1)
        yield (spectrum.real**2 + spectrum.imag**2) @ filters.T


def log_mel(samples: Floats) -> Iterator[NDArray[np.uint8]]:
    """80 mel bands in decibels, 0 for DB_MIN and 255 for DB_MAX, as uint8 [frames, 80], block by block."""
    full_scale = (_hann(WINDOW).sum() / 2) ** 2 * mel_filters(MELS).max(axis=1)
    for power in mel_power(samples, MELS):
        decibels = 10 * np.log10(np.maximum(power / full_scale, 10 ** (DB_MIN / 10)))
        yield np.round((decibels - DB_MIN) * (255 / (DB_MAX - DB_MIN))).clip(0, 255).astype(np.uint8)


def pooled(levels: NDArray[np.uint8], factor: int = 4) -> NDArray[np.uint8]:
    """The greatest of each `factor` frames; the last may be of fewer."""
    starts = np.arange(0, len(levels), factor)
    return np.maximum.reduceat(levels, starts, axis=0) if len(levels) else levels


def intensity(samples: Floats) -> Floats:
    """The level of each 10 ms in decibels relative to full scale, over a Hann window of 32 ms; -110 is silence."""
    weights = _hann(512) / _hann(512).sum()
    power = [np.square(block) @ weights for block in blocks(samples, 512)]
    whole = np.concatenate(power) if power else np.zeros(0, np.float32)
    return (10 * np.log10(np.maximum(whole, 10 ** (DB_MIN / 10)))).astype(np.float32)


def pitch(samples: Floats) -> Floats:
    """The fundamental frequency of each 10 ms in hertz, NaN where the sound does not repeat itself.

    YIN (de Cheveigné and Kawahara 2002, steps 2 to 5) on sound reduced to 8 kHz: the first dip of the cumulative mean
    normalised difference below PERIODIC, with a parabola through it. Unvoiced and quiet frames have no pitch.
    """
    from scipy import fft

    rate, hop = RATE // 2, HOP // 2
    least, most = int(rate / F0_MOST), math.ceil(rate / F0_LEAST)
    width = 256  # 32 ms: two periods of the lowest voice
    length = width + most + 1
    size = fft.next_fast_len(length, real=True)
    found = []
    lags = np.arange(most + 2, dtype=np.float32)
    for block in blocks(_halved(samples), length, hop=hop):
        head = fft.rfft(block[:, :width], size, axis=1)
        whole = fft.rfft(block, size, axis=1)
        product = fft.irfft(np.conj(head) * whole, size, axis=1)[:, : most + 2]
        energy = np.cumsum(np.pad(np.square(block, dtype=np.float64), ((0, 0), (1, 0))), axis=1)
        moving = (energy[:, width : width + most + 2] - energy[:, : most + 2]).astype(np.float32)
        difference = np.maximum(moving[:, :1] + moving - 2 * product, 0)
        normal = difference * lags / np.maximum(np.cumsum(difference, axis=1), 1e-12)
        normal[:, 0] = 1
        found.append(np.where(moving[:, 0] / width > 10 ** (QUIET_DB / 10), _first_dip(normal, least, most, rate), np.nan))
    return np.concatenate(found).astype(np.float32) if found else np.zeros(0, np.float32)


def _first_dip(normal: NDArray[np.float64], least: int, most: int, rate: int) -> NDArray[np.float64]:
    """Hertz from the first local minimum below PERIODIC in each row, NaN where there is none."""
    middle = normal[:, least : most + 1]
    is_dip = (middle < PERIODIC) & (middle <= normal[:, least - 1 : most]) & (middle < normal[:, least + 1 : most + 2])
    at = is_dip.argmax(axis=1) + least
    rows = np.arange(len(normal))
    left, low, right = normal[rows, at - 1], normal[rows, at], normal[rows, at + 1]
    bend = left - 2 * low + right
    shift = np.where(bend > 1e-12, 0.5 * (left - right) / np.where(bend > 1e-12, bend, 1), 0).clip(-0.5, 0.5)
    return np.where(is_dip.any(axis=1), rate / (at + shift), np.nan)


def _halved(samples: Floats) -> Floats:
    """8 kHz from 16 kHz, a minute at a time: a sinc up to 3.6 kHz under a Hamming window, then every other sample."""
    reach, stretch = 32, RATE * 60
    moments = np.arange(-reach, reach + 1)
    taps = np.sinc(2 * 3600 / RATE * moments) * np.hamming(2 * reach + 1)
    taps = (taps / taps.sum()).astype(np.float32)
    halved = np.zeros(-(-len(samples) // 2), np.float32)
    for start in range(0, len(samples), stretch):
        wanted = min(stretch, len(samples) - start)
        part = samples[max(0, start - reach) : start + wanted + reach]
        before = max(0, reach - start)
        padded = np.pad(part, (before, wanted + 2 * reach - before - len(part)))
        halved[start // 2 : (start + wanted + 1) // 2] = np.convolve(padded, taps, "valid")[::2]
    return halved


@functools.lru_cache(maxsize=4)
def _hann(length: int) -> Floats:
    """Periodic, as is usual for spectra."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


# Slaney's scale: even steps up to 1 kHz, even ratios above.
_STEP_HZ, _BEND_HZ, _BEND, _RATIO = 200 / 3, 1000.0, 15.0, math.log(6.4) / 27


def _mel(hertz: float) -> float:
    return hertz / _STEP_HZ if hertz < _BEND_HZ else _BEND + math.log(hertz / _BEND_HZ) / _RATIO


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < _BEND, mel * _STEP_HZ, _BEND_HZ * np.exp(_RATIO * (mel - _BEND)))
