"""How events and commands travel: frozen dataclasses of primitives, as JSON in a stream's entry."""

import dataclasses
import functools
from typing import Any, TypeVar

import orjson

M = TypeVar("M", bound=type)


class UnknownMessage(ValueError):
    """The stream holds a message of a type that this release does not know."""


class Vocabulary:
    """The message types of one module, by name."""

    def __init__(self) -> None:
        self.types: dict[str, type] = {}

    def word(self, cls: M) -> M:
        """Register a dataclass under its own name."""
        self.types[cls.__name__] = cls
        return cls

    def encode(self, message: Any) -> bytes:
        """JSON object of the message's fields with `type` first."""
        cls: type = type(message)
        fields: dict[str, Any] = {"type": cls.__name__}
        for name in _names(cls):
            fields[name] = getattr(message, name)
        return orjson.dumps(fields)

    def decode(self, body: bytes | str) -> Any:
        """The message again. Unknown fields of a newer release are ignored; an unknown type raises UnknownMessage."""
        fields = orjson.loads(body)
        name = fields.pop("type")
        try:
            cls = self.types[name]
        except KeyError:
            raise UnknownMessage(name) from None
        known = _known(cls)
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items() if k in known})


@functools.cache
def _names(cls: type) -> tuple[str, ...]:
    """Fields in order. Looked up once a type: `dataclasses.fields` took longer than the JSON does."""
    return tuple(field.name for field in dataclasses.fields(cls))


@functools.cache
def _known(cls: type) -> frozenset[str]:
    return frozenset(_names(cls))
