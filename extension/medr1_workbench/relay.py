"""Relays REST and the websocket of the backend under Jupyter's authentication, XSRF check and base URL.

Nothing that identifies the user to Jupyter (cookies, tokens) reaches the backend; it knows one secret, which the browser never sees.
"""

from __future__ import annotations

import asyncio
import json
from urllib.parse import parse_qsl, unquote, urlencode

import httpx
from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError, WebSocketHandler
from websockets.asyncio.client import unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from .backend import METHOD_OVERRIDE, OVERRIDDEN, PATIENT, TIMEOUT
from .protocol import MAX_BODY, SLOW_PATHS
from .sidecar import Sidecar

AUTH_RESOURCE = "medr1"
MAX_FRAME = 1 << 20

REQUEST_HEADERS = ("Accept", "Content-Type", "If-None-Match", "If-Modified-Since", "Range")
ANSWER_HEADERS = (
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Content-Security-Policy",
    "Content-Type",
    "ETag",
    "Last-Modified",
    "Retry-After",
    "X-Content-Type-Options",
    "X-Image-Level",
    "X-Image-Range",
    "X-Image-Size",
    "X-Image-Window",
)
# Jupyter's own query parameters.
NOT_RELAYED = {"token", "_xsrf", "no_track_activity"}
TRY_AGAIN_LATER = 1013


class _Base:
    auth_resource = AUTH_RESOURCE

    @property
    def sidecar(self) -> Sidecar:
        return self.settings["medr1_sidecar"]


class StatusHandler(_Base, APIHandler):
    """What the page can say when the backend itself cannot answer."""

    _track_activity = False

    @web.authenticated
    @authorized
    async def get(self) -> None:
        self.xsrf_token  # noqa: B018  makes Tornado send the cookie that a client without a token needs before it may POST
        self.finish(json.dumps(self.sidecar.status()))


class RestartHandler(_Base, APIHandler):
    @web.authenticated
    @authorized
    async def post(self) -> None:
        await self.sidecar.restart()
        self.finish(json.dumps(self.sidecar.status()))


@web.stream_request_body
class RelayHandler(_Base, APIHandler):
    """One request and its answer, streamed; the body going in is held to MAX_BODY."""

    async def prepare(self) -> None:
        self._body = bytearray()
        self._relaying: asyncio.Task | None = None
        # A page that polls is no sign of life of its user; an act is.
        self._track_activity = self.request.method not in ("GET", "HEAD")
        await super().prepare()
        if self.current_user is None:
            raise web.HTTPError(403)
        length = self.request.headers.get("Content-Length") or "0"
        if not (length.isascii() and length.isdigit()):
            raise web.HTTPError(400, f"Content-Length {length[:40]!r} is no number of bytes.")
        if int(length) > MAX_BODY:
            raise web.HTTPError(413, f"The body is larger than {MAX_BODY} bytes.")

    def data_received(self, chunk: bytes) -> None:
        self._body += chunk
        if len(self._body) > MAX_BODY:
            raise web.HTTPError(413, f"The body is larger than {MAX_BODY} bytes.")

    # One function a method, not one for all: `authorized` keeps the action (read, write) of the first request that it sees.

    @web.authenticated
    @authorized
    async def get(self, path: str) -> None:
        await self._relay(path)

    @web.authenticated
    @authorized
    async def post(self, path: str) -> None:
        await self._relay(path)

    @web.authenticated
    @authorized
    async def put(self, path: str) -> None:
        await self._relay(path)

    @web.authenticated
    @authorized
    async def patch(self, path: str) -> None:
        await self._relay(path)

    @web.authenticated
    @authorized
    async def delete(self, path: str) -> None:
        await self._relay(path)

    def on_connection_close(self) -> None:
        if self._relaying is not None:
            self._relaying.cancel()
        super().on_connection_close()

    async def _relay(self, path: str) -> None:
        client = self.settings["medr1_backend"]
        if self.sidecar.state != "running" or client.is_closed:  # Jupyter closes it first when it stops
            return self._backend_down()
        self._relaying = asyncio.current_task()
        try:
            request = client.build_request(
                self._method(),
                self._target(),
                headers=self._relayed_headers(),
                content=bytes(self._body),
                timeout=PATIENT if path in SLOW_PATHS else TIMEOUT,
            )
            answer = await client.send(request, stream=True)
            try:
                await self._answer(answer)
            finally:
                await answer.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            self._backend_down(error)
        except httpx.TimeoutException:
            self._fail(
                504,
                "BACKEND_SLOW",
                "The backend did not answer in time.",
                "Try again; medr1 doctor says whether its process is there.",
            )
        except httpx.HTTPError:
            if self._headers_written:  # too late for another status: cut the answer short, so that it cannot pass for whole
                self.request.connection.close()
            else:
                self._fail(
                    502,
                    "BACKEND_LOST",
                    "The backend ended while it was asked.",
                    "Try again; it starts anew by itself.",
                )
        except (StreamClosedError, asyncio.CancelledError):
            pass  # the browser went away

    def _method(self) -> str:
        """Some proxies let through GET and POST alone: a POST may say what it stands for."""
        meant = self.request.headers.get(METHOD_OVERRIDE, "").upper()
        if self.request.method == "POST" and meant in OVERRIDDEN:
            return meant
        return self.request.method or "GET"

    def _target(self) -> str:
        """Path and query as the browser sent them, encoding and all, without what is Jupyter's."""
        _, _, path = self.request.path.partition("/medr1/api/")
        if any(part in (".", "..") for part in unquote(path).replace("\\", "/").split("/")):
            raise web.HTTPError(404)
        query = [(key, value) for key, value in parse_qsl(self.request.query, keep_blank_values=True) if key not in NOT_RELAYED]
        return f"/api/{path}{'?' + urlencode(query) if query else ''}"

    def _relayed_headers(self) -> dict[str, str]:
        kept = {name: self.request.headers[name] for name in REQUEST_HEADERS if name in self.request.headers}
        return {**kept, "Accept-Encoding": "identity"}

    async def _answer(self, answer: httpx.Response) -> None:
        self.set_status(answer.status_code)
        for name in ANSWER_HEADERS:
            if name in answer.headers:
                self.set_header(name, answer.headers[name])
        if answer.status_code not in (204, 304):
            async for chunk in answer.aiter_raw():
                self.write(chunk)
                await self.flush()
        self.finish(set_content_type=answer.headers.get("Content-Type", "application/json"))

    def _backend_down(self, unreachable: Exception | None = None) -> None:
        self.set_header("Retry-After", "1")
        message = self.sidecar.message
        if unreachable is not None and self.sidecar.state == "running":
            message = f"The backend is running and cannot be reached on {self.sidecar.connection.socket}: {unreachable}."
        self._fail(503, "BACKEND_DOWN", message, self.sidecar.remedy or "Wait a moment; it starts anew by itself.")

    def _fail(self, status: int, code: str, message: str, remedy: str) -> None:
        self.set_status(status)
        self.finish(json.dumps({"code": code, "message": message, "remedy": remedy}))


