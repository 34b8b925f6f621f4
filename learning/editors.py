"""What a group needs to write courses, instruments, code books and the words of consent in Wagtail."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from wagtail.models import Collection, GroupCollectionPermission, GroupPagePermission

from learning.models import CourseIndexPage

# Wagtail asks for the permissions of its own models, also where a project has models in their place.
LIBRARIES = (("wagtailimages", "image"), ("wagtaildocs", "document"), ("wagtailmedia", "media"))
# What the apps to the left let editors write. Never deleted: ratings, annotations and consents rest on it.
WRITTEN = (("supervision", "instrument"), ("recordings", "code"), ("recordings", "speechsettings"), ("recordings", "consentwording"))


@transaction.atomic
def grant_editing(group: Group, *, may_publish: bool = True) -> None:
    """Let the group into Wagtail, to write courses, to fill the image, document and media libraries, and to edit what is WRITTEN.

    Without `may_publish` its members submit pages for moderation instead. Doing so twice changes nothing; call it again
    once the course index exists.
    """
    group.permissions.add(Permission.objects.get(content_type__app_label="wagtailadmin", codename="access_admin"))
    page_permissions = ["add_page", "change_page", *(["publish_page"] if may_publish else [])]
    for index in CourseIndexPage.objects.order_by("pk"):
        for permission in Permission.objects.filter(content_type__app_label="wagtailcore", codename__in=page_permissions):
            GroupPagePermission.objects.get_or_create(group=group, page=index.page_ptr, permission=permission)
    for app, model in WRITTEN:
        permissions = Permission.objects.filter(content_type__app_label=app, content_type__model=model)
        group.permissions.add(*permissions.filter(codename__in=[f"{verb}_{model}" for verb in ("view", "add", "change")]))
    root = Collection.get_first_root_node()
    for app, model in LIBRARIES:
        permissions = Permission.objects.filter(content_type__app_label=app, content_type__model=model)
        for permission in permissions.filter(codename__in=[f"{verb}_{model}" for verb in ("add", "change", "choose")]):
            GroupCollectionPermission.objects.get_or_create(group=group, collection=root, permission=permission)
