"""Public: consultations, conferences and transfers, by the conductor; see `callcenter.events`."""

from dataclasses import dataclass

from callcenter.events.vocabulary import public


@public.word
@dataclass(frozen=True, slots=True)
class ConsultStarted:
    """`agent` asks `to`, whose phone rings now. `kind`: agent | queue | number | release (the caller's own system rings
    it). `blind`: the call is theirs at once."""

    at: float
    call: str
    agent: str
    kind: str
    to: str
    blind: bool = False


@public.word
@dataclass(frozen=True, slots=True)
class ConsultAnswered:
    at: float
    call: str
    agent: str
    to: str


@public.word
@dataclass(frozen=True, slots=True)
class ConsultEnded:
    """`outcome`: transferred | joined | dropped | hung_up | busy | no_answer | refused | unreachable | not_allowed |
    failed | caller_gone. After all but the first two the agent is back with the customer, when there is an agent."""

    at: float
    call: str
    agent: str
    to: str
    outcome: str


@public.word
@dataclass(frozen=True, slots=True)
class CallSwapped:
    """The agent speaks with the customer now, or (not `with_customer`) with the one who is consulted."""

    at: float
    call: str
    agent: str
    with_customer: bool


@public.word
@dataclass(frozen=True, slots=True)
class PartyJoined:
    """A conference: `party` (a user name or a number) hears and is heard by all."""

    at: float
    call: str
    agent: str
    party: str


@public.word
@dataclass(frozen=True, slots=True)
class PartyLeft:
    """`why`: hung_up | dropped | took_over | ended."""

    at: float
    call: str
    agent: str
    party: str
    why: str


@public.word
@dataclass(frozen=True, slots=True)
class CallTransferred:
    """`agent` gave the call away, once a transfer. `kind`: agent | queue | number. `how`: blind | attended | conference
    (the agent left one) | phones (a phone brought it there, by Replaces) | released (the caller's own system took it).
    `queue` and `offered` as in `CallHandled`."""

    at: float
    call: str
    agent: str
    kind: str
    to: str
    how: str
    note: str = ""
    queue: str = ""
    offered: float = 0.0


@public.word
@dataclass(frozen=True, slots=True)
class CallTakenOver:
    """A transferred call has its new agent. `before`: who had it; `waited`: seconds since it was transferred."""

    at: float
    call: str
    agent: str
    before: str
    waited: float
    queue: str = ""
