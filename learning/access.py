"""Who may read which page of a course, and what to tell those who may not.

A lesson is open to a person enrolled in its course once its turn has come. People who may edit the page in Wagtail read
it as a preview, which records nothing. Strangers are not told that it exists.
"""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractUser
from wagtail.models import Page

from learning.models import CourseIndexPage, CoursePage, DayPage, Enrolment, LessonPage
from learning.progress import CourseProgress, outline, progress


@dataclass(frozen=True)
class Access:
    progress: CourseProgress | None = None
    """None for a stranger, who gets 404."""
    is_preview: bool = False
    reason: str = ""
    """Why a known page stays closed: a sentence for the person."""
    is_startable: bool = False
    """The way in is to start the course oneself."""

    @property
    def is_known(self) -> bool:
        return self.progress is not None

    @property
    def can_read(self) -> bool:
        return self.progress is not None and not self.reason

    @property
    def enrolment(self) -> Enrolment | None:
        """The enrolment in which what the person does is recorded; none in a preview."""
        if self.progress is None or self.is_preview or self.progress.enrolment.pk is None:
            return None
        return self.progress.enrolment


STRANGER = Access()


def can_edit(user: AbstractUser, page: Page) -> bool:
    """May edit the page in Wagtail (and sign in there at all)."""
    return user.is_active and user.has_perm("wagtailadmin.access_admin") and bool(page.permissions_for_user(user).can_edit())


def can_open(user: AbstractUser, page: Page) -> bool:
    """May read this course, day or lesson now."""
    match page.specific:
        case CourseIndexPage():
            return user.is_authenticated
        case CoursePage() as course:
            return to_course(user, course).can_read
        case DayPage() as day:
            return to_part(user, day).can_read
        case LessonPage() as lesson:
            return to_part(user, lesson).can_read
    return False


def to_course(user: AbstractUser, course: CoursePage) -> Access:
    """The course's own page: for the enrolled, for everyone where it is open to all, and for its editors."""
    if course.live:
        enrolment = Enrolment.objects.filter(learner=user.pk, course_key=course.key).current().order_by("-period", "-pk").first()
        if enrolment is not None and enrolment.course_id == course.pk:
            return Access(progress=progress(enrolment))
    if can_edit(user, course):
        return Access(progress=outline(course), is_preview=True)
    if course.live and course.is_open:
        return Access(progress=outline(course), is_startable=True)
    return STRANGER


def to_part(user: AbstractUser, page: DayPage | LessonPage) -> Access:
    """A day or a lesson."""
    course = CoursePage.objects.ancestor_of(page).first()
    if course is None:
        return STRANGER
    access = to_course(user, course)
    if access.progress is None or access.is_preview:
        return access
    if not _is_listed(access.progress, page):
        return Access(progress=outline(course), is_preview=True) if can_edit(user, page) else STRANGER
    if access.is_startable:
        return Access(progress=access.progress, is_startable=True, reason="Start the course first; then its lessons open one by one.")
    if isinstance(page, LessonPage) and (reason := why_locked(access.progress, page)):
        if can_edit(user, page):
            return Access(progress=outline(course), is_preview=True)
        return Access(progress=access.progress, reason=reason)
    return access


def why_locked(course: CourseProgress, lesson: LessonPage) -> str:
    """Why the lesson is not open yet, or nothing."""
    found = course.find(lesson)
    if found is None or not found.is_locked:
        return ""
    if course.blocked_by is not None:
        if not course.blocked_by.live:
            return f"This course opens when you have completed “{course.blocked_by.title}”, which is not available at the moment. Ask your supervisor."
        return f"This course opens when you have completed “{course.blocked_by.title}”."
    before = course.before(lesson)
    return f"The lessons of this course are done in order. This one opens when you have done “{before.lesson.title}”." if before else ""


def _is_listed(course: CourseProgress, page: DayPage | LessonPage) -> bool:
    """Live, and under a live day: what the learner's own list shows."""
    if isinstance(page, LessonPage):
        return course.find(page) is not None
    return any(day.day.pk == page.pk for day in course.days)
