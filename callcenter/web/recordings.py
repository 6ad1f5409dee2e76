"""Recordings: the list, one with its player and who heard it, its audio unsealed on the fly, and what keeps it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from callcenter import db, stream
from callcenter.calls import lists as calls
from callcenter.calls.models import Call
from callcenter.customers import numbers
from callcenter.errors import InvalidInput, NotAllowed, NotFound
from callcenter.people import desk as people
from callcenter.people.models import AuditEntry
from callcenter.recordings import lists, rules, sound, vault
from callcenter.recordings.models import STATES, Recording
from callcenter.routing import queues
from callcenter.tickets.models import Ticket
from callcenter.voicemail import lists as voicemail
from callcenter.web import asked, auth, ranges, respond
from callcenter.web.auth import Viewer
from callcenter.web.parts import Parts, parts

FILTERS = ("queue", "agent", "state", "day", "number")
HEARD, EXPORTED = "recording.heard", "recording.exported"
ONE_LOOK = timedelta(minutes=5)
"""A player asks for many pieces: those of one person within this time are one look."""
Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/recordings", listing, act="calls.see"),
        auth.route("/recordings/looks", looks, act="audit.see"),
        auth.route("/recordings/{id}", show, act="calls.see"),
        auth.route("/recordings/{id}/peaks", peaks, act="calls.see"),
        auth.route("/recordings/{id}/audio", audio, act="calls.see"),
        auth.route("/calls/{id}/recording-hold", hold_call, act="recordings.hold", methods=("PUT", "POST")),
        auth.route(
            "/tickets/{id}/recording-hold", hold_ticket, act="recordings.hold", methods=("PUT", "POST")
        ),
    ]


async def listing(request: Request) -> Response:
    """`GET /recordings?queue=&agent=&state=&day=&number=&after=`, the newest first; an agent's own where allowed."""
    held, viewer, words = parts(request), respond.viewer_of(request), asked.words(request, *FILTERS)
    if not viewer.may("recordings.hear"):
        if not held.settings.agents_hear_own:
            raise NotAllowed
        words["agent"] = viewer.name
    filters = replace(_filters(words, held), queues=viewer.scope if viewer.may("recordings.hear") else None)
    begins, limit = asked.after(request), asked.limit(request)
    after = await stream.last_id(held.store, stream.PUBLIC)

    def read(session: Session) -> Told:
        rows, following = lists.page(session, filters, begins, limit)
        report = lists.newest_report(session)
        return {
            "recordings": with_calls(session, rows, held.settings.country),
            "next": following,
            "report": report.model_dump() if report and viewer.may("recordings.hear") else None,
            "after": after,
        }

    data = await held.record.read(read)
    if respond.wants_json(request):
        return respond.as_json(data)
    chosen = await held.record.read(
        lambda session: {
            "queue_names": [row.name for row in queues.listing(session)],
            "agent_names": [user.name for user in people.users(session)],
        }
    )
    return respond.html(
        request, "recordings.html", {**data, **chosen, "asked": words, "begins": begins, "states": STATES}
    )


async def looks(request: Request) -> Response:
    """`GET /recordings/looks?after=`: who heard or took what when, the newest first."""
    held, after, limit = parts(request), asked.after(request), asked.limit(request)
    asked.words(request)
    if after and not after.isdecimal():
        raise InvalidInput(after="is no end of a page")

    def read(session: Session) -> Told:
        query = select(AuditEntry).where(col(AuditEntry.action).in_((HEARD, EXPORTED)))
        if after:
            query = query.where(col(AuditEntry.id) < int(after[: asked.LONGEST_NUMBER]))
        rows = list(session.exec(query.order_by(col(AuditEntry.id).desc()).limit(limit + 1)).all())
        return {
            "looks": [_look(row) for row in rows[:limit]],
            "next": str(rows[limit - 1].id) if len(rows) > limit else "",
        }

    return respond.page(request, "looks.html", await held.record.read(read), begins=after, asked={})


