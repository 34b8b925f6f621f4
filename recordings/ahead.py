"""Work begun before its step has come, on threads of its own: while ffmpeg makes the copy to listen to, and while speech is heard.

Such work only computes. It reads what was opened for it, asks no database and writes nothing, so nothing of it need be undone:
what it yields is sealed in its own step, under the token, and an attempt after a kill begins it anew.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


class Ahead:
    """At most `threads` things at a time, in the order in which they are begun."""

    def __init__(self, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads)
        self._begun: dict[str, Future[Any]] = {}

    def begin(self, name: str, work: Callable[[], Result]) -> "Future[Result]":
        begun = self._pool.submit(work)
        self._begun[name] = begun
        return begun

    def take(self, name: str, work: Callable[[], Result]) -> Result:
        """What was begun under that name, or what was raised there; else `work`, done now."""
        begun = self._begun.pop(name, None)
        return work() if begun is None or begun.cancel() else begun.result()

    def close(self) -> None:
        """Returns once nothing is under way any more; what has not begun is left undone."""
        self._begun.clear()
        self._pool.shutdown(cancel_futures=True)
