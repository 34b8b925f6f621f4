"""What the information governance lead of the demo finds: a legal hold, a request for one, and a recording sent by mistake and destroyed."""

import datetime as dt
from typing import TYPE_CHECKING

from recordings import destruction, legalhold
from recordings.models import DestructionCertificate, LegalHold, Recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from cms.demo.load import Loaded

# family, days before the load on which the session took place, who asks, days before the load, who agrees, why, days that it lasts
HOLDS = (
    ("H-2044", 20, "Sam", 2, "Ines", "A complaint about the service is being looked into. Reference C-118.", 45),
    ("M-318", 11, "Jo", 0, "", "The local authority may ask for it. Reference LA-7.", 60),
)
# file, family, days before the load: the wrong file was chosen
BY_MISTAKE = ("session-6.opus", "H-2043", 9)


def is_loaded() -> bool:
    families = {hold[0] for hold in HOLDS}
    held = LegalHold.objects.filter(recording__family__reference__in=families).count()
    gone = DestructionCertificate.objects.filter(recording__family__reference=BY_MISTAKE[1]).exists()
    return held >= len(HOLDS) and gone


def destroy_mistake(loaded: "Loaded", upload: "Callable[..., Recording]") -> None:
    """Before the right file is sent: the same sound is taken in once only while it is kept."""
    recording = upload(loaded, *BY_MISTAKE)
    if recording.state != Recording.State.DESTROYED:
        note = "The session of another day was chosen."
        destruction.destroy(recording=recording, reason="mistake", note=note, by=recording.therapist, now=loaded.at(8, 9))


def load(loaded: "Loaded") -> None:
    for reference, days, asker, asked, agreer, reason, lasts in HOLDS:
        recording = Recording.objects.get(family__reference=reference, session_on=loaded.days_ago(days))
        if LegalHold.objects.filter(recording=recording).exists():
            continue
        ends_on = loaded.anchor + dt.timedelta(days=lasts)
        hold = legalhold.ask(recording=recording, reason=reason, ends_on=ends_on, by=loaded.users[asker], now=loaded.at(asked))
        if agreer:
            legalhold.agree(hold=hold, by=loaded.users[agreer], now=loaded.at(asked, 15))
