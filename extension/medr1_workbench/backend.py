"""HTTP to the backend: its private socket, and how long an answer is waited for.

Proxies of the environment are not asked: the socket is this machine's.
"""

from __future__ import annotations

import asyncio
import os

import httpx

from .connection import Connection, wait_for

# The socket is local: connecting is quick or fails. Answers may take long (an estimate, a page of images).
TIMEOUT = httpx.Timeout(connect=5.0, read=120.0, write=30.0, pool=30.0)
# An answer of a model waits for the end of a step, and for others that asked before; the backend itself gives up after 10 minutes.
PATIENT = httpx.Timeout(connect=5.0, read=660.0, write=30.0, pool=30.0)

# A POST that carries this header stands for another method: some proxies let through GET and POST alone.
METHOD_OVERRIDE = "X-HTTP-Method-Override"
# To Jupyter's authorizers a POST is a write, as these are.
OVERRIDDEN = frozenset({"PUT", "PATCH", "DELETE"})

# A server closes a connection that nobody uses, and may do so in the moment in which it is used again.
# What only reads is then asked once more, over another connection.
READS = frozenset({"GET", "HEAD"})
CLOSED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class _Transport(httpx.HTTPTransport):
    """Waits for a socket that somebody removed: a living backend makes it again. Where connecting failed nothing was sent.

    Asks once more where a kept connection was closed as it was used.
    """

    def __init__(self, socket: str) -> None:
        super().__init__(uds=socket, verify=False)
        self._socket = socket

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return super().handle_request(request)
        except httpx.ConnectError:
            if os.path.exists(self._socket) or not wait_for(self._socket):
                raise
            return super().handle_request(request)
        except CLOSED:
            if request.method not in READS:
                raise
            return super().handle_request(request)


class _AsyncTransport(httpx.AsyncHTTPTransport):
    """The same for the relay."""

    def __init__(self, socket: str) -> None:
        super().__init__(uds=socket, verify=False, limits=httpx.Limits(max_connections=64))
        self._socket = socket

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except httpx.ConnectError:
            if os.path.exists(self._socket) or not await asyncio.to_thread(wait_for, self._socket):
                raise
            return await super().handle_async_request(request)
        except CLOSED:
            if request.method not in READS:
                raise
            return await super().handle_async_request(request)


def client(connection: Connection) -> httpx.Client:
    return httpx.Client(
        transport=_Transport(connection.socket),
        base_url="http://localhost/api",
        headers=connection.headers,
        timeout=TIMEOUT,
        trust_env=False,
    )


def async_client(connection: Connection) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=_AsyncTransport(connection.socket),
        base_url="http://localhost",
        headers=connection.headers,
        timeout=TIMEOUT,
        trust_env=False,
    )
