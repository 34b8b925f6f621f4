"""Faults for the fault table: each strikes at a moment, can be mended, and is as real as it can be made here.

`python -m tests.recordings._faults STEP RECORDING TOKEN MOMENT` is the child process of one attempt that kills itself at a step;
on its standard input comes what `Once` has remembered, for there words may not lie in a file.
"""

import abc
import contextlib
import errno
import hashlib
import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import uuid
from unittest import mock


class Once:
    """What the models make of a sound: found out for real the first time, remembered from then on. All cells have the same
    sound, and the faults strike between the models' work; those in the middle of it are in `test_worker_kill.py`."""

    def __init__(self, known=None):
        self.known = known if known is not None else {}

    def patch(self, patch):
        from recordings import acoustics, speakers, speech

        self._speech(patch, speech)
        for module, name in ((speakers, "embed"), (acoustics, "pitch")):
            self._remember(patch, module, name)

    def _remember(self, patch, module, name):
        real = getattr(module, name)

        def once(samples, *arguments, **options):
            key = (name, _digest(samples, *arguments), *sorted(options))
            if key not in self.known:
                self.known[key] = real(samples, *arguments, **options)
            return self.known[key]

        patch.setattr(module, name, once)

    def _speech(self, patch, speech):
        real = speech.run

        def once(samples, *, probability, start_piece=0, **options):
            key = ("run", _digest(samples, probability), start_piece)
            if key in self.known:
                yield from self.known[key]
                return
            found = []
            for each in real(samples, probability=probability, start_piece=start_piece, **options):
                found.append(each)
                yield each
            self.known[key] = found

        patch.setattr(speech, "run", once)

    def without_engine(self, patch):
        """Where all has been heard no model is loaded, which takes longer than all else."""
        if not any(key[0] == "run" for key in self.known):
            return
        from types import SimpleNamespace

        from django.conf import settings

        from recordings import engines

        patch.setattr(engines, "resolve", lambda name, model, **options: engines.cached(name, model, settings.WEIGHTS_DIR))
        patch.setattr(engines, "load", lambda *arguments, **options: SimpleNamespace(languages=frozenset({"en"})))


def _digest(*arrays):
    total = hashlib.sha256()
    for array in arrays:
        total.update(array.tobytes() if hasattr(array, "tobytes") else repr(array).encode())
    return total.hexdigest()


def bytes_of(path):
    """The bytes of a file, read by another process: to open and close the database's own file here would drop SQLite's locks on it."""
    return subprocess.run(["cat", "--", str(path)], check=True, capture_output=True).stdout


class Fault(abc.ABC):
    """`says` is what the recording's page tells while it lasts, or None where it goes on by itself."""

    says = None

    def __init__(self, settings):
        self.settings = settings

    @abc.abstractmethod
    def strike(self, recording):
        """Brings the fault about, for a recording that is being processed."""

    def mend(self):  # noqa: B027 (a fault that passes by itself needs no mending)
        """Nothing to do."""


class DiskFull(Fault):
    """The vault's file system, one of its own, has room for nothing more; where none can be mounted, writing says what it would say."""

    says = "There is no room left on the server. Nothing is lost. Try again once there is room."
    writing = None

    def strike(self, recording):
        if not self.settings.VAULT_DIR.is_mount():
            self.writing = mock.patch("recordings.store._FileSink.write", side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            self.writing.start()
            return
        with (self.settings.VAULT_DIR / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))

    def mend(self):
        if self.writing:
            self.writing.stop()
        (self.settings.VAULT_DIR / "filler").unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder, megabytes=24):
    """Mounts a small file system in memory there, where this process may."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=False, capture_output=True)
    try:
        yield
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


class DatabaseLocked(Fault):
    """Another connection holds the write lock for longer than anybody waits."""

    def strike(self, recording):
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 100")
        self.other = sqlite3.connect(connection.settings_dict["NAME"], timeout=20, isolation_level=None)
        self.other.execute("BEGIN IMMEDIATE")

    def mend(self):
        from django.db import connection

        self.other.execute("ROLLBACK")
        self.other.close()
        connection.close()


class StorageAway(Fault):
    """The vault's folder is no longer mounted: there is an empty one in its place."""

    says = "The place where sealed recordings lie does not answer. Nothing is lost."

    def strike(self, recording):
        self.settings.VAULT_DIR.rename(self.settings.VAULT_DIR.with_name("vault that was unmounted"))
        self.settings.VAULT_DIR.mkdir()

    def mend(self):
        assert not [path for path in self.settings.VAULT_DIR.rglob("*") if path.is_file()], "something went to the wrong disk"
        shutil.rmtree(self.settings.VAULT_DIR)
        self.settings.VAULT_DIR.with_name("vault that was unmounted").rename(self.settings.VAULT_DIR)


class SiteKeyMissing(Fault):
    says = "The key that opens recordings is missing or is not the right one. Nothing is lost."

    def strike(self, recording):
        from recordings import sitekey

        self.settings.KEY_FILE.rename(self.settings.KEY_FILE.with_name("elsewhere"))
        sitekey.forget()

    def mend(self):
        from recordings import sitekey

        self.settings.KEY_FILE.with_name("elsewhere").rename(self.settings.KEY_FILE)
        sitekey.forget()


