"""Staffing: agents that a queue's half hours need by Erlang C and Erlang A, beside those who were there."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import db
from callcenter.errors import InvalidInput, NotFound, lazy
from callcenter.reports import decks
from callcenter.routing import queues
from callcenter.web import asked, auth, respond
from callcenter.web.parts import Parts, parts
from callcenter.whatif import halfhours, report, roster
from callcenter.whatif.halfhours import Seen
from callcenter.whatif.roster import Asked, Expected, Period, Total, Wish
from callcenter.whatif.staffing import FORMULAS, Target

MOST_WEEKS = 13
BOUNDS = {
    "weeks": (1, MOST_WEEKS),
    "level": (1, 99.9),
    "within": (0, 3600),
    "occupancy": (10, 100),
    "shrinkage": (0, 90),
    "patience": (1, 86400),
    "more": (-1000, 1000),
}
"""Least and most of what is asked for: percent, seconds, agents."""
WHOLE = {"weeks", "more"}
USUAL = {"weeks": "1", "occupancy": "90", "shrinkage": "30", "more": "0"}
HEADINGS = (
    (lazy("Half hour"), "text"), (lazy("Calls that came"), "number"), (lazy("AHT (s)"), "seconds"),
    (lazy("Erlangs"), "number"), (lazy("Service level that was"), "share"),
    (lazy("Agents who were there"), "number"), (lazy("Erlang C: agents"), "count"),
    (lazy("Erlang C: on the roster"), "count"), (lazy("Erlang C: service level"), "share"),
    (lazy("Erlang C: occupancy"), "share"), (lazy("Erlang A: agents"), "count"),
    (lazy("Erlang A: on the roster"), "count"), (lazy("Erlang A: service level"), "share"),
    (lazy("Erlang A: occupancy"), "share"), (lazy("Agents then"), "count"),
    (lazy("Service level then, Erlang C"), "share"), (lazy("Service level then, Erlang A"), "share"),
)  # fmt: skip
"""Titles of a file's columns and their forms (`decks.FORMS`)."""
Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/staffing", show, act="reports.see"),
        auth.route("/staffing.csv", as_csv, act="reports.see"),
        auth.route("/staffing.xlsx", as_xlsx, act="reports.see"),
    ]


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for, with what was not said filled in, and what came of it."""

    words: dict[str, str]
    queues: list[str]
    seen: Seen
    wish: Wish
    periods: list[Period]
    total: Total


async def show(request: Request) -> Response:
    """`GET /staffing?queue=&day=&weeks=&level=&within=&occupancy=&shrinkage=&patience=&more=`.

    `weeks` n: the mean of that weekday over the n weeks up to the day, of the days on which the queue had a call. `level`,
    `occupancy` (the most) and `shrinkage` in percent, `within` and `patience` in seconds; without a patience the record's.
    """
    plan = await _plan(request)
    if respond.wants_json(request):
        return respond.as_json(_json(plan))
    shown = {
        "plan": plan,
        "asked": {"patience": "", **plan.words},
        "bounds": BOUNDS,
        "chart": _chart(plan.periods),
    }
    return respond.html(request, "staffing.html", shown)


async def as_csv(request: Request) -> Response:
    """`GET /staffing.csv`: the same half hours; shares from 0 to 1, times in seconds."""
    name, deck = await _deck(request)
    return respond.file(name, "csv", decks.as_csv(deck))


async def as_xlsx(request: Request) -> Response:
    """`GET /staffing.xlsx`: the same for Excel."""
    name, deck = await _deck(request)
    return respond.file(name, "xlsx", await run_in_threadpool(decks.as_xlsx, deck))


async def _deck(request: Request) -> tuple[str, decks.Deck]:
    """The name of the file, and what stands in it."""
    held, viewer, plan = parts(request), respond.viewer_of(request), await _plan(request)
    columns = [
        decks.Column(held.pages.translate(viewer.language, heading), form) for heading, form in HEADINGS
    ]
    name = f"staffing-{plan.words['day']}"
    return name, decks.Deck(f"{name} {plan.words['queue']}", columns, [_cells(one) for one in plan.periods])


async def _plan(request: Request) -> Plan:
    """Raises InvalidInput with a sentence for each wrong word."""
    held, viewer = parts(request), respond.viewer_of(request)
    words = asked.words(request, "queue", "day", *BOUNDS)
    return await held.record.read(lambda session: _made(session, held, viewer.scope, words))


def _made(session: Session, held: Parts, scope: Collection[str] | None, words: dict[str, str]) -> Plan:
    known = [name for name in halfhours.queues(session) if scope is None or name in scope]
    words = {**USUAL, **{name: word for name, word in words.items() if word}}
    words.setdefault("queue", known[0] if known else "")
    if words["queue"] not in known:
        raise InvalidInput(queue="no such queue")
    words = {**_rules(session, words["queue"]), **words}
    if "day" not in words:
        words["day"] = _usual_day(session, words["queue"], held).isoformat()
    numbers = _numbers(words)
    weeks, within = int(numbers["weeks"]), numbers["within"]
    last = _day(words["day"])
    days = [last - timedelta(weeks=weeks - 1 - place) for place in range(weeks)]
    seen = halfhours.seen(session, words["queue"], days, held.settings.home_zone, within)
    patience = numbers.get("patience") or seen.patience or math.inf
    target = Target(numbers["level"] / 100, within, numbers["occupancy"] / 100)
    wish = Wish(target, numbers["shrinkage"] / 100, patience, int(numbers["more"]))
    rows = roster.periods(seen, wish)
    return Plan(words, known, seen, wish, rows, roster.total(seen, rows))


def _rules(session: Session, queue: str) -> dict[str, str]:
    """The queue's own target; the usual one of a queue that only a file of past calls names."""
    try:
        row = queues.find(session, queue)
    except NotFound:
        return {"level": "80", "within": "20"}
    return {"level": f"{row.service_target * 100:g}", "within": f"{row.service_level:g}"}


