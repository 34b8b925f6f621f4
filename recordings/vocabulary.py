"""What a programme's sessions are transcribed with: the language, and the words that Whisper should expect.

The words reach Whisper as its prompt: text that it takes for what was said just before, and whose spelling it goes on with.
"""

import re

from recordings.models import SpeechSettings
from supervision.models import Programme

AUTO = "auto"
ENGLISH = "en"
MOST_LETTERS = 250  # about 80 of the 223 tokens that Whisper reads, 200 for the oddest names
# Whisper's languages, so that a page need not load it to know them.
LANGUAGES = frozenset(
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy sk te fa lv bn sr "
    "az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl "
    "mg as tt haw ln ha ba jw su yue".split()
)


class NotUsable(Exception):
    """A setting that Whisper could not work with; the text is a sentence for whoever typed it."""


def speech_settings(programme: Programme) -> tuple[str, str]:
    """The language, a code or "auto", and the prompt; English without a prompt where nothing is set."""
    chosen = SpeechSettings.objects.filter(programme=programme).first()
    return (chosen.language or ENGLISH, prompt(chosen.vocabulary)) if chosen else (ENGLISH, "")


def prompt(vocabulary: str) -> str:
    """The list as a sentence; empty where there is none."""
    words = ", ".join(expected(vocabulary))
    return f"{words}." if words else ""


def expected(vocabulary: str) -> list[str]:
    """The words of a list with commas or line breaks, each once, in order."""
    words = [" ".join(word.split()) for word in re.split(r"[,;\n]", vocabulary)]
    return list(dict.fromkeys(word for word in words if word))


def check_language(language: str) -> str:
    """The code in lower case. Raises NotUsable."""
    code = language.strip().lower()
    if code != AUTO and code not in LANGUAGES:
        raise NotUsable("Enter a language code that Whisper knows, such as en for English or cy for Welsh, or auto.")
    return code


def check_vocabulary(vocabulary: str) -> str:
    """The list, tidied. Raises NotUsable when it is longer than Whisper can bear in mind."""
    tidy = ", ".join(expected(vocabulary))
    if len(tidy) > MOST_LETTERS:
        raise NotUsable(f"Shorten this list: it has {len(tidy)} characters, and Whisper can bear {MOST_LETTERS} in mind.")
    return tidy
