"""A goal of the development plan out of feedback. The plan is kept when the recording is long destroyed, so nothing that is sealed
with the recording may go into it: neither what was said, nor what was written about it, nor a name of the family."""

import datetime as dt
import re
from collections.abc import Iterable

from recordings import casefile, comments, transcript, vault
from recordings.models import Annotation, Reply, Review, TriedIt
from supervision import development
from supervision.development import GoalRefused
from supervision.models import DevelopmentGoal, Item, User

RUN = 5  # words in a row that are no longer a coincidence


def make(*, review: Review, text: str, item: Item | None, look_again_on: dt.date | None, by: User, now: dt.datetime) -> DevelopmentGoal:
    """Adds a goal whose source is the review. Raises GoalRefused, also where the text is not the person's own."""
    recording = review.recording
    if found := borrowed(text, _words_about(review)):
        raise GoalRefused(
            f"“{found}” is in the feedback or was said in the session, and both are destroyed with the recording, while a goal is kept. "
            "Say it in your own words, as something to practise with any family."
        )
    if name := next((name for name in casefile.names(recording.family) if _has(text, name)), ""):
        raise GoalRefused(f"{name} is a name of the family. A goal is kept when the recording is long destroyed: leave names out.")
    return development.set_goal(
        therapist=recording.therapist,
        team=recording.team,
        text=text,
        item=item,
        source=review.pk,
        look_again_on=look_again_on,
        by=by,
        now=now,
    )


def _words_about(review: Review) -> list[str]:
    """All that is sealed with the recording of this review and can be opened today."""
    rows = [review.strengths, review.next_step]
    rows += [one.comment for one in Annotation.objects.filter(review=review).select_related("comment")]
    rows += [one.text for one in Reply.objects.filter(review=review).select_related("text")]
    rows += [one.text for one in TriedIt.objects.filter(review=review).select_related("text")]
    return [*map(comments.opened, rows), *_said(review)]


def _said(review: Review) -> list[str]:
    try:
        return [str(turn["text"]) for turn in transcript.edited(review.recording)]
    except (vault.KeyGone, vault.Damaged):
        return []


def borrowed(text: str, sources: Iterable[str]) -> str:
    """The first RUN words in a row that a source has too, or the whole text where it is all that a source says; else empty."""
    shown, plain = text.split(), _plain(text)
    if len(shown) != len(plain):  # marks that stand alone
        shown = plain
    known = [words for words in map(_plain, sources) if words]
    if plain in known:
        return " ".join(shown)
    runs = {tuple(words[at : at + RUN]) for words in known for at in range(len(words) - RUN + 1)}
    places = (at for at in range(len(plain) - RUN + 1) if tuple(plain[at : at + RUN]) in runs)
    at = next(places, None)
    return "" if at is None else " ".join(shown[at : at + RUN])


def _plain(text: str) -> list[str]:
    return [word for word in (re.sub(r"[^\w]", "", part) for part in text.lower().split()) if word]


def _has(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE) is not None
