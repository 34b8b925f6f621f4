"""Who may do what: one row an address, one column a member of the cast, one status a cell.

Addresses that only take POST are sent an empty one; everything is rolled back after each cell.
  200 may read it        302 done, or led on (an address that only changes something)
  422 or 400 may do it: the empty form was refused
  403 may know of it, may not do it           404 as if it did not exist
  in  is led to the sign-in page              405 cannot happen
Whoever adds an address without a row here fails the second test.
"""

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from tests import world as worlds

COLUMNS = "nobody thea tom sam bea cora ada mona ed iggy olly otto lena".split()
OURS = ("learning", "supervision", "recordings")

# name | arguments from the world | one status a column
ROWS = """
learning:home | |
learning:record | |
learning:record-csv | |
learning:certificate | record.reference |
learning:course-enrol | course.key |
learning:course-finish | course.key |
learning:lesson-check | lesson.key |
learning:lesson-exercise | lesson.key |
learning:lesson-note | lesson.key |
learning:lesson-done | lesson.key |
learning:lesson-place | lesson.key |
supervision:index | |
supervision:team-list | |
supervision:team-detail | team.slug |
supervision:team-matrix-csv | team.slug |
supervision:person-detail | team.slug thea.pk |
supervision:cell-detail | team.slug thea.pk requirement.key |
supervision:evidence-create | team.slug thea.pk requirement.key |
supervision:evidence-withdraw | team.slug evidence.pk |
supervision:member-list | team.slug |
supervision:membership-add | team.slug |
supervision:membership-change | team.slug membership.pk |
supervision:membership-end | team.slug membership.pk |
supervision:invitation-create | team.slug |
supervision:invitation-resend | team.slug invitation.pk |
supervision:invitation-cancel | team.slug invitation.pk |
supervision:invitation-accept | token |
supervision:session-list | team.slug |
supervision:session-create | team.slug |
supervision:session-cancel | team.slug session.pk |
supervision:family-list | team.slug |
supervision:family-create | team.slug |
supervision:family-close | team.slug family.pk |
recordings:list | |
recordings:upload | |
recordings:consent-create | family.pk |
recordings:consent-detail | consent.pk |
recordings:consent-print | consent.pk |
recordings:consent-withdraw | consent.pk |
recordings:detail | recording.pk |
recordings:audio | recording.pk |
recordings:delete | recording.pk |
recordings:certificate | gone.pk |
recordings:status | recording.pk |
recordings:retry | recording.pk |
recordings:transcript | recording.pk |
recordings:peaks | recording.pk |
recordings:review-list | |
recordings:review | recording.pk |
recordings:review-submit | review.pk |
recordings:review-release | review.pk |
recordings:annotation-create | review.pk |
recordings:annotation-change | annotation.pk |
recordings:annotation-remove | annotation.pk |
recordings:annotation-restore | annotation.pk |
recordings:score | review.pk item.key |
recordings:review-words | review.pk strengths_word |
recordings:heard | recording.pk |
recordings:feedback | feedback.pk |
recordings:reply | feedback.pk |
"""


def rows():
    for line in ROWS.strip().splitlines():
        name, arguments, cells = (part.strip() for part in line.split("|"))
        yield name, arguments.split(), cells.split()


def value(world, path):
    found = world
    for part in path.split("."):
        found = getattr(found, part)
    return found


def visit(user, url):
    """The status of a GET; of an empty POST where there is no GET."""
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    response = client.get(url)
    if response.status_code == 405:
        response = client.post(url)
    if response.status_code == 302 and "/accounts/login/" in response["Location"]:
        return "in"
    return str(response.status_code)


class RolledBack(Exception):
    pass


def table(world):
    """What the site really answers, row by row."""
    for name, arguments, _ in rows():
        url = reverse(name, args=[value(world, argument) for argument in arguments])
        cells = []
        for column in COLUMNS:
            try:
                with transaction.atomic():
                    cells.append(visit(getattr(world, column, None), url))
                    raise RolledBack
            except RolledBack:
                pass
        yield name, arguments, cells


@pytest.fixture
def world(harbour, meadow, thea, tom, sam, bea, cora, ada, mona, ed, iggy, olly, otto, lena):
    cast = {"thea": thea, "tom": tom, "sam": sam, "bea": bea, "cora": cora, "ada": ada, "mona": mona, "ed": ed, "iggy": iggy, "olly": olly, "otto": otto, "lena": lena}
    return worlds.build(harbour, cast)


def test_the_table_holds(world):
    expected = {name: cells for name, _, cells in rows()}
    wrong = []
    for name, _, cells in table(world):
        for column, was, should in zip(COLUMNS, cells, expected[name], strict=True):
            if was != should:
                wrong.append(f"{name} for {column}: {was}, should be {should}")
    assert not wrong, "\n".join(wrong)


def names(resolver, namespace=""):
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from names(entry, entry.namespace or namespace)
        else:
            yield f"{namespace}:{entry.name}" if namespace else entry.name


def test_every_address_of_ours_has_a_row():
    ours = {name for name in names(get_resolver()) if name and name.split(":")[0] in OURS}
    listed = {name for name, _, _ in rows()}
    assert ours == listed


def test_there_is_no_second_back_office():
    assert not any(name and name.startswith("admin:") for name in names(get_resolver()))
