"""Figures of reports: what each is called, its formula, how it is written, and which calls it leads to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from callcenter.errors import lazy
from callcenter.reports.figures import Sums
from callcenter.web import words


@dataclass(frozen=True, slots=True)
class Figure:
    """`form`: count | share | seconds. `leads`: the figure of `reports.drill` that lists its calls, empty for none.
    `reason`: of a break."""

    name: str
    label: str
    formula: str
    form: str = "count"
    leads: str = ""
    reason: str = ""


_AHT = Figure("aht", lazy("AHT"), lazy("(talk + hold + wrap-up) / conversations"), "seconds", "handled")
_ACW = Figure("acw", lazy("Wrap-up per conversation"), lazy("wrap-up / conversations"), "seconds", "wrap_up")
_HANDLED = Figure(
    "handled", lazy("Conversations"), lazy("a call once for each agent who had the customer"), leads="handled"
)
_TRANSFERS = Figure(
    "transfers", lazy("Transfers"), lazy("how often a call was given away"), leads="transfers"
)
_TRANSFER_RATE = Figure(
    "transfer_rate", lazy("Transfer rate"), lazy("transfers / conversations"), "share", "transfers"
)

QUEUES = (
    Figure("offered", lazy("Offered"), lazy("calls that entered the queue: the sum of the next nine"), leads="offered"),
    Figure("answered", lazy("Answered"), lazy("an agent spoke with the caller"), leads="answered"),
    Figure("abandoned", lazy("Abandoned"), lazy("the caller left after more than 5 s"), leads="abandoned"),
    Figure("short_abandon", lazy("Hung up within 5 s"), lazy("the caller left within 5 s"), leads="short_abandon"),
    Figure("deflected", lazy("Deflected"), lazy("closed, full, or waited as long as is allowed"), leads="deflected"),
    Figure("overflowed", lazy("Overflowed"), lazy("went on to another queue, and is offered there too"), leads="overflowed"),
    Figure("message_left", lazy("Message left"), lazy("left a message instead"), leads="message_left"),
    Figure("callback_taken", lazy("Callback taken"), lazy("asked to be called back"), leads="callback_taken"),
    Figure("lost_by_us", lazy("Lost by us"), lazy("a crash, or no way through"), leads="lost_by_us"),
    Figure("waiting", lazy("In the queue"), lazy("still waits"), leads="waiting"),
    Figure("level", lazy("Service level"), "", "share", "within"),
    Figure("asa", lazy("ASA"), lazy("wait of answered calls / answered"), "seconds", "answered"),
    Figure("abandon_rate", lazy("Abandon rate"), lazy("abandoned / offered"), "share", "abandoned"),
    _HANDLED, _AHT, _ACW, _TRANSFERS, _TRANSFER_RATE,
)  # fmt: skip

LEVELS: Mapping[str, str] = {
    "ended": lazy("answered within T / (answered + abandoned)"),
    "answered": lazy("answered within T / answered"),
    "offered": lazy("answered within T / offered"),
}
"""The service level's formulas; T is the queue's."""

_OFFERS = (
    Figure("offers", lazy("Offered to agents"), lazy("the sum of the next six, and what rings now"), leads="offers"),
    Figure("offers_answered", lazy("Answered"), lazy("the agent answered"), leads="offers_answered"),
    Figure("offers_missed", lazy("Missed"), lazy("rang until the time was over"), leads="offers_missed"),
    Figure("offers_rejected", lazy("Rejected"), lazy("the agent turned it down"), leads="offers_rejected"),
    Figure("offers_device_error", lazy("Phone failed"), lazy("the phone could not be rung"), leads="offers_device_error"),
    Figure("offers_caller_gone", lazy("Caller gone"), lazy("the caller left while it rang"), leads="offers_caller_gone"),
    Figure("offers_withdrawn", lazy("Withdrawn"), lazy("taken back while it rang"), leads="offers_withdrawn"),
)  # fmt: skip

_TIMES = (
    Figure("available", lazy("Available"), lazy("ready, and nothing to do"), "seconds"),
    Figure("break", lazy("Breaks"), lazy("time on break"), "seconds"),
    Figure("not_ready", lazy("Not ready"), lazy("signed in, and not ready"), "seconds"),
    Figure("paused", lazy("Paused by the platform"), lazy("missed calls, or the phone was lost"), "seconds"),
    Figure("occupancy", lazy("Occupancy"), lazy("(talk + hold + wrap-up) / (the same + available)"), "share", "handled"),
)  # fmt: skip

AGENTS = (
    *_OFFERS,
    _HANDLED,
    Figure("talk", lazy("Talk"), lazy("time with customers, without hold"), "seconds", "talk"),
    Figure("hold", lazy("Hold"), lazy("time in which the customer heard music"), "seconds", "talk"),
    Figure("wrap_up", lazy("Wrap-up"), lazy("time for notes behind a conversation"), "seconds", "wrap_up"),
    _AHT, _ACW, _TRANSFERS, _TRANSFER_RATE,
)  # fmt: skip


def figures(about: str, level: str, of_all: bool, reasons: Iterable[str] = ()) -> list[Figure]:
    """The columns of a report, one for each of the breaks' `reasons`. An agent is free for all of his queues at once:
    there is such time `of_all` only."""
    if about == "agents":
        breaks = [
            Figure(
                f"break_{one}",
                words.word("break", one),
                lazy("breaks of this reason"),
                "seconds",
                reason=one,
            )
            for one in sorted(reasons)
            if one
        ]
        behind = 1 + next(place for place, one in enumerate(_TIMES) if one.name == "break")
        return [*AGENTS, *((*_TIMES[:behind], *breaks, *_TIMES[behind:]) if of_all else ())]
    return [
        Figure("level", one.label, LEVELS[level], one.form, one.leads) if one.name == "level" else one
        for one in QUEUES
    ]


def value(figure: Figure, sums: Sums, level: str) -> Any:
    """A count, seconds, or a share from 0 to 1; None where nothing is to be divided by."""
    if figure.reason:
        return sums.breaks.get(figure.reason, 0) / 1000
    if figure.name == "level":
        return sums.level(level)
    if figure.name in Sums.__slots__ or hasattr(sums, figure.name):
        return getattr(sums, figure.name)
    return getattr(sums, f"{figure.name}_ms") / 1000
