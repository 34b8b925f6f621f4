"""One attempt at processing one recording, as the steps see it: what is sealed already, how far the ledger is, what may be done."""

import datetime as dt
import errno
import functools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from recordings import audio, capacity, ledger, sealedfile, speech, vault, weights
from recordings import consent as consents
from recordings.ahead import Ahead
from recordings.models import Recording, SealedObject
from recordings.sitekey import SiteKeyTrouble
from recordings.store import StoreAway

Kind = SealedObject.Kind
NO_ROOM = "There is no room left on the server. Nothing is lost. Try again once there is room."
NO_KEY = (
    "The key that opens recordings is missing or is not the right one. Nothing is lost. Tell the person who runs Plumbline, then try again."
)


class CannotProcess(Exception):
    """Trying again would not help by itself; the text is a sentence for the recording's page."""


@contextmanager
def in_words() -> Iterator[None]:
    """What the machine lacks or finds damaged, as CannotProcess."""
    try:
        yield
    except SiteKeyTrouble:
        raise CannotProcess(NO_KEY) from None
    except (audio.UnreadableAudio, vault.Damaged, weights.NoWeights, StoreAway) as error:  # their texts are sentences for people
        raise CannotProcess(str(error)) from None
    except (OSError, MemoryError, RuntimeError) as error:
        if capacity.is_shortage(error):
            raise CannotProcess(capacity.too_little()) from None
        if getattr(error, "errno", None) != errno.ENOSPC:
            raise
        raise CannotProcess(NO_ROOM) from None


@dataclass
class Job:
    """One attempt at one recording."""

    recording: Recording
    token: int
    ahead: Ahead = field(default_factory=Ahead)

    def now(self) -> dt.datetime:
        return ledger.clock()

    def enter(self, step: str, **counts: float) -> None:
        ledger.enter(self.recording.pk, self.token, step, **counts)

    def sealed(self, kind: str, number: int = 0) -> SealedObject | None:
        return SealedObject.objects.filter(recording=self.recording, kind=kind, number=number).first()

    def content(self, kind: str) -> bytes | None:
        """What is sealed of that kind, whole; None where there is nothing yet."""
        found = self.sealed(kind)
        if found is None:
            return None
        with vault.open_sealed(found) as content:
            return content.read()

    def heard(self, kind: str) -> speech.Floats:
        """The samples of a sealed sound. Those of the playback derivative are what people hear, and what the waveform shows."""
        found = self.sealed(kind)
        if found is None:
            raise CannotProcess("The sound of this recording is missing. Ask the person who runs Plumbline to restore it.")
        with vault.open_sealed(found) as content:
            return audio.decode(content)

    @contextmanager
    def progress(self, **counts: float) -> Iterator[None]:
        """A transaction under the token, at whose end the ledger says that something is done. Raises LeaseLost."""
        with ledger.holding(self.recording.pk, self.token) as row:
            yield
            ledger.advance(row, **counts)

    def seal(self, kind: str, content: Iterable[bytes]) -> None:
        """Seals under the token: a stale attempt raises LeaseLost and leaves nothing."""
        vault.seal(self.recording, kind, content, now=self.now(), within=self.progress())

    def drop(self, *kinds: str) -> None:
        """Removes checkpoints that are used up, inside a transaction under the token."""
        for row in SealedObject.objects.filter(recording=self.recording, kind__in=kinds):
            transaction.on_commit(functools.partial(sealedfile.remove_file, row.pk))
            row.delete()

    def may(self, purpose: str) -> bool:
        return consents.covers(self.recording.consent, purpose, on=timezone.localdate())
