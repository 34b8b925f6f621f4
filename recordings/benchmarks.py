"""What `make bench` measures: ours beside a peer's, in the same run, on the same audio, weights and cores. Every process starts anew."""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import override_settings

from recordings import audio, engines, vault, weights
from recordings.benchroom import Processed, Room
from recordings.openai_whisper import written_alike

READS, READ_BYTES, FILE_BYTES = 400, 64 * 1024, 32 * 1024 * 1024
RANGES, RANGE_BYTES = 60, 256 * 1024
WHISPER_PEER, FASTER_PEER = "whisper command, its own defaults", "faster-whisper's batched pipeline, with word times"
# All that a program of faster-whisper's own would be: load, transcribe with the times of words as our transcripts have them, print.
_BATCHED = """
import sys
from faster_whisper import BatchedInferencePipeline, WhisperModel
model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8", cpu_threads=int(sys.argv[3]))
segments, _info = BatchedInferencePipeline(model).transcribe(sys.argv[2], language="en", word_timestamps=True)
print(" ".join(segment.text for segment in segments))
"""


@dataclass(frozen=True)
class Row:
    what: str
    unit: str
    ours: float | None
    peer: float | None = None
    ratio: float | None = None
    goal: str = ""
    is_met: bool | None = None
    name: str = ""


@dataclass
class Bench:
    audio: Path
    model: str
    minutes: int
    folder: Path
    print_row: Callable[[Row], None]

    @cached_property
    def room(self) -> Room:
        (self.folder / "room").mkdir()
        return Room(self.folder / "room")

    @property
    def spoken(self) -> str | None:
        """What is said in the recording, where its script lies beside it."""
        script = self.audio.with_suffix(".txt")
        return re.sub(r"(?m)^[\w ]+: ", "", script.read_text(encoding="utf-8")) if script.is_file() else None


