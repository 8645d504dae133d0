"""The selection that all views of the browser share, from a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode


class Selection(Mapping[str, Any]):
    """dataset, item, runs, step, group, completion, token, variant, evaluations and search, as they were when it was read. Parts are items
    and attributes.

    Assign to `wb.selection` to move it: `wb.selection = {"step": 12}`; what hangs on a part that changed is dropped.
    """

    def __init__(self, parts: dict[str, Any]) -> None:
        self._parts = parts

    def __getitem__(self, part: str) -> Any:
        return self._parts[part]

    def __getattr__(self, part: str) -> Any:
        if part.startswith("_") or part not in self._parts:
            raise AttributeError(f"the selection has no {part}; it has {', '.join(self._parts) if not part.startswith('_') else 'parts'}")
        return self._parts[part]

    @property
    def link(self) -> str:
        """A `medr1:` link to it, which "Open link …" of the browser shows again."""
        chosen = {part: value for part, value in self._parts.items() if value not in (None, [])}
        return "medr1:?" + urlencode({part: ",".join(value) if isinstance(value, list) else value for part, value in chosen.items()})

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        chosen = ", ".join(f"{part}={value!r}" for part, value in self._parts.items() if value not in (None, []))
        return f"<Selection {chosen or 'nothing'}>"
