"""A small tus client for tests, over Django's test client."""

import base64
import hashlib

from tests import factories


def said(**values):
    return ",".join(f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in values.items())


class Tus:
    def __init__(self, client, consent):
        self.client, self.consent = client, consent

    def send(self, method, address, *, version="1.0.0", body=b"", content_type="application/offset+octet-stream", **headers):
        if version:
            headers["Tus-Resumable"] = version
        named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        return self.client.generic(method, address, body, CONTENT_TYPE=content_type, headers=named)

    def create(self, length, *, filename="session.wav", session_on=None, **headers):
        day = session_on or factories.today()
        headers.setdefault(
            "Upload_Metadata", said(filename=filename, filetype="audio/wav", consent=self.consent.pk, session_on=day.isoformat())
        )
        return self.send("POST", "/recordings/uploads/", content_type="", Upload_Length=length, **headers)

    def begin(self, length, **options):
        response = self.create(length, **options)
        assert response.status_code == 201, (response.status_code, response.content)
        return response["Location"]

    def head(self, address, **options):
        return self.send("HEAD", address, content_type="", **options)

    def patch(self, address, offset, body, **options):
        return self.send("PATCH", address, body=body, Upload_Offset=offset, **options)

    def options(self, address="/recordings/uploads/", **options):
        return self.send("OPTIONS", address, content_type="", **options)

    def delete(self, address, **options):
        return self.send("DELETE", address, content_type="", **options)

    def offset(self, address):
        return int(self.head(address)["Upload-Offset"])


def checksum(algorithm, body):
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, body).digest()).decode()}"
