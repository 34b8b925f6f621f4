"""Work begun before its step: done once, in order, its troubles told where it is taken, and nothing goes on after the end."""

import threading

import pytest

from recordings.ahead import Ahead


@pytest.fixture
def ahead():
    made = Ahead(threads=1)
    yield made
    made.close()


def test_what_was_begun_is_taken_and_not_done_twice(ahead):
    ahead.begin("sound", lambda: 7).result()
    assert ahead.take("sound", lambda: pytest.fail("done twice")) == 7


def test_what_was_not_begun_is_done_now(ahead):
    assert ahead.take("sound", threading.get_ident) == threading.get_ident()


def test_what_waits_behind_long_work_is_done_now_and_only_now(ahead):
    go_on, done = threading.Event(), []
    ahead.begin("long", go_on.wait)
    ahead.begin("short", lambda: done.append("there"))
    ahead.take("short", lambda: done.append("here"))
    assert done == ["here"]
    go_on.set()
    ahead.close()
    assert done == ["here"]


def test_what_is_raised_there_is_raised_where_it_is_taken(ahead):
    ahead.begin("sound", lambda: [][0]).exception()
    with pytest.raises(IndexError):
        ahead.take("sound", lambda: 0)


def test_after_the_end_nothing_is_under_way(ahead):
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work():
        begun.set()
        go_on.wait(10)
        done.append("first")

    ahead.begin("first", work)
    ahead.begin("second", lambda: done.append("second")).add_done_callback(lambda _: go_on.set())  # also once it is left undone
    begun.wait()
    ahead.close()
    assert done == ["first"]


def test_with_a_thread_more_what_comes_next_does_not_wait():
    ahead, go_on = Ahead(threads=2), threading.Event()
    try:
        ahead.begin("long", lambda: go_on.wait(10))
        assert ahead.begin("short", lambda: "there").result(timeout=10) == "there"
    finally:
        go_on.set()
        ahead.close()
