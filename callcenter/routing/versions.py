"""Plans as administrators keep them: each save is a new version, one of them is published; an earlier one published again
is an undo. The conductor reads them anew when it is told (`commands.ReloadDirectory`)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlmodel import Session, col, select

from callcenter.errors import InvalidInput, NotFound, Stale, lazy
from callcenter.hours.models import Calendar
from callcenter.prompts import desk as prompts
from callcenter.routing import plan_json, plans
from callcenter.routing.models import PlanRow, PlanVersion, QueueRow
from callcenter.routing.plan_json import BadPlan
from callcenter.routing.plans import Known, LiveCalendar, Plan, Published
from callcenter.settings import Settings
from callcenter.telephony import dialplan

LONGEST_LABEL, LONGEST_WHY = 60, 300


@dataclass(frozen=True, slots=True)
class Kept:
    """A version as it is shown."""

    version: int
    by: str
    at: datetime
    why: str
    plan: Plan


def listing(session: Session) -> list[PlanRow]:
    """All plans by name. A read session will do."""
    return list(session.exec(select(PlanRow).order_by(col(PlanRow.name))).all())


def find(session: Session, name: str) -> PlanRow:
    """Raises NotFound. A read session will do."""
    row = session.get(PlanRow, name)
    if row is None:
        raise NotFound
    return row


def versions(session: Session, name: str) -> list[Kept]:
    """The newest first; those of a newer release, which this one cannot read, are left out. A read session will do."""
    rows = session.exec(
        select(PlanVersion).where(PlanVersion.plan == name).order_by(col(PlanVersion.version).desc())
    )
    return [kept for row in rows if (kept := _kept(row)) is not None]


def version(session: Session, name: str, number: int) -> Kept:
    """Raises NotFound. A read session will do."""
    row = session.exec(
        select(PlanVersion).where(PlanVersion.plan == name, PlanVersion.version == number)
    ).first()
    kept = _kept(row) if row is not None else None
    if kept is None:
        raise NotFound
    return kept


def known(session: Session, settings: Settings) -> Known:
    """What a plan may name now. A read session will do."""
    roles = dialplan.plans_of(settings.dial_classes, settings.dial_plans)
    return Known(
        queues=list(session.exec(select(QueueRow.name))),
        calendars=list(session.exec(select(Calendar.name))),
        prompts=sorted({row.name for row in prompts.listing(session)}),
        trunks=[trunk.name for trunk in settings.trunks],
        may_ring=dialplan.for_house(settings.country, roles, settings.destinations),
    )


def save(
    session: Session,
    settings: Settings,
    name: str,
    label: str,
    data: Any,
    by: str,
    why: str,
    seen: int,
    now: datetime,
) -> PlanVersion:
    """A new version, the first one makes the plan; nothing is published by it.

    `seen`: the newest version that the person saw, 0 for a new plan. Raises InvalidInput, which names each wrong field as
    `NODE.FIELD`; Stale when somebody saved meanwhile.
    """
    row = session.get(PlanRow, name, populate_existing=True, with_for_update=True)
    wrong = {}
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name) or name in ("new", "trial"):
        wrong["name"] = lazy("is no name: 1 to 40 small letters, digits, - or _")
    for where, text, longest in (("label", label, LONGEST_LABEL), ("why", why, LONGEST_WHY)):
        if len(text) > longest or not text.isprintable():
            wrong[where] = lazy("is no text, or too long a one")
    try:
        plan = plan_json.read(data)
    except BadPlan as error:
        raise InvalidInput(**wrong, **error.fields) from None
    if wrong := wrong | plans.check(plan, known(session, settings)):
        raise InvalidInput(**wrong)
    if (row.latest if row else 0) != seen:
        raise Stale
    row = row or PlanRow(name=name)
    row.latest, row.label = seen + 1, label
    session.add(row)
    session.flush()
    made = PlanVersion(plan=name, version=row.latest, body=plan_json.as_data(plan), by=by, at=now, why=why)
    session.add(made)
    return made


def publish(
    session: Session, settings: Settings, name: str, number: int, by: str, seen: int, now: datetime
) -> PlanRow:
    """Let new calls follow this version; 0: none, its numbers go to queues again, or nowhere.

    `seen`: what was published when the person looked. Raises NotFound; Stale; InvalidInput when the version does not fit
    any more what there is, or another plan has one of its numbers.
    """
    row = session.get(PlanRow, name, populate_existing=True, with_for_update=True)
    if row is None:
        raise NotFound
    if row.published != seen:
        raise Stale
    if number:
        plan = version(session, name, number).plan
        wrong = plans.check(plan, known(session, settings))
        others = {one for other in published(session) if other.name != name for one in other.numbers}
        if others & set(plan.numbers):
            wrong["numbers"] = lazy("has a number that another published plan serves")
        if wrong:
            raise InvalidInput(**wrong)
    row.published, row.published_by, row.published_at = number, by, now
    session.add(row)
    return row


def published(session: Session) -> list[Published]:
    """What calls follow, with their prompts. A read session will do."""
    rows = session.exec(
        select(PlanVersion)
        .join(PlanRow, col(PlanRow.name) == col(PlanVersion.plan))
        .where(PlanVersion.version == PlanRow.published)
        .order_by(col(PlanVersion.plan))
    )
    kept = [(row, found.plan) for row in rows if (found := _kept(row)) is not None]
    spoken = prompts.playable(session, {name for _, plan in kept for name in plans.prompts_of(plan)})
    return [
        Published(
            row.plan, row.version, list(plan.numbers), orjson.dumps(plan_json.as_data(plan)).decode(),
            {name: spoken[name] for name in plans.prompts_of(plan) if name in spoken},
        )
        for row, plan in kept
    ]  # fmt: skip


def calendars(session: Session) -> list[LiveCalendar]:
    """All calendars, for the board. A read session will do."""
    rows = session.exec(select(Calendar).order_by(Calendar.name))
    return [LiveCalendar(row.name, row.zone, row.windows, row.exceptions) for row in rows]


def uses(session: Session, prompt: str) -> list[str]:
    """Where callers hear a prompt: `plan NAME: NODE.FIELD` of what is published. A read session will do."""
    return [
        f"plan {one.name}: {where}"
        for one in published(session)
        for where in plans.prompts_of(plan_json.loaded(one.body)).get(prompt, [])
    ]


def numbers(plans_there: Iterable[Published]) -> dict[str, list[str]]:
    """Plan -> the called numbers that it serves."""
    return {one.name: one.numbers for one in plans_there}


def _kept(row: PlanVersion) -> Kept | None:
    try:
        return Kept(row.version, row.by, row.at, row.why, plan_json.read(row.body))
    except BadPlan:
        return None
