"""Work whose result, or what it raises, goes into a future: one that nobody fulfils would block the loop for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class _Promise(Generic[T]):
    """Hands what is raised inside to the one who waits; nothing is swallowed."""

    def __init__(self, future: Future[T]) -> None:
        self._future = future

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is not None:
            self._future.set_exception(error)
        return True


def fulfil(future: Future[T], work: Callable[[], T]) -> None:
    """Do the work on this thread and put what comes of it into the future. Never raises."""
    with _Promise(future):
        future.set_result(work())
