"""Who may do what: one row an address, one column a member of the cast, one status a cell.

Addresses that only take POST are sent an empty one; everything is rolled back after each cell.
  200 may read it        302 done, or led on (an address that only changes something)
  422 or 400 may do it: the empty form was refused
  403 may know of it, may not do it           404 as if it did not exist
  in  is led to the sign-in page              405 cannot happen
  401, 415: what tus says to somebody signed out, and to a form
Whoever adds an address without a row here fails the second test.
"""

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from tests import world as worlds

COLUMNS = "nobody thea tom sam bea cora ada mona ed iggy olly otto lena".split()
OURS = ("learning", "supervision", "recordings")

ROWS = """
# name                          | arguments                         | nobody thea tom sam bea cora ada mona ed  iggy olly otto lena
learning:home                   |                                   | in     200  200 200 200 200  200 200  200 200  200  200  200
learning:record                 |                                   | in     200  200 200 200 200  200 200  200 200  200  200  200
learning:record-csv             |                                   | in     200  200 200 200 200  200 200  200 200  200  200  200
learning:certificate            | record.reference                  | in     200  404 404 404 404  404 404  404 404  404  404  404
learning:course-enrol           | course.key                        | in     403  404 404 404 404  404 404  404 404  404  404  404
learning:course-finish          | course.key                        | in     302  404 404 404 404  404 404  404 404  404  404  404
learning:lesson-check           | lesson.key                        | in     302  404 404 404 404  404 404  404 404  404  404  404
learning:lesson-exercise        | lesson.key                        | in     302  404 404 404 404  404 404  404 404  404  404  404
learning:lesson-note            | lesson.key                        | in     302  404 404 404 404  404 404  404 404  404  404  404
learning:lesson-done            | lesson.key                        | in     422  404 404 404 404  404 404  404 404  404  404  404
learning:lesson-place           | lesson.key                        | in     204  404 404 404 404  404 404  404 404  404  404  404
supervision:index               |                                   | in     302  302 302 302 302  302 302  302 302  302  302  302
supervision:team-list           |                                   | in     200  200 200 200 200  200 200  200 200  200  200  200
supervision:team-detail         | team.slug                         | in     403  403 200 200 200  200 200  403 403  404  404  404
supervision:team-matrix-csv     | team.slug                         | in     403  403 200 200 200  200 200  403 403  404  404  404
supervision:person-detail       | team.slug thea.pk                 | in     200  404 200 200 200  200 200  404 404  404  404  404
supervision:cell-detail         | team.slug thea.pk requirement.key | in     200  404 200 200 200  200 200  404 404  404  404  404
supervision:evidence-create     | team.slug thea.pk requirement.key | in     403  404 200 200 403  200 403  404 404  404  404  404
supervision:evidence-withdraw   | team.slug evidence.pk             | in     403  403 200 200 403  200 403  403 403  404  404  404
supervision:member-list         | team.slug                         | in     403  403 200 200 200  200 200  403 403  404  404  404
supervision:membership-add      | team.slug                         | in     403  403 200 200 403  200 403  403 403  404  404  404
supervision:membership-change   | team.slug membership.pk           | in     403  403 200 200 403  200 403  403 403  404  404  404
supervision:membership-end      | team.slug membership.pk           | in     403  403 200 200 403  200 403  403 403  404  404  404
supervision:invitation-create   | team.slug                         | in     403  403 200 200 403  200 403  403 403  404  404  404
supervision:invitation-resend   | team.slug invitation.pk           | in     403  403 302 302 403  302 403  403 403  404  404  404
supervision:invitation-cancel   | team.slug invitation.pk           | in     403  403 302 302 403  302 403  403 403  404  404  404
supervision:invitation-accept   | token                             | 200    403  403 403 403 403  403 403  403 403  403  403  403
supervision:session-list        | team.slug                         | in     403  403 200 200 200  200 200  403 403  404  404  404
supervision:session-create      | team.slug                         | in     403  403 200 200 200  200 403  403 403  404  404  404
supervision:session-cancel      | team.slug session.pk              | in     403  403 200 200 200  200 403  403 403  404  404  404
supervision:family-list         | team.slug                         | in     200  200 200 200 200  403 403  403 403  404  404  404
supervision:family-create       | team.slug                         | in     200  200 200 200 403  403 403  403 403  404  404  404
supervision:family-close        | team.slug family.pk               | in     200  404 200 200 403  404 404  404 404  404  404  404
supervision:score-list          | team.slug                         | in     200  200 200 200 200  200 403  403 403  404  404  404
supervision:score-family        | team.slug family.pk               | in     200  404 200 200 200  200 404  404 404  404  404  404
supervision:score-withdraw      | team.slug score.pk                | in     403  403 200 200 403  200 403  403 403  404  404  404
supervision:score-create        | team.slug measure_slug            | in     403  403 200 200 403  200 403  403 403  404  404  404
supervision:score-import        | team.slug measure_slug            | in     403  403 200 200 403  200 403  403 403  404  404  404
supervision:score-rows          | team.slug measure_slug            | in     403  403 200 200 403  200 403  403 403  404  404  404
supervision:score-export        | team.slug measure_slug            | in     403  403 200 200 200  200 403  403 403  404  404  404
supervision:instrument-list     |                                   | in     403  403 200 200 200  403 200  200 403  403  200  403
supervision:instrument-add      |                                   | in     403  403 403 403 403  403 200  200 403  403  403  403
supervision:instrument-example  |                                   | in     403  403 200 200 200  403 200  200 403  403  200  403
supervision:instrument-detail   | review.instrument.slug review.instrument.version | in 403 403 200 200 200 403 200 200 403 403 200 403
supervision:instrument-use      | review.instrument.slug review.instrument.version | in 403 403 403 403 403 403 200 200 403 403 403 403
supervision:instrument-next     | review.instrument.slug review.instrument.version | in 403 403 403 403 403 403 302 302 403 403 403 403
supervision:instrument-file     | review.instrument.slug review.instrument.version | in 403 403 200 200 200 403 200 200 403 403 200 403
supervision:plan                | team.slug thea.pk                 | in     200  404 200 200 200  404 404  404 404  404  404  404
supervision:goal-create         | team.slug thea.pk                 | in     200  404 200 200 200  404 404  404 404  404  404  404
supervision:goal-close          | team.slug thea.pk goal.pk         | in     422  404 422 422 422  404 404  404 404  404  404  404
supervision:goal-again          | team.slug thea.pk goal.pk         | in     302  404 302 302 302  404 404  404 404  404  404  404
supervision:plan-csv            | team.slug thea.pk                 | in     200  404 200 200 200  404 404  404 404  404  404  404
supervision:booster-topics      | team.slug                         | in     403  403 200 200 200  403 403  403 403  404  404  404
recordings:list                 |                                   | in     200  200 200 200 200  200 200  200 200  200  200  200
recordings:upload               |                                   | in     302  200 302 302 200  200 200  200 200  200  200  200
recordings:tus                  |                                   | 401    415  415 415 415 415  415 415  415 415  415  415  415
recordings:tus-upload           | unfinished.pk                     | 401    415  404 404 404 404  404 404  404 404  404  404  404
recordings:upload-give-up       | unfinished.pk                     | in     200  404 404 404 404  404 404  404 404  404  404  404
recordings:upload-finish        | unfinished.pk                     | in     302  404 404 404 404  404 404  404 404  404  404  404
recordings:consent-create       | family.pk                         | in     200  404 200 200 403  404 404  404 404  404  404  404
recordings:consent-detail       | consent.pk                        | in     200  404 200 200 200  404 404  404 200  404  404  404
recordings:consent-print        | consent.pk                        | in     200  404 200 200 200  404 404  404 200  404  404  404
recordings:consent-withdraw     | consent.pk                        | in     200  404 200 200 403  404 404  404 200  404  404  404
recordings:consent-list         | family.pk                         | in     200  404 200 200 200  404 404  404 200  404  404  404
recordings:consent-docx         | consent.pk                        | in     200  404 200 200 200  404 404  404 200  404  404  404
recordings:consent-spoken       | consent.pk                        | in     200  404 200 200 403  404 404  404 403  404  404  404
recordings:consent-filed        | consent.pk                        | in     200  404 200 200 403  404 404  404 403  404  404  404
recordings:consent-use          | recording.pk consent.pk            | in     302  404 302 302 403  404 404  404 403  404  404  404
recordings:consent-again        | consent.pk                        | in     200  404 200 200 403  404 404  404 403  404  404  404
recordings:consent-link         | consent.pk                        | in     200  404 200 200 403  404 404  404 403  404  404  404
recordings:consent-links-end    | consent.pk                        | in     302  404 302 302 403  404 404  404 403  404  404  404
recordings:withdraw-by-link     | withdrawal_token                  | 200    200  200 200 200 200  200 200  200 200  200  200  200
recordings:wording-sheet        | wording.pk                        | in     200  200 200 200 200  200 200  200 200  404  404  404
recordings:paper-add            | consent.pk                        | in     200  404 200 200 403  404 404  404 403  404  404  404
recordings:paper                | paper.pk                          | in     200  404 200 200 200  404 404  404 200  404  404  404
recordings:paper-remove         | paper.pk                          | in     302  404 302 302 403  404 404  404 403  404  404  404
recordings:names                | family.pk                         | in     200  404 200 200 403  404 404  404 404  404  404  404
recordings:detail               | recording.pk                      | in     200  404 200 200 200  404 404  404 200  404  404  404
recordings:audio                | recording.pk                      | in     200  404 200 200 200  404 404  404 403  404  404  404
recordings:video                | recording.pk                      | in     200  404 200 200 200  404 404  404 403  404  404  404
recordings:redaction-create     | teachable.pk                      | in     302  404 302 302 302  404 404  404 403  404  404  404
recordings:redaction            | teachable.pk redaction.number     | in     200  404 200 200 200  404 404  404 403  404  404  404
recordings:redaction-restart    | teachable.pk redaction.number     | in     302  404 302 302 302  404 404  404 403  404  404  404
recordings:redaction-audio      | teachable.pk redaction.number     | in     200  404 200 200 200  404 404  404 403  404  404  404
recordings:delete               | recording.pk                      | in     403  404 200 200 403  404 404  404 403  404  404  404
recordings:certificate          | gone.pk                           | in     200  404 200 200 200  404 404  404 200  404  404  404
recordings:extend               | teachable.pk                      | in     403  404 200 200 403  404 404  404 200  404  404  404
recordings:hold-ask             | teachable.pk                      | in     403  404 200 200 403  404 404  404 200  404  404  404
recordings:hold-agree           | hold.pk                           | in     403  404 403 200 403  404 404  404 200  404  404  404
recordings:hold-release         | hold.pk                           | in     403  404 200 200 403  404 404  404 200  404  404  404
recordings:governance           |                                   | in     403  403 403 403 403  403 403  403 200  403  403  403
recordings:governance-listening |                                   | in     403  403 403 403 403  403 403  403 200  403  403  403
recordings:governance-certificates |                                | in     403  403 403 403 403  403 403  403 200  403  403  403
recordings:governance-holds     |                                   | in     403  403 403 403 403  403 403  403 200  403  403  403
recordings:governance-exports   |                                   | in     403  403 403 403 403  403 403  403 200  403  403  403
recordings:research             |                                   | in     403  403 403 403 403  403 403  403 302  403  403  403
recordings:research-asked       | wanted.pk                         | in     403  403 403 403 403  403 403  403 302  403  403  403
recordings:governance-keys      |                                   | in     403  403 403 403 403  403 403  403 200  403  403  403
recordings:status               | recording.pk                      | in     302  404 302 302 302  404 404  404 302  404  404  404
recordings:retry                | recording.pk                      | in     302  404 302 302 302  404 404  404 302  404  404  404
recordings:transcript           | recording.pk                      | in     200  404 200 200 200  404 404  404 403  404  404  404
recordings:transcript-words     | recording.pk                      | in     200  404 200 200 200  404 404  404 403  404  404  404
recordings:transcript-edit      | recording.pk                      | in     422  404 422 422 422  404 404  404 403  404  404  404
recordings:transcript-speakers  | recording.pk                      | in     422  404 422 422 422  404 404  404 403  404  404  404
recordings:transcript-undo      | recording.pk                      | in     422  404 422 422 422  404 404  404 403  404  404  404
recordings:transcript-again     | recording.pk                      | in     302  404 302 302 403  404 404  404 403  404  404  404
recordings:transcript-export    | recording.pk plain_text           | in     200  404 200 200 200  404 404  404 403  404  404  404
recordings:peaks                | recording.pk                      | in     200  404 200 200 200  404 404  404 403  404  404  404
recordings:voices-delete        | recording.pk                      | in     200  404 200 200 403  404 404  404 200  404  404  404
recordings:mel                  | recording.pk                      | in     200  404 200 200 200  404 404  404 403  404  404  404
recordings:review-list          |                                   | in     200  200 200 200 200  200 200  200 200  200  200  200
recordings:review               | recording.pk                      | in     403  404 403 403 200  404 404  404 403  404  404  404
recordings:review-submit        | review.pk                         | in     404  404 404 404 200  404 404  404 404  404  404  404
recordings:review-release       | review.pk                         | in     404  404 404 404 302  404 404  404 404  404  404  404
recordings:bench-words          | review.pk                         | in     404  404 404 404 200  404 404  404 404  404  404  404
recordings:concern-create       | recording.pk                      | in     200  404 200 200 200  404 404  404 403  404  404  404
recordings:concern              | concern.pk                        | in     200  404 200 200 200  404 404  404 404  404  404  404
recordings:bench-settings       |                                   | in     200  200 200 200 200  200 200  200 200  200  200  200
recordings:bench-settings-keep  |                                   | in     422  422 422 422 422  422 422  422 422  422  422  422
recordings:annotation-create    | review.pk                         | in     404  404 404 404 422  404 404  404 404  404  404  404
recordings:annotation-change    | annotation.pk                     | in     404  404 404 404 422  404 404  404 404  404  404  404
recordings:annotation-remove    | annotation.pk                     | in     404  404 404 404 302  404 404  404 404  404  404  404
recordings:annotation-restore   | annotation.pk                     | in     404  404 404 404 302  404 404  404 404  404  404  404
recordings:score                | review.pk item.key                | in     404  404 404 404 302  404 404  404 404  404  404  404
recordings:review-words         | review.pk strengths_word          | in     404  404 404 404 302  404 404  404 404  404  404  404
recordings:conflict-list        |                                   | in     403  403 403 403 200  403 403  403 403  403  200  403
recordings:conflict-end         | conflict.pk                       | in     404  404 404 404 302  404 404  404 404  404  404  404
recordings:assignment-skip      | assignment.pk                     | in     404  404 403 403 200  404 404  404 404  404  404  404
recordings:assignment-take-off  | assignment.pk                     | in     404  404 302 302 403  404 404  404 404  404  404  404
recordings:self-rating          | recording.pk                      | in     200  404 403 403 403  404 404  404 403  404  404  404
recordings:plan-list            |                                   | in     403  403 200 200 200  403 403  403 403  403  200  403
recordings:plan-create          | team.slug                         | in     403  403 200 200 200  403 403  403 403  404  404  404
recordings:plan-end             | sampling_plan.pk                  | in     403  403 302 302 302  403 403  403 403  404  404  404
recordings:comparison           | comparison.pk                     | in     404  404 404 404 200  404 404  404 404  404  404  404
recordings:comparison-item      | comparison.pk item.key            | in     404  404 404 404 422  404 404  404 404  404  404  404
recordings:comparison-note      | comparison.pk                     | in     404  404 404 404 422  404 404  404 404  404  404  404
recordings:comparison-settle    | comparison.pk                     | in     404  404 404 404 422  404 404  404 404  404  404  404
recordings:comparison-release   | comparison.pk                     | in     404  404 404 404 422  404 404  404 404  404  404  404
recordings:comparison-part      | comparison.pk                     | in     404  404 404 404 302  404 404  404 404  404  404  404
recordings:second-ask           | recording.pk                      | in     403  404 302 302 302  404 404  404 403  404  404  404
recordings:calibration          |                                   | in     403  403 200 200 200  403 403  403 403  403  200  403
recordings:gold-create          |                                   | in     403  403 200 200 200  403 403  403 403  403  200  403
recordings:gold-retire          | gold.pk                           | in     404  404 302 302 302  404 404  404 404  404  404  404
recordings:gold-reasons         | gold.pk                           | in     404  404 200 403 403  404 404  404 404  404  404  404
recordings:exercise-give        | gold.pk                           | in     404  404 200 200 200  404 404  404 404  404  404  404
recordings:rater-report         | cora.pk                           | in     404  404 200 200 200  404 404  404 404  404  404  404
recordings:certify              | cora.pk review.instrument.pk      | in     404  404 302 302 403  404 404  404 404  404  404  404
recordings:certification-end    | cora.pk review.instrument.pk      | in     404  404 200 200 403  404 404  404 404  404  404  404
recordings:agreement            |                                   | in     403  403 200 200 200  403 403  403 403  403  200  403
recordings:agreement-csv        |                                   | in     403  403 200 200 200  403 403  403 403  403  200  403
recordings:heard                | recording.pk                      | in     422  404 422 422 422  404 404  404 403  404  404  404
recordings:feedback             | feedback.pk                       | in     200  404 200 200 200  404 404  404 404  404  404  404
recordings:reply                | feedback.pk                       | in     422  404 403 403 422  404 404  404 404  404  404  404
recordings:contest-create       | feedback.pk item.key              | in     200  404 403 403 403  404 404  404 404  404  404  404
recordings:contest              | contest.pk                        | in     200  404 200 200 200  404 404  404 404  404  404  404
recordings:contest-propose      | contest.pk                        | in     403  404 403 403 422  404 404  404 404  404  404  404
recordings:contest-agree        | contest.pk                        | in     403  404 302 302 403  404 404  404 404  404  404  404
recordings:contest-take-back    | contest.pk                        | in     302  404 403 403 403  404 404  404 404  404  404  404
recordings:tried                | feedback.pk                       | in     302  404 403 403 403  404 404  404 404  404  404  404
recordings:feedback-goal        | feedback.pk                       | in     200  404 200 200 200  404 404  404 404  404  404  404
recordings:review-file          | feedback.pk json_word             | in     200  404 200 200 200  404 404  404 404  404  404  404
recordings:annotations-import   | review.pk                         | in     404  404 404 404 200  404 404  404 404  404  404  404
recordings:clip-list            |                                   | in     200  200 200 200 200  200 200  200 200  200  200  200
recordings:clip-create          | teachable.pk                      | in     200  404 200 200 200  404 404  404 403  404  404  404
recordings:clip                 | clip.pk                           | in     200  404 200 200 200  404 404  404 404  404  404  404
recordings:clip-decide          | clip.pk                           | in     403  404 422 422 422  404 404  404 404  404  404  404
recordings:clip-again           | clip.pk                           | in     302  404 302 302 302  404 404  404 404  404  404  404
recordings:clip-take-back       | clip.pk                           | in     200  404 200 200 200  404 404  404 404  404  404  404
recordings:clip-audio           | clip.pk                           | in     200  404 200 200 200  404 404  404 404  404  404  404
recordings:clip-captions        | clip.pk                           | in     200  404 200 200 200  404 404  404 404  404  404  404
recordings:clip-heard           | clip.pk                           | in     422  404 422 422 422  404 404  404 404  404  404  404
"""


def rows():
    for line in ROWS.strip().splitlines()[1:]:
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
    cast = {
        "thea": thea,
        "tom": tom,
        "sam": sam,
        "bea": bea,
        "cora": cora,
        "ada": ada,
        "mona": mona,
        "ed": ed,
        "iggy": iggy,
        "olly": olly,
        "otto": otto,
        "lena": lena,
    }
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
