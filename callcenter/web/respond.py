"""One route, two faces: HTML for a browser, JSON for `Accept: application/json`, from the same data."""

import dataclasses
from typing import Any, ClassVar

import orjson
import redis
import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DataError, StatementError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from callcenter import stream
from callcenter.commands import desk as vocabulary
from callcenter.errors import DomainError, InvalidInput, StoreAway
from callcenter.web import words
from callcenter.web.auth import MustChangePassword, NotSignedIn, Viewer, anonymous
from callcenter.web.parts import parts

log = structlog.get_logger()

HANDLED = (
    DomainError,
    HTTPException,
    ValidationError,
    redis.RedisError,
    OverflowError,
    StatementError,
    ClientDisconnect,
    Exception,
)
"""What `on_error` speaks HTTP for: everything."""


class InternalError(DomainError):
    """Something went wrong here. It is written down; what you did may not be saved."""

    status: ClassVar[int] = 500


def wants_json(request: Request) -> bool:
    """Whether the face for programs is asked for."""
    return "application/json" in request.headers.get("accept", "") or "authorization" in request.headers


def as_json(data: Any, status: int = 200) -> Response:
    """Times as RFC 3339 with offset."""
    return Response(_dump(data), status, media_type="application/json")


def page(request: Request, template: str, data: dict[str, Any], status: int = 200, **extra: Any) -> Response:
    """`data` as JSON, or the template with `data` and what only a person needs in `extra`."""
    if wants_json(request):
        return as_json(data, status)
    return html(request, template, {**data, **extra}, status)


def html(request: Request, template: str, data: dict[str, Any], status: int = 200) -> Response:
    """The template with the viewer's language and rights."""
    held, viewer = parts(request), viewer_of(request)
    text = held.pages.render(template, viewer.language, **frame_of(request), **data)
    return HTMLResponse(text, status, headers={"cache-control": "no-store", "vary": "Accept"})


def frame_of(request: Request) -> dict[str, Any]:
    """What every page needs around its own data."""
    held = parts(request)
    return {
        "viewer": viewer_of(request),
        "path": request.url.path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "turbo": held.pages.with_files_of_others(),
        "zone": held.settings.zone,
        "demo": held.settings.demo,
    }


KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Endings of files that are made -> their media types (IANA)."""


def file(name: str, ending: str, data: bytes) -> Response:
    """A file to be kept: `name` without its ending (of KINDS), ASCII."""
    headers = {
        "content-disposition": f'attachment; filename="{name}.{ending}"',
        "cache-control": "no-store",
    }
    return Response(data, media_type=KINDS[ending], headers=headers)


def done(request: Request, back: str, data: dict[str, Any] | None = None, status: int = 202) -> Response:
    """An action was taken on: JSON says so, a form goes on to `back`."""
    if wants_json(request):
        return as_json(data or {"accepted": True}, status)
    return RedirectResponse(back, 303)


async def command(request: Request, message: Any) -> None:
    """Ask the conductor; its answer arrives as an event. Nobody waits."""
    await stream.append_async(parts(request).store, stream.DESK_COMMANDS, vocabulary.encode(message))


def local(wanted: Any, otherwise: str = "") -> str:
    """A place of ours, never another host's (`//host` is one)."""
    place = str(wanted or "")
    return place if place.startswith("/") and not place.startswith(("//", "/\\")) else otherwise


async def fields(request: Request) -> dict[str, Any]:
    """The fields of a form or of a JSON object. InvalidInput when the body is neither."""
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = orjson.loads(await request.body() or b"{}")
        except orjson.JSONDecodeError as error:
            raise InvalidInput(f"The body is no JSON: {error}") from None
        if not isinstance(body, dict):
            raise InvalidInput("The body is no JSON object.")
        return body
    return {key: value for key, value in (await request.form()).items() if isinstance(value, str)}


def truth(value: Any) -> bool:
    """A yes of JSON or of a form."""
    return value is True or str(value).lower() in {"1", "true", "on", "yes"}


async def on_error(request: Request, error: Exception) -> Response:
    """The one handler: a domain error in HTTP."""
    if isinstance(error, HTTPException):
        error = _http(error)
    elif isinstance(error, ValidationError):
        error = InvalidInput(**{str(e["loc"][0] if e["loc"] else "body"): e["msg"] for e in error.errors()})
    elif isinstance(error, redis.RedisError | OSError):
        log.warning("the store is away", error=str(error))
        error = StoreAway()
    elif _too_large(error):
        error = InvalidInput("A value is larger than any that we keep.")
    elif isinstance(error, ClientDisconnect):
        return Response(status_code=400)  # nobody reads it
    elif not isinstance(error, DomainError):
        log.error("a view failed", path=request.url.path, exc_info=error)
        error = InternalError()
    return _problem(request, error)


def _too_large(error: Exception) -> bool:
    """Whether the record, or a calendar, has no place for a number, a time or a sign that was sent."""
    return isinstance(error, OverflowError | DataError) or isinstance(
        getattr(error, "orig", None), OverflowError
    )


def _problem(request: Request, error: DomainError) -> Response:
    told = {"error": error.code, "detail": _sentence(request, error), "fields": error.fields}
    wait = getattr(error, "retry_after", 0)
    if wants_json(request) or request.url.path.startswith("/events"):
        answer = as_json(told, error.status)
    elif isinstance(error, NotSignedIn) and request.method == "GET":
        return RedirectResponse(f"/sign-in?next={_local(request)}", 303)
    elif isinstance(error, MustChangePassword) and request.method == "GET":
        return RedirectResponse("/password", 303)
    else:
        answer = html(request, "problem.html", {**told, "status": error.status}, error.status)
    if wait:
        answer.headers["retry-after"] = str(wait)
    if isinstance(error, NotSignedIn):
        answer.headers["www-authenticate"] = "Bearer"
    return answer


def viewer_of(request: Request) -> Viewer:
    """Who looks; nobody in particular before sign-in and on an unknown path."""
    viewer = getattr(request.state, "viewer", None)
    return viewer if isinstance(viewer, Viewer) else anonymous(request)


def _sentence(request: Request, error: DomainError) -> str:
    """The error's sentence in the reader's language: its own where that is translated, else that of its code."""
    language, pages = viewer_of(request).language, parts(request).pages
    own = str(error)
    if language == "en" or (shown := pages.translate(language, own)) != own:
        return own if language == "en" else shown
    return pages.translate(language, words.ERRORS.get(error.code, own))


class _Http(DomainError):
    """The request cannot be served."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status  # type: ignore[misc]
        self._code = code

    @property
    def code(self) -> str:
        return self._code


def _http(error: HTTPException) -> DomainError:
    known = {404: "not-found", 405: "wrong-method", 403: "not-allowed"}
    code = known.get(error.status_code, f"http-{error.status_code}")
    return _Http(error.status_code, code, words.ERRORS.get(code, error.detail))


def _local(request: Request) -> str:
    from urllib.parse import quote

    query = f"?{request.url.query}" if request.url.query else ""
    return quote(request.url.path + query)


def _dump(data: Any) -> bytes:
    return orjson.dumps(data, default=_plain, option=orjson.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
