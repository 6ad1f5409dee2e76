"""Public: agents, by the conductor; see `callcenter.events`."""

from dataclasses import dataclass

from callcenter.events.vocabulary import public


@public.word
@dataclass(frozen=True, slots=True)
class WrapUpStarted:
    at: float
    call: str
    agent: str
    until: float


@public.word
@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    at: float
    call: str
    agent: str
    until: float


@public.word
@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """`queue` and `offered` as in `CallHandled`; `offered` 0.0: of a colleague who was only called in."""

    at: float
    call: str
    agent: str
    seconds: float
    disposition: str = ""
    note: str = ""
    queue: str = ""
    offered: float = 0.0


@public.word
@dataclass(frozen=True, slots=True)
class AgentChanged:
    """The agent's three things, whenever one changed: what was chosen, what is observed, whether the phone is there.

    `status`: signed_out | available | not_ready | break. `activity`: idle | offered | talking | held | wrap_up |
    dialling. `paused`: the platform's own reason (missed_calls | phone_lost | desk_lost), which only it withdraws.
    """

    at: float
    agent: str
    status: str
    reason: str
    activity: str
    reachable: bool
    paused: str = ""
    by: str = ""
    since: float = 0.0


@public.word
@dataclass(frozen=True, slots=True)
class SupervisorActed:
    """The supervisor `by` did something to an `agent`, a `call` or a `queue`.

    `act`: status | end_wrap_up (agent); assign | pull (call, agent) | move (call, queue) | priority (call); close | open
    (queue). `detail`: the status and its reason, the priority, or what becomes of who waits in a closed queue.
    """

    at: float
    by: str
    act: str
    agent: str = ""
    call: str = ""
    queue: str = ""
    detail: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class HelpWanted:
    at: float
    agent: str
    call: str
    wanted: bool


@public.word
@dataclass(frozen=True, slots=True)
class DeskCommandRefused:
    """Told to the person who asked. `code` is a stable error code."""

    at: float
    agent: str
    command: str
    code: str
    call: str = ""