class RelaySocket(_Base, WebSocketMixin, WebSocketHandler, JupyterHandler):
    """The websocket, frame by frame, both ways. Each side waits for the other: nothing piles up here."""

    @property
    def max_message_size(self) -> int:
        return MAX_FRAME

    @ws_authenticated
    @authorized
    async def get(self, *args: str, **kwargs: str) -> None:
        await super().get(*args, **kwargs)

    async def open(self, *args: str, **kwargs: str) -> None:
        super().open(*args, **kwargs)
        self._backend = None
        if self.sidecar.state != "running":
            return self.close(TRY_AGAIN_LATER, "the backend is not running")
        connection = self.sidecar.connection
        try:
            self._backend = await unix_connect(
                connection.socket,
                "ws://localhost/api/ws",
                additional_headers=connection.headers,
                max_size=MAX_FRAME,
                max_queue=8,
                compression=None,
                user_agent_header=None,
            )
        except (OSError, InvalidHandshake, TimeoutError) as error:
            self.log.warning("medr1: no websocket to the backend: %s", error)
            return self.close(TRY_AGAIN_LATER, "the backend does not answer")
        self._pump = asyncio.create_task(self._to_browser())

    async def on_message(self, message: str | bytes) -> None:
        # Tornado reads no further frame before this returns.
        if self._backend is not None:
            try:
                await self._backend.send(message)
            except ConnectionClosed:
                pass  # _to_browser passes the code on

    async def _to_browser(self) -> None:
        try:
            async for message in self._backend:
                await self.write_message(message, binary=isinstance(message, bytes))
        except (ConnectionClosed, WebSocketClosedError, StreamClosedError):
            pass
        code = self._backend.close_code
        # 1005 and 1006 stand for "no code" and must not be sent.
        if code in (None, 1005, 1006):
            self.close(TRY_AGAIN_LATER, "the backend went away")
        else:
            self.close(code, self._backend.close_reason or None)

    def on_close(self) -> None:
        super().on_close()
        if getattr(self, "_backend", None) is not None:
            self._closing = asyncio.create_task(self._backend.close())