def openai_whisper(bench: Bench) -> None:
    """The whole pipeline beside the `whisper` command."""
    checkpoint = weights.resolve(bench.model, cache=settings.WEIGHTS_DIR)
    tools = bench.folder / "bin"
    tools.mkdir()
    (tools / "ffmpeg").symlink_to(audio.ffmpeg_path())
    command = [sys.executable, "-W", "ignore", "-m", "whisper", str(bench.audio), "--model", str(checkpoint), "--language", "en"]
    command += ["--output_dir", str(bench.folder), "--output_format", "txt", "--verbose", "False", "--fp16", "False"]
    path = f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"
    done = bench.room.process(bench.audio, engine=engines.WHISPER, model=str(checkpoint))
    peer_time, _ = timed(lambda: subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PATH": path}))
    heard = (bench.folder / f"{bench.audio.stem}.txt").read_text(encoding="utf-8")
    _compare(bench, done, peer_time, heard, what=f"whole pipeline, openai-whisper, {checkpoint.stem}", least=3.0, name=WHISPER_PEER)


def faster_whisper(bench: Bench) -> None:
    """The whole pipeline beside the pipeline that faster-whisper brings with it: speech alone, without speakers and features.

    All its own defaults but one: words have times, because ours have them. The text is the same with and without.
    """
    folder = engines.resolve(engines.FASTER, bench.model)
    done = bench.room.process(bench.audio, engine=engines.FASTER, model=str(folder))
    command = [sys.executable, "-W", "ignore", "-c", _BATCHED, str(folder), str(bench.audio), str(len(os.sched_getaffinity(0)))]
    peer_time, said = timed(lambda: subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    _compare(bench, done, peer_time, said, what=f"whole pipeline, faster-whisper, {folder.name}", least=1.0, name=FASTER_PEER)


def _compare(bench: Bench, done: Processed, peer_time: float, heard: str, *, what: str, least: float, name: str) -> None:
    ratio = peer_time / done.seconds
    bench.print_row(Row(what, "s", done.seconds, peer_time, ratio, f">= {least:g}", ratio >= least, name))
    if bench.spoken is not None:
        ours, peer = (100 * error_rate(bench.spoken, text) for text in (bench.room.text(done.recording), heard))
        bench.print_row(Row("  word error rate", "%", ours, peer, peer / ours if ours else None, "+0.5", ours <= peer + 0.5, name))


def long_recording(bench: Bench) -> None:
    """An hour of talk: what the worker needs in memory, when there is something to look at, and when there is something to read."""
    sounds = sorted(bench.audio.parent.glob(f"*{bench.audio.suffix}"))
    long = bench.folder / f"long{bench.audio.suffix}"
    lists = bench.folder / "list"
    lists.write_text("".join(f"file '{sound}'\n" for sound in sounds * 60))
    command = [audio.ffmpeg_path(), "-v", "error", "-f", "concat", "-safe", "0", "-i", str(lists)]
    subprocess.run([*command, "-t", str(bench.minutes * 60), "-c", "copy", str(long)], check=True)
    checkpoint = weights.resolve(bench.model, cache=settings.WEIGHTS_DIR)
    done = bench.room.process(long, engine=engines.WHISPER, model=str(checkpoint), with_page=True)
    size = done.peak_bytes / 1024**3
    about = f"{bench.minutes} minutes, {checkpoint.stem}"
    bench.print_row(Row(f"{about}: peak memory of the worker", "GB", size, goal="< 2", is_met=size < 2))
    bench.print_row(Row(f"{about}: first text", "s", done.first_text_s, goal="< 60", is_met=done.first_text_s < 60))
    if done.page_s is not None:
        bench.print_row(Row(f"{about}: review page after the peaks", "s", done.page_s, goal="<= 1", is_met=done.page_s <= 1))
    bench.print_row(Row(f"{about}: whole pipeline", "s", done.seconds))


def sealed_reads(bench: Bench) -> None:
    """A 64 KiB read at a random place: sealed, and from a plain file."""
    data = random.Random(1).randbytes(FILE_BYTES)  # noqa: S311 (noise to read, not a secret)
    plain = bench.folder / "plain"
    plain.write_bytes(data)
    places = [random.Random(2).randrange(FILE_BYTES - READ_BYTES) for _ in range(READS)]  # noqa: S311
    own = {
        "VAULT_DIR": bench.folder / "vault",
        "KEYSTORE_PATH": bench.folder / "keys" / "store.sqlite3",
        "KEY_FILE": bench.folder / "keys" / "key",
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
            our_stream, _ = timed(lambda: _drain(sealed))
        with plain.open("rb") as content:
            peer_time, _ = timed(lambda: read(content))
            peer_stream, _ = timed(lambda: _drain(content))
        copy_time, _ = timed(lambda: shutil.copyfile(plain, bench.folder / "copy"))
    name, each = "a plain file, cached", 1000 / READS
    bench.print_row(Row("64 KiB at a random place, sealed, bare", "ms", our_time * each, peer_time * each, peer_time / our_time, name=name))
    bench.print_row(Row("32 MiB from end to end, sealed, bare", "s", our_stream, peer_stream, peer_stream / our_stream, name=name))
    bench.print_row(Row("sealing 32 MiB", "s", seal_time, copy_time, copy_time / seal_time, name="copying a plain file, cached"))


def ranges(bench: Bench) -> None:
    """A Range request as the player makes it, answered by the site from the sealed file, and from a plain one by the same view."""
    ours, peer = bench.room.call(f"range_requests({str(bench.audio)!r}, {RANGES}, {RANGE_BYTES})")
    row = Row("Range request, 256 KiB, sealed", "ms", ours, peer, peer / ours, ">= 0.5", peer / ours >= 0.5, "the same view, a plain file")
    bench.print_row(row)


def _drain(content: Any) -> None:
    content.seek(0)
    while content.read(READ_BYTES):
        pass


PARTS: dict[str, Callable[[Bench], None]] = {
    "openai-whisper": openai_whisper,
    "faster-whisper": faster_whisper,
    "long": long_recording,
    "ranges": ranges,
    "reads": sealed_reads,
}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def error_rate(reference: str, hypothesis: str) -> float:
    """Word error rate: least substitutions, insertions and deletions over the reference's words (Levenshtein).

    Both sides are written alike first, as Whisper's authors do it ("4" for "four", "he is" for "he's"), and the small sounds are left
    out, as usual: who writes an "um" down is no worse for it.
    """
    said, written = ([word for word in written_alike(text) if word not in _SMALL] for text in (reference, hypothesis))
    before = list(range(len(written) + 1))
    for row, word in enumerate(said, 1):
        now = [row]
        for column, other in enumerate(written, 1):
            now.append(min(before[column] + 1, now[column - 1] + 1, before[column - 1] + (word != other)))
        before = now
    return before[-1] / max(len(said), 1)


_SMALL = frozenset("um uh er erm mm hm mhm hmm".split())
