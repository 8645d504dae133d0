"""Supervises the backend, `medr1 serve`: starts it, watches it, starts it again when it dies, stops it with all it started.

stopped -> starting -> running -> (dies) waiting -> starting ...
                                           `-> failed, after MAX_FAILURES in a row: tried again, but seldom
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from logging import Logger
from pathlib import Path
from typing import Any

from .connection import PROTOCOL_VERSION, Connection

LOG_LINES = 200
MAX_FAILURES = 6
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
# A backend that ran this long was well: its next failure counts as the first.
WELL_AFTER_S = 60.0
# One that gives no answer for two probes in a row hangs. Between the two it is busy at worst: a copy of a large run takes seconds.
PROBE_EVERY_S = 5.0
PROBE_DEADLINE_S = 20.0
MISSED_PROBES = 2


@dataclass
class Sidecar:
    """One backend process at a time. `command` is the program with its arguments, without the socket."""

    command: list[str]
    connection: Connection
    log: Logger
    env: dict[str, str] = field(default_factory=dict)
    start_timeout: float = 30.0
    stop_timeout: float = 5.0

    state: str = "stopped"
    message: str = "The backend has not been started yet."
    remedy: str = "Wait a moment."
    pid: int | None = None
    version: str | None = None
    started_at: float | None = None
    restarts: int = 0

    def __post_init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=LOG_LINES)
        self._why = ""
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    def start(self) -> None:
        """Returns at once; the backend comes up in the background."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._supervise())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._end_group()
        self._become("stopped", "The backend has been stopped.", "Start JupyterLab again.")

    async def restart(self) -> None:
        await self.stop()
        self.start()

    def status(self) -> dict[str, Any]:
        """What the page shows when there is no backend to ask."""
        return {
            "state": self.state,
            "message": self.message,
            "remedy": self.remedy,
            "pid": self.pid,
            "version": self.version,
            "started_at": self.started_at,
            "restarts": self.restarts,
            "log": list(self.lines)[-40:],
        }

    def _become(self, state: str, message: str, remedy: str = "") -> None:
        self.state, self.message, self.remedy = state, message, remedy
        if state != "running":
            self.pid = self.started_at = None

    async def _supervise(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                why = await self._run_once()
            except OSError as error:
                failures = MAX_FAILURES
                why = f"{self.command[0]} cannot be started: {error.strerror}"
            finally:
                await self._end_group()
            failures = 1 if time.monotonic() - began > WELL_AFTER_S else failures + 1
            self.restarts += 1
            self._why = why
            delay = min(FIRST_DELAY_S * 2 ** (failures - 1), LONGEST_DELAY_S)
            self.log.warning("medr1 serve: %s; starting it again in %g s", why, delay)
            if failures < MAX_FAILURES:
                self._become("waiting", f"The backend stopped: {why}.", f"Wait: it starts again in {delay:g} s.")
            else:
                remedy = f"Run medr1 doctor, or npm start, in the clone; the backend is tried again every {LONGEST_DELAY_S:g} s."
                self._become("failed", f"The backend does not start: {why}.", remedy)
            await asyncio.sleep(delay)

    async def _run_once(self) -> str:
        """From start to end; the answer is why it ended."""
        again = f" It did not stay up before: {self._why}" if self._why else ""
        self._become("starting", f"The backend is starting.{again}", "Wait a moment.")
        self.lines.clear()
        # A socket that a killed backend left would keep the next one from listening.
        Path(self.connection.socket).unlink(missing_ok=True)
        self._process = process = await asyncio.create_subprocess_exec(
            *self.command,
            "--socket",
            self.connection.socket,
            "--watch-parent",
            stdin=asyncio.subprocess.PIPE,  # its end (--watch-parent) tells the backend that Jupyter is gone, however it went
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self.env, "MEDR1_SECRET": self.connection.secret},
            start_new_session=True,
        )
        ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        readers = [
            asyncio.create_task(self._read_output(process.stdout, ready)),
            asyncio.create_task(self._read_errors(process.stderr)),
        ]
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({ended, ready}, timeout=self.start_timeout, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done() and not ended.done():
                return f"it was not ready within {self.start_timeout:g} s"
            if ready.done():
                info = ready.result()
                if info.get("protocol") != PROTOCOL_VERSION:
                    return f"it speaks protocol {info.get('protocol')}, this extension {PROTOCOL_VERSION}; reinstall with npm start"
                self._become("running", "The backend is running.")
                self._why = ""
                self.pid, self.version, self.started_at = info.get("pid"), info.get("version"), time.time()
                hanging = asyncio.create_task(self._hangs())
                readers.append(hanging)
                await asyncio.wait({ended, hanging}, return_when=asyncio.FIRST_COMPLETED)
                if not ended.done():
                    return f"it runs, but did not answer {MISSED_PROBES} times in a row within {PROBE_DEADLINE_S:g} s"
                hanging.cancel()
            code = await ended
            await asyncio.wait(readers, timeout=1)
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            words = _last_words(self.lines)
            return f"{how}: {words}" if words else how
        finally:
            for task in (*readers, ended):
                task.cancel()

    async def _hangs(self) -> None:
        """Returns once the backend runs and answers nobody any more. An answer of any kind is a sign of life."""
        missed = 0
        while missed < MISSED_PROBES:
            await asyncio.sleep(PROBE_EVERY_S)
            try:
                answered = await asyncio.wait_for(self._answers(), PROBE_DEADLINE_S)
            except (OSError, asyncio.TimeoutError):
                answered = False
            missed = 0 if answered else missed + 1
            if missed:
                self.log.warning("medr1 serve: no answer within %g s (%d of %d)", PROBE_DEADLINE_S, missed, MISSED_PROBES)

    async def _answers(self) -> bool:
        reader, writer = await asyncio.open_unix_connection(self.connection.socket)
        try:
            head = ["GET /api/view HTTP/1.1", "Host: localhost", "Connection: close"]
            head += [f"{name}: {value}" for name, value in self.connection.headers.items()]
            writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
            return bool(await reader.readline())
        finally:
            writer.close()

    async def _read_output(self, stream: asyncio.StreamReader | None, ready: asyncio.Future[dict[str, Any]]) -> None:
        async for line in _lines(stream):
            if not ready.done():
                with contextlib.suppress(ValueError):
                    info = json.loads(line)
                    if isinstance(info, dict) and "protocol" in info:
                        ready.set_result(info)
                        continue
            self._note(line)

    async def _read_errors(self, stream: asyncio.StreamReader | None) -> None:
        async for line in _lines(stream):
            self._note(line)

    def _note(self, line: str) -> None:
        self.lines.append(line)
        self.log.info("medr1: %s", line)

    async def _end_group(self) -> None:
        """SIGTERM to all that the backend started in its session, SIGKILL after stop_timeout."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            _signal_group(process.pid, signal.SIGTERM)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), self.stop_timeout)
        # Also when it ended by itself: what it started may still be there.
        _signal_group(process.pid, signal.SIGKILL)
        await process.wait()


def _last_words(lines: Iterable[str]) -> str:
    """What a program said last: its own error line rather than the stack and the version that Node prints below it."""
    said = [line.strip() for line in lines if line.strip()]
    errors = [line for line in said if line.startswith("medr1:") or re.match(r"\w*Error\b", line)]
    return (errors or said or [""])[-1]


def _signal_group(pgid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pgid, number)


async def _lines(stream: asyncio.StreamReader | None):
    assert stream is not None
    while True:
        try:
            raw = await stream.readline()
        except ValueError:  # one line longer than the reader's buffer: it has been dropped
            continue
        if not raw:
            return
        yield raw.decode("utf-8", "replace").rstrip("\n")
