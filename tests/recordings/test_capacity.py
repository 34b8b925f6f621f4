"""A model that does not fit: said at the start, said on the recording's page at once, and allowed the memory that it needs."""

import contextlib
import os
import resource
import subprocess
import sys

import pytest
from django.utils import timezone

from recordings import capacity, checks, engines, faster, ledger, pipeline, steps, tasks
from recordings.models import Processing, Recording
from tests.recordings.engine_room import BASE
from tests.recordings.making import bare_recording

GIB = 1024**3
TORCH = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 26214400 bytes."


@pytest.fixture(autouse=True)
def on_the_processor(settings, tmp_path, monkeypatch):
    settings.WEIGHTS_DIR, settings.TRANSCRIPTION_DEVICE = tmp_path / "weights", "auto"
    monkeypatch.setattr(engines, "_NVIDIA", (tmp_path / "driver",))


@pytest.fixture
def card(tmp_path):
    (tmp_path / "driver").touch()


@pytest.mark.parametrize(
    ("model", "megabytes"),
    [("auto", 146), ("tiny.en", 76), ("large-v3", 3090), ("large-v3-turbo", 1620), ("distil-large-v3", 1520), ("nobody's", 0)],
)
def test_a_model_that_is_not_here_yet_is_judged_by_its_name(model, megabytes):
    assert capacity.size_of("faster-whisper", model) == megabytes * 1_000_000


def test_a_file_is_judged_by_its_size(settings, tmp_path):
    (tmp_path / "ours.pt").write_bytes(bytes(5000))
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "model.bin").write_bytes(bytes(6000))
    settings.WEIGHTS_DIR.mkdir()
    (settings.WEIGHTS_DIR / "medium.pt").write_bytes(bytes(7000))
    assert capacity.size_of("whisper", str(tmp_path / "ours.pt")) == 5000
    assert capacity.size_of("faster-whisper", str(tmp_path / "theirs")) == 6000
    assert capacity.size_of("whisper", "medium") == 7000


def test_every_official_model_has_a_size():
    assert all(capacity.size_of("whisper", model) for model in engines.MODELS | engines.DISTILLED)


class TestAtTheStart:
    def test_a_model_that_this_machine_cannot_hold_is_named(self, settings, monkeypatch):
        settings.TRANSCRIPTION_ENGINE, settings.WHISPER_MODEL = "whisper", "large-v3"
        monkeypatch.setattr(capacity, "of_machine", lambda: 8 * GIB)
        (error,) = checks.engine_can_work(None)
        assert error.id == "recordings.E006"
        assert error.msg.startswith(
            "WHISPER_MODEL is large-v3, which needs 9.2 GiB of memory with openai-whisper, and this machine has 8.0 GiB"
        )
        settings.TRANSCRIPTION_ENGINE = "faster-whisper"
        assert checks.engine_can_work(None) == []

    def test_on_a_card_the_machines_memory_is_not_asked(self, settings, monkeypatch, card):
        settings.WHISPER_MODEL = "large-v3"
        monkeypatch.setattr(capacity, "of_machine", lambda: GIB)
        assert checks.engine_can_work(None) == []

    def test_what_the_machine_has_is_known(self):
        assert GIB // 4 < capacity.of_machine() < 100_000 * GIB


class TestTheLimit:
    @pytest.mark.parametrize("engine", engines.NAMES)
    def test_a_model_gets_what_it_needs_and_room_besides(self, settings, engine):
        settings.TRANSCRIPTION_ENGINE, settings.WHISPER_MODEL = engine, "base"
        assert capacity.limit() == capacity.MOST
        settings.WHISPER_MODEL = "large-v3"
        assert capacity.limit() >= 1.9 * capacity.least(engine, "large-v3") > 1.9 * 1.5 * 3_090_000_000

    def test_on_a_card_there_is_none(self, settings, card):
        """Its driver reserves more addresses than the machine has memory."""
        assert capacity.limit() is None
        settings.TRANSCRIPTION_DEVICE = "cpu"
        assert capacity.limit() == capacity.MOST


