"""Starts the GPU check on a machine with a GPU and a Python that has PyTorch and transformers, but without Node.

It unpacks what setup/gpu-pack.mjs packed.

    python3 kernel-bridge/setup/gpu_check.py ARCHIVE --out FILE [--only step,decode] [--rehearse]

Run it in a copy of the clone. It writes node_modules and kernel-bridge/native/build there, and nothing outside.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "kernel-bridge/native/build"


def torch_folder() -> Path:
    """The folder of this Python's PyTorch, which is not imported: that takes seconds."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        sys.exit(f"no PyTorch in {sys.executable}\n  remedy: run this with the Python that has it")
    return Path(found.origin).parent


def use_torch(folder: Path) -> None:
    """The addon was built for a PyTorch elsewhere: names this one. native.ts refuses another version by itself."""
    file = BUILD / "stamp.json"
    stamp = json.loads(file.read_text())
    stamp["torch"]["dir"] = str(folder)
    file.write_text(json.dumps(stamp, indent=2))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--out", type=Path, default=Path("gpu-check.json"))
    parser.add_argument("--only")
    parser.add_argument("--rehearse", action="store_true")
    arguments = parser.parse_args()

    with tarfile.open(arguments.archive) as archive:
        # The filter came with Python 3.11.4; the archive is of our own making.
        archive.extractall(ROOT, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    torch = torch_folder()
    use_torch(torch)
    [node] = ROOT.glob("node_modules/node-linux-*/bin/node")
    command = [node, ROOT / "kernel-bridge/gpu-check/main.ts", "--out", arguments.out.resolve(), "--python", sys.executable]
    command += ["--only", arguments.only] if arguments.only else []
    command += ["--rehearse"] if arguments.rehearse else []
    # The path that the addon has for PyTorch's libraries is that of the machine it was built on; this is looked at after it.
    libraries = os.pathsep.join(filter(None, [str(torch / "lib"), os.environ.get("LD_LIBRARY_PATH")]))
    return subprocess.run([str(word) for word in command], cwd=ROOT, env={**os.environ, "LD_LIBRARY_PATH": libraries}).returncode


if __name__ == "__main__":
    sys.exit(main())
