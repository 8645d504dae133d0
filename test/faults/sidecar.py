"""What JupyterLab's server extension does for the backend, alone: python sidecar.py NODE SERVE HOME; its input's end stops it."""

import asyncio
import logging
import sys

from medr1_workbench.connection import PrivateFolder
from medr1_workbench.sidecar import Sidecar


async def main() -> None:
    logging.basicConfig(level=logging.INFO)
    folder = PrivateFolder()
    sidecar = Sidecar(command=sys.argv[1:], connection=folder.connection, log=logging.getLogger("sidecar"), start_timeout=300)
    sidecar.start()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await sidecar.stop()
    folder.remove()


asyncio.run(main())
