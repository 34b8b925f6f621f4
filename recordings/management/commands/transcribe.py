"""`manage.py transcribe FILE`: the worker's own pipeline on one file. Touches no database."""

import sys
from argparse import ArgumentParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recordings import audio, exports, speech, voice, weights


class Command(BaseCommand):
    help = "Transcribes one sound file with Whisper on this machine. Progress goes to standard error."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="WAV, MP3, M4A, AAC, OGG or Opus, FLAC, WebM or MP4")
        parser.add_argument("--format", choices=list(exports.FORMATS), default="json", help="default: json")
        parser.add_argument("--engine", choices=["whisper", "faster-whisper"], default="whisper")
        parser.add_argument("--model", help="an official Whisper name, a checkpoint's path, or auto; default: WHISPER_MODEL")
        parser.add_argument("--language", default="en", help="a language code such as en or cy, or auto; default: en")
        parser.add_argument("--speakers", type=int, default=1, help="how many people speak; for now all speech is labelled S1")
        parser.add_argument("--output", help="a file to write to; default: standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["engine"] == "faster-whisper":
            is_there = find_spec("faster_whisper") is not None
            why = "is not supported by this version" if is_there else "is not installed"
            raise _refusal(f"faster-whisper {why}. Leave out --engine to use openai-whisper.")
        if options["speakers"] < 1:
            raise _refusal("--speakers must be 1 or more.")
        if options["speakers"] > 1:
            self.say("Telling speakers apart is not available yet, so all speech is labelled S1.")
        text = exports.FORMATS[options["format"]](self.transcribe(options))
        if not options["output"]:
            self.stdout.write(text, ending="")
            return
        try:
            Path(options["output"]).write_text(text, encoding="utf-8")
        except OSError as error:
            raise _refusal(f"{options['output']} cannot be written: {error.strerror}.") from None

    def transcribe(self, options: dict[str, Any]) -> exports.Transcript:
        path = Path(options["file"])
        try:
            with path.open("rb") as content:
                probe = audio.inspect(content, min_seconds=0.1)
                content.seek(0)
                samples = audio.decode(content)
            checkpoint = weights.resolve(options["model"] or settings.WHISPER_MODEL, cache=settings.WEIGHTS_DIR)
        except OSError as error:
            raise _refusal(f"{path} cannot be read: {error.strerror}.") from None
        except audio.UnreadableAudio as error:
            raise _refusal(f"{path}: {error}") from None
        except weights.NoWeights as error:
            raise _refusal(str(error)) from None
        self.say(f"{probe.duration_s:.0f} s of sound, model {checkpoint.stem}")
        engine = speech.Engine.load(checkpoint)
        probability = voice.activity(samples)
        language = self.language(options["language"], engine, samples)
        segments: list[speech.Segment] = []
        for done, total, found in speech.run(samples, engine=engine, language=language, probability=probability):
            segments += found
            self.say(f"{done} of {total} pieces, {100 * done // total} %")
        labelled = speech.labelled(segments, "S1")
        return exports.Transcript(len(samples) / speech.RATE, language, engine.name, engine.model_name, labelled)

    def language(self, wanted: str, engine: speech.Engine, samples: Any) -> str:
        if wanted == "auto":
            return engine.detect_language(samples[: 30 * speech.RATE])
        if wanted not in engine.languages:
            raise _refusal(f"The model {engine.model_name} does not know the language {wanted}.")
        return wanted

    def say(self, text: str) -> None:
        self.stderr.write(text)
        sys.stderr.flush()


def _refusal(text: str) -> CommandError:
    return CommandError(text, returncode=2)
