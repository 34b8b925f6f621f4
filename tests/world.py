"""Everything the access table needs at once: one of each thing at Harbour, the stranger's team at Meadow."""

import datetime as dt
import uuid
from types import SimpleNamespace

from django.utils import timezone

from learning import enrolment
from learning.models import TrainingRecord
from recordings import casefile, clipwords, codebook, concern, tus, vault, withdrawallink
from recordings.declared import Label
from recordings.models import (
    Annotation,
    Assignment,
    Certification,
    Clip,
    Code,
    Comparison,
    ConflictOfInterest,
    Contest,
    DestructionCertificate,
    GoldStandard,
    LegalHold,
    Processing,
    Purpose,
    Recording,
    Redaction,
    ResearchRequest,
    Review,
    SamplingPlan,
    SealedObject,
)
from supervision import instruments, invitations, measures, ratings, sessions
from supervision.models import DevelopmentGoal, Evidence, Instrument, Membership
from tests import factories

Role = Membership.Role


def build(team, cast):
    """`cast` maps names to users. Thea owns the family, the consent and the recordings; Cora reviews them."""
    now = timezone.now()
    world = SimpleNamespace(team=team, **cast)
    thea, cora, sam = cast["thea"], cast["cora"], cast["sam"]
    world.course = factories.make_course(slug="orientation", lessons=1)
    world.lesson = factories.lessons_of(world.course)[0]
    enrolment.enrol(learner=thea, course=world.course, reason="Orientation", by=None, now=now)
    world.record = TrainingRecord.objects.create(
        learner=thea,
        learner_name="Thea Example",
        course_key=uuid.uuid4(),
        course_slug="earlier",
        course_title="Earlier",
        course_kind="other",
        hours=1,
        completed_on=factories.days_ago(30),
        recorded_at=now,
        lessons=[],
    )
    world.strengths_word = "strengths"
    world.plain_text = "txt"
    world.requirement = factories.make_requirement(team.programme, "course")
    world.evidence = Evidence.objects.create(
        person=thea,
        programme=team.programme,
        requirement_key=world.requirement.key,
        kind="certificate",
        occurred_on=factories.days_ago(3),
        note="From elsewhere",
        recorded_at=now,
        recorded_by=sam,
    )
    world.membership = Membership.objects.get(user=cast["tom"])
    world.family = factories.make_family(team, thea)
    world.consent = factories.make_consent(world.family)
    world.wording = world.consent.wording
    world.paper = casefile.keep_note(consent=world.consent, kind="capacity", text="Understood it.", by=thea, now=now)
    world.withdrawal_token = withdrawallink.make(consent=world.consent, by=thea, now=now)
    about = Label("session.wav")
    world.unfinished = tus.begin(consent=world.consent, session_on=factories.today(), length=9000, about=about, by=thea, now=now)
    world.session = sessions.hold(
        team=team, kind="supervision", held_on=factories.days_ago(1), held_by=sam, minutes=60, people=[thea], by=sam, now=now
    )
    world.invitation, world.token = invitations.invite(
        email="new@example.org",
        first_name="New",
        last_name="Person",
        team=team,
        role=Role.THERAPIST,
        starts_on=factories.today(),
        ends_on=None,
        by=sam,
        now=now,
    )
    instruments.load_instruments()
    codebook.load(team.programme)
    instrument = Instrument.objects.get(slug="practice-review")
    world.item = instrument.items.first()
    world.measure_slug = "tam-r"
    world.score = measures.record(
        instrument=Instrument.objects.get(slug="tam-r"),
        team=team,
        about=thea,
        family=world.family,
        occurred_on=factories.days_ago(1),
        values={"total": 0.7},
        by=cast["ada"],
        now=now,
    )
    world.recording = _recording(world.consent, now)
    world.heard = _recording(world.consent, now)
    world.review = Review.objects.create(recording=world.recording, rater=cora, instrument=instrument, started_at=now)
    world.feedback = Review.objects.create(
        recording=world.heard,
        rater=cora,
        instrument=instrument,
        started_at=now,
        submitted_at=now,
        released_at=now,
        state=Review.State.RELEASED,
    )
    code = Code.objects.filter(programme=team.programme).first()
    world.annotation = Annotation.objects.create(review=world.review, code=code, start_ms=0, end_ms=900, created_at=now, changed_at=now)
    world.concern = concern.raise_concern(recording=world.recording, urgency="soon", text="Worrying.", by=cora, now=now)
    vault.seal(world.recording, SealedObject.Kind.VIDEO, [bytes(500)], now=now)
    taught = factories.make_consent(world.family, purposes=[Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE, Purpose.TEACH])
    world.teachable = _recording(taught, now)
    world.redaction = Redaction.objects.create(
        recording=world.teachable,
        number=1,
        state=Redaction.State.READY,
        proposed_at=now,
        proposed_by=thea,
        confirmed_at=now,
        confirmed_by=thea,
    )
    vault.seal(world.teachable, SealedObject.Kind.REDACTED, [bytes(500)], number=1, now=now)
    world.gone = _recording(world.consent, now, state=Recording.State.DESTROYED, destroyed_at=now)
    DestructionCertificate.objects.create(
        recording=world.gone,
        reason="mistake",
        items=[],
        key_destroyed_at=now,
        backups_unreadable_on=factories.today() + dt.timedelta(days=7),
        destroyed_at=now,
        destroyed_by=thea,
    )
    world.wanted = ResearchRequest.objects.create(
        programme=team.programme,
        reason="A study",
        approval="REC 1",
        with_text=True,
        sessions_from=factories.days_ago(30),
        sessions_until=factories.today(),
        asked_at=now,
        asked_by=cast["iggy"],
    )
    world.hold = LegalHold.objects.create(
        recording=world.recording, reason="Complaint", ends_on=factories.today() + dt.timedelta(days=20), asked_at=now, asked_by=sam
    )
    _follow_up(world, now)
    _rated_twice(world, instrument, now)
    return world


