"""Plans: the list, the editor with its versions, and the tester: what would happen to a call from X at T?"""

import dataclasses
import itertools
from datetime import datetime
from typing import Any

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands, db
from callcenter.customers import numbers
from callcenter.errors import InvalidInput
from callcenter.people import desk as people
from callcenter.prompts import desk as prompts
from callcenter.routing import (
    enquiries,
    menus,
    outline,
    phrases,
    plan_json,
    plans,
    queues,
    trial,
    versions,
    walk,
)
from callcenter.routing.plan_json import BadPlan
from callcenter.routing.plans import Plan
from callcenter.screenpop import pop
from callcenter.settings import SPOKEN, Settings
from callcenter.web import asked, auth, plan_form, respond
from callcenter.web.parts import parts

Told = dict[str, Any]
ACT = "settings.write"
TRIED = ("caller", "called", "at", "keys", "plan", "version")


def routes() -> list[BaseRoute]:
    return [
        auth.route("/plans", listing, act=ACT),
        auth.route("/plans/trial", try_out, act=ACT),
        auth.route("/plans/{name}", show, act=ACT),
        auth.route("/plans/{name}", save, act=ACT, methods=("PUT", "POST")),
        auth.route("/plans/{name}/publication", publish, act=ACT, methods=("PUT", "POST")),
    ]


async def listing(request: Request) -> Response:
    """`GET /plans`: every plan, its numbers, and what is published of it."""

    def read(session: Session) -> Told:
        serving = {one.name: one for one in versions.published(session)}
        rows = versions.listing(session)
        return {
            "plans": [
                {**row.model_dump(), "numbers": serving[row.name].numbers if row.name in serving else []}
                for row in rows
            ]
        }

    held = parts(request)
    return respond.page(
        request,
        "plans.html",
        await held.record.read(read),
        tried={**dict.fromkeys(TRIED, ""), "at": _now(held.settings)},
    )


async def show(request: Request) -> Response:
    """`GET /plans/{name}?version=`: a version (the newest by default), what led to it, and whether it could be published.

    `/plans/new` is the editor of a plan that is not there yet.
    """
    held, name = parts(request), request.path_params["name"]
    wanted = asked.words(request, "version")["version"]
    number = asked.number({"version": wanted}, "version") if wanted else 0

    def read(session: Session) -> Told:
        if name == "new":
            return _new(session, held.settings, plan_form.starter())
        row = versions.find(session, name)
        kept = versions.version(session, name, number or row.latest)
        told = _told(session, held.settings, plan_json.as_data(kept.plan), kept.plan)
        return {**row.model_dump(), "version": kept.version, **told, "versions": _versions(session, name)}

    return _editor(request, await held.record.read(read))


async def save(request: Request) -> Response:
    """`PUT /plans/{name}` with `label`, `plan`, `why` and `seen` (the newest version that you saw, 0 for a new plan): a new
    version. The editor's form comes here too, also to add and remove nodes, which saves nothing yet."""
    held, viewer, name = parts(request), respond.viewer_of(request), request.path_params["name"]
    given = await respond.fields(request)
    by_form = "plan" not in given
    data = plan_form.data_of(given) if by_form else given["plan"]
    act, _, which = str(given.get("act", "save")).partition(":")
    if name == "new":
        name = str(given.get("name", "")).strip()
    if by_form and act != "save":
        if act == "add":
            data = plan_form.added(
                data, str(given.get("add_name", "")).strip(), str(given.get("add_kind", ""))
            )
        elif act == "remove":
            data = plan_form.removed(data, which)
        return _editor(
            request, await held.record.read(lambda session: _draft(session, held.settings, name, given, data))
        )
    label, why = str(given.get("label", "")).strip(), str(given.get("why", "")).strip()
    seen = asked.number(given, "seen")

    def write(session: Session) -> Told:
        now = db.now()
        made = versions.save(session, held.settings, name, label, data, viewer.name, why, seen, now)
        people.audit(session, viewer.name, "plan.saved", name, f"version {made.version}: {why}", now)
        return {"name": name, "version": made.version}

    try:
        told = await held.record.write(write)
    except InvalidInput as error:
        if respond.wants_json(request) or not by_form:
            raise
        draft = await held.record.read(lambda session: _draft(session, held.settings, name, given, data))
        return _editor(request, {**draft, "problems": {**draft["problems"], **error.fields}}, 422)
    return respond.done(request, f"/plans/{name}", told, 200)


async def publish(request: Request) -> Response:
    """`PUT /plans/{name}/publication` with `version` (0 takes the plan out of use) and `seen`, what was published when you
    looked. Live calls end on the version that they began with."""
    held, viewer, name = parts(request), respond.viewer_of(request), request.path_params["name"]
    given = await respond.fields(request)
    number, seen = asked.number(given, "version"), asked.number(given, "seen")

    def write(session: Session) -> Told:
        now = db.now()
        row = versions.publish(session, held.settings, name, number, viewer.name, seen, now)
        people.audit(session, viewer.name, "plan.published", name, f"version {seen} -> {number}", now)
        return row.model_dump()

    told = await held.record.write(write)
    await respond.command(request, commands.ReloadDirectory(by=viewer.name))
    return respond.done(request, f"/plans/{name}", told, 200)


async def try_out(request: Request) -> Response:
    """`GET /plans/trial?caller=&called=&at=&keys=`: every step of a call that is only thought of. `at`: the centre's local
    time, now by default. `plan` and `version` (the newest, published or not) in place of what serves the number."""
    held, words = parts(request), asked.words(request, *TRIED)
    words["at"] = words["at"] or _now(held.settings)
    try:
        at = datetime.fromisoformat(words["at"])
    except ValueError:
        raise InvalidInput(at="a local time, as in 2026-11-23T10:00") from None
    at = at if at.tzinfo else at.replace(tzinfo=held.settings.home_zone)
    told = await held.record.read(lambda session: _tried(session, held.settings, words, at))
    return respond.page(request, "plan_trial.html", {**told, "at": at}, tried=words)


