"""Whisper's weights from CTranslate2's format into openai-whisper's. Only splits and renames tensors: the numbers stay what they were."""

import re
import struct
from typing import Any

# CTranslate2's binary layout, version 6: a header, the variables, then aliases.
_DTYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}


def read_variables(model: bytes) -> dict[str, Any]:
    """Every variable of a CTranslate2 Whisper model as a NumPy array, by name. Raises ValueError."""
    import numpy as np

    position = 0

    def number(code: str) -> int:
        nonlocal position
        (value,) = struct.unpack_from("<" + code, model, position)
        position += struct.calcsize("<" + code)
        return int(value)

    def text() -> str:
        nonlocal position
        length = number("H")  # counts the closing zero byte
        value = model[position : position + length - 1].decode()
        position += length
        return value

    version, spec, _revision = number("I"), text(), number("I")
    if (version, spec) != (6, "WhisperSpec"):
        raise ValueError(f"This is {spec} in layout {version}; only WhisperSpec in layout 6 is known.")
    variables = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        dtype = np.dtype(_DTYPES[number("B")])
        size = number("I")
        variables[name] = np.frombuffer(model, dtype, size // dtype.itemsize, position).reshape(shape)
        position += size
    for _ in range(number("I")):
        text(), text()  # the output projection is tied to the embedding, in whisper too
    if position != len(model):
        raise ValueError("The model file is longer than its own table says.")
    return variables


_RENAMED = [
    (r"^encoder/layer_norm/", "encoder/ln_post/"),
    (r"^decoder/layer_norm/", "decoder/ln/"),
    (r"position_encodings/encodings$", "positional_embedding"),
    (r"^decoder/embeddings/", "decoder/token_embedding/"),
    (r"/layer_(\d+)/", r"/blocks/\1/"),
    (r"/self_attention/layer_norm/", "/attn_ln/"),
    (r"/attention/layer_norm/", "/cross_attn_ln/"),
    (r"/ffn/layer_norm/", "/mlp_ln/"),
    (r"/ffn/linear_0/", "/mlp/0/"),
    (r"/ffn/linear_1/", "/mlp/2/"),
    (r"/gamma$", "/weight"),
    (r"/beta$", "/bias"),
]
# Attention layers come fused; the pieces of each in order. The key projection has no bias in Whisper.
_FUSED = {
    "self_attention/linear_0": ("attn", ("query", "key", "value")),
    "self_attention/linear_1": ("attn", ("out",)),
    "attention/linear_0": ("cross_attn", ("query",)),
    "attention/linear_1": ("cross_attn", ("key", "value")),
    "attention/linear_2": ("cross_attn", ("out",)),
}


def to_checkpoint(model: bytes) -> dict[str, Any]:
    """An openai-whisper checkpoint ({"dims", "model_state_dict"}) from a CTranslate2 model file."""
    import numpy as np
    import torch

    variables = read_variables(model)
    state = {}
    for name, value in variables.items():
        if value.ndim == 0 or name.endswith("alignment_heads"):
            continue  # settings, not weights
        new = name
        for pattern, replacement in _RENAMED:
            new = re.sub(pattern, replacement, new)
        fused = re.search(r"/((?:self_)?attention/linear_\d)/", new)
        if fused is None:
            state[new.replace("/", ".")] = torch.from_numpy(value.copy())
            continue
        layer, pieces = _FUSED[fused[1]]
        for piece, part in zip(pieces, np.split(value, len(pieces)), strict=True):
            if piece == "key" and new.endswith("bias"):
                if part.any():
                    raise ValueError(f"{name} has a key bias, which Whisper cannot hold.")
                continue
            to = new.replace(fused[1], f"{layer}/{piece}")
            state[to.replace("/", ".")] = torch.from_numpy(part.copy())
    return {"dims": _dimensions(variables), "model_state_dict": state}


def _dimensions(variables: dict[str, Any]) -> dict[str, int]:
    n_vocab, n_text_state = variables["decoder/embeddings/weight"].shape
    n_audio_ctx, n_audio_state = variables["encoder/position_encodings/encodings"].shape

    def layers(side: str) -> int:
        return len({found[1] for name in variables if (found := re.match(rf"{side}/layer_(\d+)/", name))})

    return {
        "n_mels": variables["encoder/conv1/weight"].shape[1],
        "n_audio_ctx": n_audio_ctx,
        "n_audio_state": n_audio_state,
        "n_audio_head": int(variables["encoder/num_heads"]),
        "n_audio_layer": layers("encoder"),
        "n_vocab": n_vocab,
        "n_text_ctx": variables["decoder/position_encodings/encodings"].shape[0],
        "n_text_state": n_text_state,
        "n_text_head": int(variables["decoder/num_heads"]),
        "n_text_layer": layers("decoder"),
    }
