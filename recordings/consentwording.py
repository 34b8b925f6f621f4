"""The words that a family is given: which version is in force on a day, and whether it is still what a page has shown."""

import datetime as dt
import hashlib

from recordings.models import ConsentWording
from supervision.models import Programme


def current(programme: Programme, *, on: dt.date) -> ConsentWording | None:
    """The version of the plain words that families of the programme are given on that day."""
    return ConsentWording.objects.filter(programme=programme, effective_from__lte=on).order_by("-version").first()


def until(programme: Programme, *, on: dt.date) -> list[ConsentWording]:
    """Every version that a form on paper may carry on that day, the newest first."""
    return list(ConsentWording.objects.filter(programme=programme, effective_from__lte=on).order_by("-version"))


def digest(wording: ConsentWording) -> str:
    """SHA-256 over all its words, in hexadecimal: what a form carries of the words it has shown."""
    parts = (wording.text, wording.young_text, wording.spoken_text)
    return hashlib.sha256("\0".join(part.replace("\r\n", "\n") for part in parts).encode()).hexdigest()
