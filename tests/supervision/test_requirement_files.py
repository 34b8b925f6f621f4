"""Requirements as files: versioned, idempotent, and explained when they are wrong."""

import pytest

from learning.models import Enrolment
from supervision import requirements, teams
from supervision.models import Requirement
from tests import factories


@pytest.fixture
def mst(db):
    return factories.make_programme(name="MST", slug="mst")


@pytest.mark.parametrize("slug", ["mst", "mst-can"])
def test_our_own_files_load_and_loading_again_changes_nothing(db, slug):
    programme = factories.make_programme(slug=slug)
    assert len(requirements.load(programme)) == 5
    assert requirements.load(programme) == []
    assert Requirement.objects.filter(programme=programme).count() == 5


def test_loading_enrols_whoever_is_there_already(mst):
    team = factories.make_team(programme=mst)
    thea = factories.make_member("thea", team, "therapist")
    factories.make_course(slug="mst-orientation")
    requirements.load(mst)
    assert Enrolment.objects.filter(learner=thea).count() == 1


def test_a_loaded_version_cannot_be_changed_but_followed(mst, tmp_path):
    requirements.load(mst)
    text = (requirements.FILES / "mst.yaml").read_text()
    changed = tmp_path / "mst.yaml"
    changed.write_text(text.replace("due_days: 30", "due_days: 45"))
    with pytest.raises(requirements.RequirementsRefused, match="next version"):
        requirements.load(mst, changed)
    entry = "  - {key: orientation, version: 2, name: Five-day orientation, rule: Sooner., kind: course, cadence: once, course_slug: mst-orientation, roles: [therapist], due_days: 14, effective_from: 2026-01-01}\n"
    changed.write_text(text + entry)
    assert [one.version for one in requirements.load(mst, changed)] == [2]
    current = {one.key: one.version for one in teams.current_rules(mst, on=factories.today())}
    assert current["orientation"] == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("requirements: [{key: x}]", "not a requirements file"),
        ("nonsense: [", "not a requirements file"),
        ("requirements: [{key: x, rule: x, roles: [wizard], effective_from: 2026-01-01}]", "wizard"),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence(mst, tmp_path, text, words):
    path = tmp_path / "mst.yaml"
    path.write_text(text)
    with pytest.raises(requirements.RequirementsRefused, match=words):
        requirements.load(mst, path)
    assert not Requirement.objects.exists()


def test_a_programme_without_a_file_is_told_so(db):
    with pytest.raises(requirements.RequirementsRefused, match=r"no requirements file called other\.yaml"):
        requirements.load(factories.make_programme(slug="other"))
