"""What a programme tells Whisper to expect."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import speech, vocabulary
from recordings.models import SpeechSettings
from recordings.speechforms import SpeechSettingsForm
from supervision import teams
from supervision.models import Membership
from tests import factories


def test_a_programme_without_settings_is_english_and_expects_nothing(harbour):
    assert vocabulary.speech_settings(harbour.programme) == ("en", "")


def test_words_to_expect_become_a_sentence_each_once(harbour):
    SpeechSettings.objects.create(programme=harbour.programme, language="cy", vocabulary="Callum House,\nMST ,, Callum House; YOT")
    assert vocabulary.speech_settings(harbour.programme) == ("cy", "Callum House, MST, YOT.")


def test_languages_are_those_that_whisper_knows():
    from whisper.tokenizer import LANGUAGES

    assert set(LANGUAGES) == vocabulary.LANGUAGES
    assert vocabulary.check_language(" CY ") == "cy"
    assert vocabulary.check_language("auto") == "auto"
    with pytest.raises(vocabulary.NotUsable, match="such as en for English"):
        vocabulary.check_language("klingon")


def test_a_list_that_whisper_cannot_bear_in_mind_is_refused():
    """The longest list that is taken, of the oddest names, fits with the small sounds into the 223 tokens that Whisper reads."""
    from whisper.tokenizer import get_tokenizer

    longest = ", ".join(f"Xq{number}zj" for number in range(45))[: vocabulary.MOST_LETTERS]
    assert len(vocabulary.check_vocabulary(longest)) > vocabulary.MOST_LETTERS - 40
    assert len(get_tokenizer(True).encode(" " + f"{speech.SMALL_SOUNDS} {vocabulary.prompt(longest)}")) <= 223
    with pytest.raises(vocabulary.NotUsable, match="Shorten this list: it has"):
        vocabulary.check_vocabulary("word, " * 10 + "x" * vocabulary.MOST_LETTERS)


def test_settings_of_another_programme_do_not_count(harbour, meadow):
    SpeechSettings.objects.create(programme=factories.make_team("Else").programme, language="cy")
    assert vocabulary.speech_settings(harbour.programme)[0] == "en"


def test_the_back_office_refuses_what_whisper_could_not_work_with(harbour):
    form = SpeechSettingsForm
    good = {"programme": harbour.programme.pk, "language": " CY ", "vocabulary": "Callum House\nMST"}
    filled = form(data=good)
    assert filled.is_valid(), filled.errors
    assert (filled.cleaned_data["language"], filled.cleaned_data["vocabulary"]) == ("cy", "Callum House, MST")
    refused = form(data={**good, "language": "klingon", "vocabulary": "word " * 99})
    assert set(refused.errors) == {"language", "vocabulary"}


def test_content_editors_find_the_settings_in_the_back_office(client, harbour):
    editor, role = factories.make_user("ed"), Membership.Role.CONTENT_EDITOR
    teams.add_member(team=None, user=editor, role=role, starts_on=factories.days_ago(3), by=None, now=timezone.now())
    client.force_login(editor)
    url = reverse(SpeechSettings.snippet_viewset.get_url_name("add"))
    response = client.post(url, {"programme": harbour.programme.pk, "language": "auto", "vocabulary": "Callum House"})
    assert response.status_code == 302
    assert vocabulary.speech_settings(harbour.programme) == ("auto", "Callum House.")
