"""Reports as JSON: intervals as value, low, high; what never ends (an endless wait or patience) as null."""

import dataclasses
import math
from typing import Any

import orjson


def as_json(report: dict[str, Any]) -> str:
    """Indented. Floats with six digits."""
    return orjson.dumps(plain(report), option=orjson.OPT_INDENT_2).decode()


def plain(value: Any) -> Any:
    """A report's values as JSON has them."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value
