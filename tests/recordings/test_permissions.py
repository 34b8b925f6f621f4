"""Who may do what, and who knows that it is there: one line a question, in the ordinary case and in every other that changes the answer. Whoever is not named may not."""

import datetime as dt
from types import SimpleNamespace

import pytest
from django.utils import timezone

from recordings import permissions
from recordings.models import (
    Assignment,
    Clip,
    Comparison,
    Concern,
    ConflictOfInterest,
    Consent,
    ConsentPerson,
    Contest,
    LegalHold,
    Purpose,
    Recording,
    Redaction,
    Review,
)
from supervision.models import FamilyReference, Instrument, Membership, Team
from tests import factories
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db
Role = Membership.Role
CAST = "thea tom sam bea cora ada mona ed iggy olly otto lena".split()

# Rita consults to another team of the programme and is asked to rate; Ivo governed until yesterday, Sol leads the team from tomorrow. `recording` is Thea's,
# `heard` is another of hers, with feedback that Cora gave, which Thea contests, and a second rating by Carl.
TABLE = """
ordinary            | can_govern                     | iggy
                    | can_upload family              | thea sam bea
                    | can_record_consent family      | thea sam bea
                    | can_keep_names family          | thea sam bea
                    | can_hand_out_link consent      | thea sam bea
                    | can_withdraw consent           | thea sam bea iggy
                    | can_listen recording           | thea sam bea cora carl rita
                    | can_read recording             | thea sam bea cora carl rita
                    | can_raise_concern recording    | thea sam bea cora carl rita
                    | can_edit recording             | thea sam bea cora carl
                    | can_take_away recording        | thea sam bea cora carl
                    | can_redact recording           | thea sam bea cora carl
                    | can_run_again recording        | thea sam bea
                    | can_delete_voice_prints recording | thea sam bea iggy
                    | can_see_measures recording     | thea sam bea
                    | can_see_measures heard         | thea sam bea cora carl
                    | can_review recording           | cora carl rita
                    | is_asked recording             | rita
                    | is_rating recording            | rita
                    | has_submitted heard            | cora carl
                    | can_rate_oneself recording     | thea
                    | can_rate_oneself heard         |
                    | can_close_concern concern      | sam bea
                    | can_plan team                  | sam bea cora carl
                    | consults team                  | cora carl
                    | can_ask_second recording       | sam bea cora carl
                    | can_part comparison            | sam bea cora carl
                    | can_take_off assignment        | sam bea
                    | can_contest review             | thea
                    | can_agree_contest contest      | sam bea carl
                    | can_answer_contest contest     | cora
                    | can_make_clip recording        | thea sam bea cora carl rita
                    | can_decide_clip clip           | sam bea cora carl
                    | can_take_back_clip clip        | thea sam bea cora carl
                    | can_hear_clips                 | thea tom sam bea cora carl ada mona ed iggy olly otto rita
                    | can_use_renewal recording      | thea sam bea
                    | can_retry recording            |
                    | can_delete recording           | thea sam bea
                    | can_extend recording           | sam bea iggy
                    | can_hold recording             | sam bea iggy
                    | can_agree hold                 | bea iggy
                    | can_see_listening recording    | thea iggy
                    | sees recording                 | thea sam bea cora carl rita iggy
                    | sees hold                      | thea sam bea cora carl rita iggy
                    | sees consent                   | thea sam bea cora carl iggy
                    | sees assignment                | sam bea rita
                    | sees comparison                | cora carl
                    | sees concern                   | sam bea cora
                    | sees review                    | thea sam bea cora carl
the therapist left  | can_upload family              | sam bea
                    | can_keep_names family          | sam bea
                    | can_withdraw consent           | sam bea iggy
                    | can_listen recording           | sam bea cora carl rita
                    | can_edit recording             | sam bea cora carl
                    | can_run_again recording        | sam bea
                    | can_delete recording           | sam bea
                    | can_contest review             |
                    | can_rate_oneself recording     |
                    | can_take_back_clip clip        | sam bea cora carl
                    | sees recording                 | sam bea cora carl rita iggy
                    | sees review                    | sam bea cora carl
family closed today | can_upload family              | thea sam bea
family closed       | can_upload family              |
                    | can_record_consent family      |
                    | can_keep_names family          | thea sam bea
                    | can_hand_out_link consent      | thea sam bea
withdrawn           | can_hand_out_link consent      |
                    | can_withdraw consent           | thea sam bea iggy
                    | can_listen recording           |
                    | can_delete_voice_prints recording | thea sam bea iggy
                    | can_agree_contest contest      |
                    | can_answer_contest contest     |
                    | can_contest review             |
                    | can_decide_clip clip           |
                    | can_take_back_clip clip        | thea sam bea cora carl
                    | can_review recording           |
to be recorded only | can_listen recording           | thea
                    | can_read recording             |
                    | can_review recording           |
to be reviewed      | can_listen recording           | thea sam bea cora carl
                    | can_read recording             |
to be written down  | can_read recording             | thea sam bea cora carl
                    | can_edit recording             | thea sam bea cora carl
                    | can_redact recording           |
                    | can_make_clip recording        |
to train raters     | can_read recording             | thea sam bea cora carl rita
                    | can_redact recording           | thea sam bea cora carl
                    | can_make_clip recording        |
to teach            | can_redact recording           | thea sam bea cora carl
                    | can_make_clip recording        | thea sam bea cora carl
never written down  | can_listen recording           | thea sam bea cora carl rita
                    | can_read recording             |
                    | can_redact recording           |
                    | can_edit recording             |
                    | can_take_away recording        |
                    | can_run_again recording        |
                    | can_make_clip recording        |
                    | can_see_measures recording     |
never to be reviewed| can_listen recording           | thea
destroyed           | can_listen recording           |
                    | sees recording                 | thea sam bea cora carl iggy
                    | can_delete_voice_prints recording |
                    | can_use_renewal recording      |
                    | can_retry recording            |
                    | can_delete recording           |
                    | can_extend recording           |
failed              | can_retry recording            | thea sam bea
                    | can_run_again recording        |
                    | can_redact recording           |
                    | can_make_clip recording        |
                    | can_ask_second recording       |
                    | can_delete recording           | thea sam bea
its time is up      | can_listen recording           |
                    | can_extend recording           | sam bea iggy
Cora has begun      | can_delete recording           | sam bea
                    | can_see_measures recording     | thea sam bea
                    | is_rating recording            | cora rita
                    | can_decide_clip clip           | sam bea carl
                    | can_take_back_clip clip        | thea sam bea carl
Cora has submitted  | can_see_measures recording     | thea sam bea cora
                    | can_review recording           | cora carl rita
                    | can_rate_oneself recording     | thea
Cora in conflict    | can_review recording           | carl rita
                    | can_see_measures recording     | thea sam bea
                    | can_review heard               | cora carl
about the family    | can_review recording           | carl rita
about another       | can_review recording           | cora carl rita
conflict over       | can_review recording           | cora carl rita
Cora gave it back   | can_review recording           | carl rita
                    | can_see_measures recording     | thea sam bea cora
Sam in conflict     | can_see_measures recording     | thea sam bea
Rita gave it back   | can_listen recording           | thea sam bea cora carl
                    | can_review recording           | cora carl
Rita left           | can_listen recording           | thea sam bea cora carl
                    | sees recording                 | thea sam bea cora carl iggy
Rita's new programme| can_listen recording           | thea sam bea cora carl
Rita supervises     | can_listen recording           | thea sam bea cora carl
Rita asked elsewhere| can_listen recording           | thea sam bea cora carl
                    | can_review recording           | cora carl
                    | is_rating recording            |
                    | sees recording                 | thea sam bea cora carl iggy
                    | can_agree_contest contest      | sam bea carl
                    | can_decide_clip clip           | sam bea cora carl
asked as the first  | can_take_off assignment        |
Sam's own session   | can_listen recording           | sam bea cora carl rita
                    | can_edit recording             | sam bea cora carl
                    | can_close_concern concern      | bea
                    | sees concern                   | bea cora
                    | can_ask_second recording       | bea cora carl
                    | can_part comparison            | bea cora carl
                    | can_see_listening recording    | sam iggy
                    | can_rate_oneself recording     | sam
                    | can_agree_contest contest      | bea carl
                    | can_take_back_clip clip        | thea sam bea cora carl
Carl's own session  | can_review recording           | cora rita
                    | can_see_measures recording     | sam bea carl
Cora left           | can_answer_contest contest     | sam bea
                    | can_agree_contest contest      | sam bea carl
                    | can_see_measures heard         | thea sam bea carl
                    | sees recording                 | thea sam bea carl rita iggy
                    | sees review                    | thea sam bea carl
                    | sees comparison                | carl
                    | sees concern                   | sam bea
Sam answered        | can_agree_contest contest      | bea carl
before the release  | can_contest review             |
                    | sees review                    | cora
Cora treats now     | sees review                    | thea sam bea carl
                    | sees comparison                | carl
Thea runs the office| sees review                    | sam bea cora carl
Rita wrote it       | sees review                    | rita
Sam is to rate it   | sees review                    | thea bea cora carl
                    | sees comparison                | bea cora carl
settled             | sees comparison                | sam bea cora carl
told of it          | sees concern                   | thea sam bea cora
left, Sam's own     | can_answer_contest contest     | bea
no muted version    | can_make_clip recording        |
another's is muted  | can_make_clip recording        |
Cora's clip         | can_decide_clip clip           | sam bea carl
                    | can_take_back_clip clip        | sam bea cora carl thea
Rita's clip         | can_decide_clip clip           | sam bea cora carl
                    | can_know_clip clip             | thea tom sam bea cora carl ada mona ed iggy olly otto lena rita ivo sol
Iggy asked for it   | can_agree hold                 | sam bea
"""


