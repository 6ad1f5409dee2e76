"""How models are compared with a database and written as a revision."""

from typing import Any, Literal

from callcenter.db import UtcDateTime


def options() -> dict[str, Any]:
    """Arguments of Alembic's `configure`."""
    return {
        "compare_type": True,
        "render_item": _render,
        "render_as_batch": False,
        "transaction_per_migration": False,
    }


def _render(kind: str, value: Any, _context: Any) -> str | Literal[False]:
    """SQLModel's and our own types as plain SQLAlchemy: an old revision must not change with the code."""
    if kind != "type":
        return False
    if isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if type(value).__name__ == "AutoString":
        return f"sa.String(length={value.length})" if value.length else "sa.String()"
    return False