async def show(request: Request) -> Response:
    """`GET /recordings/{id}`: the segment, its player, and for auditors who heard it."""
    held, viewer = parts(request), respond.viewer_of(request)

    def read(session: Session) -> Told:
        row = _heard_by(session, request, viewer, held)
        seen = []
        if viewer.may("audit.see"):
            query = select(AuditEntry).where(AuditEntry.subject == row.id)
            seen = [_look(one) for one in session.exec(query.order_by(col(AuditEntry.id).desc()).limit(200))]
        return {"recording": with_calls(session, [row], held.settings.country)[0], "looks": seen}

    return respond.page(request, "recording.html", await held.record.read(read))


async def peaks(request: Request) -> Response:
    """`GET /recordings/{id}/peaks`: `left` (customer) and `right` (agent), loudness 0-255 in equal columns."""
    held, viewer = parts(request), respond.viewer_of(request)
    row = await held.record.read(lambda session: _heard_by(session, request, viewer, held))
    return respond.as_json(
        {
            "seconds": row.seconds,
            "left": list(row.peaks[: sound.BUCKETS]),
            "right": list(row.peaks[sound.BUCKETS :]),
        }
    )


async def audio(request: Request) -> Response:
    """`GET /recordings/{id}/audio`, with Range; `?download=1` to keep it. Each look is written down first."""
    held, viewer = parts(request), respond.viewer_of(request)
    taken = respond.truth(request.query_params.get("download", ""))
    if taken and not viewer.may("recordings.export"):
        raise NotAllowed

    action, now = EXPORTED if taken else HEARD, db.now()

    def look(session: Session) -> tuple[Recording, int, bool]:
        row = _heard_by(session, request, viewer, held)
        if row.state != "stored":
            raise NotFound
        file, opened = vault.open_sealed(held.vault, row)
        with file:
            next(opened.read(0, min(1, opened.size)), b"")  # a broken one is told before anything is sent
        return row, opened.size, action == HEARD and _heard_lately(session, viewer, row, now)

    row, size, written_down = await held.record.read(look)
    if not written_down:
        await held.record.write(
            lambda session: people.audit(session, viewer.name, action, row.id, f"call {row.call_id}", now)
        )
    part = ranges.asked(request.headers.get("range", ""), size)
    begin, end = part or (0, size)
    headers = {
        "accept-ranges": "bytes",
        "cache-control": "no-store",
        "content-length": str(end - begin),
        "etag": f'"{row.sha256[:32]}"',
    }
    if part:
        headers["content-range"] = f"bytes {begin}-{end - 1}/{size}"
    if taken:
        headers["content-disposition"] = f'attachment; filename="{row.id}.{row.format}"'
    body: Iterator[bytes] = (
        iter(()) if request.method == "HEAD" else vault.pieces(held.vault, row, begin, end)
    )
    return StreamingResponse(body, 206 if part else 200, headers, media_type=sound.MEDIA[row.format])


async def hold_call(request: Request) -> Response:
    """`PUT /calls/{id}/recording-hold` with `on` and `reason`: keep its recordings beyond their time, or no more."""
    which = request.path_params["id"]
    viewer = respond.viewer_of(request)

    def exists(session: Session) -> None:
        if not viewer.oversees(calls.find(session, which).queue):
            raise NotAllowed

    return await _hold(request, "call", which, f"/calls/{which}", exists)


async def hold_ticket(request: Request) -> Response:
    """`PUT /tickets/{id}/recording-hold` with `on` and `reason`: all recordings of the complaint's calls."""
    which, viewer = request.path_params["id"], respond.viewer_of(request)

    def exists(session: Session) -> None:
        if not which.isdecimal() or session.get(Ticket, int(which[: asked.LONGEST_NUMBER])) is None:
            raise NotFound
        about = session.exec(select(Call.queue).where(Call.ticket_id == int(which[: asked.LONGEST_NUMBER])))
        if not viewer.oversees(*about):
            raise NotAllowed

    return await _hold(request, "ticket", which, f"/tickets/{which}", exists)


def of_call(session: Session, viewer: Viewer, held: Parts, call: str) -> Told:
    """What the page of a call shows of its recordings; nothing of those that this person may not hear."""
    rows = [row for row in lists.of_calls(session, [call]) if may_hear(viewer, held, row)]
    holds = lists.standing_holds(session, "call", [call])
    return {
        "recordings": [plain(row) for row in rows],
        "hold": holds[0].model_dump() if holds and rows else None,
    }


