"""However an upload is cut, repeated, lost and taken up again: at the end the bytes are the same."""

import io

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings import parts, tus
from recordings.declared import Checksum, Label
from recordings.models import Upload
from tests import factories

pytestmark = pytest.mark.django_db
LENGTH = 6000
CONTENT = bytes((number * 7 + number // 251) % 256 for number in range(LENGTH))


class Cable:
    """A client's body that breaks off after so many bytes, and may come in small pieces."""

    def __init__(self, body, *, breaks_after, step):
        self.body, self.left, self.step = io.BytesIO(body), breaks_after, step

    def read(self, size):
        if not self.left:
            raise OSError("reset by peer")
        data = self.body.read(min(size, self.step, self.left))
        self.left -= len(data)
        return data


cuts = st.lists(
    st.tuples(
        st.integers(0, LENGTH + 50),  # where the client believes it is
        st.booleans(),  # whether it asks first
        st.integers(1, 4000),  # how much it sends
        st.integers(0, 4000),  # after how much the line breaks
        st.integers(1, 900),  # in what pieces it comes
        st.sampled_from(["", "right", "wrong"]),  # its checksum
    ),
    max_size=8,
)


@pytest.fixture
def consent():
    team = factories.make_team()
    return factories.make_consent(factories.make_family(team, factories.make_member(None, team, "therapist")))


def patch(upload, offset, cable, size, checksum):
    with tus.writing(upload, offset=offset, now=timezone.now()) as lease:
        tus.append(upload=upload, lease=lease, read=cable.read, size=size, checksum=checksum, by=upload.user)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=cuts, part=st.integers(400, 3000))
def test_the_bytes_are_the_same_at_the_end(consent, cuts, part):
    therapist = consent.family.therapist
    was, parts.PART_BYTES = parts.PART_BYTES, part
    try:
        upload = tus.begin(
            consent=consent, session_on=factories.today(), length=LENGTH + 1, about=Label(), by=therapist, now=timezone.now()
        )
        for believed, asks, size, breaks_after, step, sum_is in cuts:
            upload = Upload.objects.get(pk=upload.pk)
            before = upload.offset
            offset = before if asks else believed
            body = CONTENT[offset : offset + size]
            checksum = Checksum("sha1", Checksum("sha1", b"").new().digest() if sum_is == "wrong" else _sha1(body)) if sum_is else None
            try:
                patch(upload, offset, Cable(body, breaks_after=breaks_after, step=step), len(body), checksum)
            except tus.WrongOffset:
                assert offset != before
            except tus.ChecksumWrong:
                assert sum_is
                assert Upload.objects.get(pk=upload.pk).offset == before
            else:
                came = min(len(body), breaks_after)
                assert Upload.objects.get(pk=upload.pk).offset == before + came
        upload = Upload.objects.get(pk=upload.pk)
        patch(upload, upload.offset, io.BytesIO(CONTENT[upload.offset :]), LENGTH - upload.offset, None)
        gathered = parts.Gathered(upload, list(upload.parts.order_by("number")))
        with gathered.open() as content:
            assert content.read() == CONTENT
        with gathered.open() as content:
            content.seek(-10, io.SEEK_END)
            assert content.read() == CONTENT[-10:]
            content.seek(part)
            assert content.read(100) == CONTENT[part : part + 100]
        tus.end(upload=upload, by=therapist, now=timezone.now())
    finally:
        parts.PART_BYTES = was


def _sha1(body):
    digest = Checksum("sha1", b"").new()
    digest.update(body)
    return digest.digest()


@pytest.mark.parametrize("harm", ["swapped", "cut", "missing"])
def test_parts_that_were_tampered_with_are_never_read_as_something_else(consent, harm, monkeypatch):
    from recordings import sealedfile, vault

    monkeypatch.setattr(parts, "PART_BYTES", 2000)
    therapist = consent.family.therapist
    upload = tus.begin(consent=consent, session_on=factories.today(), length=LENGTH + 1, about=Label(), by=therapist, now=timezone.now())
    patch(upload, 0, io.BytesIO(CONTENT), LENGTH, None)
    rows = list(upload.parts.order_by("number"))
    first, second = (sealedfile.path_of(row.object_id) for row in rows[:2])
    if harm == "swapped":
        rows[0].object_id, rows[1].object_id = rows[1].object_id, rows[0].object_id
    elif harm == "cut":
        first.write_bytes(first.read_bytes()[:-1])
    else:
        second.unlink()
    with pytest.raises(vault.Damaged), parts.Gathered(upload, rows).open() as content:
        content.read()
