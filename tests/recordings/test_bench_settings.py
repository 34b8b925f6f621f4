import json

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from recordings import benchkeys
from recordings.models import BenchSettings


def keep(client, **values):
    return client.post(reverse("recordings:bench-settings-keep"), {"settings": json.dumps(values)})


def test_the_usual_keys_are_each_used_once():
    assert benchkeys.checked({}) == {}


def test_what_is_usual_is_not_kept_as_ones_own():
    assert benchkeys.checked({"undo": "z", "loop": "F8"}) == {"loop": "F8"}


@pytest.mark.parametrize("key", ["F4", "MediaPlayPause", "Ctrl+Shift+m", "ö", "Space", "+"])
def test_pedals_and_media_keys_can_be_given(key):
    own = {"toggle": "F9"} if key == "Space" else {}
    own |= {"faster": "F10"} if key == "+" else {}
    assert benchkeys.checked({**own, "split": key})["split"] == key


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab", "Escape", "Enter", "Alt+Tab", "5", "Ctrl+1", "two words", "<b>", "F4+"])
def test_a_key_that_cannot_be_used_is_refused_with_a_sentence(key):
    with pytest.raises(benchkeys.KeysRefused) as refusal:
        benchkeys.checked({"split": key})
    assert str(refusal.value).endswith(".")
    assert refusal.value.action == "split"


@pytest.mark.parametrize("key", ["F6", "MediaTrackNext", "b", "Ctrl+Shift+m"])
def test_a_code_is_marked_by_a_pedal_or_any_key_that_is_free(key):
    own = benchkeys.checked({"code-2": key})
    assert benchkeys.keys_of(BenchSettings(keys=own))["code-2"] == [key]
    assert benchkeys.always_of(BenchSettings(keys=own))["code-2"] == ["Alt+2"]


def test_two_codes_can_exchange_their_digits_and_nothing_else_takes_one():
    own = {"code-1": "2", "code-2": "1"}
    assert benchkeys.checked(own) == own
    for key in ("1", "Ctrl+1", "Alt+1"):
        with pytest.raises(benchkeys.KeysRefused, match="digits apply codes"):
            benchkeys.checked({"split": key})
    for keys in ({"code-1": "Alt+2"}, {"code-1": "2"}, {"code-1": "Ctrl+1"}, {"code-1": "Alt+1"}):
        with pytest.raises(benchkeys.KeysRefused):
            benchkeys.checked(keys)


def test_every_code_has_a_key_that_works_with_single_keys_off():
    always = benchkeys.always_of(BenchSettings())
    assert all(always[action.name] for action in benchkeys.ACTIONS if action.group == benchkeys.CODES)
    assert not [key for keys in always.values() for key in keys if len(key) == 1]


def test_keys_that_were_stored_before_an_action_came_to_have_them_stay_ones_own():
    stored = {"split": "m", "loop": "Alt+m"}  # as they could be before codes were marked by name
    settings = BenchSettings(keys=stored)
    assert benchkeys.keys_of(settings)["split"] == ["m"]
    assert benchkeys.keys_of(settings)["code-by-name"] == []
    assert "code-by-name" not in benchkeys.always_of(settings)
    assert benchkeys.checked({**stored, "undo": "F8"}, before=stored) == {**stored, "undo": "F8"}
    with pytest.raises(benchkeys.KeysRefused):
        benchkeys.checked(stored)
    with pytest.raises(benchkeys.KeysRefused):  # undo gets its usual key back, which split has
        benchkeys.checked({"split": "z"}, before={"undo": "F8", "split": "z"})


@pytest.mark.parametrize(
    ("own", "about"),
    [({"split": "z"}, "split"), ({"split": "k"}, "split"), ({"loop": "F4", "split": "F4"}, "split"), ({"undo": "Alt+k"}, "undo")],
)
def test_a_key_that_is_taken_is_refused_and_the_sentence_names_what_it_does(own, about):
    with pytest.raises(benchkeys.KeysRefused, match="already does “") as refusal:
        benchkeys.checked(own)
    assert refusal.value.action == about


def test_a_key_that_does_this_always_is_not_given_to_it_once_more():
    with pytest.raises(benchkeys.KeysRefused, match="does this always"):
        benchkeys.checked({"toggle": "Alt+k"})