def rows():
    situation = ""
    for line in TABLE.strip().splitlines():
        first, question, who = (cell.strip() for cell in line.split("|"))
        situation = first or situation
        yield situation, question, frozenset(who.split())


SITUATIONS = list(dict.fromkeys(situation for situation, _, _ in rows()))


@pytest.fixture
def cast(request, harbour):
    people = {name: request.getfixturevalue(name) for name in CAST}
    elsewhere = factories.make_team(programme=harbour.programme)
    tomorrow = factories.today() + dt.timedelta(days=1)
    return {
        **people,
        "carl": factories.make_member("carl", harbour, Role.CONSULTANT),
        "rita": factories.make_member("rita", elsewhere, Role.CONSULTANT),
        "ivo": factories.make_member("ivo", None, Role.IG_LEAD, ends_on=factories.days_ago(1)),
        "sol": factories.make_member("sol", harbour, Role.SUPERVISOR, starts_on=tomorrow),
    }


@pytest.fixture
def world(cast, harbour):
    """Who there is, and what the questions are about."""
    now, who = timezone.now(), SimpleNamespace(**cast)
    family = factories.make_family(harbour, who.thea)
    consent = factories.make_consent(family, purposes=list(Purpose))
    recording, heard = (bare_recording(consent=consent, state=Recording.State.READY) for _ in range(2))
    instrument = Instrument.objects.create(slug="i", name="I", owner="O", licence_note="N")
    done = {"recording": heard, "instrument": instrument, "started_at": now, "submitted_at": now}
    review, second = (Review.objects.create(rater=rater, state=Review.State.COMPARED, **done) for rater in (who.cora, who.carl))
    Review.objects.filter(pk=review.pk).update(state=Review.State.RELEASED, released_at=now)
    asked = {"recording": recording, "instrument": instrument, "due_on": factories.today(), "assigned_at": now}
    made = {"recording": recording, "number": 1}
    Redaction.objects.create(state="ready", proposed_at=now, proposed_by=who.thea, confirmed_at=now, confirmed_by=who.thea, **made)
    return SimpleNamespace(
        **cast,
        team=harbour,
        family=family,
        consent=consent,
        recording=recording,
        heard=heard,
        review=review,
        comparison=Comparison.objects.create(first=review, second=second, opened_at=now),
        contest=Contest.objects.create(review=review, item_key="fit", raised_by=who.thea, raised_at=now),
        assignment=Assignment.objects.create(rater=who.rita, part="second", **asked),
        asked=asked,
        concern=Concern.objects.create(recording=recording, urgency="soon", with_therapist=False, raised_by=who.cora, raised_at=now),
        clip=Clip.objects.create(start_ms=0, end_ms=5000, state="proposed", made_by=who.thea, made_at=now, **made),
        hold=LegalHold.objects.create(recording=recording, reason="Court", ends_on=factories.today(), asked_at=now, asked_by=who.sam),
    )


