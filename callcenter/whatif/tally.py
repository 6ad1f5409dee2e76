"""What a day came to: counts by call type and period of the arrival, working time by group and period. Pure.

A call counts in the period in which it was offered; working time in the period in which it passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callcenter.calls.life import SHORT
from callcenter.whatif import estimates
from callcenter.whatif.engine import ABANDONED, ANSWERED, Caller, Seat
from callcenter.whatif.estimates import Days, Estimate

COUNTS = (
    "offered",
    "answered",
    "within",
    "abandoned",
    "short_abandon",
    "deflected",
    "answered_waits",
    "waits",
    "handling",
)
"""Last axis of `Tally.calls`; `waits`, `answered_waits` and `handling` are sums of seconds."""
_AT = {name: place for place, name in enumerate(COUNTS)}


@dataclass(frozen=True, slots=True)
class Periods:
    """From `begin` on, `count` periods of `length` seconds."""

    begin: float
    length: float
    count: int


@dataclass(frozen=True, slots=True)
class Tally:
    """`calls`: type x period x COUNTS. `work`: group x period x (handling, present), agent-seconds. `late`: by type, then
    of all, the 90th percentile of the answered callers' wait, NaN without any."""

    calls: NDArray[np.float64]
    work: NDArray[np.float64]
    late: NDArray[np.float64]


def count(
    callers: Sequence[Caller], seats: Sequence[Seat], periods: Periods, within: Sequence[float], groups: int
) -> Tally:
    """`within`: seconds of the service level by call type. Callers before `periods.begin` are left out."""
    kind = np.array([caller.kind for caller in callers], dtype=np.int64)
    at = np.array([caller.queued for caller in callers], dtype=np.float64)
    waited = np.array([caller.waited for caller in callers], dtype=np.float64)
    outcome = np.array([caller.outcome for caller in callers], dtype=np.int64)
    busy = np.array([caller.talk + caller.wrap_up for caller in callers], dtype=np.float64)
    period = np.floor((at - periods.begin) / periods.length).astype(np.int64)
    counted = (period >= 0) & (period < periods.count)
    answered, left = outcome == ANSWERED, outcome == ABANDONED
    limit = np.array(within, dtype=np.float64)[kind] if len(kind) else waited
    values = (
        counted,
        counted & answered,
        counted & answered & (waited <= limit),
        counted & left & (waited > SHORT),
        counted & left & (waited <= SHORT),
        counted & ~answered & ~left,
        np.where(answered, waited, 0.0),
        waited,
        np.where(answered, busy, 0.0),
    )
    shape, cell = (len(within), periods.count), (kind * periods.count + period)[counted]
    calls: NDArray[np.float64] = (
        np.stack(
            [
                np.bincount(cell, weights=value[counted].astype(np.float64), minlength=shape[0] * shape[1])
                for value in values
            ],
            axis=-1,
        )
        .reshape(*shape, len(COUNTS))
        .astype(np.float64)
    )
    served = counted & answered
    late = [_percentile(waited[served & (kind == one)]) for one in range(len(within))]
    return Tally(calls, _work(seats, periods, groups), np.array([*late, _percentile(waited[served])]))


def _percentile(waits: NDArray[np.float64]) -> float:
    return float(np.partition(waits, int(0.9 * len(waits)))[int(0.9 * len(waits))]) if len(waits) else np.nan


def _work(seats: Sequence[Seat], periods: Periods, groups: int) -> NDArray[np.float64]:
    found = np.zeros((groups, periods.count, 2))
    starts = periods.begin + periods.length * np.arange(periods.count)
    for group in range(groups):
        mine = [seat for seat in seats if seat.group == group]
        worked = [spell for seat in mine for spell in seat.worked]
        present = [spell for seat in mine for spell in seat.present]
        for which, spells in enumerate((worked, present)):
            if spells:
                begin, end = np.array(spells, dtype=np.float64).T[:, :, None]
                shared = np.minimum(end, starts + periods.length) - np.maximum(begin, starts)
                found[group, :, which] = np.maximum(shared, 0.0).sum(axis=0)
    return found


class Figures:
    """Figures over days, of any part of the calls."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self.calls = np.stack([tally.calls for tally in tallies])
        self.work = np.stack([tally.work for tally in tallies])
        self.late = np.stack([tally.late for tally in tallies])

    def of_calls(self, kind: int | slice = slice(None), period: int | slice = slice(None)) -> dict[str, Any]:
        """Served, abandoned, service level and waits of a type and a period, each with its interval; counts are of a day.

        `service_level` = within / (answered + abandoned), `abandon_rate` = (abandoned + short) / offered.
        """
        part = self.calls[:, kind, period, :].reshape(len(self.calls), -1, len(COUNTS)).sum(axis=1)
        day = {name: part[:, place] for name, place in _AT.items()}
        found: dict[str, Estimate | None] = {
            name: estimates.mean(day[name])
            for name in ("offered", "answered", "abandoned", "short_abandon", "deflected")
        }
        found["service_level"] = estimates.ratio(day["within"], day["answered"] + day["abandoned"])
        found["abandon_rate"] = estimates.ratio(day["abandoned"] + day["short_abandon"], day["offered"])
        found["deflected_rate"] = estimates.ratio(day["deflected"], day["offered"])
        found["asa"] = estimates.ratio(day["answered_waits"], day["answered"])
        found["wait"] = estimates.ratio(day["waits"], day["offered"])
        found["aht"] = estimates.ratio(day["handling"], day["answered"])
        return dict(found)

    def late_wait(self, kind: int = -1) -> Estimate | None:
        """The day's 90th percentile of the wait until the answer, the mean over days; of all types without `kind`."""
        known = self.late[:, kind][~np.isnan(self.late[:, kind])]
        return estimates.mean(known) if len(known) else None

    def occupancy(
        self, group: int | slice = slice(None), period: int | slice = slice(None)
    ) -> Estimate | None:
        """Handling time / time signed in."""
        part: Days = self.work[:, group, period, :].reshape(len(self.work), -1, 2).sum(axis=1)
        return estimates.ratio(part[:, 0], part[:, 1])


def clock(seconds: float) -> str:
    """Seconds since midnight as 09:30."""
    return f"{int(seconds // 3600) % 24:02}:{int(seconds % 3600 // 60):02}"
