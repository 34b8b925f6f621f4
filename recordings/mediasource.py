"""Where a media tool's bytes come from: always a pipe. What the tool is told to expect is what the first bytes say."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from recordings import boxes, sniffing
from recordings.confined import BLOCK
from recordings.unreadable import EMPTY, NEEDS_LINUX, NOT_AUDIO, TOO_SLOW, UnreadableAudio


@dataclass
class Source:
    """Bytes for a tool's standard input. `kind` is the container; `head` its first 64 KiB."""

    kind: str
    head: bytes
    feed: Iterator[bytes]


def sniff(head: bytes) -> str:
    """The container by its first bytes: wav, mp3, mp4, aac, ogg, flac or webm. Raises UnreadableAudio."""
    if not head:
        raise UnreadableAudio(EMPTY, "empty")
    if kind := sniffing.container(head):
        return kind
    raise UnreadableAudio(NOT_AUDIO, "not_audio")


@contextmanager
def opened(stream: BinaryIO) -> Iterator[Source]:
    """From the stream's beginning. Raises UnreadableAudio, also for a tool that takes too long."""
    head = stream.read(sniffing.HEAD_BYTES)
    kind = sniff(head)
    try:
        if kind != "mp4":
            yield Source(kind, head, _blocks(head, stream))
        elif stream.seekable():
            yield Source(kind, head, _checked(boxes.piped(stream)))
        else:
            with in_memory() as copy:
                for block in _blocks(head, stream):
                    copy.write(block)
                yield Source(kind, head, _checked(boxes.piped(copy)))
    except TimeoutError:
        raise UnreadableAudio(TOO_SLOW, "too_slow") from None


def in_memory() -> Any:
    """A file in memory, without a name. Only Linux has such; elsewhere it is refused rather than written to a disk in the clear."""
    if not hasattr(os, "memfd_create"):
        raise UnreadableAudio(NEEDS_LINUX, "not_here")
    return os.fdopen(os.memfd_create("recording", os.MFD_CLOEXEC), "w+b")


def _checked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes; what is wrong with the index is found here, before any tool is started."""
    first = next(blocks, b"")

    def whole() -> Iterator[bytes]:
        yield first
        yield from blocks

    return whole()


def _blocks(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield head
    while block := stream.read(BLOCK):
        yield block


def whole_samples(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in blocks whose lengths are multiples of `size`."""
    rest = b""
    for block in blocks:
        block = rest + block
        cut = len(block) - len(block) % size
        rest = block[cut:]
        if cut:
            yield block[:cut]
