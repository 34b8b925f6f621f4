"""How the time was shared: on the recording's page, and hidden from a rater until that rater has submitted."""

import pytest
from django.utils import timezone

from recordings import correcting, voices
from recordings.models import Purpose, Review
from supervision.models import Membership
from tests import factories
from tests.recordings import review_setup
from tests.recordings.transcript_setup import with_transcript

pytestmark = pytest.mark.django_db

TITLE = "How the time was shared"


def page(client, recording):
    return client.get(f"/recordings/{recording.pk}/").content.decode()


def test_the_therapist_sees_it_in_words_and_figures(harbour, thea, as_user):
    recording = with_transcript(harbour, thea)
    shown = page(as_user(thea), recording)
    assert TITLE in shown
    assert "Of the time in which somebody spoke: S1 73\u00a0% and S2 27\u00a0%." in shown
    assert "does not judge it" in shown
    assert "it does not look for overlap in the sound. Real overlap is more than this shows." in shown
    assert "Left out: 4 words" in shown  # "thank you thank you", which the sound does not bear out


def test_a_rater_sees_it_only_after_submitting(harbour, thea, cora, as_user):
    recording = with_transcript(harbour, thea)
    client = as_user(cora)
    for step in (lambda: None, lambda: review_setup.begin(recording, cora)):
        step()
        shown = page(client, recording)
        assert voices.WAIT in shown
        assert "S1 73" not in shown
        assert "Words a minute" not in shown
    Review.objects.update(state="submitted", submitted_at=timezone.now())
    assert "S1 73" in page(client, recording)


def test_another_raters_submission_opens_nothing(harbour, thea, cora, as_user):
    recording = with_transcript(harbour, thea)
    other = factories.make_member("carl", harbour, Membership.Role.CONSULTANT)
    review_setup.begin(recording, other)
    Review.objects.update(state="submitted", submitted_at=timezone.now())
    assert "Words a minute" not in page(as_user(cora), recording)


def test_names_that_people_gave_are_the_names_of_the_columns(harbour, thea, as_user):
    recording = with_transcript(harbour, thea)
    for speaker, (who, _name) in zip(("S1", "S2"), correcting.people(recording), strict=True):
        correcting.name(recording=recording, speaker=speaker, who=who, by=thea, now=timezone.now())
    panel = voices.panel(thea, recording)
    assert [one.speaker for one in panel.measured.speakers] == ["Therapist", "Caregiver M.B."]
    assert panel.are_named
    assert sum(part.width for part in panel.bar) == pytest.approx(100)


def test_without_consent_to_transcription_there_are_no_figures(harbour, thea, as_user):
    consent = factories.make_consent(factories.make_family(harbour, thea), purposes=(Purpose.RECORD, Purpose.REVIEW))
    assert TITLE not in page(as_user(thea), with_transcript(harbour, thea, consent=consent))


def test_the_spectrum_is_for_those_who_may_listen(harbour, thea, iggy, as_user):
    recording = with_transcript(harbour, thea)
    address = f"/recordings/{recording.pk}/mel/"
    answer = as_user(thea).get(address)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")
    assert as_user(thea).get(f"{address}?start=0&end=100000").status_code == 400
    assert as_user(iggy).get(address).status_code == 403
