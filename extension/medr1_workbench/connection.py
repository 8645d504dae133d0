"""Where the backend listens: a private socket and a secret, made by the server extension and read by kernels.

The file is 0600 in a 0700 folder; the secret is never in an argument, a URL or a log.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

ENV = "MEDR1_CONNECTION_FILE"
PROTOCOL_VERSION = 1


@dataclass(frozen=True)
class Connection:
    socket: str
    secret: str
    protocol: int = PROTOCOL_VERSION

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


class PrivateFolder:
    """A folder of this user alone with the socket and the connection file; unix socket paths must stay short, so it lies in TMPDIR."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="medr1-"))  # 0700
        self.connection = Connection(socket=str(self.path / "s"), secret=secrets.token_hex(32))
        self.file = self.path / "connection.json"
        fd = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as stream:
            json.dump(asdict(self.connection), stream)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def read_connection(file: str | os.PathLike[str]) -> Connection:
    data = json.loads(Path(file).read_text())
    return Connection(socket=data["socket"], secret=data["secret"], protocol=data.get("protocol", PROTOCOL_VERSION))