def _usual_day(session: Session, queue: str, held: Parts) -> date:
    """The last whole day with a call, today without any."""
    zone = held.settings.home_zone
    today = db.now().astimezone(zone).date()
    return halfhours.last_day(session, queue, today, zone) or today


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(day="a day, as in 2026-11-22") from None
    if not 1970 < found.year < 2200:
        raise InvalidInput(day="a day, as in 2026-11-22")
    return found


def _numbers(words: dict[str, str]) -> dict[str, float]:
    """What has a bound, as a number."""
    found, wrong = {}, {}
    for name, (least, most) in BOUNDS.items():
        if name not in words:
            continue
        try:
            value = float(words[name])
        except ValueError:
            value = math.nan
        if not least <= value <= most or (name in WHOLE and value % 1):
            wrong[name] = f"a {'whole ' if name in WHOLE else ''}number from {least} to {most}"
        found[name] = value
    if wrong:
        raise InvalidInput(**wrong)
    return found


def _json(plan: Plan) -> Any:
    """Shares from 0 to 1, times in seconds; what never ends (an endless wait or patience) is null."""
    told = {
        "asked": plan.words,
        "days": [day.isoformat() for day in plan.seen.days],
        "target": plan.wish.target,
        "shrinkage": plan.wish.shrinkage,
        "patience": {
            "mean": plan.wish.patience,
            "of_the_record": plan.seen.patience,
            "waited": plan.seen.waited,
            "left": plan.seen.left,
        },
        "periods": plan.periods,
        "total": plan.total,
        "formulas": FORMULAS,
    }
    return report.plain(told)


def _cells(period: Period) -> list[decks.Cell]:
    def four(need: Asked | None) -> list[decks.Cell]:
        if need is None:
            return [None] * 4
        return [need.agents, need.rostered, _round(need.figures.level), _round(need.figures.occupancy)]

    then: Expected = period.expected
    return [
        period.begins,
        _round(period.calls),
        _round(period.handling),
        _round(period.load),
        _round(period.level),
        _round(period.there),
        *four(period.erlang_c),
        *four(period.erlang_a),
        then.agents,
        _round(then.erlang_c.level if then.erlang_c else None),
        _round(then.erlang_a.level if then.erlang_a else None),
    ]


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines of steps in a picture of WIDTH by HEIGHT; `marks`: (x, what the clock says), `most`: agents at the top."""

    there: str
    erlang_c: str
    erlang_a: str
    marks: list[tuple[float, str]]
    most: int


WIDTH, HEIGHT = 1000.0, 160.0


def _chart(rows: list[Period]) -> Chart | None:
    if not rows:
        return None
    series = [
        [row.there for row in rows],
        [float(row.erlang_c.agents) if row.erlang_c else 0.0 for row in rows],
        [float(row.erlang_a.agents) if row.erlang_a else 0.0 for row in rows],
    ]
    most = max(1, math.ceil(max(max(values) for values in series)))
    wide = WIDTH / len(rows)
    there, by_c, by_a = (_steps([value / most for value in values], wide) for values in series)
    every = math.ceil(len(rows) / 8)
    marks = [(wide * place, row.begins) for place, row in enumerate(rows) if place % every == 0]
    return Chart(there, by_c, by_a, marks, most)


def _steps(shares: list[float], wide: float) -> str:
    """A path with a step `wide` for each value."""
    points = [
        (wide * (place + side), HEIGHT * (1 - share)) for place, share in enumerate(shares) for side in (0, 1)
    ]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
