"""Formulas of a queue in front of equal agents: Erlang B, C, C with a bounded queue, and A. Pure.

Rates are per second, times in seconds, `load` = arrival rate * mean handling time (erlangs). Callers come by Poisson,
handling is exponential; in Erlang A callers' patience is exponential, too (`patience`: its mean; infinite is Erlang C).

Sources: A. K. Erlang, "Solution of some Problems in the Theory of Probabilities" (1917); C. Palm (1957) for Erlang A;
S. Zeltyn and A. Mandelbaum, "Call centers with impatient customers" (Queueing Systems 51, 2005), M/M/n+G.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

SHORT = 5.0
"""Seconds: who leaves within them is a short abandon, which the service level does not count (metric definitions 1)."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_NOTHING = 40.0
"""A density of e^-40 of its peak is nothing."""
_PATIENCES = (-8.0, -2.0, 2.0, 8.0, 30.0)
"""Where the integrals are cut, in mean patiences from the peak."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a number of agents gives in the long run. Shares are of all callers offered.

    `level`: answered within T / (answered + abandoned after more than 5 s). `waits`: mean wait of all callers who were
    let in, `asa`: of the answered ones, seconds; infinite when the queue never ends. `waiting`: share who wait at all.
    """

    agents: int
    level: float
    waiting: float
    waits: float
    asa: float
    abandoned: float
    blocked: float
    occupancy: float


