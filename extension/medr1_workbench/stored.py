"""What a run and an evaluation have in common: the backend keeps them under an id, and a notebook looks at them and waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from html import escape
from typing import Any, ClassVar, NamedTuple

from .ask import ask
from .errors import WorkbenchError
from .needs import Requests
from .pausing import asynchronous, pause
from .progress import Progress
from .values import seconds

POLL_S = 0.5
# A backend that is started again answers within so many seconds.
GRACE_S = 60.0
# The backend is not there, or the Jupyter server in between says so.
DOWN = frozenset({"BACKEND_DOWN", "HTTP_502", "HTTP_503", "HTTP_504", "NO_CONNECTION"})


class Glance(NamedTuple):
    """How far something is: `at` says it in words ("running at step 3 of 9"), `there` that waiting is over."""

    done: int
    total: int
    note: str
    at: str
    there: bool


class Stored:
    """Equal by its id. A subclass says what it is called, by which route it is asked for, and what its row shows."""

    KIND: ClassVar[str]
    ROUTE: ClassVar[str]
    HEADS: ClassVar[tuple[str, ...]]

    def __init__(self, client: Requests, summary: dict[str, Any]) -> None:
        self._client = client
        self.id: str = summary["id"]
        self._last = summary

    def _ask(self, route: str, **given: Any) -> Any:
        """A route under its id."""
        return ask(self._client, route, self.id, **given)

    def _in_json(self) -> str:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stored) and (other.KIND, other.id) == (self.KIND, self.id)

    def __hash__(self) -> int:
        return hash((self.KIND, self.id))

    def detail(self) -> dict[str, Any]:
        """All that the backend says of it."""
        return self._ask(self.ROUTE)

    def summary(self) -> dict[str, Any]:
        """State and progress as they are now."""
        self._last = self.detail()["summary"]
        return self._last

    @property
    def state(self) -> str:
        return self.summary()["state"]

    def _watch(self, look: Callable[[dict[str, Any]], Glance], timeout: float | timedelta | None, show: bool) -> None:
        """Asks for the summary until `look` says that waiting is over. `show` draws a bar."""
        limit = seconds(timeout)
        end = None if limit is None else time.monotonic() + limit
        with Progress(f"{self.KIND} {self.id}", show) as bar:
            while True:
                now = look(self._summary_in_time())
                bar.update(now.done, now.total, now.note)
                if now.there:
                    return
                if end is not None and time.monotonic() > end:
                    raise TimeoutError(f"{self.KIND} {self.id} is {now.at} after {limit:g} s")
                try:
                    pause(POLL_S)
                except KeyboardInterrupt:  # others look at it too, and it was started for itself
                    said = f"{self.KIND} {self.id} goes on ({now.at}): only the waiting was interrupted, .stop() ends it"
                    raise KeyboardInterrupt(said) from None

    def _summary_in_time(self) -> dict[str, Any]:
        """The summary; while the backend is down it is asked again for GRACE_S seconds."""
        end = time.monotonic() + GRACE_S
        while True:
            try:
                return self.summary()
            except WorkbenchError as error:
                if error.code not in DOWN or time.monotonic() > end:
                    raise
                pause(POLL_S)

    async def wait_async(self, **given: Any) -> Any:
        """As wait(), without blocking the kernel: `await run.wait_async()`. A task that is cancelled waits no longer; what it waited for
        goes on.
        """
        return await asynchronous(self.wait, **given)

    def wait(self, **given: Any) -> Any:
        """Until there is nothing more to wait for."""
        raise NotImplementedError

    def _cells(self) -> list[Any]:
        """What its row of a table shows, in the order of HEADS."""
        raise NotImplementedError

    @classmethod
    def html_head(cls) -> str:
        return "<tr>" + "".join(f"<th>{head}</th>" for head in cls.HEADS) + "</tr>"

    def html_row(self) -> str:
        return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in self._cells()) + "</tr>"

    def _repr_html_(self) -> str:
        self.summary()
        return f"<table>{self.html_head()}{self.html_row()}</table>"
