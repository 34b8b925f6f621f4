"""Runs a media tool on hostile input: with limits, a time-out, and pipes that cannot deadlock."""

import resource
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress

BLOCK = 256 * 1024
WALL_SECONDS = 1_800
CPU_SECONDS = 1_200
MEMORY_BYTES = 2 * 1024**3


class Confined:
    """One run of a command. `said` (its standard error) and `failed` hold once `run` is used up."""

    def __init__(self, command: list[str], *, feed: Iterator[bytes] | None = None, descriptor: int | None = None) -> None:
        """`feed` goes to its standard input; `descriptor` is an open file it may use."""
        self.command = command
        self.said = ""
        self.failed = False
        self._input = feed
        self._descriptor = descriptor
        self._trouble: BaseException | None = None
        self._is_late = False

    def run(self) -> Iterator[bytes]:
        """What it writes. Raises what reading the input raised, and TimeoutError after WALL_SECONDS."""
        process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE if self._input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=() if self._descriptor is None else (self._descriptor,),
            env={"LC_ALL": "C", "MALLOC_ARENA_MAX": "2"},  # arenas reserve memory for each thread
            cwd="/",
        )
        limit(process.pid)
        threads = [threading.Thread(target=self._listen, args=(process,), daemon=True)]
        if self._input:
            threads.append(threading.Thread(target=self._feed, args=(process, self._input), daemon=True))
        alarm = threading.Timer(WALL_SECONDS, self._stop, args=(process,))
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


def limit(pid: int) -> None:
    """Limits on a child that has read nothing yet. Set from outside: code between fork and exec is unsafe beside threads.

    A child whose parent is killed ends by itself: its pipes break, and a loop without output meets the limit.
    """
    if not hasattr(resource, "prlimit"):
        return  # not Linux
    limits = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_FSIZE: 0,  # it writes to a pipe, never to a file
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
    }
    with suppress(ProcessLookupError, PermissionError):
        for which, most in limits.items():
            resource.prlimit(pid, which, (most, most))