def of_ticket(session: Session, viewer: Viewer, held: Parts, ticket: int, told_in: set[str]) -> Told:
    """What the page of a complaint shows: of the calls about it, and those that its timeline names."""
    about = session.exec(select(Call.id).where(Call.ticket_id == ticket)).all()
    rows = [row for row in lists.of_calls(session, {*about, *told_in}) if may_hear(viewer, held, row)]
    holds = lists.standing_holds(session, "ticket", [str(ticket)])
    return {
        "recordings": [plain(row) for row in rows],
        "hold": holds[0].model_dump() if holds and rows else None,
    }


def may_hear(viewer: Viewer, held: Parts, row: Recording) -> bool:
    everybodys = viewer.may("recordings.hear") and viewer.oversees(row.queue)
    return rules.may_hear(everybodys, held.settings.agents_hear_own, viewer.name, row.agent)


def plain(row: Recording) -> Told:
    """A row as pages and programs see it: without its peaks and without where it lies."""
    return row.model_dump(exclude={"peaks", "spool", "key"})


def with_calls(session: Session, rows: list[Recording], country: str) -> list[Told]:
    """Rows with the number of the other side and what keeps them."""
    ids = {row.call_id for row in rows}
    known = {call.id: call for call in session.exec(select(Call).where(col(Call.id).in_(ids)))}
    kept = {one.ref for one in lists.standing_holds(session, "call", ids)}
    told = []
    for row in rows:
        call = known.get(row.call_id)
        party = (
            "" if call is None or call.withheld else call.called if call.direction == "out" else call.caller
        )
        told.append(
            {
                **plain(row),
                "party": party,
                "party_national": numbers.national(party, country) if party else "",
                "held": row.call_id in kept,
            }
        )
    return told


async def _hold(request: Request, kind: str, ref: str, back: str, exists: Any) -> Response:
    held, viewer = parts(request), respond.viewer_of(request)
    given = await respond.fields(request)
    on, reason = respond.truth(given.get("on", True)), str(given.get("reason", ""))

    def write(session: Session) -> None:
        exists(session)
        now = db.now()
        if on:
            lists.hold(session, kind, ref, reason, viewer.name, now)
        else:
            lists.lift(session, kind, ref, viewer.name, now)
        action = "recording.held" if on else "recording.released"
        people.audit(session, viewer.name, action, f"{kind}:{ref}", reason[:300], now)

    await held.record.write(write)
    return respond.done(request, back, {"held": on}, 200)


def _heard_by(session: Session, request: Request, viewer: Viewer, held: Parts) -> Recording:
    """The row, for who may hear it; for others there is no such thing."""
    row = lists.find(session, request.path_params["id"])
    message = viewer.may("messages.see") and voicemail.may_hear(
        session, row.id, viewer.user_id, viewer.may("messages.all"), viewer.scope
    )
    if not message and not may_hear(viewer, held, row):
        raise NotFound
    return row


def _heard_lately(session: Session, viewer: Viewer, row: Recording, now: datetime) -> bool:
    """Whether this very look is written down already."""
    earlier = select(AuditEntry.id).where(
        AuditEntry.subject == row.id,
        AuditEntry.actor == viewer.name,
        AuditEntry.action == HEARD,
        AuditEntry.at > now - ONE_LOOK,
    )
    return session.exec(earlier.limit(1)).first() is not None


def _look(row: AuditEntry) -> Told:
    return {"id": row.id, "at": row.at, "who": row.actor, "what": row.action, "recording": row.subject}


def _filters(words: dict[str, str], held: Parts) -> lists.Filters:
    since = until = None
    if words["day"]:
        try:
            since = datetime.strptime(words["day"], "%Y-%m-%d").replace(tzinfo=held.settings.home_zone)
        except ValueError:
            raise InvalidInput(day="a day, as in 2026-11-22") from None
        until = since + timedelta(days=1)
    number = words["number"]
    return lists.Filters(
        queue=words["queue"],
        agent=words["agent"],
        state=words["state"],
        calls=calls.ids_of_number(numbers.e164(number, held.settings.country) or number) if number else None,
        since=since,
        until=until,
    )
