"""Questions about a completion: the tokens that nearly came, where the model looked, and when it decided."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .ask import ask
from .backend import PATIENT
from .frames import NUMBER, TEXT, TRUTH, WHOLE, frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A row of rollouts() or search(), a dict with step, group and index, or the three as a tuple.
Rollout = Mapping[str, Any] | pd.Series | tuple[int, int, int]

VERDICTS = {
    "better": "better than {beaten} of {orders} random orders",
    "chance": "no better than chance: it beats {beaten} of {orders} random orders, and says little",
    "no-image": "a grey image hardly changes this token, so that no map of the image explains it",
}


def target_of(run: str, rollout: Rollout) -> dict[str, Any]:
    """A stored completion, as a question about it names it."""
    if isinstance(rollout, tuple):
        step, group, index = rollout
    else:
        step, group, index = (rollout[key] for key in ("step", "group", "index"))
    return {"run": run, "rollout": {"step": int(step), "group": int(group), "completion": int(index)}}


def asked_of(client: Any, kind: str, target: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a question about a completion. Given things that are None are left out."""
    body = {**target, **{key: value for key, value in given.items() if value is not None}}
    return ask(client, f"explain.{kind}", body=body, timeout=PATIENT)


def _who(body: dict[str, Any]) -> str:
    if body["step"] is None:
        return str(body["model"])
    live = ", in training" if body["live"] else ""
    near = "" if body["wanted_step"] in (None, body["step"]) else f", the nearest to step {body['wanted_step']}"
    return f"policy of step {body['step']}{live}{near}"


PLACES = {
    "place": WHOLE,
    "token": TEXT,
    "logprob": NUMBER,
    "rank": WHOLE,
    "entropy": NUMBER,
    "alternative": TEXT,
    "p": NUMBER,
    "said": TRUTH,
}


def alternatives(client: Any, target: Mapping[str, Any], **given: Any) -> pd.DataFrame:
    """A row an alternative, `top` of each token, the likeliest first; `logprob`, `rank` and `entropy` are of the token that was said.
    `attrs` names the policy: step, wanted_step, live, temperature.
    """
    body = asked_of(client, "alternatives", target, given)
    rows = [
        {
            "place": place,
            "token": body["tokens"][place],
            **{key: at[key] for key in ("logprob", "rank", "entropy")},
            "alternative": one["text"],
            "p": float(np.exp(one["logprob"])),
            "said": one["id"] == body["token_ids"][place],
        }
        for place, at in enumerate(body["places"])
        for one in at["top"]
    ]
    found = frame(rows, PLACES)
    found.attrs.update({key: body[key] for key in ("step", "wanted_step", "live", "model", "temperature")}, policy=_who(body))
    return found


