"""`make bench`: each figure as a ratio to its peer, measured in the same run, on the same audio, weights and cores.

Machines are noisy, so no figure is a test; a ratio says more than a time. Peers take their own defaults.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.test import override_settings

from recordings import audio, speech, vault, weights

READS, READ_BYTES, FILE_BYTES = 400, 64 * 1024, 32 * 1024 * 1024


class Command(BaseCommand):
    help = "Prints the benchmark table."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--audio", type=Path, default=settings.BASE_DIR / "cms" / "demo" / "audio" / "session-1.opus")
        parser.add_argument("--model", default="tiny.en")

    def handle(self, *args: Any, **options: Any) -> None:
        checkpoint = weights.resolve(options["model"], cache=settings.WEIGHTS_DIR)
        with tempfile.TemporaryDirectory() as folder:
            self.stdout.write(f"{'what':<44}{'ours':>10}{'peer':>10}{'ratio':>8}  peer")
            self.transcription(options["audio"], checkpoint, Path(folder))
            self.sealed_reads(Path(folder))

    def row(self, what: str, ours: float, peer: float, ratio: float, unit: str, name: str) -> None:
        self.stdout.write(f"{what:<44}{ours:>8.2f}{unit:>2}{peer:>8.2f}{unit:>2}{ratio:>8.2f}  {name}")

    def transcription(self, path: Path, checkpoint: Path, folder: Path) -> None:
        """Seconds for the whole file, and word error rate against the script where there is one."""

        def ours() -> str:
            with path.open("rb") as content:
                samples = audio.decode(content)
            engine = speech.Engine.load(checkpoint)
            return " ".join(segment.text for _, _, segments in speech.run(samples, engine=engine) for segment in segments)

        def peer() -> str:
            tools = folder / "bin"
            tools.mkdir()
            (tools / "ffmpeg").symlink_to(audio.ffmpeg_path())
            command = [sys.executable, "-W", "ignore", "-m", "whisper", str(path), "--model", str(checkpoint), "--language", "en"]
            command += ["--output_dir", str(folder), "--output_format", "txt", "--verbose", "False", "--fp16", "False"]
            path_with_ffmpeg = f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"
            subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PATH": path_with_ffmpeg})
            return (folder / f"{path.stem}.txt").read_text(encoding="utf-8")

        our_time, our_text = timed(ours)
        peer_time, peer_text = timed(peer)
        self.row(
            f"transcription, {checkpoint.stem}, word times",
            our_time,
            peer_time,
            peer_time / our_time,
            "s",
            "whisper command, its own defaults",
        )
        script = path.with_suffix(".txt")
        if script.is_file():
            spoken = re.sub(r"(?m)^[\w ]+: ", "", script.read_text(encoding="utf-8"))
            our_rate, peer_rate = error_rate(spoken, our_text), error_rate(spoken, peer_text)
            self.row(
                "word error rate",
                100 * our_rate,
                100 * peer_rate,
                peer_rate / our_rate if our_rate else 1.0,
                "%",
                "whisper command, its own defaults",
            )

    def sealed_reads(self, folder: Path) -> None:
        """Milliseconds for a 64 KiB read at a random place: sealed, and from a plain file."""
        data = random.Random(1).randbytes(FILE_BYTES)  # noqa: S311 (noise to read, not a secret)
        plain = folder / "plain"
        plain.write_bytes(data)
        places = [random.Random(2).randrange(FILE_BYTES - READ_BYTES) for _ in range(READS)]  # noqa: S311
        own = {
            "VAULT_DIR": folder / "vault",
            "KEYSTORE_PATH": folder / "keys" / "store.sqlite3",
            "KEY_FILE": folder / "keys" / "key",
            "VAULT_KEY": "",
        }

        def read(content: Any) -> int:
            total = 0
            for place in places:
                content.seek(place)
                total += len(content.read(READ_BYTES))
            return total

        with override_settings(**own), vault.Staging() as staged:
            seal_time, _ = timed(lambda: staged.write(data))
            with staged.open() as sealed:
                our_time, _ = timed(lambda: read(sealed))
            with plain.open("rb") as content:
                peer_time, _ = timed(lambda: read(content))
            copy_time, _ = timed(lambda: shutil.copyfile(plain, folder / "copy"))
        self.row(
            "64 KiB at a random place, sealed",
            1000 * our_time / READS,
            1000 * peer_time / READS,
            peer_time / our_time,
            "ms",
            "a plain file, cached",
        )
        self.row("sealing 32 MiB", seal_time, copy_time, copy_time / seal_time, "s", "copying a plain file, cached")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def error_rate(reference: str, hypothesis: str) -> float:
    """Word error rate: least substitutions, insertions and deletions over the reference's words (Levenshtein), lower case, no marks."""
    said, written = (re.findall(r"[a-z0-9']+", text.lower().replace("’", "'")) for text in (reference, hypothesis))
    before = list(range(len(written) + 1))
    for row, word in enumerate(said, 1):
        now = [row]
        for column, other in enumerate(written, 1):
            now.append(min(before[column] + 1, now[column - 1] + 1, before[column - 1] + (word != other)))
        before = now
    return before[-1] / max(len(said), 1)
