"""What administrators changed: versions, each of which can be chosen again; and the audit log of everything."""

from typing import Any

from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands, db
from callcenter.errors import InvalidInput
from callcenter.people import history, keeping
from callcenter.people.models import AuditEntry, Change
from callcenter.routing import calendars, queues
from callcenter.web import asked, auth, hours, people, prompts, respond
from callcenter.web.auth import Viewer
from callcenter.web.parts import parts

Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/history", listing, act="audit.see"),
        auth.route("/history/{id:int}/restoration", restore, act="users.write", methods=("PUT", "POST")),
        auth.route("/audit", audit, act="audit.see"),
    ]


async def listing(request: Request) -> Response:
    """`GET /history?noun=user|queue|calendar|prompt&name=&by=&after=`: every change with what was before
    and behind it, the newest first."""
    words, begins, limit = (
        asked.words(request, "noun", "name", "by"),
        asked.after(request),
        asked.limit(request),
    )

    def read(session: Session) -> Told:
        rows, following = history.page(session, words["noun"], words["name"], words["by"], begins, limit)
        return {"changes": [row.model_dump() for row in rows], "next": following}

    data = await parts(request).record.read(read)
    return respond.page(
        request, "changes.html", data, asked=words, begins=begins, differences=history.differences
    )


async def restore(request: Request) -> Response:
    """`PUT /history/{id}/restoration`: all fields as they were behind that change, through the same checks as a form;
    what is not there any more (a queue, a supervisor) is named and nothing is restored."""
    held, viewer, which = parts(request), respond.viewer_of(request), request.path_params["id"]
    chosen = await held.record.read(lambda session: history.find(session, which))
    told: Told
    if chosen.noun == queues.NOUN:
        changed = await held.record.write(lambda session: _queue(session, chosen, viewer))
        back = f"/queues/{chosen.name}"
        told = {"changed": sorted(changed)}
    elif chosen.noun == prompts.NOUN:
        changes = await held.record.write(lambda session: prompts.restore(session, chosen, viewer.name))
        back, told = "/prompts", {"changed": sorted(changes)}
    elif chosen.noun == calendars.NOUN:
        name, after, version = chosen.name, chosen.after, chosen.version
        calendar = await held.record.write(
            lambda s: hours.restore(s, held, name, after, viewer.name, version)
        )
        back, told = f"/hours/{name}", {"changed": calendar}
    else:
        saved = await held.record.write(lambda session: _person(session, chosen, viewer))
        if not saved.user.active:
            await auth.end_sessions(held.store, saved.user.id)
        if saved.phone_password and not respond.wants_json(request):
            await respond.command(request, commands.ReloadDirectory(by=viewer.name))
            return await people.person(request, {"phone_password": saved.phone_password}, chosen.name)
        back, told = f"/people/{chosen.name}", {"changed": saved.changed}
        if saved.phone_password:
            told["phone_password"] = saved.phone_password
    await respond.command(request, commands.ReloadDirectory(by=viewer.name))
    return respond.done(request, back, {"noun": chosen.noun, "name": chosen.name, **told}, 200)


def _person(session: Session, chosen: Change, viewer: Viewer) -> keeping.Saved:
    rules, version = people.rules(session), chosen.version
    return keeping.save(session, chosen.name, chosen.after, None, db.now(), viewer.name, rules, version)


def _queue(session: Session, chosen: Change, viewer: Viewer) -> Told:
    """A field that a newer release added stays as it is."""
    fields = {field: value for field, value in chosen.after.items() if field in queues.CHECKS}
    _, changed = queues.change(session, chosen.name, fields, db.now(), viewer.name, restores=chosen.version)
    return changed


async def audit(request: Request) -> Response:
    """`GET /audit?actor=&action=&subject=&after=`: who did what to what, the newest first."""
    words, begins, limit = (
        asked.words(request, "actor", "action", "subject"),
        asked.after(request),
        asked.limit(request),
    )
    if begins and not (begins.isdecimal() and len(begins) <= asked.LONGEST_NUMBER):
        raise InvalidInput(after="is no end of a page")

    def read(session: Session) -> Told:
        query = select(AuditEntry)
        for column, value in (
            (AuditEntry.actor, words["actor"]),
            (AuditEntry.action, words["action"]),
            (AuditEntry.subject, words["subject"]),
        ):
            if value:
                query = query.where(column == value)
        if begins:
            query = query.where(col(AuditEntry.id) < int(begins))
        rows = list(session.exec(query.order_by(col(AuditEntry.id).desc()).limit(limit + 1)))
        told = [row.model_dump() for row in rows[:limit]]
        return {"entries": told, "next": str(rows[limit - 1].id) if len(rows) > limit else ""}

    return respond.page(
        request, "audit.html", await parts(request).record.read(read), asked=words, begins=begins
    )
