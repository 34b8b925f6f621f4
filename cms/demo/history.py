"""What the demo's people did before today: orientation, boosters, weekly supervision, families and invitations.

Everything goes through the same domain functions as on the site, with a `now` in the past.
"""

import datetime as dt
from typing import TYPE_CHECKING

from django.utils import timezone

from cms.demo import people
from learning import attempts, completion, enrolment, exercises
from learning.models import CoursePage, LessonPage
from supervision import evidence, families, invitations, sessions
from supervision.models import Membership, User

if TYPE_CHECKING:
    from cms.demo.load import Loaded

Role = Membership.Role
ORIENTATION, SUPERVISORS, BOOSTER = "mst-orientation", "mst-supervisor-orientation", "booster-sequences"

ANSWERS = (
    "What stays with me is to ask what happened just before, and to write down what was seen and heard, not what I think it means. "
    "I will try that on Thursday with the family I am joining, and bring the notes to supervision.",
    "I would start with what the caregiver already does that works, say it in her own words, and then ask for one thing to try before we meet again. "
    "My risk is giving four tasks at once, so I will ask her to choose.",
    "Two people who could help are his uncle and the form tutor. I would ask the caregiver which of them she would ring first, and what might get in the way. "
    "If neither answers, that tells us something about the fit as well.",
)

# First name, and days before the load on which a booster was finished.
BOOSTERS = (("Tom", 150), ("Sam", 24), ("Priya", 23), ("Jo", 30), ("Nia", 120))


def load(loaded: "Loaded") -> None:
    for person in people.PEOPLE:
        if person.learning:
            _orientation(loaded, person)
    for name, days in BOOSTERS:
        _course(loaded, loaded.users[name], BOOSTER, finished=days, reason="Quarterly booster")
    enrolment.enrol(
        learner=loaded.users["Tom"],
        course=_page(BOOSTER),
        reason="Quarterly booster",
        by=loaded.users["Cora"],
        now=loaded.at(9),
        again=True,
    )
    _supervision(loaded)
    _families(loaded)
    _invitations(loaded)
    evidence.record(
        person=loaded.users["Nia"],
        programme=loaded.teams[people.MEADOW].programme,
        requirement_key="booster",
        kind="waiver",
        occurred_on=loaded.days_ago(18),
        valid_until=loaded.anchor + dt.timedelta(days=60),
        note="Back from eight weeks of leave; agreed with the consultant that she attends the next booster.",
        by=loaded.users["Jo"],
        now=loaded.at(18),
    )


def _page(slug: str) -> CoursePage:
    return CoursePage.objects.get(slug=slug)


