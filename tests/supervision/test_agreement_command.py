"""`manage.py agreement`, as scripts hold on to it."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.supervision.published import FLEISS, KRIPPENDORFF, SHROUT_FLEISS

KEYS = {"n_units", "n_raters", "level", "percent_agreement", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1", "icc"}
FORMS = ["1,1", "2,1", "3,1", "1,k", "2,k", "3,k"]


def run(*arguments):
    out = io.StringIO()
    call_command("agreement", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def table(tmp_path):
    def write(rows):
        path = tmp_path / "ratings.csv"
        lines = [f"u{unit},r{rater},{'' if value is None else value}" for unit, row in enumerate(rows) for rater, value in enumerate(row)]
        path.write_text("\n".join(["unit,rater,value", *lines]) + "\n", encoding="utf-8")
        return path

    return write


def figures(path, *arguments):
    return json.loads(run(path, "--format", "json", *arguments))


def test_shrout_and_fleiss(table):
    found = figures(table(SHROUT_FLEISS), "--level", "interval")
    assert [round(found["icc"][form], 2) for form in FORMS] == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    assert found["intervals"]["icc"]["2,1"] == [pytest.approx(0.019, abs=0.001), pytest.approx(0.761, abs=0.001)]
    assert set(found) >= KEYS | {"intervals", "not_applicable"}
    assert (found["n_units"], found["n_raters"], found["level"]) == (6, 4, "interval")


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorff_with_missing_values(table, level, alpha):
    found = figures(table(KRIPPENDORFF), "--level", level)
    assert round(found["krippendorff_alpha"], 3) == alpha
    low, high = found["intervals"]["krippendorff_alpha"]
    assert low < alpha < high
    assert (found["n_units"], found["n_raters"]) == (12, 4)


def test_fleiss(table):
    found = figures(table(FLEISS))
    assert round(found["fleiss_kappa"], 3) == 0.430
    assert found["level"] == "nominal"


def test_two_raters_have_cohens_kappa_with_weights_where_there_is_an_order(table):
    path = table([[1, 1], [2, 3], [3, 3], [2, 2]])
    nominal, ordinal = figures(path), figures(path, "--level", "ordinal")
    assert nominal["cohen_kappa"] == pytest.approx(ordinal["cohen_kappa"])
    assert ordinal["cohen_kappa_quadratic"] > ordinal["cohen_kappa_linear"] > ordinal["cohen_kappa"]
    assert ordinal["gwet_ac2"] > ordinal["gwet_ac1"]
    assert {"cohen_kappa_linear", "cohen_kappa_quadratic", "gwet_ac2"} <= set(nominal["not_applicable"])


def test_whatever_has_no_value_has_a_reason_and_the_other_way_round(table):
    for rows in (SHROUT_FLEISS, KRIPPENDORFF, [[1, 1]], [[None, None]], [[1]]):
        found = figures(table(rows), "--level", "interval")
        flat = {name: found[name] for name in found if name.startswith(("percent", "cohen", "fleiss", "kripp", "gwet"))}
        flat |= {f"icc({form})": found["icc"][form] for form in FORMS}
        assert {name for name, value in flat.items() if value is None} == set(found["not_applicable"])
        assert all(reason.endswith(".") for reason in found["not_applicable"].values())


def test_the_text_says_the_same(table):
    said = run(table(SHROUT_FLEISS), "--level", "interval")
    assert "ICC(2,1)                          0.29   0.02 to 0.76             6" in said.splitlines()
    assert "under 10, none of this can be called good or bad" in said
    assert "Cohen's κ compares two raters; 4 rated here." in said
    assert "11 of the units were rated by two raters or more" in run(table(KRIPPENDORFF))
    assert "Nothing was rated." in run(table([[None, None]]))


def test_columns_may_stand_in_any_order_with_spaces_quotes_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "from-a-spreadsheet.csv"
    path.write_text('Value, rater ,unit,remark\r\n"yes",A,1,\r\n yes ,B,1,x\r\n\r\nno,A,2,\r\n"",B,2,\r\n', encoding="utf-8-sig")
    found = figures(path)
    assert (found["n_units"], found["n_raters"], found["percent_agreement"]) == (2, 2, 1)


@pytest.mark.parametrize(
    ("content", "level", "says"),
    [
        ("", "nominal", "columns unit,rater,value"),
        ("unit,rater\n1,A\n", "nominal", "columns unit,rater,value"),
        ("unit;rater;value\n1;A;2\n", "nominal", "columns unit,rater,value"),
        ("unit,rater,value,value\n1,A,2,3\n", "nominal", "each once"),
        ("unit,rater,value\n", "nominal", "no rating under"),
        ("unit,rater,value\n1,A\n", "nominal", "Line 2 has 2 columns"),
        ("unit,rater,value\n1,A,2\n,B,2\n", "nominal", "Line 3 has no unit"),
        ("unit,rater,value\n1,,2\n", "nominal", "Line 2 has no rater"),
        ("unit,rater,value\n1,A,2\n1,A,3\n", "nominal", "Line 3 has a second value"),
        ("unit,rater,value\n1,A,high\n", "ordinal", "Line 2: 'high' is not a number"),
        ("unit,rater,value\n1,A,nan\n", "interval", "Line 2: 'nan' is not a finite number"),
        ("unit,rater,value\n1,A,inf\n", "interval", "Line 2: 'inf' is not a finite number"),
        ("unit,rater,value\n1,A,-1\n", "ratio", "Line 2: '-1' is below 0"),
        ('unit,rater,value\n1,A,"2\n', "nominal", "is not CSV"),
        (b"unit,rater,value\n1,A,\xff\n", "nominal", "not text in UTF-8"),
    ],
)
def test_bad_input_ends_with_two_and_one_line(tmp_path, content, level, says):
    path = tmp_path / "ratings.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(says, path, "--level", level)


def test_bad_options_and_files_end_with_two_and_one_line(tmp_path, table):
    refused("--level is 'metric'", table([[1, 1]]), "--level", "metric")
    refused("--format is 'xml'", table([[1, 1]]), "--format", "xml")
    refused("cannot be read", tmp_path / "nowhere.csv")
    refused("cannot be read", tmp_path)


def refused(says, *arguments):
    with pytest.raises(CommandError, match=says.replace("(", r"\(")) as caught:
        run(*arguments)
    assert caught.value.returncode == 2
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_from_the_shell_the_exit_status_is_two(tmp_path):
    base = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "manage.py", "agreement", str(tmp_path / "nowhere.csv")], cwd=base, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