def leave(person):
    Membership.objects.filter(user=person).update(ends_on=factories.days_ago(1))


def agreed(*purposes):
    return lambda world: ConsentPerson.objects.filter(consent=world.consent).update(purposes=list(purposes))


def changed(model, name, **values):
    """What changes one row; a value that is a function is asked of the world."""

    def change(world):
        found = {key: value(world) if callable(value) else value for key, value in values.items()}
        model.objects.filter(pk=getattr(world, name).pk).update(**found)

    return change


def rated(world, **fields):
    begun = {"recording": world.recording, "instrument": world.review.instrument, "started_at": timezone.now()}
    Review.objects.create(rater=world.cora, **{**begun, **fields})


def conflict(world, **about):
    declared = {"rater": world.cora, "declared_at": timezone.now(), "declared_by": world.cora}
    ConflictOfInterest.objects.create(**{**declared, **about})


def own_session(name):
    def change(world):
        Recording.objects.update(therapist=getattr(world, name))

    return change


def long_ago(world):
    return timezone.localtime() - dt.timedelta(days=400)


R, T, W, P = Purpose.RECORD, Purpose.TRANSCRIBE, Purpose.REVIEW, Purpose
GIVEN_BACK = {"skipped_at": lambda world: timezone.now(), "skip_reason": "conflict"}
CHANGES = {
    "ordinary": lambda world: None,
    "the therapist left": lambda world: leave(world.thea),
    "family closed today": changed(FamilyReference, "family", closed_on=lambda world: factories.today()),
    "family closed": changed(FamilyReference, "family", closed_on=lambda world: factories.days_ago(1)),
    "withdrawn": changed(Consent, "consent", withdrawn_at=lambda world: timezone.now()),
    "to be recorded only": agreed(R),
    "to be reviewed": agreed(R, W),
    "to be written down": agreed(R, W, T),
    "to train raters": agreed(R, W, T, P.TRAIN_RATERS),
    "to teach": agreed(R, W, T, P.TEACH),
    "never written down": agreed(R, W, P.TRAIN_RATERS, P.TEACH),
    "never to be reviewed": agreed(R, T, P.TRAIN_RATERS, P.TEACH),
    "destroyed": changed(Recording, "recording", state="destroyed", destroyed_at=lambda world: timezone.now()),
    "failed": changed(Recording, "recording", state="failed"),
    "its time is up": changed(Recording, "recording", uploaded_at=long_ago),
    "Cora has begun": rated,
    "Cora has submitted": lambda world: rated(world, state="submitted", submitted_at=timezone.now()),
    "Cora in conflict": lambda world: conflict(world, therapist=world.thea),
    "Sam in conflict": lambda world: conflict(world, rater=world.sam, therapist=world.thea),
    "about the family": lambda world: conflict(world, family=world.family),
    "about another": lambda world: conflict(world, therapist=world.tom),
    "conflict over": lambda world: conflict(world, therapist=world.thea, ended_at=timezone.now()),
    "Cora gave it back": lambda world: Assignment.objects.create(
        rater=world.cora, part="first", skipped_at=timezone.now(), skip_reason="conflict", **world.asked
    ),
    "Rita gave it back": changed(Assignment, "assignment", **GIVEN_BACK),
    "Rita left": lambda world: leave(world.rita),
    "Rita's new programme": lambda world: Team.objects.filter(memberships__user=world.rita).update(programme=factories.make_programme()),
    "Rita supervises": lambda world: Membership.objects.filter(user=world.rita).update(role=Role.SUPERVISOR),
    "Rita asked elsewhere": changed(Assignment, "assignment", recording=lambda world: world.heard),
    "asked as the first": changed(Assignment, "assignment", part="first"),
    "Sam's own session": own_session("sam"),
    "Carl's own session": own_session("carl"),
    "Cora left": lambda world: leave(world.cora),
    "Sam answered": changed(Contest, "contest", answered_by=lambda world: world.sam),
    "before the release": changed(Review, "review", state="submitted", released_at=None),
    "Cora treats now": lambda world: Membership.objects.filter(user=world.cora).update(role=Role.THERAPIST),
    "Thea runs the office": lambda world: Membership.objects.filter(user=world.thea).update(role=Role.ADMINISTRATOR),
    "Rita wrote it": lambda world: (
        changed(Review, "review", rater=lambda world: world.rita, state="submitted", released_at=None)(world),
        changed(Assignment, "assignment", recording=lambda world: world.heard)(world),
    ),
    "Sam is to rate it": lambda world: (
        changed(Comparison, "comparison", released_at=lambda world: timezone.now())(world),
        changed(Assignment, "assignment", recording=lambda world: world.heard, rater=lambda world: world.sam)(world),
    ),
    "settled": changed(Comparison, "comparison", released_at=lambda world: timezone.now()),
    "told of it": changed(Concern, "concern", with_therapist=True),
    "left, Sam's own": lambda world: (leave(world.cora), own_session("sam")(world)),
    "no muted version": lambda world: Redaction.objects.update(state="proposed", confirmed_at=None, confirmed_by=None),
    "another's is muted": lambda world: Redaction.objects.update(recording=world.heard),
    "Cora's clip": changed(Clip, "clip", made_by=lambda world: world.cora),
    "Rita's clip": changed(Clip, "clip", made_by=lambda world: world.rita),
    "Iggy asked for it": changed(LegalHold, "hold", asked_by=lambda world: world.iggy),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_whoever_is_named_may_and_nobody_else(world, cast, situation):
    CHANGES[situation](world)
    wrong = []
    for _, question, named in (row for row in rows() if row[0] == situation):
        ask, _, about = question.partition(" ")
        kept = getattr(world, about) if about else None
        subject = [type(kept).objects.get(pk=kept.pk)] if about else []
        put = getattr(permissions, ask, lambda person, one: type(one).objects.visible_to(person).filter(pk=one.pk).exists())
        may = {name for name, person in cast.items() if put(person, *subject)}
        if may != named:
            wrong.append(f"{question}: also {sorted(may - named)}, not {sorted(named - may)}")
    assert not wrong


def test_every_situation_is_asked_about():
    assert set(SITUATIONS) == set(CHANGES)


def test_every_question_is_in_the_table():
    asked = {question.split()[0] for _, question, _ in rows()}
    assert {name for name in vars(permissions) if name.startswith("can_")} <= asked
