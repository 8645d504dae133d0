"""A cell's display: the widget where the host has anywidget, and always a picture and words, which stay in the notebook's file.

The picture is sent anew when a run's state changes and once a minute while it moves, so that a notebook that is opened without a kernel
shows how things stood. JupyterLab with our extension keeps the live view while the picture under it is replaced; other hosts draw the
cell again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from ..errors import WorkbenchError
from . import widget as host
from .outbox import Outbox

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# Our JupyterLab extension draws this one: live while there is a kernel, the picture where there is none.
LIVE_VIEW = "application/vnd.medr1.live+json"
STILL_S = 60.0
TROUBLE_S = 2.0
# Actions that a page asks for at the same time; more are refused.
MOST_ACTIONS = 8


class Live:
    """Shown by being the last expression of a cell. A subclass says what is shown, reads it, and does what a page asks for."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self._handle: Any = None
        self._widget: Any = None
        self._still_due = 0.0
        self._still_of: Any = None
        self._stale = False
        self._calm_until = 0.0
        self._in_trouble = False
        self._acting = 0
        self._pages: set[str] = set()
        self._lock = threading.Lock()

    # What a subclass says

    def view(self) -> dict[str, Any]:
        """What the page draws: {"kind": ..., ...}."""
        raise NotImplementedError

    def still(self) -> tuple[str, str, str]:
        """How things stand as SVG, HTML and words."""
        raise NotImplementedError

    def _left(self) -> dict[str, str]:
        return dict(zip(("svg", "html", "text"), self.still(), strict=True))

    def state(self) -> Any:
        """What the still is sent anew for at once, when it changes."""
        return None

    def poll(self, now: float) -> bool:
        """Reads what is new into the outbox; True where the still is not up to date any more."""
        return False

    def hurry(self) -> None:
        """The next poll reads, whenever it was due."""

    def again(self) -> None:
        """A page is new: everything goes into the outbox."""

    def acts(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        """What a page can ask for, by the type of its message; each is done in a thread of its own."""
        return {}

    def moves(self) -> bool:
        """Whether more is to be expected."""
        return False

    # How it is shown

    def bundle(self, left: Mapping[str, str]) -> dict[str, Any]:
        """MIME type -> data."""
        data: dict[str, Any] = {"image/svg+xml": left["svg"], "text/html": left["html"], "text/plain": left["text"]}
        if self._widget is not None:
            reference = {"version_major": 2, "version_minor": 0, "model_id": self._widget.model_id}
            data = {LIVE_VIEW: {"model_id": self._widget.model_id}, WIDGET_VIEW: reference, **data}
        return data

    def _ipython_display_(self, **_: Any) -> None:
        from IPython import get_ipython
        from IPython.display import display

        if not hasattr(get_ipython(), "kernel"):
            print(self.still()[2])
            return
        left = self._left()
        if self._widget is None and host.available():
            self._widget = host.make(self.view(), left, self._heard)
        self._handle = display(self.bundle(left), raw=True, display_id=True)
        self._still_of, self._still_due = self.state(), time.monotonic() + STILL_S
        if self._widget is not None or self.moves():
            host.PUMP.add(self)

    # What the thread does

    def tick(self, now: float) -> bool:
        """One look at the server and one message at most."""
        if now >= self._calm_until:
            try:
                self._stale = self.poll(now) or self._stale
                if self._in_trouble:
                    self._in_trouble = False
                    self.outbox.put("trouble", {"part": "trouble", "error": None})
            except WorkbenchError as error:
                self._calm_until = now + TROUBLE_S
                if not self._in_trouble:
                    self._in_trouble = True
                    self.outbox.put("trouble", {"part": "trouble", "error": short_error(error)})
        if self._widget is not None and (message := self.outbox.take(now)) is not None:
            self._widget.send(message)
            return True
        if self._stale and (now >= self._still_due or self.state() != self._still_of):
            self._renew(now)
        if self._widget is None:
            self.outbox.clear()
        if not self._pages and not self.moves() and len(self.outbox) == 0:
            host.PUMP.remove(self)  # until a page asks again
        return self.moves() or len(self.outbox) > 0

    def settle(self) -> None:
        """As `Ticks` has it. A server that is away is told of by the next tick."""
        now = time.monotonic()
        self.hurry()
        try:
            self._stale = self.poll(now) or self._stale
        except WorkbenchError:
            return
        if self._stale:
            self._renew(now)

    def _renew(self, now: float) -> None:
        """The picture and words in the notebook, as things stand."""
        self._stale = False
        state = self.state()
        left = self._left()
        if self._widget is not None:
            self._widget.left = left
        if self._handle is not None:
            self._handle.update(self.bundle(left), raw=True)
        self._still_of, self._still_due = state, now + STILL_S

    def _heard(self, content: Any) -> None:
        """A message of a page. It is done in a thread, so that the kernel's own loop waits for no server."""
        if not isinstance(content, dict):
            return
        kind = content.get("type")
        if kind == "ready":
            self._pages.add(str(content.get("page")))
            self.outbox.clear()
            self.again()
            host.PUMP.add(self)
            return
        if kind == "gone":
            self._pages.discard(str(content.get("page")))
            return
        act = self.acts().get(str(kind))
        if act is None:
            return
        with self._lock:
            if self._acting >= MOST_ACTIONS:
                busy = "The cell already does eight things"
                self._answer(content, WorkbenchError("CELL_BUSY", busy, "Try again when some of them are done."))
                return
            self._acting += 1
        threading.Thread(target=self._do, args=(act, content), name=f"medr1 live {kind}", daemon=True).start()

    def _do(self, act: Callable[[dict[str, Any]], Any], content: dict[str, Any]) -> None:
        error: WorkbenchError | None = None
        try:
            act(content)
        except WorkbenchError as failure:
            error = failure
        except Exception as failure:  # what a page sends may be anything
            error = WorkbenchError("REQUEST_INVALID", f"{type(failure).__name__}: {failure}", "Reload the page.")
        finally:
            with self._lock:
                self._acting -= 1
        self._answer(content, error)

    def _answer(self, content: dict[str, Any], error: WorkbenchError | None) -> None:
        if (number := content.get("id")) is not None:
            self.outbox.put(("done", number), {"part": "done", "id": number, "error": None if error is None else short_error(error)})
        host.PUMP.add(self)


def short_error(error: WorkbenchError) -> dict[str, str]:
    """An error as a page shows it, no longer than a page can."""
    return {"code": error.code, "message": error.message[:2000], "remedy": error.remedy[:1000]}


def figure_html(picture: str, says: str, *lines: str) -> str:
    """A picture over lines of text, in HTML without script and without style."""
    shown = "".join(f"<div>{escape(line)}</div>" for line in lines)
    return f'<div><img src="{picture}" alt="{escape(says, quote=True)}"/>{shown}</div>'
