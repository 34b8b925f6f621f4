"""Load the courses that come with Plumbline, or a folder of one's own, into Wagtail."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from wagtail.models import Page, Site

from learning.coursefiles import BadFile, name_of
from learning.editors import grant_editing
from learning.loading import PREREQUISITES, load_course
from learning.models import CourseIndexPage

CONTENT = Path(__file__).resolve().parents[2] / "content"


class Command(BaseCommand):
    help = "Loads course folders into Wagtail. Loading again changes nothing; pages edited in Wagtail are left alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, default=CONTENT, help="A folder of course folders.")
        parser.add_argument("--restore", action="store_true", help="Bring back pages that were deleted in Wagtail.")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        folders = sorted((file.parent for file in folder.glob("*/course.yaml")), key=lambda each: (each.name in PREREQUISITES, each.name))
        if not folders:
            raise CommandError(f"{name_of(folder)} holds no course: each course is a folder with a course.yaml.")
        index = course_index()
        for path in folders:
            try:
                course = load_course(path, parent=index, by=None, now=timezone.now(), restore=options["restore"])
            except BadFile as error:
                raise CommandError(str(error)) from error
            if options["verbosity"]:
                self.stdout.write(
                    f"{course.title}: loaded." if course else f"{path.name}: deleted in Wagtail, so left out (--restore brings it back)."
                )
        for group in Group.objects.filter(name__in=["Editors", "Moderators"]).order_by("pk"):
            grant_editing(group, may_publish=group.name == "Moderators")


def course_index() -> CourseIndexPage:
    """The one parent of all courses, made under the site's home page if there is none yet."""
    index = CourseIndexPage.objects.order_by("pk").first()
    if index is not None:
        return index
    site = Site.objects.filter(is_default_site=True).select_related("root_page").first()
    root = site.root_page if site else Page.objects.order_by("depth", "path")[0]
    return root.specific.add_child(instance=CourseIndexPage(title="Courses", slug="courses"))
