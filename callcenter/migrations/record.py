"""All tables of the record, for making and checking revisions."""

import importlib
from pathlib import Path

from sqlalchemy import MetaData
from sqlmodel import SQLModel

PACKAGE = Path(__file__).parent.parent


def tables() -> MetaData:
    """Import every module that declares tables; their metadata."""
    importlib.import_module("callcenter.db")
    for path in sorted(PACKAGE.glob("*/models.py")):
        importlib.import_module(f"callcenter.{path.parent.name}.models")
    if (PACKAGE / "timers.py").exists():
        importlib.import_module("callcenter.timers")
    return SQLModel.metadata