def erlang_b(agents: int, load: float) -> float:
    """Share of callers who find all agents busy and are refused (M/M/c/c), by the stable recursion
    B(c) = a B(c-1) / (c + a B(c-1)), B(0) = 1."""
    blocked = 1.0
    for count in range(1, agents + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked


def waits_at_all(agents: int, load: float) -> float:
    """Erlang C: share of callers who wait (M/M/c), C = B / (1 - rho (1 - B)), rho = a / c; 1 when load >= agents."""
    if load >= agents:
        return 1.0
    blocked = erlang_b(agents, load)
    return blocked / (1 - load / agents * (1 - blocked))


def erlang_c(agents: int, rate: float, handling: float, within: float) -> Figures:
    """M/M/c, nobody leaves: P(wait > t) = C exp(-(c mu - lambda) t), mean wait C / (c mu - lambda)."""
    load = rate * handling
    if load >= agents:
        return Figures(agents, 0.0, 1.0, math.inf, math.inf, 0.0, 0.0, 1.0)
    waiting, spare = waits_at_all(agents, load), agents / handling - rate
    level = 1 - waiting * math.exp(-spare * within)
    wait = waiting / spare
    return Figures(agents, level, waiting, wait, wait, 0.0, 0.0, load / agents)


def erlang_c_bounded(agents: int, rate: float, handling: float, within: float, places: int) -> Figures:
    """M/M/c/K with K = agents + places: who finds every place taken is turned away (`blocked`).

    Birth and death: p(n) = p(0) a^n / n! up to c, then each further one * a / c. Who comes in behind c + j others waits
    for j + 1 departures, an Erlang(j + 1, c mu) time. The level counts those who were let in.
    """
    load = rate * handling
    weights = [1.0]  # of n callers in the house, by its neighbour, scaled so that nothing overflows
    for inside in range(1, agents + places + 1):
        weights.append(weights[-1] * load / min(inside, agents))
        if weights[-1] > 1e200:
            weights = [weight * 1e-200 for weight in weights]
    total = math.fsum(weights)
    share = [weight / total for weight in weights]
    blocked = share[-1]
    let_in = 1 - blocked
    queued = share[agents:-1]
    pace = agents / handling
    late = 0.0
    for behind, part in enumerate(queued):
        late += part * _poisson_cdf(behind, pace * within)
    waits = math.fsum((behind + 1) / pace * part for behind, part in enumerate(queued)) / let_in
    busy = rate * let_in * handling / agents
    return Figures(agents, 1 - late / let_in, math.fsum(queued) / let_in, waits, waits, 0.0, blocked, busy)


def erlang_a(agents: int, rate: float, handling: float, within: float, patience: float) -> Figures:
    """M/M/c+M: callers leave when their exponential patience ends.

    The wait that an infinitely patient caller would be offered has the density
    v(x) = lambda p(c-1) exp(lambda H(x) - c mu x), H(x) = (1 - exp(-theta x)) / theta; all figures are integrals of it.
    """
    if math.isinf(patience):
        return erlang_c(agents, rate, handling, within)
    if not rate:
        return Figures(agents, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if not agents:
        return Figures(0, 0.0, 1.0, patience, math.inf, 1.0, 0.0, 0.0)
    theta, pace = 1 / patience, agents / handling
    x, weight, scale = _offered_waits(rate, theta, pace, (SHORT, within))
    # p(0..c-1) over p(c-1) is 1 / B(c-1); beside it the waiting's weight over p(c-1), both in e^scale.
    free = _over_erlang_b(agents - 1, rate * handling) * math.exp(-scale)
    at_once = 1 / (1 + rate * float(weight.sum()) / free) if free else 0.0
    weight *= (1 - at_once) / weight.sum()
    stays, leaves = np.exp(-theta * x), -np.expm1(-theta * x)
    answered = at_once + float(weight @ stays)
    left = float(weight @ leaves)
    # Who would have waited longer than SHORT and left is a short abandon when his patience was no longer than that.
    short = float(weight @ -np.expm1(-theta * np.minimum(x, SHORT)))
    in_time = at_once + float(weight @ (stays * (x <= within)))
    return Figures(
        agents,
        min(1.0, in_time / (1 - short)),
        1 - at_once,
        left / theta,  # each waiting second is left with rate theta: P(left) = theta E[W]
        float(weight @ (x * stays)) / answered,
        left,
        0.0,
        min(1.0, rate * answered * handling / agents),
    )


def agents_needed(
    figures: Callable[[int], Figures], load: float, target: float, most_busy: float = 1.0, most: int = 10_000
) -> Figures | None:
    """The figures of the fewest agents whose `level` is at least `target` and whose occupancy at most `most_busy` (both 0
    to 1); None when `most` do not suffice.

    The level grows with the agents and the occupancy falls, so the number is doubled until it is enough, then halved in
    between.
    """

    def enough(agents: int) -> bool:
        found = figures(agents)
        return found.level >= target and found.occupancy <= most_busy

    few, many = 0, max(1, math.ceil(load))
    while not enough(many):
        few, many = many, 2 * many
        if few >= most:
            return None
    while many - few > 1:
        middle = (few + many) // 2
        if enough(middle):
            many = middle
        else:
            few = middle
    return figures(many)


def _over_erlang_b(agents: int, load: float) -> float:
    """1 / B by the recursion upside down, R(c) = 1 + c R(c-1) / a; infinite where B is smaller than any float."""
    over = 1.0
    for count in range(1, agents + 1):
        over = 1 + count / load * over
    return over


def _offered_waits(
    rate: float, theta: float, pace: float, kinks: Sequence[float]
) -> tuple[Values, Values, float]:
    """Nodes x and weights for the integral of exp(lambda H(x) - pace x - scale) and of what is multiplied with it.

    The exponent is concave; its peak, `scale`, is where lambda exp(-theta x) = pace. Gauss and Legendre's rule on pieces
    between the two points where nothing is left of it, the peak, the end of patience (behind it the density decays with
    one agent's pace alone) and the `kinks` of what is multiplied.
    """

    def exponent(x: float) -> float:
        return rate * -math.expm1(-theta * x) / theta - pace * x

    peak = max(0.0, math.log(rate / pace) / theta)
    highest = exponent(peak)

    def gone(towards: float) -> float:
        """The nearest point, within a fifth, where the density is below e^-40 of its peak."""
        width = towards / pace
        while peak + width > 0 and exponent(peak + width) > highest - _NOTHING:
            width *= 1.2
        return max(0.0, peak + width)

    begin, end = gone(-1e-3), gone(1e-3)
    inner = {peak, *kinks, *(peak + part / theta for part in _PATIENCES)}
    ends = [begin, *sorted(cut for cut in inner if begin < cut < end), end]
    starts, widths = np.array(ends[:-1])[:, None], np.diff(ends)[:, None]
    x = (starts + widths * (_NODES + 1) / 2).ravel()
    weight = (widths * _WEIGHTS / 2).ravel() * np.exp(
        rate * -np.expm1(-theta * x) / theta - pace * x - highest
    )
    return x, weight, highest


def _poisson_cdf(most: int, mean: float) -> float:
    """P(Poisson(mean) <= most): that fewer than `most` + 1 departures have come."""
    if mean == 0:
        return 1.0
    log = math.log(mean)
    return min(1.0, math.fsum(math.exp(n * log - mean - math.lgamma(n + 1)) for n in range(most + 1)))
