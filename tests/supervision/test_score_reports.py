"""Totals of licensed measures: who may enter them, what they add up to, and that nothing is filled in."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from supervision import measures, measuresummary, scorefile
from supervision.instruments import load_instruments
from supervision.measures import ScoreRefused
from supervision.models import Instrument, Item, Membership, ScoreReport
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def tam(db):
    load_instruments()
    return Instrument.objects.get(slug="tam-r")


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea, reference="H-1")


@pytest.fixture
def keep(tam, harbour, ada):
    def record(family, value, days=1, *, by=ada, instrument=tam, **fields):
        values = {
            "about": family.therapist if family else fields.pop("about"),
            "family": family,
            "occurred_on": factories.days_ago(days),
            "values": value if isinstance(value, dict) else {"total": value},
            **fields,
        }
        return measures.record(instrument=instrument, team=harbour, by=by, now=timezone.now(), **values)

    return record


def total(tam, rows=None):
    rows = ScoreReport.objects.kept().select_related("family") if rows is None else rows
    [summary] = measuresummary.summaries(tam, rows)
    return summary


# Who may


def test_the_therapist_a_score_is_about_cannot_enter_it_nor_a_colleague(keep, family, thea, tom):
    for person in (thea, tom):
        with pytest.raises(ScoreRefused, match="never by one of its therapists"):
            keep(family, 0.7, by=person)
    assert not ScoreReport.objects.exists()


def test_a_supervisor_who_is_also_a_therapist_of_the_team_cannot_enter(keep, family, harbour, sam):
    factories.make_membership(sam, harbour, Membership.Role.THERAPIST)
    with pytest.raises(ScoreRefused, match="never by one of its therapists"):
        keep(family, 0.7, by=sam)


def test_a_supervisor_does_not_enter_what_therapists_say_of_the_supervisor(keep, tam, sam, ada):
    sam_measure = Instrument.objects.get(slug="sam")
    with pytest.raises(ScoreRefused, match="about themselves"):
        keep(None, 0.7, by=sam, about=sam, instrument=sam_measure, respondent="R1")
    assert keep(None, 0.7, by=ada, about=sam, instrument=sam_measure, respondent="R1").about == sam


@pytest.mark.parametrize(
    ("value", "fields", "words"),
    [
        (1.2, {}, "from 0 to 1"),
        (float("nan"), {}, "from 0 to 1"),
        (None, {}, "at least one figure"),
        ({"charm": 1}, {}, "and no others"),
        (0.5, {"days": -1}, "future"),
        (0.5, {"days": 400}, "after that day"),
        (0.5, {"respondent": "Mum"}, "never enter a name|Never enter a name"),
        (0.5, {"answered": 900}, "from 0 to 200"),
    ],
)
def test_what_cannot_be_true_is_refused_with_a_sentence(keep, family, value, fields, words):
    with pytest.raises(ScoreRefused, match=words):
        keep(family, value, **fields)


def test_a_second_score_of_the_day_is_refused_until_the_first_is_withdrawn(keep, family, ada):
    first = keep(family, 0.5)
    with pytest.raises(ScoreRefused, match="already"):
        keep(family, 0.6)
    measures.withdraw(row=first, reason="Typed wrong", by=ada, now=timezone.now())
    keep(family, 0.6)
    assert total(first.instrument).mean == pytest.approx(0.6)
    with pytest.raises(ScoreRefused, match="already"):
        measures.withdraw(row=first, reason="Again", by=ada, now=timezone.now())


# What they add up to


def test_each_family_is_averaged_first(keep, tam, harbour, thea):
    often, once = (factories.make_family(harbour, thea, reference=reference) for reference in ("H-1", "H-2"))
    for days, value in ((1, 0.2), (9, 0.4), (19, 0.6)):
        keep(often, value, days)
    keep(once, 0.8)
    found = total(tam)
    assert (found.n, found.at_target, found.target) == (2, 1, 0.61)
    assert found.mean == pytest.approx((0.4 + 0.8) / 2)


def test_a_family_without_a_score_is_named_and_never_filled_in(keep, tam, harbour, thea):
    with_score, without = (factories.make_family(harbour, thea, reference=reference) for reference in ("H-1", "H-2"))
    new = factories.make_family(harbour, thea, reference="H-3", opened_on=factories.days_ago(3))
    keep(with_score, 0.9, 0)
    data = measuresummary.this_month([with_score, without, new], ScoreReport.objects.all(), today=factories.today())
    assert (data.due, data.missing, data.is_enough) == (2, [without], False)
    assert total(tam).n == 1


def test_under_ten_families_nothing_is_said_of_a_target(tam):
    [item] = tam.items.all()
    day = factories.today()
    nine = [measuresummary.Of(str(number), None, ((day, 0.9),)) for number in range(9)]
    assert (measuresummary.Summary(item, nine, 0.61).meets_mean, measuresummary.Summary(item, nine, 0.61).meets_share) == (None, None)
    ten = [*nine, measuresummary.Of("9", None, ((day, 0.1),))]
    assert (measuresummary.Summary(item, ten, 0.61).meets_mean, measuresummary.Summary(item, ten, 0.61).meets_share) == (True, True)
    eight = [*nine[:7], *(measuresummary.Of(f"b{number}", None, ((day, 0.1),)) for number in range(3))]
    assert measuresummary.Summary(item, eight, 0.61).meets_share is False


def test_the_consultants_measure_is_averaged_within_each_respondent(keep, tam, cora):
    cam = Instrument.objects.get(slug="cam")
    figures = {"competence": 6.0, "procedures": 5.0, "alliance": None}
    keep(None, figures, 1, about=cora, instrument=cam, respondent="R1")
    keep(None, {**figures, "competence": 4.0}, 9, about=cora, instrument=cam, respondent="R1")
    keep(None, {**figures, "competence": 2.0}, 1, about=cora, instrument=cam, respondent="R2")
    competence, _, alliance = measuresummary.summaries(cam, ScoreReport.objects.all())
    assert (competence.mean, competence.n) == (pytest.approx(3.5), 2)
    assert (alliance.mean, alliance.n) == (None, 0)


def test_a_respondent_written_small_is_no_second_one(keep, tam, harbour, sam, ada):
    measure = Instrument.objects.get(slug="sam")
    keep(None, 0.6, 1, about=sam, instrument=measure, respondent="R1")
    keep(None, 0.8, 9, about=sam, instrument=measure, respondent=" r1 ")
    [summary] = measuresummary.summaries(measure, ScoreReport.objects.all())
    assert (summary.n, summary.mean) == (1, pytest.approx(0.7))
    with pytest.raises(ScoreRefused, match="already"):
        keep(None, 0.9, 1, about=sam, instrument=measure, respondent="r1")
    content = f"about,respondent,date,total\n{sam.email},r1,{factories.days_ago(1).isoformat()},0.9"
    [line] = scorefile.look_through(content, instrument=measure, team=harbour, by=ada, now=timezone.now())
    assert "already" in line.problem


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=4), min_size=1, max_size=6))
def test_a_mean_of_means_lies_between_the_least_and_the_most(families):
    item = Item(key="total", least=0, most=1)
    each = [measuresummary.Of(str(n), None, tuple((dt.date(2027, 1, 1), value) for value in values)) for n, values in enumerate(families)]
    summary = measuresummary.Summary(item, each, 0.61)
    every = [value for values in families for value in values]
    assert min(every) - 1e-9 <= summary.mean <= max(every) + 1e-9
    assert 0 <= summary.share_at_target <= 1


# Files


def text(*lines):
    return "\n".join(["family,date,total,answered", *lines])


def test_a_file_is_looked_through_row_by_row_and_kept_only_as_a_whole(tam, harbour, family, ada):
    now, day = timezone.now(), factories.days_ago(2).isoformat()
    good, bad = f"h-1,{day},0.72,28", "H-9,12 May,2,x"
    lines = scorefile.look_through(text(good, bad, good), instrument=tam, team=harbour, by=ada, now=now)
    assert [bool(line.problem) for line in lines] == [False, True, True]
    assert ("no family" in lines[1].problem, "already" in lines[2].problem) == (True, True)
    with pytest.raises(ScoreRefused, match="Row 3"):
        scorefile.bring_in(text(good, bad), instrument=tam, team=harbour, by=ada, now=now)
    assert not ScoreReport.objects.exists()
    [row] = scorefile.bring_in(text(good), instrument=tam, team=harbour, by=ada, now=now)
    assert (row.family, row.values, row.answered, row.source, row.batch is not None) == (family, {"total": 0.72}, 28, "imported", True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "lacks"),
        ("family,date\nH-1,2027-01-01", "lacks: total"),
        ("family,date,total", "no rows"),
        ("family,date,total\n,,\n ,,", "no rows"),
        ("x" * 200_000, "too long"),
        ("family,date,total,Total\nH-1,2027-01-01,0.1,0.9", "column total twice"),
    ],
)
def test_a_file_that_is_not_one_is_refused(tam, harbour, ada, content, words):
    with pytest.raises(scorefile.FileRefused, match=words):
        scorefile.look_through(content, instrument=tam, team=harbour, by=ada, now=timezone.now())


def test_a_figure_with_a_comma_between_commas_is_refused_and_not_read_as_nought(tam, harbour, family, ada):
    day = factories.days_ago(2).isoformat()

    def read(*lines):
        return scorefile.look_through("\n".join(lines), instrument=tam, team=harbour, by=ada, now=timezone.now())

    [cut] = read("family,date,total", f"H-1,{day},0,72")
    assert "4 cells, the first row 3" in cut.problem
    [padded] = read("family,date,total", f"H-1,{day},0.72, ,")
    [apart] = read("family;date;total", f"H-1;{day};0,72", ";;", " ; ;")  # and what a spreadsheet leaves at the end
    assert [line.values["values"] for line in (padded, apart)] == [{"total": 0.72}] * 2


@pytest.mark.parametrize("respondent", ["R1, who lives at the corner", "R1\x00"])
def test_a_reference_that_is_none_is_refused_from_a_file_as_from_the_form(tam, harbour, sam, ada, respondent):
    content = f'about,respondent,date,total\n{sam.email},"{respondent}",{factories.days_ago(2).isoformat()},0.7'
    measure = Instrument.objects.get(slug="sam")
    [line] = scorefile.look_through(content, instrument=measure, team=harbour, by=ada, now=timezone.now())
    assert "at most 20 characters" in line.problem


# Pages


def test_an_administrator_previews_then_confirms_a_file(tam, harbour, family, ada, client):
    client.force_login(ada)
    url = reverse("supervision:score-import", args=[harbour.slug, "tam-r"])
    content = text(f"H-1,{factories.days_ago(2).isoformat()},0.72,28")
    page = client.post(url, {"file": SimpleUploadedFile("scores.csv", content.encode())})
    assert "Nothing has been kept yet" in page.content.decode()
    assert not ScoreReport.objects.exists()
    assert client.post(url, {"text": content, "confirmed": "on"}).status_code == 302
    assert ScoreReport.objects.get().values == {"total": 0.72}
    exported = client.get(reverse("supervision:score-export", args=[harbour.slug, "tam-r"])).content.decode()
    assert "H-1" in exported
    assert "0.72" in exported


def test_scores_are_typed_seen_by_family_and_withdrawn(tam, harbour, family, ada, thea, client):
    client.force_login(ada)
    url = reverse("supervision:score-create", args=[harbour.slug, "tam-r"])
    assert client.post(url, {"family": family.pk, "occurred_on": factories.days_ago(1), "value-total": "3"}).status_code == 422
    client.post(url, {"family": family.pk, "occurred_on": factories.days_ago(1), "value-total": "0.7"})
    row = ScoreReport.objects.get()
    page = client.get(reverse("supervision:score-list", args=[harbour.slug]) + "?measure=tam-r").content.decode()
    assert "<b>1 of 1</b> at 0.61 or more" in page
    assert "too early to say" in page
    client.force_login(thea)
    own = client.get(reverse("supervision:score-family", args=[harbour.slug, family.pk])).content.decode()
    assert "mean 0.70" in own
    assert client.get(reverse("supervision:score-withdraw", args=[harbour.slug, row.pk])).status_code == 403
    client.force_login(ada)
    client.post(reverse("supervision:score-withdraw", args=[harbour.slug, row.pk]), {"reason": "Wrong family"})
    assert ScoreReport.objects.get().withdrawn_reason == "Wrong family"


def test_a_therapist_sees_no_other_therapists_families(keep, harbour, family, tom, client):
    keep(family, 0.7)
    client.force_login(tom)
    assert "H-1" not in client.get(reverse("supervision:score-list", args=[harbour.slug]) + "?measure=tam-r").content.decode()
    assert client.get(reverse("supervision:score-family", args=[harbour.slug, family.pk])).status_code == 404


def test_a_consultant_does_not_see_what_fewer_than_three_said_about_her(keep, tam, harbour, cora, sam, client):
    cam = Instrument.objects.get(slug="cam")
    figures = {"competence": 5.25, "procedures": 5.0, "alliance": 4.0}
    for respondent in ("R1", "R2"):
        keep(None, figures, about=cora, instrument=cam, respondent=respondent)
    url = reverse("supervision:score-list", args=[harbour.slug]) + "?measure=cam"
    client.force_login(cora)
    assert "5.25" not in client.get(url).content.decode()
    assert "5.25" not in client.get(reverse("supervision:score-export", args=[harbour.slug, "cam"])).content.decode()
    client.force_login(sam)
    assert "5.25" in client.get(url).content.decode()
    keep(None, figures, about=cora, instrument=cam, respondent="R3")
    client.force_login(cora)
    assert "5.25" in client.get(url).content.decode()


def test_every_entry_is_reached_however_many_there_are(tam, harbour, keep, ada, client):
    first = keep(
        None,
        0.7,
        1,
        about=factories.make_member("sue", harbour, Membership.Role.SUPERVISOR),
        instrument=Instrument.objects.get(slug="sam"),
        respondent="R0",
    )
    for number in range(1, 101):
        keep(None, 0.7, 1, about=first.about, instrument=first.instrument, respondent=f"R{number}")
    client.force_login(ada)
    url = reverse("supervision:score-rows", args=[harbour.slug, "sam"])
    pages = [client.get(url, {"page": number}).text for number in (1, 2)]
    assert "1 to 100 of 101" in pages[0]
    withdraw = reverse("supervision:score-withdraw", args=[harbour.slug, first.pk])
    assert [withdraw in page for page in pages] == [False, True]
