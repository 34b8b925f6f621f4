"""A wrong value stops start-up with a sentence that names it."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from cms import checks, environment


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


@pytest.mark.parametrize("value", ["https://plumbline.example", "plumbline.example/", "plumbline.example:443", "one.example;two.example"])
def test_a_host_that_no_browser_sends_is_refused(monkeypatch, value):
    monkeypatch.setenv("THING", f"good.example, {value}")
    with pytest.raises(ImproperlyConfigured, match="THING holds"):
        environment.hosts("THING", [])


def test_hosts_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv("THING", "plumbline.example, .north.example,[::1],10.0.0.7")
    assert environment.hosts("THING", []) == ["plumbline.example", ".north.example", "[::1]", "10.0.0.7"]


@pytest.mark.parametrize("value", ["plumbline.example", "https://", "https://plumbline.example/there", "ftp://plumbline.example"])
def test_an_address_that_no_link_can_begin_with_is_refused(monkeypatch, value):
    monkeypatch.setenv("THING", value)
    with pytest.raises(ImproperlyConfigured, match="THING is"):
        environment.address("THING", "http://127.0.0.1:8000")


@pytest.mark.parametrize("value", ["https://plumbline.example", "http://127.0.0.1:8000", "https://[::1]:8443"])
def test_an_address_loses_its_last_stroke(monkeypatch, value):
    monkeypatch.setenv("THING", f"{value}/")
    assert environment.address("THING", "http://127.0.0.1:8000") == value


@pytest.mark.parametrize("value", ["Europe/Lundon", "../etc", "Europe", "GMT+1"])
def test_a_time_zone_that_is_none_is_refused(monkeypatch, value):
    monkeypatch.setenv("THING", value)
    with pytest.raises(ImproperlyConfigured, match="THING is"):
        environment.time_zone("THING", "Europe/London")


def start(tmp_path, **given):
    """What a site that is no demonstration takes for its own address, or the last line of its refusal."""
    begun = subprocess.run(
        [sys.executable, "-c", "from cms import settings; print(settings.SITE_URL)"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "PLUMBLINE_DATA": str(tmp_path), **given},
        capture_output=True,
        text=True,
        check=False,
    )
    return (begun.stdout if begun.returncode == 0 else begun.stderr).splitlines()[-1]


def test_a_site_that_is_no_demonstration_needs_a_secret_of_its_own(tmp_path):
    assert "ImproperlyConfigured: SECRET_KEY is not set." in start(tmp_path, ALLOWED_HOSTS="plumbline.example")


def test_a_site_that_is_not_told_its_address_has_that_of_its_first_host(tmp_path):
    """The demo's address on a family's paper would be a link by which nobody can withdraw."""
    known = {"SECRET_KEY": "x" * 60, "ALLOWED_HOSTS": ".north.example, plumbline.example, other.example"}
    assert start(tmp_path, **known) == "https://plumbline.example"
    assert start(tmp_path, SECURE="no", **known) == "http://plumbline.example"
    assert start(tmp_path, SITE_URL="https://other.example/", **known) == "https://other.example"


@pytest.mark.parametrize(
    ("address", "hosts", "is_wrong"),
    [
        ("https://plumbline.example", ["plumbline.example"], False),
        ("https://a.plumbline.example:8443", [".plumbline.example"], False),
        ("https://[::1]", ["[::1]"], False),
        ("https://plumbline.example", ["*"], False),
        ("https://plumblime.example", ["plumbline.example"], True),
        ("http://127.0.0.1:8000", [".plumbline.example"], True),
        ("http://127.0.0.1:8000", ["*"], True),
        ("http://127.0.0.1:8000", [], True),
    ],
)
def test_an_address_at_which_the_site_does_not_answer_is_told_of_before_a_family_has_it_on_paper(settings, address, hosts, is_wrong):
    settings.SITE_URL, settings.ALLOWED_HOSTS = address, hosts
    assert [one.id for one in checks.site_is_at_its_address(None)] == (["cms.W001"] if is_wrong else [])
