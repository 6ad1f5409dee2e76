"""Formulas of a queue in front of equal agents: Erlang B, C, C with a bounded queue, and A. Pure.

Rates are per second, times in seconds, `load` = arrival rate * mean handling time (erlangs). Callers come by Poisson,
handling is exponential; in Erlang A callers' patience is exponential, too (`patience`: its mean; infinite is Erlang C).

Sources: A. K. Erlang, "Solution of some Problems in the Theory of Probabilities" (1917); C. Palm (1957) for Erlang A;
S. Zeltyn and A. Mandelbaum, "Call centers with impatient customers" (Queueing Systems 51, 2005), M/M/n+G.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

SHORT = 5.0
"""Seconds: who leaves within them is a short abandon, which the service level does not count (metric definitions 1)."""
_STEPS = 400
"""Intervals of Simpson's rule for each integral; the error is below 1e-6 in the tests."""


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
    theta, pace = 1 / patience, agents / handling
    end, scale = _reach(rate, theta, pace)

    def offered(x: float) -> float:
        return math.exp(rate * -math.expm1(-theta * x) / theta - pace * x - scale)

    # E: sum of p(0..c-1) over p(c-1) = 1 / B(c-1) (a recursion of terms); J: the waiting's weight over p(c-1), in e^scale.
    free = (1 / erlang_b(agents - 1, rate * handling)) * math.exp(-scale)
    cut = min(end, 8 * patience)
    weight = rate / (free + rate * (_integral(offered, 0.0, cut) + _integral(offered, cut, end)))

    def mean(of: Callable[[float], float], begin: float = 0.0, until: float = end) -> float:
        cut = min(
            until, max(begin, 8 * patience)
        )  # two scales: that of patience, and that of one agent alone
        parts = (_integral(lambda x: of(x) * offered(x), *ends) for ends in ((begin, cut), (cut, until)))
        return weight * sum(parts)

    waiting = mean(lambda x: 1.0)
    left = mean(lambda x: -math.expm1(-theta * x))
    short = mean(lambda x: -math.expm1(-theta * min(x, SHORT)), 0.0, min(SHORT, end)) + (
        mean(lambda x: -math.expm1(-theta * SHORT), SHORT, end) if end > SHORT else 0.0
    )
    in_time = 1 - waiting + mean(lambda x: math.exp(-theta * x), 0.0, min(within, end))
    waits = left / theta  # each waiting second is left with rate theta: P(left) = theta E[W]
    answered_waits = mean(lambda x: x * math.exp(-theta * x)) / (1 - left)
    level = in_time / (1 - short)
    busy = rate * (1 - left) * handling / agents
    return Figures(agents, min(1.0, level), waiting, waits, answered_waits, left, 0.0, busy)


def agents_needed(
    figures: Callable[[int], Figures], load: float, target: float, most: int = 10_000
) -> Figures | None:
    """The figures of the fewest agents whose `level` is at least `target` (0 to 1); None when `most` do not suffice.

    The level grows with the agents, so the number is doubled until it is enough, then halved in between.
    """
    few, enough = 0, max(1, math.ceil(load))
    while figures(enough).level < target:
        few, enough = enough, 2 * enough
        if few >= most:
            return None
    while enough - few > 1:
        middle = (few + enough) // 2
        if figures(middle).level < target:
            few = middle
        else:
            enough = middle
    return figures(enough)


def _reach(rate: float, theta: float, pace: float) -> tuple[float, float]:
    """Where the density of the offered wait has become nothing, and the largest value of its exponent.

    The exponent lambda H(x) - pace x is concave; its peak is where lambda exp(-theta x) = pace.
    """
    peak = max(0.0, math.log(rate / pace) / theta)

    def exponent(x: float) -> float:
        return rate * -math.expm1(-theta * x) / theta - pace * x

    highest = exponent(peak)
    width = 1 / pace
    while exponent(peak + width) > highest - 30:
        width *= 1.2
    return peak + width, highest


def _integral(of: Callable[[float], float], begin: float, end: float) -> float:
    """Simpson's rule."""
    if end <= begin:
        return 0.0
    step = (end - begin) / _STEPS
    odd = math.fsum(of(begin + step * i) for i in range(1, _STEPS, 2))
    even = math.fsum(of(begin + step * i) for i in range(2, _STEPS, 2))
    return step / 3 * (of(begin) + 4 * odd + 2 * even + of(end))


def _poisson_cdf(most: int, mean: float) -> float:
    """P(Poisson(mean) <= most): that fewer than `most` + 1 departures have come."""
    if mean == 0:
        return 1.0
    log = math.log(mean)
    return min(1.0, math.fsum(math.exp(n * log - mean - math.lgamma(n + 1)) for n in range(most + 1)))
