"""HTTP to the backend's private socket."""

from __future__ import annotations

import httpx

from .connection import Connection

# The socket is local: connecting is quick or fails. Answers may take long (an estimate, a page of images).
TIMEOUT = httpx.Timeout(connect=5.0, read=120.0, write=30.0, pool=30.0)
# An answer of a model waits for the end of a step, and for others that asked before; the backend itself gives up after 10 minutes.
PATIENT = httpx.Timeout(connect=5.0, read=660.0, write=30.0, pool=30.0)
PATIENT_PATHS = frozenset({"generate"})


def async_client(connection: Connection) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=connection.socket, verify=False, limits=httpx.Limits(max_connections=64)),
        base_url="http://localhost",
        headers=connection.headers,
        timeout=TIMEOUT,
        trust_env=False,
    )
