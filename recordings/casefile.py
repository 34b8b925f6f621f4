"""A family's own sealed papers: signatures, scanned forms, notes about capacity, and the list of names to be taken out.

They belong to the family and not to one recording, so they lie under the family's key. They outlive a withdrawal, as
evidence that consent was given and taken back, and go with the key once the family is closed and nothing of it is kept.
"""

import contextlib
import datetime as dt
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from wagtail.log_actions import log

from recordings import keystore, sealedfile, vault
from recordings.models import Consent, ConsentPaper, ConsentPerson, FamilyKey, NameList, Recording
from supervision.models import FamilyReference, User

KEY_PURPOSE, NAMES = "family", "names"
MAX_SCAN_BYTES = 10 * 1024 * 1024
MAX_SIGNATURE_BYTES, MAX_SIGNATURE_SIDE = 200 * 1024, 2000
MAX_NAMES, MAX_NAME = 200, 80
PDF, JPEG, PNG, TEXT = "application/pdf", "image/jpeg", "image/png", "text/plain"
KEY_MISSING = (
    "The key of this family's papers and names is missing. Nothing is lost. Ask the person who runs Plumbline to restore the key store."
)


class PaperRefused(Exception):
    """A paper cannot be kept; the text says why and what to do."""


class NamesRefused(Exception):
    """A list of names cannot be kept; the text says why."""


class Sheet(NamedTuple):
    """Something small to be sealed: its bytes and their media type."""

    content: bytes
    content_type: str


class SealedSheet(NamedTuple):
    """What has been sealed and waits for the row that names it."""

    written: sealedfile.Written
    kind: str
    content_type: str


# The key


def family_key(family: FamilyReference) -> FamilyKey:
    """The family's key, made at its first use. Raises KeyGone once it has been destroyed, Damaged where it is missing."""
    key, _ = FamilyKey.objects.get_or_create(family=family)
    if key.destroyed_at is not None:
        raise vault.KeyGone("The papers of this family have been destroyed. Nothing more is kept for it.")
    if not vault.has_key(key.pk):
        # Never a second one beside what the first has sealed: neither would open both once the first is back.
        if ConsentPaper.objects.filter(consent__family=family).exists() or NameList.objects.filter(family=family).exists():
            _check_key(key)
        vault.create_key(key.pk, purpose=KEY_PURPOSE)
    return key


def _check_key(key: FamilyKey) -> None:
    """Raises KeyGone once it has been destroyed, Damaged where it is not here without having been."""
    if not vault.has_key(key.pk):
        raise vault.KeyGone if keystore.is_erased(key.pk) else vault.Damaged(KEY_MISSING)


# Papers


@contextlib.contextmanager
def sealed(family: FamilyReference, kind: str, sheets: Sequence[Sheet]) -> Iterator[list[SealedSheet]]:
    """Seals each sheet; if what follows fails, the files go again, so that none is left without its row."""
    done: list[SealedSheet] = []
    try:
        if sheets:
            key = family_key(family)
            for sheet in sheets:
                done.append(SealedSheet(vault.seal_apart(key.pk, kind, [sheet.content]), kind, sheet.content_type))  # noqa: PERF401 (kept as it goes)
        yield done
    except BaseException:
        for each in done:
            sealedfile.remove_file(each.written.object_id)
        raise


def add_row(sheet: SealedSheet, *, consent: Consent, person: ConsentPerson | None = None, by: User, now: dt.datetime) -> ConsentPaper:
    """Names what was sealed. The caller has the transaction."""
    return ConsentPaper.objects.create(
        pk=sheet.written.object_id,
        consent=consent,
        person=person,
        kind=sheet.kind,
        content_type=sheet.content_type,
        size=sheet.written.size,
        sha256=sheet.written.sha256,
        sealed_at=now,
        sealed_by=by,
    )


def signature(content: bytes) -> Sheet:
    """A drawn signature: a PNG of reasonable size. Raises PaperRefused."""
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    is_drawing = media_type(content) == PNG and 0 < width <= MAX_SIGNATURE_SIDE and 0 < height <= MAX_SIGNATURE_SIDE
    if not is_drawing or len(content) > MAX_SIGNATURE_BYTES:
        raise PaperRefused("The drawn signature did not arrive whole. Clear it and sign again, or type the name.")
    return Sheet(content, PNG)


def media_type(head: bytes) -> str | None:
    """PDF, JPEG or PNG by its first bytes; None for anything else."""
    signatures = {b"%PDF-": PDF, b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG}
    return next((kind for beginning, kind in signatures.items() if head.startswith(beginning)), None)


def keep_scan(*, consent: Consent, kind: str, staged: vault.Staging, by: User, now: dt.datetime) -> ConsentPaper:
    """Keeps a scanned form that was sealed on its way in. Raises PaperRefused. The caller discards the staging."""
    if staged.size > MAX_SCAN_BYTES:
        raise PaperRefused(
            f"The file is larger than {filesizeformat(MAX_SCAN_BYTES)}. Scan it in black and white or at a lower resolution."
        )
    with staged.open() as content:
        found = media_type(content.read(16) or b"")
        if found is None:
            raise PaperRefused("The file is not a PDF, JPEG or PNG. Save the scan as one of these and send it again.")
        content.seek(0)
        return _keep(consent, kind, content.chunks(), found, by=by, now=now)


