"""The Jupyter server extension: starts the backend beside Jupyter and relays to it under Jupyter's own authentication and base URL."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Float, List, Unicode

from .activity import watch_activity
from .backend import async_client
from .connection import ENV, ENV_PID, PrivateFolder
from .relay import RelayHandler, RelaySocket, RestartHandler, StatusHandler
from .sidecar import Sidecar

# Node's young generation grows to 48 MiB under a flood; with this a flood costs less than 32 MiB (rows W4, W5 and W9 of the fault matrix).
YOUNG = "--max-semi-space-size=2"
# extension/medr1_workbench -> kernel-bridge/bin/medr1.mjs of the same clone
IN_CLONE = Path(__file__).resolve().parents[2] / "kernel-bridge" / "bin" / "medr1.mjs"
KEEP_S = 1.0


class MedR1Workbench(ExtensionApp):
    """Med-R1 Workbench: trains a medical vision-language model with GRPO beside JupyterLab."""

    name = "medr1_workbench"
    load_other_extensions = True

    command = List(Unicode(), help="The medr1 command and its arguments before `serve`; made from `node` and the clone when empty.").tag(
        config=True
    )
    node = Unicode(os.environ.get("MEDR1_NODE", ""), help="Node to run the backend with; the one on PATH when empty.").tag(config=True)
    home = Unicode(os.environ.get("MEDR1_HOME", ""), help="Folder of runs, indexes and caches; .medr1 in the clone when empty.").tag(
        config=True
    )
    start_timeout = Float(30.0, help="Seconds that the backend may take until it is ready.").tag(config=True)
    stop_timeout = Float(5.0, help="Seconds from SIGTERM to SIGKILL when it is stopped.").tag(config=True)
    active_while_training = Bool(
        True,
        help="Count a training run's progress as activity, so that an idle culler leaves the server alone until the run ends.",
    ).tag(config=True)

    def _command(self) -> list[str]:
        if self.command:
            return [*self.command, "serve"]
        node = self.node or shutil.which("node") or "node"
        return [node, YOUNG, os.environ.get("MEDR1_COMMAND", str(IN_CLONE)), "serve"]

    def initialize_settings(self) -> None:
        self.folder = PrivateFolder(self.serverapp.runtime_dir if self.serverapp else None)
        # Set before any kernel starts: kernels inherit it, and connect() finds the backend by it.
        os.environ[ENV] = str(self.folder.file)
        os.environ[ENV_PID] = str(os.getpid())
        self.sidecar = Sidecar(
            command=self._command(),
            connection=self.folder.connection,
            log=self.log,
            env={"MEDR1_HOME": self.home} if self.home else {},
            start_timeout=self.start_timeout,
            stop_timeout=self.stop_timeout,
        )
        self.backend = async_client(self.folder.connection)
        self.settings.update(medr1_sidecar=self.sidecar, medr1_backend=self.backend)

    def initialize_handlers(self) -> None:
        self.handlers.extend(
            [
                (r"/medr1/status", StatusHandler),
                (r"/medr1/restart", RestartHandler),
                (r"/medr1/api/ws", RelaySocket),
                (r"/medr1/api/(.+)", RelayHandler),
            ]
        )

    async def _start_jupyter_server_extension(self, serverapp) -> None:
        self.sidecar.start()
        self._watching = [asyncio.create_task(self._keep_folder())]
        if self.active_while_training:
            self._watching.append(asyncio.create_task(watch_activity(self.sidecar, self.backend, serverapp.web_app.settings)))

    async def _keep_folder(self) -> None:
        while True:
            await asyncio.sleep(KEEP_S)
            try:
                if self.folder.keep():
                    self.log.warning("medr1: %s was removed by somebody and is there again", self.folder.file)
            except OSError as error:
                self.log.warning("medr1: %s was removed by somebody and cannot be written again: %s", self.folder.file, error)

    async def stop_extension(self) -> None:
        for task in getattr(self, "_watching", []):
            task.cancel()
        await self.backend.aclose()
        await self.sidecar.stop()
        self.folder.remove()
        os.environ.pop(ENV, None)
        os.environ.pop(ENV_PID, None)
