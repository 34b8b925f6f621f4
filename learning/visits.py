"""Where a learner stopped, so that coming back lands there."""

import datetime as dt

from django.db import transaction

from learning.models import Enrolment, LessonPage, LessonVisit

LONGEST_MEDIA_S = 24 * 3600


def seen(*, enrolment: Enrolment, lesson: LessonPage, now: dt.datetime) -> LessonVisit:
    """Note that the lesson was opened; the place in it stays as it was."""
    visit, _ = LessonVisit.objects.update_or_create(
        enrolment=enrolment,
        lesson_key=lesson.key,
        defaults={"last_seen_at": now},
        create_defaults={"first_seen_at": now, "last_seen_at": now},
    )
    return visit


@transaction.atomic
def keep_place(
    *, enrolment: Enrolment, lesson: LessonPage, block_id: str, media_id: str, seconds: float | None, now: dt.datetime
) -> LessonVisit:
    """Keep what was at the top of the screen ("block" or "block:paragraph"), and how far a sound or film has played.

    Ids that are not blocks of the lesson as it stands are ignored, so the row cannot be made to grow.
    """
    visit, _ = LessonVisit.objects.select_for_update().get_or_create(
        enrolment=enrolment, lesson_key=lesson.key, defaults={"first_seen_at": now, "last_seen_at": now}
    )
    known = {str(block.id) for block in lesson.body}
    if block_id.partition(":")[0] in known:
        visit.block_id = block_id
    if media_id in known and seconds is not None:
        visit.media_positions = {
            **{key: value for key, value in visit.media_positions.items() if key in known},
            media_id: round(min(max(seconds, 0), LONGEST_MEDIA_S), 1),
        }
    visit.last_seen_at = now
    visit.save()
    return visit
