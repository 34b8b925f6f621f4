"""A start without any weights says in one sentence what to do."""

from recordings import checks, weights


def sentences():
    return [message.msg for message in checks.weights_are_had(None)]


def test_without_any_weights_one_sentence_says_what_to_do(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "CARRIED", {})
    settings.WEIGHTS_DIR = tmp_path
    settings.WHISPER_MODEL = "auto"
    (sentence,) = sentences()
    assert "run `manage.py weights`" in sentence
    assert sentence.count(".") == 2  # of the command's name, and at its end


def test_weights_in_the_cache_in_a_file_or_in_a_package_are_enough(settings, tmp_path, monkeypatch):
    settings.WEIGHTS_DIR = tmp_path
    monkeypatch.setattr(weights, "CARRIED", {"base": weights.Carried("a package", (("json", "x"),), "0")})
    settings.WHISPER_MODEL = "auto"
    assert sentences() == []
    monkeypatch.setattr(weights, "CARRIED", {})
    settings.WHISPER_MODEL = "small.en"
    assert len(sentences()) == 1
    (tmp_path / "small.en.pt").touch()
    assert sentences() == []
    settings.WHISPER_MODEL = str(tmp_path / "small.en.pt")
    assert sentences() == []
