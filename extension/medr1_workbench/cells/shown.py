"""What is shown as it stands: the rollouts of a question, and the questions of a data set, page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from ..ask import ask
from ..errors import WorkbenchError
from .display import Live
from .feed import cut, group_part, image_part
from .outbox import size_of
from .still import picture, readable, sheet_svg

ITEMS_A_PAGE = 12
# Of a still: as many of the questions, and images no larger.
STILL_ITEMS = 4
STILL_IMAGE_BYTES = 30_000
KEPT = ("id", "image", "question", "options", "answer", "modality", "question_type", "problem")


class LiveGroup(Live):
    """One question and what was said to it, or one completion of that."""

    def __init__(self, client: Any, run: str, body: dict[str, Any], completion: int | None = None) -> None:
        super().__init__()
        self._client = client
        self._run = run
        chosen = body["completions"] if completion is None else [body["completions"][completion]]
        self._part = group_part({**body, "completions": chosen}, run, body["step"], body["group"], [body["step"], body["step"]])
        self._image: dict[str, Any] | None = None

    def view(self) -> dict[str, Any]:
        return {"kind": "group", "run": self._run}

    def again(self) -> None:
        self.outbox.put("group", self._part)
        if (image := self._picture()) is not None:
            self.outbox.put("image", image)

    def _picture(self) -> dict[str, Any] | None:
        path = self._part["group"]["image"]
        if self._image is None and path:
            self._image = image_part(self._client, self._run, path, "image", self._run)
        return self._image

    def still(self) -> tuple[str, str, str]:
        group = self._part["group"]
        image = self._picture()
        url = image["url"] if image else None
        lines = [
            f"{group['question']} {', '.join(group['options'])}; right is {group['answer']}",
            *(f"{_verdict(one)} {one['text']}" for one in group["completions"]),
        ]
        lines = [readable(line) for line in lines]
        html = "".join(f"<p>{escape(line)}</p>" for line in lines)
        shown = f'<img src="{url}" alt="" height="96"/>' if url else ""
        svg = sheet_svg([(url, cut(group["question"], 60))], lines[0])
        return svg, f"<div>{shown}{html}</div>", "\n".join(lines)


def _verdict(one: Mapping[str, Any]) -> str:
    mark = {True: "right", False: "wrong"}.get(one["correct"], "not judged")
    reward = "" if one["reward"] is None else f", reward {one['reward']:.3g}"
    return f"[{one['prediction'] or '-'}: {mark}{reward}]"


class LiveItems(Live):
    """Questions of a data set under a filter, with their images, a page at a time. `table`: the HTML that stays in the notebook."""

    def __init__(self, client: Any, name: str, query: dict[str, Any], table: Callable[[], str]) -> None:
        super().__init__()
        self._client = client
        self._name = name
        self._query = query
        self._table = table
        #: Where each page that was seen begins.
        self._cursors: list[str | None] = [None]
        self._at = 0

    def view(self) -> dict[str, Any]:
        return {"kind": "items", "dataset": self._name}

    def again(self) -> None:
        self._put(self._at)

    def acts(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        return {"items": lambda asked: self._put(int(asked["at"]))}

    def _put(self, at: int) -> None:
        """A page and its images. Pages follow each other: one that was never reached is refused."""
        if not 0 <= at < len(self._cursors):
            raise WorkbenchError("REQUEST_INVALID", f"Page {at + 1} was not reached yet", "Go on page by page.")
        page = self._page(at)
        self._at = at
        self.outbox.put("items", items_part(self._name, at, page))
        for item in page["items"]:
            if item["image"]:
                part = image_part(self._client, self._name, item["image"], *self._route(item))
                self.outbox.put(("image", item["image"]), part)

    def _page(self, at: int) -> dict[str, Any]:
        place = {} if self._cursors[at] is None else {"cursor": self._cursors[at]}
        page = ask(self._client, "data.page", self._name, body={**self._query, "limit": ITEMS_A_PAGE, **place})
        self._cursors[at + 1 :] = [] if page["cursor"] is None else [page["cursor"]]
        return page

    def _route(self, item: Mapping[str, Any]) -> tuple[str, ...]:
        """A thumbnail by the hash of the image's bytes, where those were read; else the image."""
        return ("data.thumb", self._name, item["sha256"]) if item.get("sha256") else ("data.image", self._name)

    def still(self) -> tuple[str, str, str]:
        page = self._page(0)
        first = page["items"][:STILL_ITEMS]
        shown = [(self._still_image(item), cut(item["question"], 60)) for item in first]
        says = readable(f"{self._name}: {page['total']} questions")
        svg = sheet_svg(shown, says)
        head = f'<img src="{picture(svg)}" alt="{escape(says, quote=True)}"/>'
        return svg, head + self._table(), "\n".join([says, *(readable(cut(item["question"], 200)) for item in first)])

    def _still_image(self, item: Mapping[str, Any]) -> str | None:
        url = image_part(self._client, self._name, item["image"], *self._route(item))["url"] if item["image"] else None
        return url if url and len(url) <= STILL_IMAGE_BYTES else None


def items_part(dataset: str, at: int, page: Mapping[str, Any]) -> dict[str, Any]:
    """A page of questions, their texts cut until they fit."""
    head = {"part": "items", "dataset": dataset, "total": page["total"], "at": at, "more": page["cursor"] is not None}
    for longest in (2000, 500, 100):
        part = {**head, "items": [{key: cut(item.get(key), longest) for key in KEPT} for item in page["items"]]}
        if size_of(part) < STILL_IMAGE_BYTES:
            break
    return part
