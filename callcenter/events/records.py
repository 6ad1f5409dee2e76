"""Public: what follows from a SQL commit, by the outbox; see `callcenter.events`."""

from dataclasses import dataclass

from callcenter.events.vocabulary import public


@public.word
@dataclass(frozen=True, slots=True)
class TicketChanged:
    """Opened, moved, noted: anything a list or the complaint's page shows. `change` names it."""

    at: float
    ticket: int
    number: str
    change: str
    state: str
    owner: str
    by: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class NoticeSent:
    """A notice for one user in the page. `level`: 75 | 100 | written | supervision as number 1-4."""

    at: float
    notice: int
    recipient: str
    ticket: int
    number: str
    level: int
    clock: str


@public.word
@dataclass(frozen=True, slots=True)
class CallbackChanged:
    at: float
    callback: int
    ticket: int
    owner: str
    state: str
    due: float


@public.word
@dataclass(frozen=True, slots=True)
class MessageChanged:
    """A message of a caller came, was taken by `by`, or is done. `state`: new | taken | done."""

    at: float
    message: int
    queue: str
    state: str
    by: str = ""
    call: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class SurveyChanged:
    at: float
    survey: int
    ticket: int
    state: str
    score: int = 0
