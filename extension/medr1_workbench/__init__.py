"""Med-R1 Workbench in Python: `connect()` for notebooks, and the Jupyter server extension that starts the backend.

The server side is imported when Jupyter asks for it, so that `import medr1_workbench` in a kernel stays light.
"""

from typing import Any

from .client import Client, Run, connect
from .errors import WorkbenchError

__all__ = ["Client", "Run", "WorkbenchError", "connect"]
__version__ = "0.1.0"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "@medr1/workbench"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .app import MedR1Workbench

    return [{"module": "medr1_workbench", "app": MedR1Workbench}]
