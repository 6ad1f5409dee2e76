"""What a line counts of its own events since its start, for whoever watches it. No I/O."""

from collections import Counter
from typing import Any

from callcenter import events


class Tally:
    """`hear` each event; `figures` are sums, named as `/metrics` shows them behind `callcenter_line_`."""

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter(
            dict.fromkeys(
                ("calls_arrived_total", "legs_answered_total", "legs_ended_total", "legs_lost_total"), 0
            )
        )
        self._mos = 0.0
        self._heard = 0

    def hear(self, event: Any) -> None:
        """Count an event."""
        sums = self._sums
        match event:
            case events.CallArrived():
                sums["calls_arrived_total"] += 1
            case events.LegAnswered():
                sums["legs_answered_total"] += 1
            case events.LegEnded(outcome=outcome):
                sums["legs_ended_total"] += 1
                sums["legs_lost_total"] += outcome == "lost"
            case events.LegQuality(expected=expected, lost=lost, mos=mos):
                sums["rtp_expected_total"] += expected
                sums["rtp_lost_total"] += lost
                if mos:
                    self._mos += mos
                    self._heard += 1
            case events.SourceBanned():
                sums["sources_banned_total"] += 1
            case events.RecordingFailed():
                sums["recordings_failed_total"] += 1
            case events.CommandRefused():
                sums["commands_refused_total"] += 1

    def figures(self) -> dict[str, float]:
        """Name -> sum. `mos_mean`: of the legs that have ended, absent before the first."""
        found: dict[str, float] = dict(self._sums)
        if self._heard:
            found["mos_mean"] = round(self._mos / self._heard, 2)
        return found
