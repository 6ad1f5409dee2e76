"""Domain errors: each class carries a stable code and its sentence as docstring; one handler in `web` speaks HTTP."""

import re
from typing import ClassVar


def lazy(text: str) -> str:
    """Marks a sentence that pages translate when they show it."""
    return text


class DomainError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 400

    def __init__(self, detail: str = "", /, **fields: str) -> None:
        super().__init__(detail or (self.__doc__ or "").strip())
        self.fields = fields
        """Field name -> what is wrong with it."""

    @property
    def code(self) -> str:
        """Stable: the class name with dashes, as in `ticket-is-closed`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


class NotFound(DomainError):
    """There is no such thing, or you may not see it."""

    status = 404


class InvalidInput(DomainError):
    """Some fields are not right."""

    status = 422


class NotAllowed(DomainError):
    """Your role does not allow this."""

    status = 403


class WrongState(DomainError):
    """This cannot be done in the present state."""

    status = 409


class Stale(DomainError):
    """Somebody changed this meanwhile. Look at it again and repeat."""

    status = 409


class StoreAway(DomainError):
    """The live store does not answer. Calls go on; try again in a moment."""

    status = 503
