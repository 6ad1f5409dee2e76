"""Who asks: sessions in the store, bearer tokens, roles; and that a form came from our own page."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson
import redis.asyncio
from babel import negotiate_locale
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.errors import DomainError, NotAllowed
from callcenter.people import desk as people
from callcenter.people import rights
from callcenter.people.models import User
from callcenter.settings import LANGUAGES
from callcenter.web.parts import parts

COOKIE = "callcenter"
HOURS = 12
"""A session ends this long after its last request."""
SESSIONS_KNOWN = 30 * 86400
"""Seconds that the list of a person's sessions is kept after the last sign-in."""
SAFE = {"GET", "HEAD", "OPTIONS"}
UNTIL_CHANGED = {"/password", "/sign-out"}
"""All that is open to who must change the password."""
THEMES = ("auto", "light", "dark")

View = Callable[[Request], Awaitable[Response]]


class NotSignedIn(DomainError):
    """You are not signed in."""

    status: ClassVar[int] = 401


class ForeignRequest(DomainError):
    """This request did not come from our own page. Load the page again and repeat."""

    status: ClassVar[int] = 403


class MustChangePassword(DomainError):
    """Your password was given by somebody else: choose one of your own first."""

    status: ClassVar[int] = 403


@dataclass(frozen=True, slots=True)
class Viewer:
    """`name` is the agent's id on the board; `token`: a program with a bearer token."""

    user_id: int
    name: str
    display: str
    role: str
    language: str
    theme: str = "auto"
    csrf: str = ""
    session: str = ""
    phone: str = ""
    remote_answer: bool = False
    token: bool = False
    must_change: bool = False
    scope: frozenset[str] | None = None
    """Queues over which the rights of the role hold; None for all."""

    @property
    def owns_only(self) -> bool:
        """Whether lists of work begin with the person's own: who works at a desk and steers nobody."""
        return self.may("desk") and not self.may("callbacks.steer")

    def oversees(self, *queues: str) -> bool:
        """Whether one of these queues is in scope; a call without a queue is only for who oversees all."""
        return self.scope is None or not self.scope.isdisjoint(queues)

    def may(self, act: str) -> bool:
        """Whether the role includes the act (`people.rights`)."""
        return rights.may(self.role, act)


class Guarded(Route):
    """A route with the act that it takes."""

    act = ""


def route(path: str, view: View, act: str = "", methods: tuple[str, ...] = ("GET",)) -> Route:
    """A route for those whose role includes `act` (all who signed in when empty); a form must be our own page's."""

    async def guarded(request: Request) -> Response:
        viewer = await identify(request)
        if viewer is None:
            raise NotSignedIn
        request.state.viewer = viewer
        if viewer.must_change and path not in UNTIL_CHANGED:
            raise MustChangePassword
        if act and not viewer.may(act):
            raise NotAllowed
        if request.method not in SAFE and not viewer.token:
            await check_origin(request, viewer.csrf)
        return await view(request)

    made = Guarded(path, guarded, methods=list(methods), name=f"{view.__module__}.{view.__name__}")
    made.act = act
    return made


async def identify(request: Request) -> Viewer | None:
    """The person of the session, or the program of the bearer token; None when neither is known."""
    bearer = request.headers.get("authorization", "")
    if bearer.lower().startswith("bearer "):
        token = bearer[7:].strip()
        known = await parts(request).record.read(lambda s: _with_scope(s, people.user_of_token(s, token)))
        return _viewer(request, *known, {}, token=True) if known else None
    key = request.cookies.get(COOKIE, "")
    if not key:
        return None
    held = parts(request)
    kept = await held.store.getex(_key(key), ex=HOURS * 3600)
    if not kept:
        return None
    opened = orjson.loads(kept)
    known = await held.record.read(lambda session: _with_scope(session, _active(session, opened)))
    return _viewer(request, *known, {**opened, "id": key}) if known else None


