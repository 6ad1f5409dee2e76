"""Who may be calling: exact numbers bind, guesses never do, a shared number asks (guide, pains 18 to 20)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["known", "several", "guess", "unknown", "withheld"]
MOST_CHOICES = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer who has this number, or one like it. `severity` of the worst open complaint: 1 is worst, 0 none."""

    customer: int
    name: str
    organisation: str = ""
    tier: str = ""
    number: str = ""
    open_complaints: int = 0
    severity: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """`customer` is bound only when known. `choices` are shown for several and guess, open complaints first."""

    kind: Kind
    customer: int = 0
    choices: tuple[Candidate, ...] = ()


def match(
    withheld: bool, exact: Sequence[Candidate], near: Sequence[Candidate] = (), chosen: int = 0
) -> Match:
    """`exact` have the very number, `near` only its end; `chosen` is whom the agent or an earlier step bound."""
    choices = _choices(exact)
    if chosen:
        return Match("known", chosen, choices if len(choices) > 1 else ())
    if withheld:
        return Match("withheld")
    if len(choices) == 1:
        return Match("known", choices[0].customer)
    if choices:
        return Match("several", 0, choices)
    guesses = _choices(near)
    return Match("guess", 0, guesses) if guesses else Match("unknown")


def _choices(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    once = {candidate.customer: candidate for candidate in reversed(candidates)}
    return tuple(sorted(once.values(), key=_order)[:MOST_CHOICES])


def _order(candidate: Candidate) -> tuple[bool, int, str, str]:
    return (
        candidate.open_complaints == 0,
        candidate.severity or 9,
        candidate.tier or "Z",
        candidate.name,
    )
