"""`manage.py compliance`, as scripts hold on to it."""

import csv
import io
import json

import pytest
from django.core.management import CommandError, call_command

from tests import factories


@pytest.fixture
def asked(harbour, thea):
    return factories.make_requirement(harbour.programme, "course", key="orientation")


def run(*arguments):
    out = io.StringIO()
    call_command("compliance", *arguments, stdout=out)
    return out.getvalue()


def test_json_gives_statuses_dates_and_reasons(asked):
    data = json.loads(run("--team", "harbour", "--format", "json"))
    assert data["on"] == factories.today().isoformat()
    [team] = data["teams"]
    [person] = team["people"]
    [cell] = person["cells"]
    assert (person["name"], cell["requirement"], cell["status"]) == ("Thea Example", "orientation", "overdue")
    assert cell["date"]
    assert cell["reasons"]


def test_csv_and_text_say_the_same(asked):
    [row] = list(csv.DictReader(io.StringIO(run("--format", "csv", "--team", "harbour"))))
    assert (row["person"], row["status"]) == ("Thea Example", "overdue")
    assert "Thea Example" in run("--team", "harbour")


def test_an_earlier_day_and_an_earlier_knowledge(asked):
    early = json.loads(run("--format", "json", "--on", factories.days_ago(59).isoformat()))
    assert early["teams"][0]["people"][0]["cells"][0]["status"] == "not_started"
    unknown = json.loads(run("--format", "json", "--known-at", factories.days_ago(59).isoformat()))
    assert unknown["teams"][0]["people"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--team", "no-such-team"),
        ("--on", "31.3.2026"),
        ("--on", "2026-02-30"),
        ("--on", "9999-12-31"),
        ("--on", "0001-01-01"),
        ("--known-at", "yesterday"),
        ("--format", "xml"),
    ],
)
def test_bad_input_ends_with_two_and_one_line(asked, arguments):
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert caught.value.returncode == 2
    assert "\n" not in str(caught.value)
