"""Plain factories. Each makes a valid thing with the least said; anything special is an argument."""

import datetime as dt
import itertools
import uuid
from pathlib import Path

from django.utils import timezone
from wagtail.models import Page, Site

from learning.models import CourseIndexPage, CoursePage, DayPage, LessonPage
from recordings.models import Consent, ConsentPerson, ConsentWording, Purpose
from supervision.models import FamilyReference, Membership, Programme, Requirement, Team, User

PASSWORD = "correct horse battery staple"
AUDIO = Path(__file__).resolve().parent.parent / "cms" / "demo" / "audio"
_count = itertools.count(1)


def today():
    return timezone.localdate()


def days_ago(days):
    return today() - dt.timedelta(days=days)


def called(values):
    """With what today's date is asked for only now: parameters are made when a file is read, which may have been yesterday."""
    return {name: value() if callable(value) else value for name, value in values.items()}


def make_user(name=None, **fields):
    first = name or f"Person{next(_count)}"
    fields.setdefault("email", f"{first.lower()}{next(_count)}@example.org")
    fields.setdefault("first_name", first.title())
    fields.setdefault("last_name", "Example")
    return User.objects.create_user(password=PASSWORD, **fields)


def make_programme(**fields):
    number = next(_count)
    fields.setdefault("name", f"MST {number}")
    fields.setdefault("slug", f"mst-{number}")
    fields.setdefault("model_name", "Multisystemic Therapy")
    return Programme.objects.create(**fields)


def make_team(name=None, **fields):
    number = next(_count)
    fields.setdefault("name", name or f"Team {number}")
    fields.setdefault("slug", f"team-{number}")
    if "programme" not in fields:
        fields["programme"] = make_programme()
    return Team.objects.create(**fields)


def make_membership(user, team, role, **fields):
    fields.setdefault("starts_on", days_ago(60))
    fields.setdefault("added_at", timezone.now())
    if role == Membership.Role.BACKUP_SUPERVISOR:
        fields.setdefault("ends_on", today() + dt.timedelta(days=30))
    return Membership.objects.create(user=user, team=team, role=role, **fields)


def make_member(name, team, role, **fields):
    user = make_user(name)
    make_membership(user, team, role, **fields)
    return user


def make_family(team, therapist, **fields):
    fields.setdefault("reference", f"F-{1000 + next(_count)}")
    fields.setdefault("initials", "K.B.")
    fields.setdefault("opened_on", days_ago(50))
    return FamilyReference.objects.create(team=team, therapist=therapist, **fields)


def make_wording(programme, **fields):
    fields.setdefault("version", next(_count))
    fields.setdefault("text", "We would like to record our sessions so that my supervisor can help me do this well.")
    fields.setdefault("effective_from", days_ago(365))
    return ConsentWording.objects.create(programme=programme, **fields)


def make_consent(family, *, purposes=(Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE), **fields):
    fields.setdefault(
        "wording", ConsentWording.objects.filter(programme=family.team.programme).first() or make_wording(family.team.programme)
    )
    fields.setdefault("method", Consent.Method.SIGNED_PAPER)
    if fields["method"] == Consent.Method.SIGNED_PAPER:
        fields.setdefault("filed_at", "Paper file of the team, cabinet 2")
    fields.setdefault("given_on", days_ago(10))
    fields.setdefault("recorded_at", timezone.now())
    fields.setdefault("recorded_by", family.therapist)
    consent = Consent.objects.create(family=family, **fields)
    ConsentPerson.objects.create(
        consent=consent, role=ConsentPerson.Role.CAREGIVER, initials="M.B.", purposes=[str(purpose) for purpose in purposes]
    )
    return consent


def make_requirement(programme, kind, **fields):
    key = fields.setdefault("key", f"{kind}-{next(_count)}")
    fields.setdefault("name", key.replace("-", " ").title())
    fields.setdefault("rule", "Everybody does this.")
    fields.setdefault(
        "cadence",
        Requirement.Cadence.ONCE
        if kind == "course"
        else Requirement.Cadence.WEEK
        if kind == "supervision"
        else Requirement.Cadence.QUARTER,
    )
    fields.setdefault("roles", [Membership.Role.THERAPIST, Membership.Role.SUPERVISOR])
    fields.setdefault("effective_from", days_ago(1000))
    if kind == "course":
        fields.setdefault("course_slug", "orientation")
        fields.setdefault("due_days", 30)
    return Requirement.objects.create(programme=programme, kind=kind, **fields)


# --- Courses ----------------------------------------------------------------------------------------------------


def course_index():
    index = CourseIndexPage.objects.first()
    if index is None:
        root = Site.objects.get(is_default_site=True).root_page if Site.objects.exists() else Page.objects.get(depth=1)
        index = root.add_child(instance=CourseIndexPage(title="Courses", slug="courses"))
    return index


def check_block(key, *, kind="single", right=("Right",), wrong=("Wrong",)):
    options = [{"text": text, "is_correct": True, "feedback": f"{text}, yes."} for text in right]
    options += [{"text": text, "is_correct": False, "feedback": f"{text}, not quite."} for text in wrong]
    return {
        "type": "check",
        "value": {"key": key, "kind": kind, "question": f"Question {key}?", "options": options, "explanation": "Because."},
        "id": str(uuid.uuid4()),
    }


def exercise_block(key, *, minimum_words=3):
    value = {
        "key": key,
        "title": "Think",
        "prompt": "<p>What would you say?</p>",
        "minimum_words": minimum_words,
        "guidance": "<p>Say it plainly.</p>",
    }
    return {"type": "exercise", "value": value, "id": str(uuid.uuid4())}


def text_block(html="<p>Some text.</p>"):
    return {"type": "text", "value": html, "id": str(uuid.uuid4())}


def make_course(*, slug=None, days=1, lessons=2, body=None, **fields):
    """A published course; every lesson has a text, a check "c1" and an exercise "e1" unless `body` says otherwise."""
    number = next(_count)
    fields.setdefault("title", f"Course {number}")
    fields.setdefault("summary", "A course.")
    fields.setdefault("hours", 7)
    fields.setdefault("kind", CoursePage.Kind.ORIENTATION)
    course = course_index().add_child(instance=CoursePage(slug=slug or f"course-{number}", **fields))
    for day_number in range(1, days + 1):
        day = course.add_child(instance=DayPage(title=f"Day {day_number}", slug=f"day-{day_number}", summary="A day."))
        for lesson_number in range(1, lessons + 1):
            lesson = LessonPage(
                title=f"Lesson {day_number}.{lesson_number}",
                slug=f"lesson-{lesson_number}",
                summary="A lesson.",
                minutes=15,
                body=body if body is not None else [text_block(), check_block("c1"), exercise_block("e1")],
            )
            day.add_child(instance=lesson)
            lesson.save_revision().publish()
    return course


def lessons_of(course):
    return list(LessonPage.objects.descendant_of(course).live().order_by("path"))