def _rated_twice(world, instrument, now):
    """A plan, a second rating asked of Cora, a pair of ratings that she is to settle with Carl, a gold recording."""
    cora, carl = world.cora, factories.make_member("carl", world.team, Role.CONSULTANT)
    world.sampling_plan = SamplingPlan.objects.create(
        team=world.team, instrument=instrument, seed=1, starts_on=factories.today() + dt.timedelta(days=1), made_at=now, made_by=world.sam
    )
    world.asked = _recording(world.consent, now)
    world.assignment = Assignment.objects.create(
        recording=world.asked, rater=cora, instrument=instrument, part="second", due_on=factories.today(), assigned_at=now
    )
    world.paired = _recording(world.consent, now)
    pair = [
        Review.objects.create(
            recording=world.paired, rater=rater, instrument=instrument, started_at=now, submitted_at=now, state=Review.State.COMPARED
        )
        for rater in (cora, carl)
    ]
    world.comparison = Comparison.objects.create(first=pair[0], second=pair[1], opened_at=now)
    world.conflict = ConflictOfInterest.objects.create(rater=cora, therapist=world.tom, declared_at=now, declared_by=cora)
    world.gold = GoldStandard.objects.create(
        recording=_recording(world.consent, now), instrument=instrument, label="Exercise 1", state="in_use", made_by=world.sam, made_at=now
    )
    Certification.objects.create(
        rater=cora, instrument=instrument, certified_on=factories.today(), valid_until=factories.today(), basis={}, certified_by=carl
    )


def _follow_up(world, now):
    """What came of the feedback: a contested score, a goal, a clip that waits for a decision."""
    world.json_word = "json"
    instrument = world.feedback.instrument
    scores = {item.key: 3 for item in instrument.items.all()}
    ratings.record(
        instrument=instrument,
        therapist=world.thea,
        rater=world.cora,
        team=world.team,
        source=world.feedback.pk,
        session=world.heard.pk,
        session_on=world.heard.session_on,
        share_heard=1,
        scores=scores,
        by=world.cora,
        now=now,
    )
    ratings.release(source=world.feedback.pk, by=world.cora, now=now)
    world.contest = Contest.objects.create(review=world.feedback, item_key=instrument.items.last().key, raised_by=world.thea, raised_at=now)
    world.goal = DevelopmentGoal.objects.create(therapist=world.thea, team=world.team, text="Ask first", set_by=world.thea, set_at=now)
    world.clip = Clip.objects.create(
        recording=world.teachable, start_ms=0, end_ms=5000, number=1, state=Clip.State.PROPOSED, made_by=world.thea, made_at=now
    )
    world.clip.words = clipwords.sealed(world.clip, [clipwords.Line("Therapist", [(0, 900, "So what happened")])])
    world.clip.save(update_fields=["words"])
    vault.seal(world.teachable, SealedObject.Kind.CLIP, [bytes(500)], number=1, now=now)


def _recording(consent, now, **fields):
    recording = Recording.objects.create(
        consent=consent,
        family=consent.family,
        therapist=consent.family.therapist,
        team=consent.family.team,
        session_on=factories.days_ago(2),
        uploaded_at=now,
        duration_ms=60_000,
        container="ogg",
        size=5000,
        fingerprint=uuid.uuid4().hex,
        **{"state": Recording.State.READY, **fields},
    )
    Processing.objects.create(recording=recording, state=Processing.State.DONE, queued_at=now)
    if recording.state == Recording.State.READY:
        vault.create_key(recording.pk)
        vault.seal(recording, SealedObject.Kind.PLAYBACK, [bytes(5000)], now=now)
    return recording