def test_two_keys_can_be_exchanged():
    own = {"undo": "x", "split": "z"}
    assert benchkeys.checked(own) == own


NAMES = [*"zk5+w 12m", "", "Tab", "Enter", "F4", "Space", "Alt+k", "Shift+Tab", "Escape", "Ctrl+m", "Alt+1", "Alt+m"]
SOME = ["toggle", "undo", "redo", "split", "faster", "code-1", "code-2", "code-by-name"]


@given(st.dictionaries(st.sampled_from(SOME), st.sampled_from(NAMES)))
def test_whatever_is_asked_no_key_ever_does_two_things(keys):
    try:
        own = benchkeys.checked(keys)
    except benchkeys.KeysRefused:
        return
    used = [key for names in benchkeys.keys_of(BenchSettings(keys=own)).values() for key in names]
    used += [key for action in benchkeys.ACTIONS for key in action.always]
    assert len(used) == len(set(used))
    assert not {key.rpartition("+")[2] for key in used if key != "Escape"} & {"Tab", "Enter"}


@pytest.mark.django_db
class TestKeeping:
    def test_the_script_keeps_a_key_and_gets_all_keys_back(self, as_user, cora):
        answer = keep(as_user(cora), keys={"toggle": "F4"}).json()
        assert answer["own"] == {"toggle": "F4"}
        assert answer["keys"]["toggle"] == ["F4"]
        assert answer["keys"]["undo"] == ["z"]

    def test_no_keys_of_ones_own_brings_the_usual_ones_back(self, as_user, cora):
        client = as_user(cora)
        keep(client, keys={"toggle": "F4"}, has_single_keys=False)
        keep(client, keys={})
        stored = BenchSettings.objects.get(person=cora)
        assert stored.keys == {}
        assert stored.has_single_keys is False

    def test_a_conflict_changes_nothing_and_says_so(self, as_user, cora):
        client = as_user(cora)
        keep(client, keys={"toggle": "F4"})
        answer = keep(client, keys={"toggle": "F4", "back": "F4"})
        assert answer.status_code == 422
        assert "already does “" in answer.json()["error"]
        assert BenchSettings.objects.get().keys == {"toggle": "F4"}

    @pytest.mark.parametrize(
        "given",
        ["", "[]", "{}", '{"keys": []}', '{"keys": {"undo": 3}}', '{"reaction_ms": "9"}', '{"person": 3}', '{"reaction_ms": 90000}'],
    )
    def test_nonsense_is_refused(self, as_user, cora, given):
        answer = as_user(cora).post(reverse("recordings:bench-settings-keep"), {"settings": given})
        assert answer.status_code == 422
        assert answer.json()["error"].endswith(".")
        assert not BenchSettings.objects.exists()

    def test_a_key_from_before_does_not_stand_in_the_way_of_another(self, as_user, cora):
        BenchSettings.objects.create(person=cora, keys={"split": "m"})
        answer = keep(as_user(cora), keys={"split": "m", "undo": "F8"})
        assert answer.status_code == 200
        assert answer.json()["keys"]["split"] == ["m"]
        assert answer.json()["always"]["code-by-name"] == ["Alt+m"]

    def test_each_has_their_own(self, as_user, cora, sam):
        keep(as_user(cora), keys={"toggle": "F4"})
        assert benchkeys.keys_of(benchkeys.settings_of(sam))["toggle"] == ["Space", "k"]

    def test_without_scripts_the_form_does_the_same(self, as_user, cora):
        client, address = as_user(cora), reverse("recordings:bench-settings")
        times = {"reaction_ms": "500", "preroll_ms": "0", "back_step_ms": "2000"}
        assert client.post(address, {**times, "key-toggle": "F4", "skips_silence": "on"}).status_code == 302
        stored = BenchSettings.objects.get(person=cora)
        assert (stored.keys, stored.reaction_ms, stored.has_single_keys, stored.skips_silence) == ({"toggle": "F4"}, 500, False, True)
        assert b'value="F4"' in client.get(address).content
        refused = client.post(address, {**times, "key-toggle": "z"})
        assert refused.status_code == 422
        assert b"already does" in refused.content
