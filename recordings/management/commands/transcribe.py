"""`manage.py transcribe FILE`: the worker's own pipeline on one file. Touches no database."""

import contextlib
import errno
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recordings import audio, engines, exports, speakers, speech, vocabulary, voice, weights


class Command(BaseCommand):
    help = "Transcribes one sound file with Whisper on this machine. Progress goes to standard error."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="WAV, MP3, M4A, AAC, OGG or Opus, FLAC, WebM or MP4")
        parser.add_argument("--format", choices=list(exports.FORMATS), default="json", help="default: json")
        parser.add_argument("--engine", choices=engines.NAMES, help="default: TRANSCRIPTION_ENGINE")
        parser.add_argument("--model", help="an official Whisper name, a path, or auto; default: WHISPER_MODEL")
        parser.add_argument("--language", default="en", help="a language code such as en or cy, or auto; default: en")
        parser.add_argument("--speakers", type=int, help="how many people speak; default: found by their voices")
        parser.add_argument("--output", help="a file to write to; default: standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["speakers"] is not None and not 1 <= options["speakers"] <= speakers.MOST:
            raise _refusal(f"--speakers must be 1 to {speakers.MOST}.")
        if not options["output"]:
            self.stdout.write(self.written(options), ending="")
            return
        target = Path(options["output"])
        try:
            with _beside(target) as part:  # before the work, which takes minutes
                part.write_text(self.written(options), encoding="utf-8")
        except OSError as error:
            raise _refusal(f"{target} cannot be written: {error.strerror}.") from None

    def written(self, options: dict[str, Any]) -> str:
        return exports.FORMATS[options["format"]](self.transcribe(options))

    def transcribe(self, options: dict[str, Any]) -> exports.Transcript:
        path = Path(options["file"])
        try:
            with path.open("rb") as content:
                probe = audio.inspect(content, min_seconds=0.1)
                content.seek(0)
                samples = audio.decode(content)
            name, model = options["engine"] or settings.TRANSCRIPTION_ENGINE, options["model"] or settings.WHISPER_MODEL
            engine = engines.load(name, model, device=settings.TRANSCRIPTION_DEVICE)
        except OSError as error:
            raise _refusal(f"{path} cannot be read: {error.strerror}.") from None
        except audio.UnreadableAudio as error:
            raise _refusal(f"{path}: {error}") from None
        except (weights.NoWeights, engines.CannotTranscribe) as error:
            raise _refusal(str(error)) from None
        self.say(f"{probe.duration_s:.0f} s of sound, {engine.name}, model {engine.model_name}")
        probability = voice.activity(samples)
        language = self.language(options["language"], engine, samples, probability)
        segments: list[speech.Segment] = []
        for done, total, found in speech.run(samples, engine=engine, language=language, probability=probability):
            segments += found
            self.say(f"{done} of {total} pieces, {100 * done // total} %")
        voices = self.told_apart(segments, samples, probability, options["speakers"])
        return exports.Transcript(len(samples) / speech.RATE, language, engine.name, engine.model_name, voices)

    def language(self, wanted: str, engine: speech.Engine, samples: speech.Floats, probability: speech.Floats) -> str:
        if wanted == vocabulary.AUTO:
            return speech.language_of(samples, engine=engine, probability=probability)
        if wanted not in engine.languages:
            raise _refusal(f"The model {engine.model_name} does not know the language {wanted}.")
        return wanted

    def told_apart(
        self, segments: list[speech.Segment], samples: speech.Floats, probability: speech.Floats, count: int | None
    ) -> list[speech.Segment]:
        if not segments or count == 1:
            return speech.labelled(segments, "S1")
        try:
            return speakers.assign(segments, speakers.separate(samples, probability, count=count))
        except speakers.NoVoiceWeights as error:
            self.say(f"{error} All speech is labelled S1.")
            return speech.labelled(segments, "S1")

    def say(self, text: str) -> None:
        self.stderr.write(text)
        sys.stderr.flush()


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A new file in the same folder that takes the target's name at the end; nothing is left, and what was there stays, if it does not come to
    that. What is no file, such as a terminal, is written to as it is. Raises OSError."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if target.exists() and not target.is_file():
        yield target
        return
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    real = target.resolve()
    part = real.with_name(f".{real.name}.{os.getpid()}.part")
    part.touch(mode=0o600, exist_ok=False)
    try:
        yield part
        part.replace(real)
    finally:
        part.unlink(missing_ok=True)


def _refusal(text: str) -> CommandError:
    return CommandError(text, returncode=2)
