"""Reports: figures of days gone by and of today, per half hour, day, queue, agent or team; each leads to its calls."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import db
from callcenter.errors import InvalidInput, NotAllowed
from callcenter.people import desk as people
from callcenter.reports import decks, drill, figures, intervals, queries
from callcenter.reports.figures import Sums
from callcenter.reports.queries import BY, Wanted
from callcenter.routing import queues
from callcenter.web import asked, auth, report_words, respond
from callcenter.web.parts import Parts, parts
from callcenter.web.report_words import Figure

WORDS = ("about", "by", "first", "last", "queue", "agent", "team", "level")
MOST_DAYS, MOST_DAYS_IN_HALF_HOURS = 400, 31
NO_TEAM = "-"
KEYS = {"half_hour": "moment", "day": "day"}
"""What a row stands for -> the form of its name in a file, text when it is none of these."""
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; `words` as they stand there, with what was not said filled in."""

    words: dict[str, str]
    first: date
    last: date
    zone: ZoneInfo
    queues: frozenset[str] | None
    """Of these only: the one that is asked for, or those over which the viewer has rights; None for all."""

    def columns(self, total: Sums) -> list[Figure]:
        """Those of the report that has this total: its breaks are told apart by their reasons."""
        of_all = self.queues is None
        return report_words.figures(self.words["about"], self.words["level"], of_all, total.breaks)


@dataclass(frozen=True, slots=True)
class Names:
    """How queues and people are called, and who leads whom."""

    queues: dict[str, str]
    agents: dict[str, str]
    teams: dict[str, str]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/reports", show, act="reports.see"),
        auth.route("/reports.csv", as_csv, act="reports.see"),
        auth.route("/reports.xlsx", as_xlsx, act="reports.see"),
        auth.route("/reports/calls", calls, act="reports.see"),
    ]


async def show(request: Request) -> Response:
    """`GET /reports?about=queues|agents&by=half_hour|day|queue|agent|team&first=DAY&last=DAY&queue=&agent=&team=&level=`,
    the days by the centre's clock and both included, today without any. `level`: the service level's formula."""
    held, said, viewer = parts(request), _asked(request), respond.viewer_of(request)
    rows, names = await _rows(held, said)
    total = queries.total(rows)
    if respond.wants_json(request):
        return respond.as_json(_json(said, rows, total))
    columns = said.columns(total)
    shown: Told = {
        "asked": said.words,
        "columns": columns,
        "lines": [
            (_name(key, said, names), _link(key, said), _cells(said, columns, row))
            for key, row in rows.items()
        ],
        "total": _cells(said, columns, total),
        "bys": BY[said.words["about"]],
        "names": names,
        "queues": {name: label for name, label in names.queues.items() if viewer.oversees(name)},
        "of_all": said.queues is None,
        "leads": sorted({team for team in names.teams.values() if team}),
        "levels": report_words.LEVELS,
        "spans": _spans(held.settings.home_zone),
    }
    return respond.html(request, "reports.html", shown)


async def as_csv(request: Request) -> Response:
    """`GET /reports.csv`: the same as a file; shares from 0 to 1, times in seconds."""
    return respond.file(_name_of_file(request), "csv", decks.as_csv(await _deck(request)))


async def as_xlsx(request: Request) -> Response:
    """`GET /reports.xlsx`: the same for Excel, with the formulas; times are durations, half hours the centre's."""
    made = await run_in_threadpool(decks.as_xlsx, await _deck(request))
    return respond.file(_name_of_file(request), "xlsx", made)


async def calls(request: Request) -> Response:
    """`GET /reports/calls?figure=NAME&...`: the calls that a figure counts, the newest first; `at`: of one half hour."""
    held, said = parts(request), _asked(request, "figure", "at")
    begins, limit = asked.after(request), asked.limit(request)
    names = await held.record.read(_names)
    wanted = _of_half_hour(_wanted(said, names), said.words["at"])
    rows, following, number = await held.record.read(
        lambda session: drill.calls(session, wanted, said.words["figure"], begins, limit)
    )
    data = {"calls": rows, "next": following, "total": number}
    known = {one.leads: one for one in reversed(said.columns(Sums()))}
    shown: Told = {"asked": said.words, "begins": begins, "names": names}
    shown["figure"] = known.get(said.words["figure"])
    return respond.page(request, "report_calls.html", data, **shown)


async def _rows(held: Parts, said: Asked) -> tuple[dict[Any, Sums], Names]:
    now = db.now().timestamp()

    def read(session: Session) -> tuple[dict[Any, Sums], Names]:
        names = _names(session)
        wanted = _wanted(said, names)
        return queries.report(session, wanted, said.words["by"], said.zone, names.teams, now), names

    return await held.record.read(read)


async def _deck(request: Request) -> decks.Deck:
    """The columns, rows and the total."""
    held, said, viewer = parts(request), _asked(request), respond.viewer_of(request)
    rows, names = await _rows(held, said)
    by, total = said.words["by"], queries.total(rows)
    figures_shown = said.columns(total)

    def told(text: str) -> str:
        return held.pages.translate(viewer.language, text) if text else ""

    columns = [
        decks.Column(held.pages.word(viewer.language, "report.by", by), KEYS.get(by, "text")),
        *(decks.Column(told(one.label), one.form, told(one.formula)) for one in figures_shown),
    ]
    body = [[_written(key, said, names), *_values(said, figures_shown, row)] for key, row in rows.items()]
    body.append([told("Total"), *_values(said, figures_shown, total)])
    title = f"{told('Figures')} {said.first} - {said.last} ({said.zone.key})"
    return decks.Deck(title, columns, body)


