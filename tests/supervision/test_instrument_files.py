"""Instruments as files: read with every problem at its line, loaded once, locked when used, copied into the next version."""

import json

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from supervision import formulas, instrumentfile, instruments, instrumenttext
from supervision.models import Instrument, Item, User
from tests import factories

EXAMPLE = instruments.EXAMPLE.read_text()


def problems(text):
    return [str(problem) for problem in instrumentfile.read(text).problems]


@pytest.fixture
def boss(client, db):
    user = User.objects.create_superuser("boss@example.org", factories.PASSWORD, first_name="Bo", last_name="Ss")
    client.force_login(user)
    return user


def add(text, by, *, is_current=False):
    return instruments.add(instrumentfile.read(text), is_current=is_current, by=by, now=timezone.now())


# Files


@pytest.mark.parametrize("path", sorted(instruments.FILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_file_can_be_read(path):
    assert problems(path.read_text()) == []


@pytest.mark.parametrize("path", sorted(instruments.FILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_formula_is_scorable_where_everything_is_scored(path):
    draft = instrumentfile.read(path.read_text())
    values = {formulas.name_of(item["key"]): float(max(item["least"], 1)) for item in draft.items}
    for number, score in enumerate(draft.derived):
        values[formulas.name_of(score["key"])] = formulas.evaluate(score["formula"], draft.names(before=number), values)


def test_licensed_measures_are_shipped_as_figures_without_a_question():
    for name in ("tam-r", "sam", "cam"):
        draft = instrumentfile.read((instruments.FILES / f"{name}.yaml").read_text())
        assert draft.values["kind"] == "scores"
        assert all(item["scale"] == "decimal" and not item["question"] and not item["anchors"] for item in draft.items)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("version: 1 ", "version: one ", "version is a whole number"),
        ("owner: Whoever owns the wording", "owner:", "lacks its owner"),
        ("licence_note: >-", "licence: >-", "lacks its licence note"),
        ("    section: talk\n    name: Questions", "    section: chat\n    name: Questions", "“Questions”: there is no section “chat”"),
        ("      1: Announced, without a question.\n", "", "“Shared agenda”: the anchors leave a score out"),
        ("scale: duration", "scale: stopwatch", "“Rehearsal”: scale is one of"),
        ("formula: reflections / questions", "formula: reflections / charm", "“Reflections to questions”: charm is neither"),
        ("formula: shared_agenda / 3", "formula: structure_mean / 3", "structure_mean is neither"),
        ("{least: 1, label: fair}", "{least: 9, label: fair}", "the lowest first"),
        ("key: next-date", "key: shared-agenda", "“shared-agenda” is used twice"),
        ("key: next-date", "key: Next Date", "needs a key"),
        ("minimum_heard: 0.5", "minimum_heard: 50", "a share from 0 to 1"),
        ("    scale: yes_no", "    scale: yes_no\n    codes: [fit-explored]", "only a count or a duration"),
        ("    scale: yes_no", "    scale: yes_no\n    charm: 3", "“charm” is not part"),
        ("kind: review", "kind: scores", "of scale decimal only"),
        ("version: 1 ", "version: 1\nversion: 2 ", "given twice"),
        ("name: Our session form", "name: [Our", "not YAML"),
        ("name: Our session form", 'name: "Our \\ud800 form"', "cannot be shown"),
        ("name: Our session form", 'name: "Our \\0 form"', "cannot be shown"),
        ("slug: our-session-form", 'slug: "our-session-form\\n"', "needs a slug"),
        ("      3: Settled together and", "      9999999999999: Settled together and", "score is from -1000 to 1000"),
        ("{least: 2, label: good}", "{least: .nan, label: good}", "the lowest first"),
        ("{least: 2, label: good}", "{least: .inf, label: good}", "the lowest first"),
    ],
)
def test_a_problem_is_told_with_its_line_and_the_items_name(before, after, words):
    assert before in EXAMPLE
    found = problems(EXAMPLE.replace(before, after, 1))
    assert any(words in one and one.startswith("Line ") for one in found), found


def test_a_problem_is_at_the_line_of_its_item():
    text = EXAMPLE.replace("scale: duration", "scale: stopwatch")
    line = text[: text.index("- key: role-play")].count("\n") + 1
    assert problems(text)[0].startswith(f"Line {line}:")


def test_yes_and_no_are_words_and_true_and_false_are_not():
    text = EXAMPLE.replace("    scale: yes_no", "    scale: yes_no\n    anchors: {0: No, 1: Yes}\n    allows_na: false", 1)
    draft = instrumentfile.read(text)
    assert (draft.problems, draft.items[1]["anchors"], draft.items[1]["allows_na"]) == ([], {"0": "No", "1": "Yes"}, False)
    assert any("allows_na is true or false" in one for one in problems(EXAMPLE.replace("allows_na: false", "allows_na: no", 1)))


def test_references_that_multiply_are_refused():
    bomb = "a: &a [1, 2]\nb: &b [*a, *a]\nitems: [*b, *b]"
    assert "references" in problems(bomb)[0]


@settings(max_examples=150)
@given(
    st.one_of(
        st.text(max_size=300),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.sampled_from(
                        [
                            "slug",
                            "version",
                            "items",
                            "derived",
                            "sections",
                            "key",
                            "name",
                            "anchors",
                            "codes",
                            "formula",
                            "thresholds",
                            "scale",
                        ]
                    ),
                    inner,
                    max_size=6,
                ),
            ),
            max_leaves=25,
        ).map(lambda value: yaml.safe_dump(value)),
    )
)
def test_nothing_in_a_file_makes_the_reader_fall_over(text):
    assert instrumentfile.read(text).problems


