"""`make demo`: prepares the database and the demo data, prints where to begin, and runs web server and workers until Ctrl-C."""

import os
import socket
import subprocess
import sys
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent.parent
PYTHON = sys.executable


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def port_is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def manage(*arguments: str, may_fail: bool = False) -> None:
    finished = subprocess.run([PYTHON, "manage.py", *arguments], cwd=BASE, check=False)
    if finished.returncode and not may_fail:
        sys.exit(finished.returncode)


def environment(port: int) -> dict[str, str]:
    return {
        **os.environ,
        "DEMO": "1",
        "DEBUG": "0",
        "PYTHONUNBUFFERED": "1",
        "PATH": f"{Path(PYTHON).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "SITE_URL": os.environ.get("SITE_URL", f"http://127.0.0.1:{port}"),
    }


def main() -> None:
    try:
        port = int(os.environ.get("PORT") or 8000)
    except ValueError:
        sys.exit("PORT must be a number, such as PORT=8001.")
    if not port_is_free(port):
        sys.exit(f"Port {port} is in use. Stop what runs there, or choose another: make demo PORT={port + 1}")
    os.environ.update(environment(port))

    say("Preparing the database, the courses and the demo data ...")
    manage("migrate", "--verbosity", "0")
    manage("createcachetable")
    manage("collectstatic", "--noinput", "--verbosity", "0")
    manage("weights", may_fail=True)  # without weights all works but transcription, whose page says what to do
    manage("load_demo")

    from honcho.manager import Manager

    manager = Manager()
    worker = f"{PYTHON} manage.py db_worker --verbosity 0 --no-reload --queue-name"
    manager.add_process(
        "web",
        f"{PYTHON} -m gunicorn cms.wsgi --bind 127.0.0.1:{port} --graceful-timeout 3 --log-level warning",
        cwd=str(BASE),
    )
    manager.add_process("speech", f"{worker} speech", cwd=str(BASE))
    manager.add_process("tasks", f"{worker} default", cwd=str(BASE))
    manager.add_process("tick", f"{PYTHON} manage.py tick --loop", cwd=str(BASE))
    say(f"\nPlumbline is starting at http://127.0.0.1:{port}/  (Ctrl-C ends it)\n")
    manager.loop()
    sys.exit(0 if manager.returncode in (None, 0, 130, -2) else manager.returncode)


if __name__ == "__main__":
    main()
