"""A wrong value stops start-up with a sentence that names it."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from cms import environment


def test_a_flag_takes_plain_words(monkeypatch):
    monkeypatch.setenv("THING", "Yes")
    assert environment.flag("THING", default=False) is True
    monkeypatch.setenv("THING", "off")
    assert environment.flag("THING", default=True) is False


@pytest.mark.parametrize("value", ["ja", "2", "treu"])
def test_an_unknown_word_for_a_flag_is_refused(monkeypatch, value):
    monkeypatch.setenv("THING", value)
    with pytest.raises(ImproperlyConfigured, match="THING"):
        environment.flag("THING", default=False)


def test_a_number_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("THING", "many")
    with pytest.raises(ImproperlyConfigured, match="THING is 'many'"):
        environment.number("THING", 3)


def test_a_number_below_the_least_is_refused(monkeypatch):
    monkeypatch.setenv("THING", "0")
    with pytest.raises(ImproperlyConfigured, match="at least 1"):
        environment.number("THING", 3, least=1)


def test_a_value_can_come_from_a_file_without_its_newline(monkeypatch, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("abc\n")
    monkeypatch.delenv("THING", raising=False)
    monkeypatch.setenv("THING_FILE", str(secret))
    assert environment.text("THING") == "abc"


def test_a_file_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("THING", raising=False)
    monkeypatch.setenv("THING_FILE", str(tmp_path / "gone"))
    with pytest.raises(ImproperlyConfigured, match="THING_FILE"):
        environment.text("THING", "default")


@pytest.mark.parametrize("url", ["mysql://a@b/c", "nonsense", "://"])
def test_a_database_of_another_kind_is_refused(monkeypatch, url):
    monkeypatch.setenv("THING", url)
    with pytest.raises(ImproperlyConfigured, match="THING"):
        environment.database("THING", "sqlite:///x")


def test_a_missing_value_without_default_says_how_to_give_it(monkeypatch):
    monkeypatch.delenv("THING", raising=False)
    with pytest.raises(ImproperlyConfigured, match="THING is not set"):
        environment.text("THING")