class TestTooLittle:
    @pytest.mark.parametrize(
        "error", [MemoryError(), RuntimeError(TORCH), RuntimeError("CUDA failed with error out of memory"), OSError(12, "")]
    )
    def test_it_is_said_at_once_and_in_a_sentence_of_its_own(self, db, monkeypatch, settings, error):
        settings.WHISPER_MODEL = "large-v3"
        recording = queued()
        token = ledger.claim(recording.pk, now=timezone.now())
        monkeypatch.setattr(steps, "_perform", raising(error))
        with pytest.raises(steps.CannotProcess, match="The model large-v3 needs more memory than this machine gives"):
            steps.perform(recording.pk, token)

    def test_other_errors_of_the_same_kinds_are_not_taken_for_it(self, db, monkeypatch):
        recording = queued()
        token = ledger.claim(recording.pk, now=timezone.now())
        for error in (RuntimeError("shapes do not match"), OSError(5, "")):
            monkeypatch.setattr(steps, "_perform", raising(error))
            with pytest.raises(type(error)):
                steps.perform(recording.pk, token)

    @pytest.mark.parametrize("killed_by_the_kernel", [True, False])
    def test_a_worker_that_the_kernel_ended_for_memory_is_not_tried_again(self, db, monkeypatch, settings, killed_by_the_kernel):
        settings.WHISPER_MODEL = "large-v3"
        recording = queued()

        @contextlib.contextmanager
        def child(*arguments):
            yield subprocess.Popen(["sh", "-c", "kill -9 $$"])

        monkeypatch.setattr(tasks, "_child", child)
        counts = iter([3, 4 if killed_by_the_kernel else 3])
        monkeypatch.setattr(capacity, "kernel_kills", lambda: next(counts))
        sent = []
        monkeypatch.setattr(tasks, "_send_again", sent.append)
        tasks.process_recording.call(str(recording.pk))
        row = Processing.objects.get(recording=recording)
        if killed_by_the_kernel:
            assert (row.state, row.failure) == ("failed", capacity.too_little())
            assert not sent
        else:
            assert (row.state, sent) == ("queued", [recording.pk])

    def test_the_kernels_count_is_read(self):
        assert capacity.kernel_kills() >= 0

    @pytest.mark.slow
    @pytest.mark.parametrize("engine", engines.NAMES)
    def test_what_the_engines_really_say_is_known(self, engine, request, tiny_checkpoint):
        """Each loads its smallest model where too little is left for it."""
        model = tiny_checkpoint
        if engine == engines.FASTER:
            model = faster.resolve("tiny.en", cache=tiny_checkpoint.parent, download=False)
        code = f"""
import django; django.setup()
import resource, torch, whisper, faster_whisper
from recordings import capacity, engines
now = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (now + 60 * 2**20,) * 2)
try:
    engines.load({engine!r}, {str(model)!r}, device="cpu", threads=1)
except Exception as error:
    print(capacity.is_shortage(error), type(error).__name__, str(error)[:90])
"""
        environment = {"PATH": os.environ["PATH"], "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "cms.settings", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], cwd=BASE, env=environment, capture_output=True, text=True, check=False
        )
        assert done.stdout.startswith("True "), (done.stdout, done.stderr[-500:])


def test_the_child_limits_itself_by_the_model(settings):
    """In a process of its own: a limit cannot be taken back."""
    code = (
        "import django; django.setup(); from recordings import child; child.limit_memory(); "
        "import resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0])"
    )
    for model, device, expected in (("large-v3", "cpu", None), ("base", "cpu", capacity.MOST), ("base", "cuda", resource.RLIM_INFINITY)):
        environment = {"PATH": os.environ["PATH"], "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "cms.settings"}
        environment |= {"WHISPER_MODEL": model, "TRANSCRIPTION_DEVICE": device, "PLUMBLINE_DATA": str(settings.WEIGHTS_DIR)}
        settings.WHISPER_MODEL = model
        said = subprocess.run([sys.executable, "-c", code], cwd=BASE, env=environment, capture_output=True, text=True, check=True).stdout
        assert int(said) == (expected or capacity.limit())


def test_the_child_gets_what_a_card_and_the_network_need(monkeypatch):
    wanted = [
        "LD_LIBRARY_PATH",
        "CUDA_VISIBLE_DEVICES",
        "NVIDIA_VISIBLE_DEVICES",
        "SSL_CERT_FILE",
        "AWS_CA_BUNDLE",
        "HTTPS_PROXY",
        "no_proxy",
    ]
    for name in wanted:
        monkeypatch.setenv(name, f"value of {name}")
    passed = tasks._environment()
    assert {name: passed.get(name) for name in wanted} == {name: f"value of {name}" for name in wanted}


def queued():
    recording = bare_recording(state=Recording.State.QUEUED)
    pipeline.submit(recording=recording, now=timezone.now())
    return recording


def raising(error):
    def fail(job):
        raise error

    return fail
