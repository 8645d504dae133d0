"""What a live cell is to the host: an anywidget with one module, and the thread that reads the server and sends to it.

anywidget is imported when a cell is shown and not before: `import medr1_workbench` stays light, and a Python without it shows the picture.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol

MODULE = Path(__file__).parents[1] / "static" / "live.js"
TICK_S = 0.25
IDLE_S = 2.0
SETTLE_S = 5.0


class Ticks(Protocol):
    """What the thread works for."""

    def tick(self, now: float) -> bool:
        """Reads and sends what is due. False when nothing is to be expected soon."""
        ...

    def settle(self) -> None:
        """Reads what is new, due or not, and leaves the picture as things stand."""
        ...


def available() -> bool:
    """Whether a live cell can be made here: anywidget is installed, and the module was built."""
    return importlib.util.find_spec("anywidget") is not None and MODULE.exists()


@cache
def _widget_class() -> Any:
    import anywidget
    import traitlets

    class LiveCell(anywidget.AnyWidget):
        """`view` says what is shown; `left` is what stands in the notebook: {"svg", "html", "text"}."""

        _esm = MODULE
        view = traitlets.Dict().tag(sync=True)
        left = traitlets.Dict().tag(sync=True)

    return LiveCell


def make(view: dict[str, Any], left: dict[str, str], heard: Callable[[dict[str, Any]], None]) -> Any:
    """A widget; `heard` is called with each message of a page."""
    widget = _widget_class()(view=view, left=left)
    widget.on_msg(lambda _widget, content, _buffers: heard(content))
    return widget


class Pump:
    """One thread for all live cells of a kernel. It sleeps while nothing moves, and ends when no cell is left."""

    def __init__(self) -> None:
        self._cells: list[Ticks] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        #: Calls of settle(), and those of them that are done.
        self._asked = self._done = 0

    def add(self, cell: Ticks) -> None:
        with self._lock:
            if cell not in self._cells:
                self._cells.append(cell)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="medr1 live cells", daemon=True)
                self._thread.start()
        self.wake()

    def remove(self, cell: Ticks) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._cells.remove(cell)

    def wake(self) -> None:
        self._wake.set()

    def settle(self, timeout: float = SETTLE_S) -> None:
        """Until every cell has looked at the server once more and its picture is as things stand; no longer than `timeout` seconds."""
        end = time.monotonic() + timeout
        with self._lock:
            self._asked += 1
            wanted = self._asked
        while self._thread not in (None, threading.current_thread()) and self._done < wanted and time.monotonic() < end:
            self.wake()
            time.sleep(TICK_S / 5)

    def _run(self) -> None:
        while True:
            with self._lock:
                asked = self._asked
                cells = list(self._cells)
                if not cells:
                    self._thread = None
                    return
            if asked > self._done:
                for cell in cells:
                    self._guard(cell, cell.settle)
                self._done = asked
            busy = [self._guard(cell, lambda cell=cell: cell.tick(time.monotonic())) for cell in cells]
            self._wake.wait(TICK_S if any(busy) else IDLE_S)
            self._wake.clear()

    def _guard(self, cell: Ticks, work: Callable[[], bool | None]) -> bool:
        """A cell that fails is left alone from then on; the others go on."""
        try:
            return bool(work())
        except Exception:
            logging.getLogger(__name__).exception("a live cell is not followed any more")
            self.remove(cell)
            return False


PUMP = Pump()