# In the database


@pytest.mark.parametrize("path", sorted(instruments.FILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_is_loaded_is_written_back_as_the_same_file(path, db):
    instruments.load_instruments()
    draft = instrumentfile.read(path.read_text())
    instrument = Instrument.objects.filter(slug=draft.values["slug"]).first() or instruments._create(draft, is_current=False, by=None)
    again = instrumentfile.read(instrumenttext.as_yaml(instrument))
    assert again.problems == []
    assert (again.values, again.sections, again.items, again.derived) == (draft.values, draft.sections, draft.items, draft.derived)


def test_the_same_version_cannot_be_added_twice(boss):
    add(EXAMPLE, boss)
    with pytest.raises(instruments.InstrumentRefused, match="Give this one version 2"):
        add(EXAMPLE, boss)


def test_a_programme_that_is_not_here_is_refused(boss):
    with pytest.raises(instruments.InstrumentRefused, match="no programme called charm"):
        add(EXAMPLE.replace("programmes: []", "programmes: [charm]"), boss)


def test_the_next_version_is_a_copy_that_is_not_in_use_until_it_is_put_there(boss):
    first = add(EXAMPLE, boss, is_current=True)
    second = instruments.next_version(instrument=first, by=boss, now=timezone.now())
    assert (second.version, second.is_current, second.first_used_at) == (2, False, None)
    copied, original = (yaml.safe_load(instrumenttext.as_yaml(one)) for one in (second, first))
    assert copied == {**original, "version": 2}
    instruments.put_into_use(instrument=second, by=boss, now=timezone.now())
    assert list(Instrument.objects.filter(slug=first.slug, is_current=True)) == [second]


def test_what_has_a_problem_is_not_put_into_use(boss):
    made = add(EXAMPLE, boss)
    Item.objects.filter(instrument=made, key="questions").update(key="asked")
    with pytest.raises(instruments.InstrumentRefused, match="questions is neither"):
        instruments.put_into_use(instrument=Instrument.objects.get(pk=made.pk), by=boss, now=timezone.now())


# Pages


def test_a_file_is_shown_as_it_will_look_and_kept_only_when_confirmed(boss, client):
    url = reverse("supervision:instrument-add")
    page = client.post(url, {"file": SimpleUploadedFile("ours.yaml", EXAMPLE.encode())}).content.decode()
    assert "Nothing has been kept yet" in page
    assert "Announced, without a question." in page
    assert "Whoever owns the wording" in page
    assert not Instrument.objects.exists()
    client.post(url, {"text": EXAMPLE, "confirmed": "on", "into_use": "on"})
    made = Instrument.objects.get()
    assert (made.slug, made.is_current, made.items.count(), made.derived_scores.count()) == ("our-session-form", True, 5, 2)
    detail = client.get(reverse("supervision:instrument-detail", args=[made.slug, 1])).content.decode()
    assert "reflections / questions" in detail


def test_the_problems_of_a_file_are_listed_and_nothing_is_kept(boss, client):
    broken = EXAMPLE.replace("scale: duration", "scale: stopwatch")
    response = client.post(reverse("supervision:instrument-add"), {"text": broken, "confirmed": "on"})
    assert response.status_code == 422
    assert "“Rehearsal”: scale is one of" in response.content.decode()
    assert not Instrument.objects.exists()


def test_the_example_and_a_version_can_be_downloaded(boss, client):
    made = add(EXAMPLE, boss)
    assert b"Copy it, change it" in b"".join(client.get(reverse("supervision:instrument-example")).streaming_content)
    text = client.get(reverse("supervision:instrument-file", args=[made.slug, 1])).content.decode()
    assert instrumentfile.read(text).problems == []


# The back office


def fields(made, **changed):
    """The editing form as the browser would send it."""
    data = {"slug": made.slug, "name": made.name, "kind": made.kind, "introduction": made.introduction, "owner": made.owner}
    data |= {"licence_note": made.licence_note, "minimum_heard": made.minimum_heard}
    for name, rows, keys in (
        ("sections", made.sections.order_by("position"), instruments.SECTION_FIELDS),
        ("items", made.items.order_by("position"), instruments.ITEM_FIELDS),
        ("derived_scores", made.derived_scores.order_by("position"), instruments.DERIVED_FIELDS),
    ):
        data |= {
            f"{name}-TOTAL_FORMS": len(rows),
            f"{name}-INITIAL_FORMS": len(rows),
            f"{name}-MIN_NUM_FORMS": 0,
            f"{name}-MAX_NUM_FORMS": 1000,
        }
        for at, row in enumerate(rows):
            data |= {f"{name}-{at}-id": row.pk, f"{name}-{at}-ORDER": at + 1}
            for key in keys:
                value = getattr(row, key)
                if isinstance(value, bool):
                    data |= {f"{name}-{at}-{key}": "on"} if value else {}
                else:
                    data[f"{name}-{at}-{key}"] = json.dumps(value) if isinstance(value, dict | list) else value
    return data | changed


def test_an_unused_version_is_edited_and_its_formulas_are_checked(boss, client):
    made = add(EXAMPLE, boss)
    url = reverse("wagtailsnippets_supervision_instrument:edit", args=[made.pk])
    assert client.get(url).status_code == 200
    refused = client.post(url, fields(made, **{"derived_scores-0-formula": "charm / 2"}))
    assert "charm is neither" in refused.content.decode()
    swapped = fields(made, **{"items-0-name": "Agenda", "items-0-ORDER": 2, "items-1-ORDER": 1})
    assert client.post(url, swapped).status_code == 302
    assert [item.name for item in made.items.order_by("position")][:2] == ["Next date", "Agenda"]


def test_a_used_version_is_shown_and_not_edited(boss, client):
    made = add(EXAMPLE, boss)
    instruments.note_use(instrument=made, now=timezone.now())
    url = reverse("wagtailsnippets_supervision_instrument:edit", args=[made.pk])
    for answer in (client.get(url, follow=True), client.post(url, fields(made, name="Other"), follow=True)):
        assert "its words are locked" in answer.content.decode()
    made.refresh_from_db()
    assert made.name == "Our session form"
    answer = client.post(reverse("supervision:instrument-next", args=[made.slug, 1]))
    assert "/admin/" in answer["Location"]
    assert Instrument.objects.get(slug=made.slug, version=2).items.count() == 5


def test_what_a_service_has_changed_or_numbered_itself_stops_no_upgrade_and_stays(boss, client, tmp_path):
    """Else `load_site` ends at the first one, and no programme gets its requirements."""
    instruments.load_instruments()
    shipped = Instrument.objects.get(slug="analytic-process", version=1)
    url = reverse("wagtailsnippets_supervision_instrument:edit", args=[shipped.pk])
    assert client.post(url, fields(shipped, name="Our checklist")).status_code == 302
    shipped.refresh_from_db()
    copy = instruments.next_version(instrument=shipped, by=boss, now=timezone.now())
    assert instruments.load_instruments() == []
    text = (instruments.FILES / "analytic-process.yaml").read_text().replace("version: 1", "version: 2")
    (tmp_path / "analytic-process.yaml").write_text(text)
    assert instruments.load_instruments(tmp_path) == []
    assert list(Instrument.objects.filter(pk__in=[shipped.pk, copy.pk]).values_list("name", flat=True)) == ["Our checklist"] * 2