def _name_of_file(request: Request) -> str:
    said = _asked(request)
    return f"{said.words['about']}-{said.first}-{said.last}"


def _asked(request: Request, *more: str) -> Asked:
    """Raises InvalidInput with a sentence for each wrong word."""
    words, zone = asked.words(request, *WORDS, *more), parts(request).settings.home_zone
    today = db.now().astimezone(zone).date()
    wrong: dict[str, str] = {}
    words["about"] = words["about"] or "queues"
    if words["about"] not in BY:
        raise InvalidInput(about=", ".join(BY))
    choices = {"by": BY[words["about"]], "level": figures.LEVELS}
    for name, known in choices.items():
        words[name] = words[name] or known[0]
        if words[name] not in known:
            wrong[name] = ", ".join(known)
    if words["about"] == "queues" and (words["agent"] or words["team"]):
        wrong["agent" if words["agent"] else "team"] = "asked of about=agents only"
    first = _day("first", words["first"] or words["last"] or today.isoformat(), wrong)
    last = _day("last", words["last"], wrong) if words["last"] else first
    most = MOST_DAYS_IN_HALF_HOURS if words["by"] == "half_hour" else MOST_DAYS
    if not wrong and not 0 <= (last - first).days < most:
        wrong["last"] = f"not before the first day, and at most {most} days in all"
    if wrong:
        raise InvalidInput(**wrong)
    days = {"first": first.isoformat(), "last": last.isoformat()}
    return Asked({**words, **days}, first, last, zone, _queues(request, words["queue"]))


def _queues(request: Request, queue: str) -> frozenset[str] | None:
    """Rights over figures end where those over queues do. Raises NotAllowed."""
    viewer = respond.viewer_of(request)
    if queue and not viewer.oversees(queue):
        raise NotAllowed
    return frozenset({queue}) if queue else viewer.scope


def _day(name: str, text: str, wrong: dict[str, str]) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 1970 <= found.year < 2200:
        wrong[name] = "a day such as 2026-03-01"
    return found


def _wanted(said: Asked, names: Names) -> Wanted:
    words = said.words
    who: frozenset[str] | None = frozenset({words["agent"]}) if words["agent"] else None
    if words["team"]:
        lead = "" if words["team"] == NO_TEAM else words["team"]
        team = frozenset(name for name, of in names.teams.items() if of == lead)
        who = team if who is None else who & team
    return Wanted(*intervals.slots(said.first, said.last, said.zone), words["about"], said.queues, who)


def _of_half_hour(wanted: Wanted, at: str) -> Wanted:
    if not at:
        return wanted
    try:
        begin = intervals.slot(datetime.fromisoformat(at.replace(" ", "+")))
    except (ValueError, OverflowError):
        raise InvalidInput(at="the beginning of a half hour, such as 2026-03-01T09:30:00+08:00") from None
    end = begin + intervals.SLOTS["half_hour"]
    return Wanted(begin, end, wanted.about, wanted.queues, wanted.agents)


def _names(session: Session) -> Names:
    return Names(
        {row.name: row.label or row.name for row in queues.listing(session)},
        {user.name: user.display_name or user.name for user in people.users(session)},
        queries.teams(session),
    )


def _json(said: Asked, rows: dict[Any, Sums], total: Sums) -> Told:
    columns, by = said.columns(total), said.words["by"]
    named = [one.name for one in columns]
    return {
        **{name: said.words[name] for name in WORDS},
        "version": figures.VERSION,
        "zone": said.zone.key,
        "formulas": {one.name: one.formula for one in columns},
        "rows": [
            {by: _coded(key, said), **dict(zip(named, _values(said, columns, row), strict=True))}
            for key, row in rows.items()
        ],
        "total": dict(zip(named, _values(said, columns, total), strict=True)),
    }


def _values(said: Asked, columns: list[Figure], row: Sums) -> list[Any]:
    return [report_words.value(one, row, said.words["level"]) for one in columns]


def _cells(said: Asked, columns: list[Figure], row: Sums) -> list[tuple[Figure, Any]]:
    return list(zip(columns, _values(said, columns, row), strict=True))


def _coded(key: Any, said: Asked) -> str:
    """A row's name for programs: an instant with its offset, a day, or the name of the record."""
    if isinstance(key, datetime):
        return key.astimezone(said.zone).isoformat()
    return str(key)  # a day's is ISO 8601


def _written(key: Any, said: Asked, names: Names) -> decks.Cell:
    """A row's name in a file."""
    if isinstance(key, datetime):
        return key.astimezone(said.zone)
    return key if isinstance(key, date) else _name(key, said, names)


def _name(key: Any, said: Asked, names: Names) -> str:
    """A row's name as people read it."""
    if isinstance(key, datetime):
        whole = intervals.wall(key.astimezone(said.zone))
        return whole[len("2026-03-01 ") :] if said.first == said.last else whole[len("2026-") :]
    if isinstance(key, date):
        return key.isoformat()
    known = names.queues if said.words["by"] == "queue" else names.agents
    return known.get(str(key), str(key))


def _link(key: Any, said: Asked) -> Told:
    """What narrows the address to one row."""
    match said.words["by"]:
        case "half_hour":
            return {"at": _coded(key, said)}
        case "day":
            return {"first": _coded(key, said), "last": _coded(key, said)}
        case by:
            return {by: key or NO_TEAM}


def _spans(zone: ZoneInfo) -> list[tuple[str, Told]]:
    """Days that are asked for most."""
    today = db.now().astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    spans = {
        "today": (today, today),
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "this_week": (monday, today),
        "last_week": (monday - timedelta(days=7), monday - timedelta(days=1)),
    }
    return [(name, {"first": one.isoformat(), "last": two.isoformat()}) for name, (one, two) in spans.items()]
