from learning.models.enrolment import Attempt, Completion, Enrolment, ExerciseAnswer, LessonNote, LessonVisit
from learning.models.media import CourseDocument, CourseImage, CourseImageRendition, CourseMedia
from learning.models.pages import CourseIndexPage, CoursePage, DayPage, LessonPage
from learning.models.records import TrainingRecord

__all__ = [
    "Attempt",
    "Completion",
    "CourseDocument",
    "CourseImage",
    "CourseImageRendition",
    "CourseIndexPage",
    "CourseMedia",
    "CoursePage",
    "DayPage",
    "Enrolment",
    "ExerciseAnswer",
    "LessonNote",
    "LessonPage",
    "LessonVisit",
    "TrainingRecord",
]
