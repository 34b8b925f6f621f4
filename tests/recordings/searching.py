"""Looks for words and stretches of sound everywhere that something could lie: plain, in other encodings, packed, and packed in those."""

import base64
import binascii
import io
import re
import zipfile
import zlib
from pathlib import Path

from django.db import connection

from tests.recordings._faults import bytes_of

_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_CODED = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_MOST = 1 << 20  # bytes that are unpacked of one place
_EITHER = zlib.MAX_WBITS | 32  # zlib or gzip
_DEPTH = 3  # a cookie's base64 of zlib's JSON is two


def in_every_coding(text):
    """What the text would look like as bytes, in lower case: letters of ASCII are lowered alike in UTF-8 and in both UTF-16."""
    return [text.lower().encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be")]


def found_in(content, words, runs=(), *, depth=_DEPTH):
    """Which of the words (in any case and coding) and runs of bytes are in the content, or in what is packed in it."""
    lowered = content.lower()
    found = {one for one in words if any(each in lowered for each in in_every_coding(one))}
    found |= {one for one in runs if one in content}
    if depth:
        for inner in _unpacked(content):
            found |= found_in(inner, words, runs, depth=depth - 1)
    return found


def _unpacked(content):
    for match in _PACKED.finditer(content):
        yield from _inflated(memoryview(content)[match.start() : match.start() + _MOST])
    if b"PK\x03\x04" in content:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                yield from (archive.read(name) for name in archive.namelist())
        except (zipfile.BadZipFile, NotImplementedError):  # none, or packed in a way that nothing of ours uses
            pass
    for match in _CODED.finditer(content):
        text = match[0].rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        for shift in range(4):  # what stands before it may be letters too
            part = text[shift:]
            try:
                yield base64.b64decode(part[: len(part) // 4 * 4])
            except binascii.Error:
                continue


def _inflated(content):
    """Most of what looks packed is not: a little is tried first."""
    try:
        zlib.decompressobj(_EITHER).decompress(content[:256], 64)
        if inner := zlib.decompressobj(_EITHER).decompress(content, _MOST):
            yield inner
    except zlib.error:
        pass


def places(folder):
    """Every file of a test: vault, keys, media, temporary files, logs, and the database's own."""
    yield from (path for path in folder.rglob("*") if path.is_file())
    if connection.vendor == "sqlite":
        name = connection.settings_dict["NAME"]
        yield from (path for suffix in ("", "-wal", "-journal") if (path := Path(f"{name}{suffix}")).exists())


def every_value():
    """Every column of every table, as bytes: those of the queue, of sessions, of the cache and of the search index too."""
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 (names of our own tables)
            for row in cursor.fetchall():
                for value in row:
                    if isinstance(value, bytes | memoryview | bytearray | str):
                        yield table, value.encode() if isinstance(value, str) else bytes(value)


def everything(folder):
    yield from ((path.name, bytes_of(path)) for path in places(folder))
    yield from every_value()


def where(folder, words, runs=()):
    """`{place: what was found}`, empty where nothing was."""
    found = {}
    for name, content in everything(folder):
        if hits := found_in(content, words, runs):
            found.setdefault(name, set()).update(hits)
    return found