class Attribution:
    """Where the model looked for one token of a completion; made by Run.attribute() and Generation.attribute()."""

    def __init__(self, client: Any, body: dict[str, Any], picture: tuple[str, tuple[Any, ...], dict[str, Any]] | None) -> None:
        self._client, self._body, self._picture = client, body, picture
        self.token: str = body["token"]["text"]
        self.index: int = body["token"]["index"]
        self.method: str = body["method"]
        self.against: list[str] = body["against"]
        #: Log-probability of the token, or the contrast with `against`, in nats.
        self.score: float = body["score"]
        self.baseline_score: float | None = body["baseline_score"]
        #: How far integrated gradients are from adding up to score - baseline_score, as a share of it.
        self.gap: float | None = body["gap"]
        #: One value a token of the image, [rows, columns]; positive where the place speaks for the token. None without an image.
        self.image: np.ndarray | None = None if body["image"] is None else np.asarray(body["image"])
        #: Occlusion: one value a block.
        self.blocks: np.ndarray | None = None if body["blocks"] is None else np.asarray(body["blocks"])
        #: Probabilities with the image and with a grey one, areas of deletion and insertion, and those of random orders.
        self.check: dict[str, Any] | None = body["check"]
        self.step: int | None = body["step"]
        self.wanted_step: int | None = body["wanted_step"]
        self.policy = _who(body)

    @property
    def verdict(self) -> str | None:
        """better, chance or no-image: what deletion and insertion say of the map; None where it was not checked."""
        return None if self.check is None else self.check["verdict"]

    @property
    def words(self) -> pd.DataFrame:
        """Values of the prompt's entries, of which the image is one, and of the tokens before the one explained; by gradient alone."""
        words = self._body["words"]
        rows: list[dict[str, Any]] = []
        if words is not None:
            of_prompt = zip(self._body["prompt"]["tokens"], words["prompt"], strict=True)
            rows += [{"part": "image" if "image" in one else "prompt", "text": one["text"], "value": value} for one, value in of_prompt]
            said = zip(self._body["tokens"], words["completion"], strict=False)
            rows += [{"part": "completion", "text": text, "value": value} for text, value in said]
        return frame(rows, {"part": TEXT, "text": TEXT, "value": NUMBER})

    def plot(self, ax: Axes | None = None, *, opacity: float = 0.6) -> Axes:
        """The map over the image, drawn by matplotlib: orange speaks for the token, blue against it."""
        import matplotlib.pyplot as plt

        if self.image is None:
            raise ValueError("the prompt has no image")
        axes = plt.subplots()[1] if ax is None else ax
        rows, columns = self.image.shape
        extent = (0.0, float(columns), float(rows), 0.0)
        if self._picture is not None:
            route, parts, query = self._picture
            _, data = self._client.picture(route, *parts, **query)
            axes.imshow(plt.imread(io.BytesIO(data)), extent=extent, aspect="equal")
        full = float(np.abs(self.image).max()) or 1.0
        axes.imshow(self.image, extent=extent, cmap="PuOr_r", vmin=-full, vmax=full, alpha=opacity)
        axes.set_axis_off()
        axes.set_title(f"{self.token.strip()!r}: {self._says()}", fontsize="small", wrap=True)
        return axes

    def _says(self) -> str:
        if self.check is None:
            return "not held against random orders"
        return VERDICTS[self.check["verdict"]].format(beaten=self.check["beaten"], orders=len(self.check["random"]))

    def __repr__(self) -> str:
        shape = "no image" if self.image is None else f"{self.image.shape[0]} x {self.image.shape[1]}"
        return f"<Attribution of {self.token!r} by {self.method}, {shape}, {self.policy}: {self._says()}>"

    def _repr_html_(self) -> str:
        head = f"<p>{escape(repr(self.token))} by {self.method}, {escape(self.policy)}: {escape(self._says())}</p>"
        return head if self.image is None else head + _drawing(self.image)


def _drawing(values: np.ndarray) -> str:
    """The map alone, as SVG: it needs no matplotlib and no script."""
    rows, columns = values.shape
    full = float(np.abs(values).max()) or 1.0
    cells = "".join(
        f'<rect x="{x}" y="{y}" width="1" height="1" fill="{"#d55e00" if values[y, x] > 0 else "#0072b2"}" '
        f'fill-opacity="{abs(values[y, x]) / full:.3f}"><title>{values[y, x]:.4g}</title></rect>'
        for y in range(rows)
        for x in range(columns)
    )
    return f'<svg viewBox="0 0 {columns} {rows}" width="{24 * columns}" style="max-width:100%;border:1px solid #888">{cells}</svg>'


def decision(client: Any, target: Mapping[str, Any], **given: Any) -> pd.DataFrame:
    """A row a cut: the probability of each option, a column its letter, after the sentences so far, none of them first. `attrs`: decided
    (the row from which on the likeliest option stays), options, asked_by, own_words, and the policy.
    """
    body = asked_of(client, "decision", target, given)
    text = "".join(body["tokens"])
    letters = [option["letter"] for option in body["options"]]
    rows = [
        {
            "sentence": text[cut["from"] : cut["to"]],
            "kept": cut["kept"],
            **dict(zip(letters, cut["probabilities"], strict=True)),
            "other": cut["other"],
        }
        for cut in body["cuts"]
    ]
    found = frame(rows, {"sentence": TEXT, "kept": NUMBER, **dict.fromkeys(letters, NUMBER), "other": NUMBER})
    facts = ("decided", "asked_by", "own_words", "step", "wanted_step", "live", "model")
    found.attrs.update(
        {key: body[key] for key in facts}, options={one["letter"]: one["text"] for one in body["options"]}, policy=_who(body)
    )
    return found


def order_of(order: Sequence[int] | None) -> list[int] | None:
    return None if order is None else [int(place) for place in order]
