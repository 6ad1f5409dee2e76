"""What many days say: figures with 95 % confidence intervals. Pure.

Days are independent and alike, so a figure that is a quotient of sums (answered in time / answered and abandoned) has
the ratio estimator's interval: r +- t * sqrt(sum (y - r x)^2 / (n (n - 1))) / mean(x), W. G. Cochran, "Sampling
Techniques" (1977), 6.4; t: Student's quantile with n - 1 degrees of freedom.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.float64]
"""One value a day."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """`low` and `high`: 95 % confidence interval, equal to `value` with less than two days."""

    value: float
    low: float
    high: float


def ratio(above: Days, below: Days) -> Estimate | None:
    """Of two sums over the days; None when there is nothing below."""
    total, days = float(below.sum()), len(below)
    if not total:
        return None
    value = float(above.sum()) / total
    if days < 2:
        return Estimate(value, value, value)
    spread = math.sqrt(float(((above - value * below) ** 2).sum()) / (days * (days - 1))) / (total / days)
    half = quantile_t(days - 1) * spread
    return Estimate(value, value - half, value + half)


def mean(values: Days) -> Estimate:
    """Of a day; `values` is not empty."""
    found = ratio(values, np.ones(len(values)))
    assert found is not None
    return found


def quantile_t(freedom: int) -> float:
    """Student's t at 0.975: exact for 1 and 2 degrees of freedom, else the expansion of Abramowitz and Stegun 26.7.5
    (error below 0.002 from 4 degrees on, 0.02 at 3)."""
    if freedom == 1:
        return math.tan(0.475 * math.pi)
    if freedom == 2:
        return 0.95 * math.sqrt(2 / (1 - 0.95**2))
    x = NormalDist().inv_cdf(0.975)
    terms = (
        x,
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return math.fsum(term / float(freedom) ** power for power, term in enumerate(terms))
