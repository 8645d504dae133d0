"""Waiting that can be given up, and the asynchronous forms of what waits.

A call that waits asks the backend again and again, and sleeps in between by `pause`. Its asynchronous form is the same call in a thread:
`await run.wait_async()` is `run.wait()`, and cancelling the task ends the thread's next sleep.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
_given_up: ContextVar[threading.Event | None] = ContextVar("given_up", default=None)


class GivenUp(BaseException):
    """Nobody waits any more. No Exception: what catches those must not take it for a failure."""


def pause(duration_s: float) -> None:
    """Sleeps. Raises GivenUp as soon as the task that waits for this is cancelled."""
    event = _given_up.get()
    if event is None:
        time.sleep(duration_s)
    elif event.wait(duration_s):
        raise GivenUp


async def asynchronous(function: Callable[..., T], *args: Any, **given: Any) -> T:
    """`function` in a thread. Cancelled, it ends at its next pause, and its clean-up has run when this returns."""
    event = threading.Event()
    token = _given_up.set(event)
    try:
        work = asyncio.ensure_future(asyncio.to_thread(function, *args, **given))
    finally:
        _given_up.reset(token)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        event.set()
        await asyncio.wait([work])
        work.exception()  # taken, so that nobody is told of it
        raise
