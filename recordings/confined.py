"""Runs a media tool on hostile input: in a jail (`jail.py`), with a time-out, in an empty folder, through pipes that cannot deadlock."""

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

BLOCK = 256 * 1024
WALL_SECONDS = 1_800
CPU_SECONDS = 1_200
MEMORY_BYTES = 2 * 1024**3

_JAIL = Path(__file__).with_name("jail.py")
_LIBRARIES = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/nix/store", "/sys/devices/system/cpu", "/dev/null", "/dev/urandom")
_TRY_SECONDS = 10


class Confined:
    """One run of a command. `said` (its standard error) and `failed` hold once `run` is used up."""

    def __init__(
        self,
        command: list[str],
        *,
        feed: Iterator[bytes] | None = None,
        descriptor: int | None = None,
        file_bytes: int = 0,
        cpu_seconds: int | None = None,
        wall_seconds: float | None = None,
    ) -> None:
        """`feed` goes to its standard input; `descriptor` is an open file it may use, of at most `file_bytes` when it writes."""
        self.command = command
        self.said = ""
        self.failed = False
        self._input = feed
        self._descriptor = descriptor
        self._file_bytes = file_bytes
        self._cpu_seconds = cpu_seconds or CPU_SECONDS
        self._wall_seconds = wall_seconds or WALL_SECONDS
        self._trouble: BaseException | None = None
        self._is_late = False

    def run(self) -> Iterator[bytes]:
        """What it writes. Raises what reading the input raised, and TimeoutError when it takes too long."""
        folder = tempfile.mkdtemp(prefix="plumbline-")
        try:
            yield from self._run(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, folder: str) -> Iterator[bytes]:
        process = subprocess.Popen(
            jailed(self.command, cpu=self._cpu_seconds, file=self._file_bytes),
            stdin=subprocess.PIPE if self._input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=() if self._descriptor is None else (self._descriptor,),
            env={"LC_ALL": "C", "MALLOC_ARENA_MAX": "2"},  # arenas reserve memory for each thread
            cwd=folder,
        )
        threads = [threading.Thread(target=self._listen, args=(process,), daemon=True)]
        if self._input:
            threads.append(threading.Thread(target=self._feed, args=(process, self._input), daemon=True))
        alarm = threading.Timer(self._wall_seconds, self._stop, args=(process,))
        alarm.daemon = True
        for thread in (*threads, alarm):
            thread.start()
        assert process.stdout is not None  # noqa: S101 (it is a pipe)
        is_done = False
        try:
            while block := process.stdout.read(BLOCK):
                yield block
            is_done = True
        finally:
            if not is_done:
                process.kill()  # nobody listens any more
            process.stdout.close()
            self.failed = process.wait() != 0
            alarm.cancel()
            for thread in threads:
                thread.join()
        if self._trouble is not None:
            raise self._trouble
        if self._is_late:
            raise TimeoutError

    def _feed(self, process: subprocess.Popen[bytes], blocks: Iterator[bytes]) -> None:
        assert process.stdin is not None  # noqa: S101 (it is a pipe)
        try:
            for block in blocks:
                process.stdin.write(block)
        except BrokenPipeError:
            pass  # it has heard enough, or has given up
        except BaseException as error:  # noqa: BLE001 (raised again where the caller is)
            self._trouble = error
            process.kill()
        finally:
            with suppress(OSError):
                process.stdin.close()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None  # noqa: S101 (it is a pipe)
        self.said = process.stderr.read(BLOCK).decode("utf-8", "replace")
        while process.stderr.read(BLOCK):  # a broken file can complain without end
            pass
        process.stderr.close()

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        self._is_late = True
        process.kill()


def jailed(command: list[str], *, cpu: int = CPU_SECONDS, file: int = 0) -> list[str]:
    """The command line that puts up the jail and then becomes the command. Of our own files the tool can read none.

    A child whose parent is killed ends by itself: its pipes break, and a loop without output meets the limit.
    """
    tool = Path(command[0])
    limits = {"cpu": cpu, "memory": MEMORY_BYTES, "file": file, "read": [*_LIBRARIES, str(tool), os.path.realpath(tool)]}
    return [sys.executable, "-I", "-S", str(_JAIL), json.dumps(limits), *command]


@functools.cache
def layers() -> frozenset[str]:
    """Which layers of the jail this machine offers; see `jail.py`. Empty where it cannot be run at all."""
    try:
        tried = subprocess.run(
            jailed(["--try"]), capture_output=True, text=True, check=True, timeout=_TRY_SECONDS, env={"LC_ALL": "C"}, cwd="/"
        )
        return frozenset(json.loads(tried.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return frozenset()
