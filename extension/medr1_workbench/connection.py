"""Where the backend listens: a private socket and a secret, made by the server extension and read by kernels.

The file is 0600 in a 0700 folder; the secret is never in an argument, a URL or a log.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from .protocol import PROTOCOL_VERSION

ENV = "MEDR1_CONNECTION_FILE"
ENV_PID = "MEDR1_CONNECTION_PID"
PREFIX = "medr1-"
SOCKET_NAME = "s"
# What a unix socket's address holds on Linux without its closing zero; macOS holds four bytes less.
SUN_PATH_BYTES = 103
# A living server makes again what was removed within a second.
AGAIN_S = 3.0
LOOK_S = 0.05


@dataclass(frozen=True)
class Connection:
    socket: str
    secret: str
    protocol: int = PROTOCOL_VERSION

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


class PrivateFolder:
    """Folders of this user alone: one with the connection file, one with the socket; the same where the socket's path is short enough.

    They lie in Jupyter's runtime folder, which no cleaner visits, else in XDG_RUNTIME_DIR, in TMPDIR, in /tmp: the file in the first that
    can be written, the socket in the first where its path fits and one can be made (not every network file system takes sockets).
    """

    def __init__(self, runtime_dir: str | os.PathLike[str] | None = None) -> None:
        places = list(_places(runtime_dir))
        self._made: list[Path] = []
        self.path = self._first(places, _writable, "a file")
        at = self.path if takes_sockets(self.path) else self._first(places, takes_sockets, "a socket")
        self.connection = Connection(socket=str(at / SOCKET_NAME), secret=secrets.token_hex(32))
        self.file = self.path / "connection.json"
        self._write()

    def _first(self, places: list[Path], fits, what: str) -> Path:
        for place in places:
            with contextlib.suppress(OSError):
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                _remove_left(place)
                made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
                made.chmod(0o700)  # whatever the umask
                if fits(made):
                    self._made.append(made)
                    return made
                made.rmdir()
        raise OSError(
            f"no folder for {what} of the backend: tried {', '.join(map(str, places))}; set JUPYTER_RUNTIME_DIR to one you may write"
        )

    def _write(self) -> None:
        fd = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as stream:
            os.fchmod(stream.fileno(), 0o600)  # whatever the umask
            json.dump({**asdict(self.connection), "pid": os.getpid(), "host": socket.gethostname()}, stream)

    def keep(self) -> bool:
        """Writes the connection file again when somebody removed it; True when it was gone. The socket is the backend's to make again."""
        if self.file.exists():
            return False
        with contextlib.suppress(FileExistsError):
            self.path.mkdir(mode=0o700)
            self.path.chmod(0o700)
        if self.path.lstat().st_uid != os.getuid():
            raise PermissionError(f"{self.path} belongs to another user")
        self._write()
        return True

    def remove(self) -> None:
        for made in self._made:
            shutil.rmtree(made, ignore_errors=True)


def _places(runtime_dir: str | os.PathLike[str] | None) -> Iterator[Path]:
    from jupyter_core.paths import jupyter_runtime_dir  # not for kernels, which only read

    yield Path(runtime_dir or jupyter_runtime_dir())
    if xdg := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(xdg)
    yield Path(tempfile.gettempdir())
    yield Path("/tmp")
    yield Path("/dev/shm")


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK)


def takes_sockets(folder: Path) -> bool:
    """True where a socket's path fits its address and one can be made."""
    path = folder / SOCKET_NAME
    if len(os.fsencode(path)) > SUN_PATH_BYTES:
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.bind(str(path))
        path.unlink()
        return True
    return False


def _remove_left(place: Path) -> None:
    """Folders of servers of this machine that were killed."""
    for file in place.glob(f"{PREFIX}*/connection.json"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            if file.lstat().st_uid != os.getuid():
                continue
            left = json.loads(file.read_text())
            if left["host"] == socket.gethostname() and not lives(left["pid"]):
                shutil.rmtree(Path(left["socket"]).parent, ignore_errors=True)
                shutil.rmtree(file.parent, ignore_errors=True)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def wait_for(path: str | os.PathLike[str], timeout: float = AGAIN_S) -> bool:
    """Waits for what a living server makes again; True when it is there."""
    end = time.monotonic() + timeout
    while not os.path.exists(path):
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_S)
    return True


def read_connection(file: str | os.PathLike[str]) -> Connection:
    data = json.loads(Path(file).read_text())
    return Connection(socket=data["socket"], secret=data["secret"], protocol=data.get("protocol", PROTOCOL_VERSION))
