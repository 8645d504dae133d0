"""A bar for what takes long: drawn in a notebook, one line that is written over in a terminal, nothing where output is a file."""

from __future__ import annotations

import sys
import time
from html import escape
from types import TracebackType
from typing import Any

WIDTH = 30
REDRAW_S = 0.25


class Progress:
    """`with Progress("run x") as bar: bar.update(3, 60, "reward 1.2")`. Leaves the last state standing, also after an interrupt."""

    def __init__(self, title: str, show: bool = True) -> None:
        self._title = title
        self._handle: Any = None
        self._kernel = show and _in_notebook()
        self._terminal = show and not self._kernel and sys.stderr is not None and sys.stderr.isatty()
        self._began = time.monotonic()
        self._first: tuple[float, int] | None = None
        self._drawn = 0.0
        self._last = ""

    def __enter__(self) -> Progress:
        return self

    def update(self, done: int, total: int, note: str = "") -> None:
        """`done` of `total`; total 0 = not known yet. Drawn a few times a second at most, and at the end."""
        now = time.monotonic()
        self._first = self._first or (now, done)
        line = f"{self._title}: {' · '.join(each for each in (self._measure(done, total, now), note) if each)}"
        over = total > 0 and done >= total
        if line == self._last or (now - self._drawn < REDRAW_S and not over):
            return
        self._drawn, self._last = now, line
        if self._kernel:
            self._draw_html(done, total, line)
        elif self._terminal:
            sys.stderr.write(f"\r\x1b[2K{line}")
            sys.stderr.flush()

    def _measure(self, done: int, total: int, now: float) -> str:
        if total <= 0:
            return f"{done}" if done else ""
        began, at = self._first or (now, done)
        speed = (done - at) / (now - began) if now > began else 0.0
        left = f", {_duration((total - done) / speed)} left" if speed > 0 and done < total else ""
        filled = round(WIDTH * min(done, total) / total)
        bar = "" if self._kernel else f" [{'#' * filled}{'.' * (WIDTH - filled)}]"
        return f"{done} of {total}{bar}{left}"

    def _draw_html(self, done: int, total: int, line: str) -> None:
        from IPython.display import display

        bar = f'<progress max="{max(total, 1)}" value="{min(done, max(total, 1))}" style="width:20em"></progress> ' if total > 0 else ""
        data = {"text/html": f"{bar}<span>{escape(line)}</span>", "text/plain": line}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._terminal and self._last:
            sys.stderr.write("\n")


def _in_notebook() -> bool:
    """Whether this is a kernel that shows displays; asked without importing IPython where nobody has."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
