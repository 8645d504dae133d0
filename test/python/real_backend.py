"""A real `medr1 serve` for tests, on its own home with the made sample in it."""

import json
import os
import platform
import subprocess
from contextlib import contextmanager
from pathlib import Path

from medr1_workbench.connection import PrivateFolder

ROOT = Path(__file__).resolve().parents[2]
MEDR1 = ROOT / "kernel-bridge/bin/medr1.mjs"
NODE = ROOT / f"node_modules/node-linux-{ {'x86_64': 'x64', 'aarch64': 'arm64'}[platform.machine()] }/bin/node"
COMMAND = [str(NODE), str(MEDR1)]
SAMPLE = Path(os.environ.get("MEDR1_SAMPLE", ROOT / ".medr1/sample"))


def prepare_home(home):
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "sample").exists():
        (home / "sample").symlink_to(SAMPLE)
    return home


@contextmanager
def real_backend(home):
    folder = PrivateFolder()
    env = {**os.environ, "MEDR1_HOME": str(prepare_home(home)), "MEDR1_SECRET": folder.connection.secret}
    command = [*COMMAND, "serve", "--socket", folder.connection.socket, "--watch-parent"]
    process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(process.stdout.readline())["protocol"] == 1
        yield folder
    finally:
        process.terminate()
        process.wait(30)
        folder.remove()
