"""People as administrators keep them: list, profile, password, lock, the phone's secret. Secrets are shown once."""

import csv
import dataclasses
import io
import secrets
from typing import Any

from sqlmodel import Session, col, func, select
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands, db
from callcenter.errors import InvalidInput
from callcenter.people import bulk, history, keeping
from callcenter.people.desk import audit
from callcenter.people.models import ROLES, User
from callcenter.routing import queues
from callcenter.telephony.line import LineConfig
from callcenter.tickets.models import Ticket
from callcenter.tickets.rules import OPEN
from callcenter.web import asked, auth, respond
from callcenter.web.parts import parts

PUTS = ("PUT", "POST")
STATES = ("active", "locked", "left", "any")
Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/people", listing, act="users.see"),
        auth.route("/people", create, act="users.write", methods=("POST",)),
        auth.route("/people.csv", export, act="users.see"),
        auth.route("/imports/people", show_import, act="users.write"),
        auth.route("/imports/people", take_in, act="users.write", methods=("POST",)),
        auth.route("/people/{name}", show, act="users.see"),
        auth.route("/people/{name}", change, act="users.write", methods=PUTS),
        auth.route("/people/{name}/password", reset, act="users.write", methods=PUTS),
        auth.route("/people/{name}/unlocking", unlock, act="users.write", methods=PUTS),
        auth.route("/people/{name}/phone-password", renew_phone, act="users.write", methods=PUTS),
    ]


async def listing(request: Request) -> Response:
    """`GET /people?role=&state=active|locked|left|any&q=&supervisor=&after=`: everybody by name, without secrets."""
    words = asked.words(request, "role", "state", "q", "supervisor")
    state, begins, limit = words["state"] or "active", asked.after(request), asked.limit(request)
    if words["role"] and words["role"] not in ROLES:
        raise InvalidInput(role=", ".join(ROLES))
    if state not in STATES:
        raise InvalidInput(state=", ".join(STATES))

    def read(session: Session) -> Told:
        query = select(User).where(User.name > begins)
        if words["role"]:
            query = query.where(User.role == words["role"])
        if words["supervisor"]:
            above = select(User.id).where(User.name == words["supervisor"]).scalar_subquery()
            query = query.where(col(User.supervisor_id) == above)
        if state != "any":
            query = query.where(col(User.active).is_(state != "left"))
        if state == "locked":
            query = query.where(col(User.locked_at).is_not(None))
        if words["q"]:
            part = words["q"]
            query = query.where(
                col(User.name).contains(part, autoescape=True)
                | col(User.display_name).contains(part, autoescape=True)
                | col(User.phone).contains(part, autoescape=True)
            )
        rows = list(session.exec(query.order_by(User.name).limit(limit + 1)))
        told = [_told(session, user) for user in rows[:limit]]
        return {"people": told, "next": rows[limit - 1].name if len(rows) > limit else ""}

    data = await parts(request).record.read(read)
    shown: Told = {"asked": {**words, "state": state}, "begins": begins, "roles": ROLES, "states": STATES}
    return respond.page(request, "people.html", data, **shown)


async def show(request: Request) -> Response:
    """`GET /people/{name}`: the profile, its `version`, and what was changed in it."""
    return await person(request, {})


async def create(request: Request) -> Response:
    """`POST /people` with `name`, `role` and what else is known. The passwords that are made are in the answer alone."""
    held, viewer, given = (
        parts(request),
        respond.viewer_of(request),
        asked.form(await respond.fields(request)),
    )
    name, password = str(given.pop("name", "")).strip(), secrets.token_urlsafe(12)
    saved = await held.record.write(
        lambda s: keeping.create(s, name, given, password, db.now(), viewer.name, rules(s))
    )
    return await _done(request, name, {"password": password, "phone_password": saved.phone_password}, 201)


async def export(request: Request) -> Response:
    """`GET /people.csv`: everybody without secrets, as `POST /imports/people` reads it. Written to the audit log."""
    viewer, made = respond.viewer_of(request), io.StringIO()

    def write(session: Session) -> None:
        csv.writer(made).writerows(bulk.written(session, bulk.everybody(session)))
        audit(session, viewer.name, "user.export", "people.csv", "", db.now())

    await parts(request).record.write(write)
    headers = {"content-disposition": "attachment; filename=people.csv", "cache-control": "no-store"}
    body = ("\ufeff" + made.getvalue()).encode()
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


async def show_import(request: Request) -> Response:
    """`GET /imports/people`: the form, and what it reads."""
    return respond.page(
        request, "people_import.html", {"columns": bulk.COLUMNS}, csv="", outcome=None, applied=False
    )


