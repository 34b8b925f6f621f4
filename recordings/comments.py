"""What people write about a recording: sealed under its key, and gone with it."""

from recordings import vault
from recordings.models import Recording, SealedText

LONGEST = 4000


def sealed(recording: Recording, text: str) -> SealedText | None:
    """The text sealed; None for an empty one. Raises vault.KeyGone."""
    text = text.strip()
    return vault.seal_text(recording, text) if text else None


def opened(text: SealedText | None) -> str:
    """The text; empty where there is none or where it has been destroyed."""
    try:
        return vault.open_text(text)
    except vault.KeyGone:
        return ""
