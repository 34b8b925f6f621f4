"""`python -I -S jail.py LIMITS COMMAND …`: gives up everything that a media tool does not need, then becomes that tool.

LIMITS is JSON: `cpu` seconds, `memory` bytes of address space, `file` bytes it may write to a file (0: none), and `read`, the
folders and files it may read. The layers, each of which holds without the others:

    limits       processor, memory, file size, open files, no core file
    namespace    a network namespace of its own, in which there is no network (needs user namespaces)
    calls        no sockets, no tracing, no io_uring: a seccomp filter (x86-64 and ARM64)
    files        nothing but `read` can be opened, and nothing created: Landlock (Linux 5.13 and later)

Whatever the kernel does not offer is left out; with `--try` it prints the names of the layers that took instead of becoming
anything. The empty folder in which it is started is removed at once, so that none is left behind by whatever is killed, and
nothing can be made in it. This file is run by itself: it imports nothing of ours and nothing heavy.
"""

import contextlib
import ctypes
import json
import os
import platform
import resource
import signal
import struct
import sys

_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_OPEN_FILES = 64

# Audit architecture, and the numbers of: socket, connect, bind, socketpair, ptrace, process_vm_readv, process_vm_writev, io_uring_setup
_CALLS = {
    "x86_64": (0xC000003E, (41, 42, 49, 53, 101, 310, 311, 425)),
    "aarch64": (0xC00000B7, (198, 203, 200, 199, 117, 270, 271, 425)),
}
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # classic BPF
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # refuse: EPERM
_X32 = 0x40000000  # calls of the third ABI of x86-64 start here

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}  # by version of Landlock
_NET_RIGHTS = 0b11  # bind and connect; from version 4


def _libc() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


def limit(limits: dict[str, int]) -> None:
    wanted = {
        resource.RLIMIT_CPU: limits["cpu"],
        resource.RLIMIT_AS: limits["memory"],
        resource.RLIMIT_FSIZE: limits["file"],
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_CORE: 0,
    }
    for which, most in wanted.items():
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS has no limit on address space
            resource.setrlimit(which, (most, most))


def leave_the_network() -> bool:
    """Into a user namespace without mapped people and a network namespace without devices that are up."""
    if sys.platform != "linux":
        return False
    libc = _libc()
    return libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) == 0 or libc.unshare(_CLONE_NEWNET) == 0


def filter_calls() -> bool:
    known = _CALLS.get(platform.machine())
    if sys.platform != "linux" or known is None:
        return False
    architecture, numbers = known
    steps = [(_LOAD, 0, 0, 4), (_IF_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    tests = [*((_IF_EQUAL, number) for number in numbers), (_IF_AT_LEAST, _X32)]
    for place, (test, number) in enumerate(tests):
        steps.append((test, len(tests) - place, 0, number))  # to the last step: refuse
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    return _libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(program), 0, 0) == 0


def hide_files(readable: list[str]) -> bool:
    if sys.platform != "linux":
        return False
    libc = _libc()
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        return False
    rights = struct.pack("=QQ", _FILE_RIGHTS[min(version, 3)], _NET_RIGHTS if version >= 4 else 0)
    size = 16 if version >= 4 else 8
    rules = libc.syscall(_CREATE_RULESET, ctypes.create_string_buffer(rights), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if rules < 0:
        return False
    for path in readable:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        allowed = _EXECUTE | _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0)  # noqa: PTH112 (quick to start)
        rule = ctypes.create_string_buffer(struct.pack("=Qi", allowed, place))
        libc.syscall(_ADD_RULE, ctypes.c_int(rules), ctypes.c_int(1), rule, ctypes.c_uint32(0))
        os.close(place)
    done = libc.syscall(_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0)) == 0
    os.close(rules)
    return done


def shut(limits: dict[str, object]) -> list[str]:
    """Puts up every layer that this kernel offers; their names."""
    took = ["limits"]
    if leave_the_network():
        took.append("namespace")
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if hide_files(list(limits["read"])):  # type: ignore[call-overload]
        took.append("files")
    if filter_calls():
        took.append("calls")
    limit(limits)  # type: ignore[arg-type]
    return took


if __name__ == "__main__":
    with contextlib.suppress(OSError):  # it is not empty: not ours
        os.rmdir(os.getcwd())  # noqa: PTH106, PTH109 (quick to start)
    took = shut(json.loads(sys.argv[1]))
    if sys.argv[2] == "--try":
        print(json.dumps(took))  # noqa: T201 (its only output)
    else:
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and that would be inherited
            signal.signal(ignored, signal.SIG_DFL)
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 (there is no shell)
