"""What learning adds to Wagtail."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from learning.models import CourseIndexPage


@hooks.register("register_log_actions")
def register_log_actions(actions: Any) -> None:
    actions.register_action("learning.enrol", "Enrol", "Enrolled in a course")
    actions.register_action("learning.answer", "Answer an exercise", "Saved an answer to an exercise")
    actions.register_action("learning.lesson_done", "Mark a lesson as done", "Marked a lesson as done")
    actions.register_action("learning.course_done", "Complete a course", "Completed a course")
    actions.register_action("learning.load", "Load from a file", "Loaded from a course file")


class CoursesMenuItem(MenuItem):
    """Straight to the courses, for those who may edit them."""

    def is_shown(self, request: HttpRequest) -> bool:
        index = CourseIndexPage.objects.first()
        if index is None or not index.permissions_for_user(request.user).can_edit():
            return False
        self.url = reverse("wagtailadmin_explore", args=[index.pk])
        return True


@hooks.register("register_admin_menu_item")
def register_courses_menu_item() -> MenuItem:
    return CoursesMenuItem("Courses", "", name="courses", icon_name="clipboard-list", order=90)