async def open_session(request: Request, response: Response, user: User) -> None:
    """A new session, so that an id planted before the sign-in is worth nothing."""
    held, key = parts(request), secrets.token_urlsafe(32)
    opened = {"user": user.id, "epoch": user.epoch, "csrf": secrets.token_urlsafe(24)}
    await held.store.set(_key(key), orjson.dumps(opened), ex=HOURS * 3600)
    async with held.store.pipeline() as pipe:
        pipe.sadd(_of_user(user.id), key)
        pipe.expire(_of_user(user.id), SESSIONS_KNOWN)
        await pipe.execute()
    response.set_cookie(
        COOKIE, key, httponly=True, samesite="lax", secure=held.settings.pages.startswith("https://")
    )


async def still_open(request: Request, viewer: Viewer) -> bool:
    """Whether the session of a connection that stays open still stands; a token's is looked at when it comes."""
    return viewer.token or bool(await parts(request).store.exists(_key(viewer.session)))


async def end_sessions(store: redis.asyncio.Redis, user_id: int | None) -> None:
    """Close everything that this person has open at once; `User.epoch` keeps it closed."""
    async with store.pipeline() as pipe:
        pipe.smembers(_of_user(user_id))
        pipe.delete(_of_user(user_id))
        keys, _ = await pipe.execute()
    if keys:
        await store.delete(*(_key(key.decode()) for key in keys))


async def close_session(request: Request, response: Response, viewer: Viewer) -> None:
    """The id in the cookie opens nothing any more."""
    await parts(request).store.delete(_key(viewer.session))
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")


async def check_origin(request: Request, csrf: str) -> None:
    """ForeignRequest unless the browser says it came from our page and it carries the session's token.

    Fetch Metadata (W3C) and Origin (RFC 6454) stop what a browser sends for others; the token stops the rest.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForeignRequest
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignRequest
    given = request.headers.get("x-page-token")
    if given is None and not request.headers.get("content-type", "").startswith("application/json"):
        given = str((await request.form()).get("page_token", ""))
    if not hmac.compare_digest((given or "").encode(), csrf.encode()):
        raise ForeignRequest


def anonymous(request: Request) -> Viewer:
    """Nobody in particular, in the browser's language."""
    return Viewer(0, "", "", "", _language(request, ""), _theme(request))


def _viewer(
    request: Request, user: User, scope: frozenset[str] | None, opened: dict[str, Any], token: bool = False
) -> Viewer:
    return Viewer(
        user_id=user.id or 0,
        name=user.name,
        display=user.display_name or user.name,
        role=user.role,
        language=_language(request, user.language),
        theme=_theme(request),
        csrf=opened.get("csrf", ""),
        session=opened.get("id", ""),
        phone=user.phone,
        remote_answer=user.remote_answer,
        token=token,
        must_change=user.must_change and not token,
        scope=scope,
    )


def _with_scope(session: Session, user: User | None) -> tuple[User, frozenset[str] | None] | None:
    return (user, people.scope_of(session, user)) if user else None


def _active(session: Session, opened: dict[str, Any]) -> User | None:
    """Whose session it is, unless the person left or the sessions were ended since."""
    user = session.get(User, opened["user"])
    return user if user and user.active and user.epoch == opened.get("epoch", 0) else None


def _language(request: Request, chosen: str) -> str:
    """The person's choice, the browser's cookie, what the browser asks for, English."""
    for wanted in (chosen, request.cookies.get("language", "")):
        if wanted in LANGUAGES:
            return wanted
    return accepted(request.headers.get("accept-language", ""))


def accepted(header: str) -> str:
    """Accept-Language (RFC 9110, 12.5.4) as one of ours; Chinese without a script goes by its region."""
    weighted = []
    for place, part in enumerate(header.split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weighted.append((-float(quality or 1), place, tag.lower()))
        except ValueError:
            continue
    for _, _, tag in sorted(weighted):
        if tag.startswith("zh"):
            traditional = any(part in {"hant", "tw", "hk", "mo"} for part in tag.split("-"))
            return "zh_Hant" if traditional and "hans" not in tag else "zh_Hans"
        if negotiate_locale([tag.replace("-", "_")], ["en"]):
            return "en"
    return "en"


def _theme(request: Request) -> str:
    theme = request.cookies.get("theme", "")
    return theme if theme in THEMES else "auto"


def _key(session: str) -> str:
    return f"session:{session}"


def _of_user(user_id: int | None) -> str:
    return f"sessions:{user_id}"
