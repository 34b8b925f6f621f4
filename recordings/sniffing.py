"""What a file is, by its first bytes. Names and claimed types are never trusted."""

HEAD_BYTES = 64 * 1024


def container(head: bytes) -> str | None:
    """wav, mp3, mp4, aac, ogg, flac or webm; None for anything else."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS":
        return "ogg"
    if head[:4] == b"\x1a\x45\xdf\xa3":  # EBML: WebM and Matroska
        return "webm"
    if head[4:8] == b"ftyp" or (head[4:8] in (b"moov", b"mdat", b"wide") and head[:2] == b"\0\0"):
        return "mp4"
    if head[:3] == b"ID3":
        return _behind_id3(head)
    if _is_adts(head):
        return "aac"
    if _is_mpeg_audio(head):
        return "mp3"
    return None


def wav_seconds(head: bytes) -> float | None:
    """How long a WAV file says it is; None where it does not know, as when it was written to a pipe."""
    size, bytes_a_second = int.from_bytes(head[4:8], "little"), int.from_bytes(head[28:32], "little")
    if head[12:16] != b"fmt " or not bytes_a_second or size in (0, 0xFFFFFFFF) or head[:4] != b"RIFF":
        return None
    return size / bytes_a_second


def _behind_id3(head: bytes) -> str | None:
    """Tags stand before MP3, AAC and FLAC. A big cover picture may hide what follows; tags upon tags are no recording."""
    rest = head[_id3_size(head) :]
    if rest[:3] == b"ID3":
        rest = rest[_id3_size(rest) :]
    if rest[:3] == b"ID3":
        return None
    found = container(rest)
    return found if found in ("flac", "aac") else "mp3" if found in (None, "mp3") else None


def _id3_size(head: bytes) -> int:
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return size + 10


def _is_adts(head: bytes) -> bool:
    return len(head) > 3 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0 and head[2] >> 2 & 0xF < 13


def _is_mpeg_audio(head: bytes) -> bool:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer, bitrate, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and bitrate not in (0, 15) and rate != 3