def _orientation(loaded: "Loaded", person: people.Person) -> None:
    user = loaded.users[person.first_name]
    if person.learning == "done":
        finished = max(person.joined - 16, 10)
        _course(loaded, user, ORIENTATION, finished=finished, reason="Orientation")
        if person.role in Membership.SUPERVISORS:
            _course(loaded, user, SUPERVISORS, finished=max(finished - 30, 6), reason="Supervisor orientation")
    else:
        enrolled = enrolment.enrol(learner=user, course=_page(ORIENTATION), reason="Orientation", by=None, now=loaded.at(person.joined))
        lessons = _lessons(_page(ORIENTATION))[: int(person.learning)]
        for number, lesson in enumerate(lessons):
            _do(loaded, user, enrolled, lesson, now=loaded.at(max(person.joined - 1 - number // 3, 0), 9 + 2 * (number % 3)))


def _course(loaded: "Loaded", user: User, slug: str, *, finished: int, reason: str) -> None:
    """Works through a whole course, four lessons a day, ending that many days before the load."""
    page = _page(slug)
    lessons = _lessons(page)
    days = (len(lessons) - 1) // 4
    start = loaded.at(finished + days, 8)
    enrolled = enrolment.enrol(learner=user, course=page, reason=reason, by=None, now=start)
    for number, lesson in enumerate(lessons):
        _do(loaded, user, enrolled, lesson, now=loaded.at(finished + days - number // 4, 9 + 2 * (number % 4)))


def _lessons(page: CoursePage) -> list[LessonPage]:
    return list(LessonPage.objects.descendant_of(page).live().order_by("path"))


def _do(loaded: "Loaded", user: User, enrolled: enrolment.Enrolment, lesson: LessonPage, *, now: dt.datetime) -> None:
    """Answers every check (now and then wrong at first), writes every exercise, and marks the lesson as done."""
    for number, check in enumerate(lesson.checks()):
        right = [attempts.option_value(option["text"]) for option in check.value["options"] if option["is_correct"]]
        wrong = [attempts.option_value(option["text"]) for option in check.value["options"] if not option["is_correct"]][:1]
        if (user.pk + lesson.pk + number) % 5 == 0 and wrong:
            attempts.answer(enrolment=enrolled, lesson=lesson, key=check.value["key"], values=wrong, now=now)
        attempts.answer(enrolment=enrolled, lesson=lesson, key=check.value["key"], values=right, now=now + dt.timedelta(minutes=1))
    for exercise in lesson.exercises():
        text = ANSWERS[(user.pk + lesson.pk) % len(ANSWERS)]
        while exercises.word_count(text) < exercise.value["minimum_words"]:
            text += " " + ANSWERS[(user.pk + lesson.pk + 1) % len(ANSWERS)]
        exercises.save(enrolment=enrolled, lesson=lesson, key=exercise.value["key"], text=text, by=user, now=now + dt.timedelta(minutes=5))
    completion.mark_done(enrolment=enrolled, lesson=lesson, by=user, now=now + dt.timedelta(minutes=20))


def _supervision(loaded: "Loaded") -> None:
    """Ten weeks of supervision and consultation. Somebody was away now and then; one week is missing at Meadow."""
    monday = loaded.anchor - dt.timedelta(days=loaded.anchor.weekday())
    for slug, supervisor, missing in ((people.HARBOUR, "Sam", ()), (people.MEADOW, "Jo", (2,))):
        team = loaded.teams[slug]
        for week in range(1, 11):
            if week in missing:
                continue
            for kind, weekday, minutes, holder in (("supervision", 1, 90, supervisor), ("consultation", 3, 60, "Cora")):
                held_on = monday - dt.timedelta(days=7 * week - weekday)
                roles = [Role.THERAPIST, Role.SUPERVISOR]
                present = [
                    m.user for m in Membership.objects.on(held_on).filter(team=team, role__in=roles).select_related("user").order_by("pk")
                ]
                if week % 4 == 0 and len(present) > 2:
                    present = present[:-1]
                sessions.hold(
                    team=team,
                    kind=kind,
                    held_on=held_on,
                    held_by=loaded.users[holder],
                    minutes=minutes,
                    people=present,
                    by=loaded.users[supervisor],
                    now=timezone.make_aware(dt.datetime.combine(held_on, dt.time(17))),
                )


def _families(loaded: "Loaded") -> None:
    for team, therapist, reference, initials, opened, closed in (
        (people.HARBOUR, "Tom", "H-2041", "C.D.", 62, None),
        (people.HARBOUR, "Tom", "H-2036", "A.L.", 118, 12),
        (people.HARBOUR, "Priya", "H-2043", "N.F.", 47, None),
        (people.HARBOUR, "Priya", "H-2044", "J.W.", 40, None),
        (people.HARBOUR, "Priya", "H-2047", "R.S.", 12, None),
        (people.HARBOUR, "Thea", "H-2049", "M.T.", 4, None),
        (people.MEADOW, "Nia", "M-318", "E.F.", 75, None),
        (people.MEADOW, "Olly", "M-322", "B.K.", 30, None),
    ):
        family = families.open_family(
            team=loaded.teams[team],
            therapist=loaded.users[therapist],
            reference=reference,
            initials=initials,
            opened_on=loaded.days_ago(opened),
            by=loaded.users[therapist],
            now=loaded.at(opened),
        )
        if closed is not None:
            families.close_family(family=family, on=loaded.days_ago(closed), by=loaded.users[therapist], now=loaded.at(closed))


def _invitations(loaded: "Loaded") -> None:
    invitations.invite(
        email="femi.lawal@harbour.example",
        first_name="Femi",
        last_name="Lawal",
        team=loaded.teams[people.HARBOUR],
        role=Role.THERAPIST,
        starts_on=loaded.anchor + dt.timedelta(days=9),
        ends_on=None,
        by=loaded.users["Ada"],
        now=loaded.at(2),
    )
