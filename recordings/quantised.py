"""Whisper's decoder with 8-bit matrices, for processors. Imports torch: only `openai_whisper.py` imports this, and late."""

import warnings
from typing import Any

import torch
from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic


class SmallDecoder(torch.nn.Module):
    """`whisper.model.TextDecoder`, its linear layers and its output kept as 8-bit numbers with a scale for each row.

    The decoder that is given is used up: its layers are replaced. The embedding stays, as it is also read by row.
    """

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.token_embedding = decoder.token_embedding
        self.positional_embedding = decoder.positional_embedding
        self.blocks = decoder.blocks
        self.ln = decoder.ln
        self.register_buffer("mask", decoder.mask, persistent=False)
        shrink(self.blocks)
        words, width = self.token_embedding.weight.shape
        tied = torch.nn.Linear(width, words, bias=False)
        tied.weight = self.token_embedding.weight
        self.output = small(tied)

    def forward(self, tokens: Any, features: Any, kv_cache: Any = None) -> Any:
        offset = next(iter(kv_cache.values())).shape[1] if kv_cache else 0
        x = self.token_embedding(tokens) + self.positional_embedding[offset : offset + tokens.shape[-1]]
        for block in self.blocks:
            x = block(x, features, mask=self.mask, kv_cache=kv_cache)
        return self.output(self.ln(x))


def is_possible() -> bool:
    return bool(torch.backends.quantized.engine != "none")


def small(layer: Any) -> Any:
    plain = torch.nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None)  # Whisper's own class is not known there
    plain.load_state_dict(layer.state_dict())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces that this will move to a package of its own
        return quantize_dynamic(torch.nn.Sequential(plain), {torch.nn.Linear: per_channel_dynamic_qconfig})[0]


def shrink(module: Any) -> None:
    for name, child in module.named_children():
        if isinstance(child, torch.nn.Linear):
            setattr(module, name, small(child))
        else:
            shrink(child)