class KeyStoreMissing(Fault):
    says = "The key of this recording is missing, so it cannot be opened."

    def strike(self, recording):
        self.settings.KEYSTORE_PATH.rename(self.settings.KEYSTORE_PATH.with_name("elsewhere"))

    def mend(self):
        self.settings.KEYSTORE_PATH.with_name("elsewhere").replace(self.settings.KEYSTORE_PATH)


class Damage(Fault):
    """A bit is flipped in every sealed file of the recording."""

    says = "A sealed file of this recording is damaged or missing."

    def strike(self, recording):
        from recordings import sealedfile

        self.whole = {}
        for row in recording.objects_sealed.all():
            path = sealedfile.path_of(row.pk)
            self.whole[path] = path.read_bytes()
            data = bytearray(self.whole[path])
            data[-20] ^= 1
            path.write_bytes(data)

    def mend(self):
        for path, content in self.whole.items():
            if path.exists():  # a checkpoint may have been used up meanwhile
                path.write_bytes(content)


class Withdrawal(Fault):
    says = "This recording has been destroyed."

    def strike(self, recording):
        from django.utils import timezone

        from recordings import withdrawal

        withdrawal.withdraw(consent=recording.consent, channel="telephone", by=recording.therapist, now=timezone.now())


FAULTS = {
    "disk full": DiskFull,
    "database locked": DatabaseLocked,
    "storage away": StorageAway,
    "site key missing": SiteKeyMissing,
    "key store missing": KeyStoreMissing,
    "damaged chunk": Damage,
    "withdrawal": Withdrawal,
}


def at_step(patch, step, strike):
    """Has `strike` happen once, as the step begins."""
    from recordings.job import Job

    whole = Job.enter
    struck = []

    def enter(job, name, **counts):
        whole(job, name, **counts)
        if name == step and not struck:
            struck.append(name)
            strike(job.recording)

    patch.setattr(Job, "enter", enter)
    return struck


def in_middle(patch, step, strike):
    """Has `strike` happen once, in the middle of the step: when the first block of what it seals has gone to be sealed, the last has not
    and its row is not written. In "verify" and "words", which seal nothing, when the first that they look up has been looked up."""
    from recordings import vault
    from recordings.job import Job

    enter, sealed, seal = Job.enter, Job.sealed, vault.seal
    at, struck = [None], []

    def hit(recording, name):
        if at[0] == name and not struck:
            struck.append(name)
            strike(recording)

    def entered(job, name, **counts):
        if at[0] == step == "words":
            hit(job.recording, "words")
        at[0] = name
        enter(job, name, **counts)

    def looked_up(job, *arguments):
        found = sealed(job, *arguments)
        if step == "verify":
            hit(job.recording, "verify")
        return found

    def half(recording, content):
        for block in content:
            middle = len(block) // 2
            yield block[:middle]
            hit(recording, step)
            yield block[middle:]

    def sealing(recording, kind, content, **options):
        return seal(recording, kind, half(recording, content), **options)

    patch.setattr(Job, "enter", entered)
    patch.setattr(Job, "sealed", looked_up)
    patch.setattr(vault, "seal", sealing)
    return struck


def in_a_seal(patch, kind, strike):
    """Has `strike` happen once, when half of the first block of an object of that kind has gone to be sealed."""
    from recordings import vault

    seal, struck = vault.seal, []

    def half(recording, content):
        for block in content:
            middle = len(block) // 2
            yield block[:middle]
            if not struck:
                struck.append(kind)
                strike(recording)
            yield block[middle:]

    def sealing(recording, made, content, **options):
        return seal(recording, made, half(recording, content) if made == kind else content, **options)

    patch.setattr(vault, "seal", sealing)
    return struck


MOMENTS = {"begin": at_step, "middle": in_middle}


def kill_child(step, recording, token, *, database, folder, settings, once, moment="begin"):
    """One attempt in a real child process, which is killed as the step begins, or in its middle."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cms.settings",
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{database}",
        "PLUMBLINE_DATA": str(folder),
        "WEIGHTS_DIR": str(settings.WEIGHTS_DIR),
        "WHISPER_MODEL": settings.WHISPER_MODEL,
    }
    command = [sys.executable, "-m", "tests.recordings._faults", step, str(recording.pk), str(token), moment]
    known = pickle.dumps(once.known)
    return subprocess.run(command, cwd=settings.BASE_DIR, env=environment, input=known, check=False, capture_output=True).returncode


def main(step, recording, token, moment):
    import django

    django.setup()

    class Patch:
        setattr = staticmethod(setattr)

    once = Once(pickle.load(sys.stdin.buffer))  # noqa: S301 (our parent's)
    once.patch(Patch)
    once.without_engine(Patch)
    MOMENTS[moment](Patch, step, lambda _: os.kill(os.getpid(), signal.SIGKILL))
    from recordings import steps

    steps.perform(uuid.UUID(recording), int(token))


if __name__ == "__main__":
    main(*sys.argv[1:])
