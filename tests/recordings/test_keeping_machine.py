"""Holds, withdrawal, retention and time in any order: never destroyed under a hold, always at the first pass after, never heard again."""

import contextlib
import datetime as dt

import pytest
from django.db import transaction
from django.test import TestCase
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings import destruction, keeping, legalhold, permissions, vault, withdrawal
from recordings.models import LegalHold, Recording, SealedObject
from tests.recordings import keeping_setup as setup
from tests.recordings.keeping_setup import DAY

pytestmark = pytest.mark.django_db
START = dt.date(2030, 3, 1)

dates = st.dates(dt.date(2024, 1, 1), dt.date(2032, 12, 31))
days = st.integers(1, 365)


@given(dates, st.none() | st.integers(0, 400), st.none() | st.integers(-50, 800), days, days)
def test_the_day_of_destruction(uploaded_on, released_after, extended_after, after_upload, after_release):
    released_on = None if released_after is None else uploaded_on + released_after * DAY
    extended_until = None if extended_after is None else uploaded_on + extended_after * DAY
    rule = {"after_upload": after_upload, "after_release": after_release}
    due = keeping.reckoned(uploaded_on, released_on, extended_until, **rule)
    plain = keeping.reckoned(uploaded_on, released_on, None, **rule)
    never_released = keeping.reckoned(uploaded_on, None, None, **rule)
    assert plain <= never_released == uploaded_on + after_upload * DAY
    assert due >= plain  # an extension never shortens
    assert due in {plain, extended_until}
    if released_on is not None:
        assert plain <= released_on + after_release * DAY
        later = keeping.reckoned(uploaded_on, released_on + DAY, None, **rule)
        assert plain <= later <= plain + DAY


class Machine:
    """One recording, a clock, and what the rules say must be true after every step."""

    def __init__(self, recording, people):
        self.recording, self.people = recording, people
        self.now = setup.midday(START)
        self.is_withdrawn = False
        self.holds = []

    @property
    def today(self):
        return timezone.localdate(self.now)

    def fresh(self):
        return Recording.objects.select_related("consent", "team__programme").get(pk=self.recording.pk)

    # What may happen

    def wait(self, n):
        self.now += n * DAY

    def ask(self, n):
        self._try(lambda: self.holds.append(
            legalhold.ask(recording=self.recording, reason="Why", ends_on=self.today + n * DAY, by=self.people["sam"], now=self.now)
        ))  # fmt: skip

    def agree(self, n):
        if self.holds:
            self._try(lambda: legalhold.agree(hold=self.holds[n % len(self.holds)], by=self.people["iggy"], now=self.now))

    def release(self, n):
        if self.holds:
            self._try(lambda: legalhold.release(hold=self.holds[n % len(self.holds)], by=self.people["iggy"], now=self.now))

    def withdraw(self, n):
        withdrawal.withdraw(consent=self.fresh().consent, channel="telephone", by=self.people["thea"], now=self.now)
        self.is_withdrawn = True

    def delete(self, n):
        self._try(lambda: destruction.destroy(recording=self.recording, reason="mistake", by=self.people["sam"], now=self.now))

    def extend(self, n):
        self._try(lambda: keeping.extend(
            recording=self.recording, until=self.today + n * DAY, reason="Why", by=self.people["sam"], now=self.now
        ))  # fmt: skip

    def tick(self, n):
        destruction.finish_pending(now=self.now)

    def _try(self, step):
        with contextlib.suppress(legalhold.HoldRefused, destruction.Held, keeping.KeepingRefused):
            step()

    # What must hold

    def stands(self):
        """Reckoned here anew, from the rows alone: a hold in force, or the first request within its three days."""
        rows = list(LegalHold.objects.filter(recording=self.recording).order_by("asked_at", "pk"))
        in_force = any(h.agreed_at and not h.released_at and self.today <= h.ends_on for h in rows)
        never_agreed = [h for h in rows if not h.agreed_at]
        first = never_agreed[0] if never_agreed else None
        waits = first and not first.released_at and self.today <= min(first.ends_on, timezone.localdate(first.asked_at) + 3 * DAY)
        return in_force or bool(waits)

    def check(self, step, before):
        recording = self.fresh()
        is_gone = recording.state == Recording.State.DESTROYED
        stood, was_gone = before
        if not was_gone and stood and self.stands():
            assert not is_gone, f"{step} destroyed it under a hold"
            assert setup.is_readable(recording)
        is_due = self.is_withdrawn or keeping.due_on(recording) <= self.today
        if step == "tick" and is_due and not self.stands():
            assert is_gone
        if is_gone:
            assert not vault.has_key(recording.pk)
            assert not SealedObject.objects.filter(recording=recording).exists()
        if is_gone or self.is_withdrawn:
            assert not any(permissions.can_listen(person, recording) for person in self.people.values())


steps = st.lists(
    st.tuples(
        st.sampled_from(["wait", "wait", "tick", "tick", "ask", "agree", "agree", "release", "withdraw", "extend", "delete"]),
        st.integers(0, 40),
    ),
    min_size=3,
    max_size=14,
)


class Undo(Exception):
    pass


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_in_any_order(harbour, thea, sam, iggy, script):
    try:
        with transaction.atomic():
            machine = Machine(setup.sealed_recording(harbour, thea, now=setup.midday(START)), {"thea": thea, "sam": sam, "iggy": iggy})
            for step, n in script:
                before = (machine.stands(), machine.fresh().state == Recording.State.DESTROYED)
                with TestCase.captureOnCommitCallbacks(execute=True):
                    getattr(machine, step)(n)
                machine.check(step, before)
            machine.wait(800)  # whatever was held or extended: in the end everything goes
            with TestCase.captureOnCommitCallbacks(execute=True):
                machine.tick(0)
            machine.check("tick", (False, False))
            assert machine.fresh().state == Recording.State.DESTROYED
            raise Undo
    except Undo:
        pass
