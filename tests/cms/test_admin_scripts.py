import re

import pytest
from django.urls import reverse

from cms.csp import allowed_hashes
from supervision import instruments
from supervision.models import Instrument, User
from tests import factories

INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def test_a_known_initialiser_with_json_is_allowed():
    assert len(allowed_hashes('<script>\ninitDateChooser("id_from", {"format": "Y-m-d"});\n</script>')) == 1


def test_anything_else_is_not():
    assert allowed_hashes('<script>alert(1)</script><script>initDateChooser("id", {}); alert(1);</script>') == []


def test_an_argument_that_is_code_is_not():
    assert allowed_hashes('<script>initDateChooser("id", (function(){ return {} })());</script>') == []


@pytest.mark.parametrize(
    "script",
    [
        'new SnippetChooser("id_programme", {"modalUrl": "/admin/"});',
        'createTaskChooser("id_workflow_tasks-0-task");',
        'new EvilChooser("id", {});',
        '(function() { var panel = new InlinePanel(JSON.parse("{\\u0022type\\u0022: 1}")); })();',
        '(function() { var panel = new InlinePanel(JSON.parse("{}")); alert(1); })();',
        '(function() { var panel = new InlinePanel(JSON.parse("" + alert(1))); })();',
        '(function() { var panel = new InlinePanel(JSON.parse("\\x22")); })();',
    ],
)
def test_a_chooser_and_the_rows_of_a_form_may_begin_and_nothing_beside_them(script):
    is_known = any(known in script for known in ("SnippetChooser", "TaskChooser", "u0022type"))
    assert len(allowed_hashes(f"<script>\n  {script}\n</script>")) == int(is_known)


FORMS = [
    "recordings_code:add",
    "supervision_instrument:add",
    "supervision_instrument:edit",
    "supervision_programme:add",
    "supervision_team:add",
]


@pytest.mark.parametrize("page", FORMS)
def test_every_inline_script_of_the_forms_of_the_back_office_may_run(page, client, db):
    """Else a code has no programme to choose and an instrument no further item, without a word on the page."""
    client.force_login(User.objects.create_superuser("boss@example.org", factories.PASSWORD, first_name="Bo", last_name="Ss"))
    instruments.load_instruments()
    arguments = [Instrument.objects.first().pk] if page.endswith("edit") else []
    answer = client.get(reverse(f"wagtailsnippets_{page}", args=arguments))
    assert answer.status_code == 200
    scripts = set(INLINE.findall(answer.text))
    assert len(allowed_hashes(answer.text)) == len(scripts)
    assert scripts or page.startswith(("supervision_programme", "supervision_team"))


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_a_chosen_sound_or_film_may_give_its_name_as_the_title(kind, client, db):
    """The script is the media library's own; a new version of it wants a new digest."""
    client.force_login(User.objects.create_superuser("boss@example.org", factories.PASSWORD, first_name="Bo", last_name="Ss"))
    answer = client.get(reverse("wagtailmedia:add", args=[kind]))
    scripts = set(INLINE.findall(answer.text))
    assert scripts
    assert len(allowed_hashes(answer.text)) == len(scripts)


def test_a_script_that_is_almost_the_media_librarys_is_not_allowed(client, db):
    client.force_login(User.objects.create_superuser("boss@example.org", factories.PASSWORD, first_name="Bo", last_name="Ss"))
    page = client.get(reverse("wagtailmedia:add", args=["audio"])).text
    assert allowed_hashes(page)
    assert allowed_hashes(page.replace("fileWidget.value", "fileWidget.files")) == []
