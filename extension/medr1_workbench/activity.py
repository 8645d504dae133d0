"""Tells Jupyter's idle culler that a training run which makes progress is activity; a run that stands still is none."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from jupyter_server._tz import utcnow

from .protocol import ACTIVE_STATES
from .sidecar import Sidecar

EVERY_S = 60.0


def progress(runs: list[dict[str, Any]]) -> dict[str, int]:
    """Sequence numbers of the runs that train: they grow with each step."""
    return {run["id"]: run["seq"] for run in runs if run["state"] in ACTIVE_STATES - {"paused"}}


async def watch_activity(sidecar: Sidecar, backend: httpx.AsyncClient, settings: dict[str, Any], every_s: float = EVERY_S) -> None:
    seen: dict[str, int] = {}
    while True:
        await asyncio.sleep(every_s)
        if sidecar.state != "running":
            continue
        try:
            now = progress((await backend.get("/api/runs")).json()["runs"])
        except (httpx.HTTPError, ValueError, KeyError):
            continue
        if any(seq != seen.get(run) for run, seq in now.items()):
            settings["last_activity_times"]["medr1_workbench"] = utcnow()
        seen = now
