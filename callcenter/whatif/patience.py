"""How long callers would have waited: the product-limit estimator of a survival function. Pure.

Who was answered shows only that he would have waited longer than he did (his patience is censored). E. L. Kaplan, P. Meier,
"Nonparametric Estimation from Incomplete Observations", JASA 53 (1958): S(t) = product over t_i <= t of 1 - d_i / n_i,
with d_i who left at t_i and n_i who waited at least so long. Behind the longest wait the mean hazard goes on: all who
left / all the time that was waited.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Seconds = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Patience:
    """`at`: instants at which somebody left, ascending; `stays`: the share that waits longer. `longest`: the longest wait
    that was seen; `hazard` behind it, a second; 0: nobody ever leaves there."""

    at: Seconds
    stays: Seconds
    longest: float
    hazard: float

    def survival(self, seconds: float) -> float:
        """The share of callers who wait longer than so many seconds, of those that were seen."""
        place = int(np.searchsorted(self.at, seconds, side="right"))
        return float(self.stays[place - 1]) if place else 1.0

    def draw(self, waited: float, dice: Generator) -> float:
        """The patience of a caller who has waited so long already; infinite when nobody leaves behind the longest wait."""
        wanted = dice.random() * self.survival(waited)
        place = int(np.searchsorted(-self.stays, -wanted, side="left"))
        if place < len(self.at) and self.at[place] > waited:
            return float(self.at[place])
        beyond = dice.exponential(1 / self.hazard) if self.hazard else math.inf
        return max(self.longest, waited) + float(beyond)


def estimate(waits: Sequence[float], left: Sequence[bool]) -> Patience:
    """From each caller's wait in seconds, and whether he left by himself behind it."""
    waited, gone = np.asarray(waits, dtype=np.float64), np.asarray(left, dtype=np.bool_)
    at = np.unique(waited[gone])
    ordered, leavers = np.sort(waited), np.sort(waited[gone])
    reached = len(ordered) - np.searchsorted(ordered, at, side="left")
    died = np.searchsorted(leavers, at, side="right") - np.searchsorted(leavers, at, side="left")
    total = float(waited.sum())
    return Patience(
        at,
        np.cumprod(1 - died / np.maximum(reached, 1), dtype=np.float64),
        float(ordered[-1]) if len(ordered) else 0.0,
        float(gone.sum()) / total if total else 0.0,
    )
