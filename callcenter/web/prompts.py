"""Prompts: the list with where each is used, made from text or an uploaded WAV, heard in the page."""

import base64
import binascii
from typing import Any

from sqlmodel import Session
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands, db
from callcenter.errors import InvalidInput
from callcenter.people import history
from callcenter.people.models import Change
from callcenter.prompts import desk, sound
from callcenter.routing import queues, versions
from callcenter.web import auth, respond
from callcenter.web.parts import parts

Told = dict[str, Any]
ACT = "settings.write"
NOUN = "prompt"


def routes() -> list[BaseRoute]:
    return [
        auth.route("/prompts", listing, act=ACT),
        auth.route("/prompts", put, act=ACT, methods=("PUT", "POST")),
        auth.route("/prompts/trial", trial, act=ACT),
        auth.route("/prompts/{name}/{language}/audio", audio, act=ACT),
        auth.route("/prompts/{name}/{language}/removal", remove, act=ACT, methods=("PUT", "POST")),
    ]


async def listing(request: Request) -> Response:
    """`GET /prompts`: every prompt, and where its name stands."""

    def read(session: Session) -> Told:
        rows = desk.listing(session)
        return {"prompts": [{**row.model_dump(), "used_by": _uses(session, row.name)} for row in rows]}

    return respond.page(
        request, "prompts.html", await parts(request).record.read(read), languages=desk.LANGUAGES
    )


async def put(request: Request) -> Response:
    """`PUT /prompts` with `name`, `language`, `text`, `version` (0 for a new one), and `wav`: a file of a form, or base64
    in JSON. Converted here, once."""
    held, viewer = parts(request), respond.viewer_of(request)
    given = await respond.fields(request)
    body = await _upload(request, given)
    name, language = str(given.get("name", "")).strip(), str(given.get("language", ""))
    version = str(given.get("version", "") or "0")
    if not version.isascii() or not version.isdecimal() or len(version) > 9:
        raise InvalidInput(version="a whole number")
    uploaded = await held.record.work(lambda: sound.converted(body)) if body else None

    def write(session: Session) -> Told:
        now, before = db.now(), _kept(session, name, language)
        row = desk.put(
            session, name, language, str(given.get("text", "")), uploaded, viewer.name, int(version), now
        )
        named, after = f"{name}:{language}", _kept(session, name, language)
        history.keep(session, NOUN, named, before, after, now, viewer.name)
        return row.model_dump()

    told = await held.record.write(write)
    await respond.command(request, commands.ReloadDirectory(by=viewer.name))
    return respond.done(request, "/prompts", told, 200)


async def remove(request: Request) -> Response:
    """`PUT /prompts/{name}/{language}/removal` with `version`; refused while callers of a queue or a plan hear it."""
    viewer, given = respond.viewer_of(request), await respond.fields(request)
    name, language = request.path_params["name"], request.path_params["language"]
    version = str(given.get("version", ""))

    def write(session: Session) -> Told:
        if not version.isascii() or not version.isdecimal() or len(version) > 9:
            raise InvalidInput(version="a whole number")
        before = _kept(session, name, language)
        desk.delete(session, name, language, int(version), _uses(session, name))
        history.keep(session, NOUN, f"{name}:{language}", before, {}, db.now(), viewer.name)
        return {"deleted": True}

    told = await parts(request).record.write(write)
    await respond.command(request, commands.ReloadDirectory(by=viewer.name))
    return respond.done(request, "/prompts", told, 200)


def restore(session: Session, chosen: Change, by: str) -> Told:
    """Text and sound as they were behind that change; what changed by it. A prompt that was deleted is there again.
    InvalidInput for the change that deleted it."""
    name, _, language = chosen.name.rpartition(":")
    if not chosen.after:
        raise InvalidInput(id="the prompt was deleted then: choose the version before")
    now, before = db.now(), _kept(session, name, language)
    desk.restore(session, name, language, chosen.after["text"], chosen.after["sound"], by, now)
    after = _kept(session, name, language)
    history.keep(session, NOUN, chosen.name, before, after, now, by, chosen.version)
    return history.differences(before, after)


async def audio(request: Request) -> Response:
    """`GET /prompts/{name}/{language}/audio`: what callers hear, as a WAV."""
    name, language = request.path_params["name"], request.path_params["language"]
    body = await parts(request).record.read(
        lambda session: desk.wav(session, desk.find(session, name, language))
    )
    return _wav(body)


async def trial(request: Request) -> Response:
    """`GET /prompts/trial?language=&text=`: a text as it would be spoken, before it is saved."""
    language, text = request.query_params.get("language", ""), request.query_params.get("text", "").strip()
    if language not in desk.LANGUAGES:
        raise InvalidInput(language=", ".join(desk.LANGUAGES))
    if not 0 < len(text) <= desk.LONGEST_TEXT:
        raise InvalidInput(text=f"1 to {desk.LONGEST_TEXT} characters")
    return _wav(await parts(request).record.work(lambda: sound.speak(language, text)))


def _kept(session: Session, name: str, language: str) -> Told:
    """What is kept of a prompt, {} while there is none."""
    row = next((one for one in desk.listing(session) if (one.name, one.language) == (name, language)), None)
    return {"text": row.text, "sound": row.sound} if row else {}


def _uses(session: Session, prompt: str) -> list[str]:
    return queues.uses(session, prompt) + versions.uses(session, prompt)


async def _upload(request: Request, given: Told) -> bytes:
    """The WAV of a form or of JSON; empty when there is none."""
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            return base64.b64decode(str(given.get("wav") or ""), validate=True)
        except (binascii.Error, ValueError):
            raise InvalidInput(wav="no base64") from None
    async with request.form() as form:
        file = form.get("wav")
        return await file.read() if isinstance(file, UploadFile) else b""


def _wav(body: bytes) -> Response:
    return Response(body, media_type="audio/wav", headers={"cache-control": "no-store"})
