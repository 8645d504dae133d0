"""Where sockets and connection files lie, and what happens when somebody removes them."""

import asyncio
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import medr1_workbench as wb
import pytest
from medr1_workbench.connection import PREFIX, SUN_PATH_BYTES, PrivateFolder, read_connection


@pytest.fixture
def places(monkeypatch):
    """Every place that may be taken, short enough for a socket."""
    made = Path(tempfile.mkdtemp(dir="/tmp"))
    for name in ("runtime", "xdg", "tmp"):
        (made / name).mkdir()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(made / "runtime"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(made / "xdg"))
    monkeypatch.setattr("tempfile.tempdir", str(made / "tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def folder():
    made = []

    def make(*args):
        made.append(PrivateFolder(*args))
        return made[-1]

    yield make
    for each in made:
        each.remove()


def listens(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path)


LONG = "a-long-name-of-a-folder-" * 5


def test_both_lie_in_jupyters_runtime_folder(places, folder):
    made = folder()
    assert made.file.parent.parent == places / "runtime"
    assert os.path.dirname(made.connection.socket) == str(made.file.parent)
    listens(made.connection.socket)


def test_a_runtime_folder_with_a_long_name_keeps_the_file_and_the_socket_goes_where_it_fits(places, folder, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(places / LONG))
    made = folder()
    assert made.file.parent.parent == places / LONG
    assert made.connection.socket.startswith(f"{places}/xdg/{PREFIX}")
    listens(made.connection.socket)
    assert read_connection(made.file) == made.connection


def test_with_long_names_everywhere_the_socket_lies_in_tmp(places, folder, monkeypatch):
    long = places / LONG
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(long / "runtime"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long / "xdg"))
    (long / "tmp").mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(long / "tmp"))
    made = folder()
    assert made.connection.socket.startswith(f"/tmp/{PREFIX}")
    assert len(made.connection.socket) <= SUN_PATH_BYTES
    listens(made.connection.socket)
    made.remove()
    assert not os.path.exists(os.path.dirname(made.connection.socket))
    assert not made.file.exists()
    assert list((long / "xdg").iterdir()) == [] == list((long / "tmp").iterdir())


def test_a_runtime_folder_that_cannot_be_made_is_passed_over(places, folder):
    (places / "file").write_text("not a folder")
    made = folder(places / "file" / "runtime")
    assert made.file.parent.parent == places / "xdg"


def test_files_and_folders_are_for_this_user_alone_whatever_the_umask(places, folder):
    for mask in (0o000, 0o077, 0o777):
        before = os.umask(mask)
        try:
            made = folder()
        finally:
            os.umask(before)
        assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
        assert stat.S_IMODE(made.file.parent.stat().st_mode) == 0o700


def test_what_a_killed_server_left_is_removed_by_the_next_and_what_lives_stays(places, folder):
    living = folder()
    script = "import os; from medr1_workbench.connection import PrivateFolder; print(PrivateFolder().file, flush=True); os._exit(9)"
    left = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "TMPDIR": str(places / "tmp")})
    assert os.path.exists(left.stdout.strip()), left.stderr
    folder()
    assert not os.path.exists(left.stdout.strip())
    assert living.file.exists()


def test_a_removed_connection_file_is_written_again_with_what_it_held(places, folder):
    made = folder()
    before = json.loads(made.file.read_text())
    assert made.keep() is False
    shutil.rmtree(made.path)
    assert made.keep() is True
    assert json.loads(made.file.read_text()) == before
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700


class TestUnderALivingServer:
    async def test_connect_finds_a_connection_file_that_was_removed(self, running, monkeypatch):
        running.folder.file.unlink()
        connected = await asyncio.to_thread(wb.connect)
        assert str(connected._http.headers["Authorization"]).endswith(running.folder.connection.secret)

    async def test_requests_wait_for_a_socket_that_was_removed(self, running, jp_fetch, monkeypatch):
        """The stand-in for the backend makes no socket again; this does, as the real one (test/server/keep.test.ts)."""
        assert (await jp_fetch("medr1/api/echo")).code == 200
        path = running.folder.connection.socket
        await running.backend._transport.aclose()  # no connection is kept: the next request names the socket
        os.rename(path, f"{path}.away")
        waited = []

        def comes_back(missing):
            waited.append(missing)
            os.rename(f"{path}.away", path)
            return True

        monkeypatch.setattr("medr1_workbench.backend.wait_for", comes_back)
        assert (await jp_fetch("medr1/api/echo")).code == 200
        assert waited == [path]

    def test_a_server_that_lives_is_never_said_to_have_stopped(self, monkeypatch, tmp_path):
        monkeypatch.setenv("MEDR1_CONNECTION_FILE", str(tmp_path / "gone"))
        monkeypatch.setenv("MEDR1_CONNECTION_PID", str(os.getpid()))
        monkeypatch.setattr("medr1_workbench.connection.AGAIN_S", 0.1)
        with pytest.raises(wb.WorkbenchError) as caught:
            wb.connect()
        assert "was removed" in caught.value.message
        assert "stopped" not in caught.value.message

    def test_one_that_ended_is(self, monkeypatch, tmp_path):
        ended = subprocess.Popen(["true"])
        ended.wait()
        monkeypatch.setenv("MEDR1_CONNECTION_FILE", str(tmp_path / "gone"))
        monkeypatch.setenv("MEDR1_CONNECTION_PID", str(ended.pid))
        with pytest.raises(wb.WorkbenchError, match="has stopped"):
            wb.connect()
