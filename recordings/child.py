"""`python -m recordings.child RECORDING TOKEN PARENT`: the process that does the heavy work of one attempt.

It dies with its parent, leaves no core file, writes nothing anywhere but through the vault and the ledger, and says on
standard error no more than ids and the names of exceptions: neither ours nor a library's words could hold what was said.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import uuid

FILES = 512
_PR_SET_PDEATHSIG = 1
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8  # of glibc's mallopt

DONE, STALE, FAILED, BROKE = 0, 3, 4, 5


def die_with(parent: int) -> None:
    """Has the kernel kill this process when its parent ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it had ended before we asked
        os._exit(STALE)


def confine() -> None:
    """Limits of this process and of the media tools that it starts; that of memory comes once the configuration is read."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.suppress(OSError):
        os.nice(3)  # pages stay quick while this works


def limit_memory() -> None:
    """As much as the model that is set needs, and room besides; never more than this process was given."""
    from recordings import capacity

    most, (_soft, hard) = capacity.limit(), resource.getrlimit(resource.RLIMIT_DATA)
    if most is not None and (hard == resource.RLIM_INFINITY or most < hard):
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def keep_memory() -> None:
    """Has glibc keep what is freed for what comes next, in one place for all threads.

    A piece of sound needs some 50 MB for a moment, over and over. Given back and fetched anew each time, those pages took a third of
    what it costs to encode a piece (measured: 0.45 s instead of 0.29). Where there is no glibc, nothing changes.
    """
    allocator = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if allocator is not None:
        for option, value in ((_M_ARENA_MAX, 1), (_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1)):
            allocator(option, value)


def fall_silent() -> int:
    """Takes standard output and error from everything in this process; returns where our one line may still be written."""
    line = os.dup(2)
    os.set_inheritable(line, False)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    return line


def work(recording_id: uuid.UUID, token: int) -> int:
    """One attempt. A reason that a person can mend goes into the ledger as a sentence; the parent sees to everything else."""
    import django

    django.setup()
    limit_memory()
    from recordings import ledger, steps

    try:
        steps.perform(recording_id, token)
    except ledger.LeaseLost:
        return STALE
    except steps.CannotProcess as reason:
        ledger.fail(recording_id, token, str(reason), now=ledger.clock())
        return FAILED
    return DONE


def main(arguments: list[str]) -> int:
    recording_id, token, parent = uuid.UUID(arguments[0]), int(arguments[1]), int(arguments[2])
    die_with(parent)
    confine()
    keep_memory()
    line = fall_silent()
    try:
        return work(recording_id, token)
    except BaseException as error:  # noqa: BLE001 (the name is all that may be said)
        os.write(line, f"recordings.child {recording_id} token {token}: {type(error).__module__}.{type(error).__name__}\n".encode())
        return BROKE


if __name__ == "__main__":
    code = main(sys.argv[1:])
    os._exit(code)  # nothing is left to tidy, and torch's threads need no farewell
