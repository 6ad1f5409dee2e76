"""The `pyvoip` driver: extensions of a PBX, for small installations; see docs/decisions/081-pyvoip-behind-a-pbx.md."""

import importlib.util
import sys


def missing() -> str:
    """Why this machine cannot run the driver, empty when it can."""
    if importlib.util.find_spec("pyVoIP") is None:
        return (
            "the extra pyvoip is not installed: "
            f"{sys.executable} -m pip install 'pyVoIP>=1.6.8,<2' (with uv: uv pip install --python {sys.executable} ...)"
        )
    if importlib.util.find_spec("audioop") is None:
        return "pyVoIP needs Python's audioop, which ended with Python 3.12: run the line with Python 3.11 or 3.12"
    return ""