def keep_note(*, consent: Consent, kind: str, text: str, by: User, now: dt.datetime) -> ConsentPaper:
    """Keeps a written note, such as one about capacity to consent. Raises PaperRefused."""
    if not text.strip():
        raise PaperRefused("Write the note, or choose a file.")
    return _keep(consent, kind, [text.strip().encode()], TEXT, by=by, now=now)


def _keep(consent: Consent, kind: str, chunks: Iterable[bytes], content_type: str, *, by: User, now: dt.datetime) -> ConsentPaper:
    written = vault.seal_apart(family_key(consent.family).pk, kind, chunks)
    try:
        with transaction.atomic():
            paper = add_row(SealedSheet(written, kind, content_type), consent=consent, by=by, now=now)
            log(instance=consent, action="recordings.paper_add", user=by, data={"paper": str(paper.pk), "kind": kind})
    except BaseException:
        sealedfile.remove_file(written.object_id)
        raise
    return paper


def open_paper(paper: ConsentPaper) -> sealedfile.SealedReader:
    """Its content. Raises KeyGone, Damaged."""
    key = FamilyKey.objects.get(family_id=paper.consent.family_id)
    _check_key(key)
    return vault.open_apart(key.pk, paper.pk, paper.kind)


@transaction.atomic
def remove_paper(*, paper: ConsentPaper, by: User, now: dt.datetime) -> None:
    """Takes out a paper that was added by mistake. A signature stays: the consent rests on it. Raises PaperRefused."""
    if paper.kind == ConsentPaper.Kind.SIGNATURE:
        raise PaperRefused("The consent rests on this signature, so it stays.")
    log(instance=paper.consent, action="recordings.paper_remove", user=by, data={"paper": str(paper.pk), "kind": paper.kind})
    transaction.on_commit(functools.partial(sealedfile.remove_file, paper.pk))
    paper.delete()


# The names to be taken out


def names(family: FamilyReference) -> list[str]:
    """The family's names for redaction, as they were typed; none when nothing is kept. Raises Damaged."""
    kept = NameList.objects.filter(family=family).first()
    key = FamilyKey.objects.filter(family=family, destroyed_at__isnull=True).first()
    if kept is None or key is None:
        return []
    _check_key(key)
    return vault.open_bytes(key.pk, NAMES, bytes(kept.sealed)).decode().splitlines()


def set_names(*, family: FamilyReference, names: Iterable[str], by: User, now: dt.datetime) -> list[str]:
    """Keeps the list in place of the last one: trimmed, each name once. Gives it as kept. Raises NamesRefused, KeyGone."""
    typed = [" ".join(name.split()) for name in names]
    wanted = list({name.casefold(): name for name in reversed(typed) if name}.values())[::-1]
    if len(wanted) > MAX_NAMES:
        raise NamesRefused(f"These are {len(wanted)} names. Keep to the {MAX_NAMES} that are said most.")
    if any(len(name) > MAX_NAME for name in wanted):
        raise NamesRefused(f"A name has more than {MAX_NAME} characters. Write one name a line.")
    key = family_key(family)
    content = vault.seal_bytes(key.pk, NAMES, "\n".join(wanted).encode())
    with transaction.atomic():
        NameList.objects.update_or_create(family=family, defaults={"sealed": content, "changed_at": now, "changed_by": by})
        log(instance=family, action="recordings.names", user=by, data={"names": len(wanted)})
    return wanted


# The end


def finish(now: dt.datetime) -> int:
    """Destroys the papers and names of every closed family of which no recording is kept. Returns how many families.

    Safe to repeat: the key goes first, and what a crash leaves over is cleared away the next time.
    """
    kept = Recording.objects.kept().filter(family=OuterRef("family"))
    over = FamilyKey.objects.filter(~Exists(kept), family__closed_on__lt=timezone.localdate(now), destroyed_at__isnull=True)
    done = 0
    for key in over.select_related("family").order_by("pk"):
        vault.destroy_key(key.pk, reason="closed", at=now)
        clear(key, at=now)
        keystore.complete(key.pk, at=now)
        done += 1
    return done


def clear(key: FamilyKey, *, at: dt.datetime) -> None:
    """What lay under a family's key that has been destroyed. A file that cannot be reached is the daily sweep's."""
    papers = list(ConsentPaper.objects.filter(consent__family=key.family).values_list("pk", flat=True))
    for paper in papers:
        sealedfile.tidy_away(paper)
    with transaction.atomic():
        NameList.objects.filter(family=key.family).delete()
        FamilyKey.objects.filter(pk=key.pk).update(destroyed_at=at)
        log(instance=key.family, action="recordings.papers_destroyed", user=None, data={"papers": len(papers)})
