"""The one error that the Python side raises: what the backend sends, or what is said in its place when it is down."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Any


class WorkbenchError(Exception):
    """A failure with a stable `code`, a `message` that says what was seen and where, and a `remedy`."""

    def __init__(self, code: str, message: str, remedy: str, status: int | None = None) -> None:
        super().__init__(f"{message}\n  Remedy: {remedy}\n  [{code}]")
        self.code = code
        self.message = message
        self.remedy = remedy
        self.status = status

    @classmethod
    def from_body(cls, body: Any, status: int) -> WorkbenchError:
        """From an ErrorBody; from whatever else an answer in between (a proxy, a login page) may hold."""
        if isinstance(body, dict) and {"code", "message", "remedy"} <= body.keys():
            return cls(body["code"], body["message"], body["remedy"], status)
        said = body.get("message") if isinstance(body, dict) else _readable(str(body))
        if status == 404:
            said = f"{said}; there is no Med-R1 Workbench at this address"
        remedy = "Check url and token." if status in (401, 403, 404) else "See the log of the Jupyter server."
        return cls(f"HTTP_{status}", f"The Jupyter server answered {status}: {said}", remedy, status)

    def body(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "remedy": self.remedy}

    def _repr_html_(self) -> str:
        return f"<b>{escape(self.message)}</b><br>{escape(self.remedy)} <code>{escape(self.code)}</code>"


def _readable(text: str) -> str:
    """Of a page its title, for the rest is for a browser; the start of any other text."""
    if title := re.search(r"<title[^>]*>(.*?)</title>", text, re.DOTALL | re.IGNORECASE):
        text = unescape(title[1])
    elif "<" in text[:20]:
        text = "a page for a browser"
    return " ".join(text.split())[:200]