# ---- what is told ------------------------------------------------------------------------------------------------


def _editor(request: Request, given: Told, status: int = 200) -> Response:
    typed = {**_TYPED, **given}
    data = {name: value for name, value in given.items() if name not in _TYPED}
    held = parts(request)
    tried = {
        **dict.fromkeys(TRIED, ""),
        "at": _now(held.settings),
        "plan": data["name"],
        "version": data["version"],
    }
    return respond.page(
        request, "plan.html", data, status, **{name: typed[name] for name in _TYPED},
        nodes=plan_form.shown(data["plan"]), kinds=list(plans.KINDS), keys=plans.KEYS, spoken=plans.SPOKEN,
        cases=plans.CASES, tried=tried,
    )  # fmt: skip


def _told(session: Session, settings: Settings, data: Told, plan: Plan) -> Told:
    there = versions.known(session, settings)
    return {
        "plan": data,
        "tree": outline.tree(plan),
        "problems": plans.check(plan, there),
        "choices": {
            "queue": sorted(there.queues),
            "calendar": sorted(there.calendars),
            "trunk": list(there.trunks),
            "prompt": list(there.prompts),
        },
    }


def _new(session: Session, settings: Settings, data: Told) -> Told:
    told = _told(session, settings, data, plan_json.read(data))
    return {**_NOTHING, **told, "problems": {}}


def _draft(session: Session, settings: Settings, name: str, given: Told, data: Told) -> Told:
    """The editor with what was typed; nothing of it is kept."""
    row = next((one for one in versions.listing(session) if one.name == name), None)
    kept = {**_NOTHING, **(row.model_dump() if row else {"typed_name": name})}
    kept |= {"label": str(given.get("label", "")), "why": str(given.get("why", "")), "draft": True}
    if row:
        kept |= {"version": row.latest, "versions": _versions(session, name)}
    try:
        return {**kept, **_told(session, settings, data, plan_json.read(data))}
    except BadPlan as error:
        told = _told(session, settings, data, Plan(fallback=plans.DEFAULT))
        return {**kept, **told, "tree": [], "problems": error.fields}


_NOTHING: Told = {
    "name": "", "label": "", "published": 0, "latest": 0, "published_by": "", "published_at": None, "version": 0,
    "versions": [],
}  # fmt: skip
_TYPED: Told = {"typed_name": "", "why": "", "draft": False}
"""What only the form knows, before it is saved."""


def _versions(session: Session, name: str) -> list[Told]:
    """The newest first, each with what it changed of the one before."""
    kept = versions.versions(session, name)
    before = {newer.version: older.plan for newer, older in itertools.pairwise(kept)}
    return [
        {
            "version": one.version,
            "by": one.by,
            "at": one.at,
            "why": one.why,
            "changes": outline.changes(before[one.version], one.plan) if one.version in before else [],
        }
        for one in kept
    ]


def _tried(session: Session, settings: Settings, words: dict[str, str], at: datetime) -> Told:
    number = numbers.e164(words["caller"], settings.country) or words["caller"]
    found = pop.lookup(session, number, settings.country) if number else pop.Caller(language="")
    told: Told = {
        "plan": "",
        "version": 0,
        "caller": number,
        "known": found,
        "queue": None,
        "steps": [],
        "end": None,
    }
    chosen = _chosen(session, words)
    if chosen is None:
        there = {row.name: row.numbers.split() for row in queues.listing(session)}
        return {**told, "queue": plans.queue_for(words["called"], settings.numbers, there)}
    name, version, plan = chosen
    calendars = menus.calendars_of(versions.calendars(session))
    facts = walk.Facts(number, found.customer, found.tier, at.timestamp(), calendars)
    language = SPOKEN.get(found.language, found.language)
    steps = trial.run(
        plan, facts, words["keys"], lambda digits: enquiries.complaint(session, digits), language
    )
    spoken = prompts.playable(session, plans.prompts_of(plan))
    languages = tuple(SPOKEN[one] for one in settings.languages)
    rows = [
        {
            "what": one.what, "node": one.node, "kind": one.kind, "value": one.value, "to": one.to,
            "said": phrases.of_plan(one.words, one.language, languages, spoken),
        }
        for one in _together(steps)
    ]  # fmt: skip
    return {**told, "plan": name, "version": version, "steps": rows[:-1], "end": rows[-1]}


def _together(steps: list[trial.Happened]) -> list[trial.Happened]:
    """Keys that were pressed one after the other as one."""
    found: list[trial.Happened] = []
    for one in steps:
        if found and one.what == found[-1].what == "pressed" and one.node == found[-1].node:
            found[-1] = dataclasses.replace(one, value=f"{found[-1].value} {one.value}")
        else:
            found.append(one)
    return found


def _chosen(session: Session, words: dict[str, str]) -> tuple[str, int, Plan] | None:
    """The plan that is tried: the named one, else what serves the called number; None when a queue does."""
    if words["plan"]:
        row = versions.find(session, words["plan"])
        number = asked.number(words, "version") if words["version"] else row.published or row.latest
        return row.name, number, versions.version(session, row.name, number).plan
    serving = plans.plan_for(words["called"], versions.published(session))
    if serving is None:
        return None
    return serving.name, serving.version, plan_json.loaded(serving.body)


def _now(settings: Settings) -> str:
    return db.now().astimezone(settings.home_zone).strftime("%Y-%m-%dT%H:%M")
