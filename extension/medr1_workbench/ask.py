"""How the classes of this package ask the backend: a route by its name, through the client that made them."""

from __future__ import annotations

import re
from typing import Any, Protocol

import httpx

from .backend import TIMEOUT
from .protocol import ROUTES
from .values import part


class Asks(Protocol):
    """What asks the backend: a client."""

    def request(self, method: str, path: str, body: Any = None, *, timeout: httpx.Timeout = TIMEOUT, **query: Any) -> Any:
        """The answer of one route, from JSON. Raises WorkbenchError with the backend's own message and remedy."""
        ...


def filled(route: str, *parts: Any) -> tuple[str, str]:
    """Method and path of a route by its name (docs/api.md), filled with `parts`."""
    method, path = ROUTES[route]
    given = iter(parts)
    return method, re.sub(r":\w+", lambda _: part(next(given)), path)


def ask(client: Asks, route: str, *parts: Any, body: Any = None, timeout: httpx.Timeout = TIMEOUT, **query: Any) -> Any:
    """The answer of a route by its name (docs/api.md), its path filled with `parts`: `ask(client, "data.sample", "omnimedvqa", "q17")`."""
    method, path = filled(route, *parts)
    return client.request(method, path, body, timeout=timeout, **query)