async def take_in(request: Request) -> Response:
    """`POST /imports/people` with `csv`: its text or, in a form, a `file`; `apply` true keeps it, else it is tried only.

    All lines or none: 422 with `rejections` (line, field, reason) when one is wrong. Passwords that were made (`made`)
    are in the answer alone.
    """
    held, viewer = parts(request), respond.viewer_of(request)
    text, apply = await _file(request)
    try:
        outcome = await held.record.write(
            lambda s: bulk.take_in(s, text, db.now(), viewer.name, rules(s), not apply)
        )
        applied = True
    except bulk.TriedOnly as tried:
        outcome, applied = tried.outcome, False
    for user_id in outcome.left if applied else ():
        await auth.end_sessions(held.store, user_id)
    if applied:
        await respond.command(request, commands.ReloadDirectory(by=viewer.name))
    told = {"applied": applied, **dataclasses.asdict(outcome)}
    status = 422 if outcome.rejections else 200
    if respond.wants_json(request):
        return respond.as_json(told, status)
    shown = {"columns": bulk.COLUMNS, "outcome": told, "applied": applied, "csv": "" if applied else text}
    return respond.html(request, "people_import.html", shown, status)


async def _file(request: Request) -> tuple[str, bool]:
    """The file's text, and whether it is to be kept."""
    if request.headers.get("content-type", "").startswith("application/json"):
        given = await respond.fields(request)
        return str(given.get("csv", "")), respond.truth(given.get("apply", False))
    async with request.form() as form:
        apply, file = respond.truth(form.get("apply", "")), form.get("file")
        if isinstance(file, UploadFile) and file.size:
            return bulk.decoded(await file.read()), apply
        return str(form.get("csv", "")), apply


async def change(request: Request) -> Response:
    """`PUT /people/{name}` with `version` and the fields to set; 409 says what is different now."""
    held, viewer, name = parts(request), respond.viewer_of(request), request.path_params["name"]
    given = asked.form(await respond.fields(request), "version")
    version = asked.number(await respond.fields(request), "version")
    saved = await held.record.write(
        lambda s: keeping.save(s, name, given, version, db.now(), viewer.name, rules(s))
    )
    if not saved.user.active:
        await auth.end_sessions(held.store, saved.user.id)
    return await _done(request, name, {"phone_password": saved.phone_password}, 200)


async def reset(request: Request) -> Response:
    """`PUT /people/{name}/password`: a new one, to be changed at the next sign-in. All sessions of the person end."""
    held, viewer, name = parts(request), respond.viewer_of(request), request.path_params["name"]
    password = secrets.token_urlsafe(12)
    user = await held.record.write(lambda s: keeping.reset_password(s, name, password, db.now(), viewer.name))
    await auth.end_sessions(held.store, user.id)
    return await _done(request, name, {"password": password}, 200)


async def unlock(request: Request) -> Response:
    """`PUT /people/{name}/unlocking`: the person may try again."""
    held, viewer, name = parts(request), respond.viewer_of(request), request.path_params["name"]
    await held.record.write(lambda s: keeping.unlock(s, name, db.now(), viewer.name))
    return await _done(request, name, {}, 200)


async def renew_phone(request: Request) -> Response:
    """`PUT /people/{name}/phone-password`: the old one registers no more."""
    held, viewer, name = parts(request), respond.viewer_of(request), request.path_params["name"]
    made = await held.record.write(
        lambda s: keeping.new_phone_password(s, name, db.now(), viewer.name, rules(s))
    )
    return await _done(request, name, {"phone_password": made}, 200)


def rules(session: Session) -> keeping.Rules:
    """What a profile may name here."""
    return keeping.Rules({row.name for row in queues.listing(session)}, LineConfig().realm)


async def _done(request: Request, name: str, made: Told, status: int) -> Response:
    """The conductor reads people anew. A secret that was made is shown at once: it is kept nowhere."""
    await respond.command(request, commands.ReloadDirectory(by=respond.viewer_of(request).name))
    made = {key: value for key, value in made.items() if value}
    if made or respond.wants_json(request):
        return await person(request, made, name, status)
    return respond.done(request, f"/people/{name}")


async def person(request: Request, made: Told, name: str = "", status: int = 200) -> Response:
    """The page of a person; `made`: secrets that are shown with it this once."""
    name = name or request.path_params["name"]

    def read(session: Session) -> Told:
        user = keeping.find(session, name)
        changes, _ = history.page(session, keeping.NOUN, name, limit=20)
        owned = select(func.count()).select_from(Ticket)
        return {
            "person": _told(session, user),
            "owns": session.exec(owned.where(Ticket.owner_id == user.id, col(Ticket.state).in_(OPEN))).one(),
            "changes": [one.model_dump() for one in changes],
            "made": made,
        }

    return respond.page(
        request, "person.html", await parts(request).record.read(read), status, roles=ROLES,
        differences=history.differences,
    )  # fmt: skip


def _told(session: Session, user: User) -> Told:
    return {
        "name": user.name,
        **keeping.profile(session, user),
        "has_password": bool(user.password_hash),
        "must_change": user.must_change,
        "locked_at": user.locked_at,
        "created_at": user.created_at,
        "version": user.version,
    }
