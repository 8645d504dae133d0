"""What JupyterLab itself says of the front end that the set-up built and installed."""

import re
import subprocess
import sys
from pathlib import Path

LAB = str(Path(sys.executable).with_name("jupyter"))


def test_jupyterlab_calls_the_extension_compatible():
    listed = subprocess.run([LAB, "labextension", "list", "--verbose"], capture_output=True, text=True, timeout=120)
    said = re.sub(r"\x1b\[\d*m", "", listed.stdout + listed.stderr)
    (ours,) = [line.split() for line in said.splitlines() if line.strip().startswith("@medr1/workbench ")]
    assert ours[2:4] == ["enabled", "OK"], said
