import asyncio
import sys
from pathlib import Path

import pytest
from traitlets.config import Config

pytest_plugins = ["pytest_jupyter.jupyter_server"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FAKE = [sys.executable, str(HERE / "fake_backend.py")]


@pytest.fixture
def backend_command():
    """The command before `serve`; tests that need the real backend override it."""
    return FAKE


@pytest.fixture
def jp_server_config(backend_command, tmp_path):
    return Config(
        {
            "ServerApp": {"jpserver_extensions": {"medr1_workbench": True}, "allow_unauthenticated_access": False},
            "MedR1Workbench": {"command": backend_command, "home": str(tmp_path / "home"), "stop_timeout": 2.0},
        }
    )


@pytest.fixture
def workbench(jp_serverapp, jp_asyncio_loop):
    """The extension with its backend on the way up, as after Jupyter's start."""
    (app,) = jp_serverapp.extension_manager.extension_apps["medr1_workbench"]
    jp_asyncio_loop.run_until_complete(app._start_jupyter_server_extension(jp_serverapp))
    return app


async def until(condition, timeout=60.0):
    for _ in range(int(timeout / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def running(workbench, jp_asyncio_loop):
    jp_asyncio_loop.run_until_complete(until(lambda: workbench.sidecar.state == "running"))
    return workbench
