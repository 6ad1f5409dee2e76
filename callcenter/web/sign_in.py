"""Sign-in and sign-out; language and theme."""

from typing import ClassVar

import anyio.to_thread
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from callcenter import commands, db
from callcenter.errors import DomainError, InvalidInput, lazy
from callcenter.people import desk as people
from callcenter.people import keeping, rights
from callcenter.people.models import User
from callcenter.settings import LANGUAGES
from callcenter.web import auth, respond, seat
from callcenter.web.parts import Parts, parts

FREE_ATTEMPTS = 5
"""Wrong passwords for one name from one address before each further one has to wait."""
REMEMBERED = 900
"""Seconds that wrong attempts are remembered after the last."""
YEAR = 365 * 86400


class TooManyAttempts(DomainError):
    """Too many attempts. Wait before the next one."""

    status: ClassVar[int] = 429
    retry_after = 0


def routes() -> list[BaseRoute]:
    return [
        Route("/sign-in", form),
        Route("/sign-in", enter, methods=["POST"]),
        auth.route("/sign-out", leave, methods=("POST",)),
        auth.route("/password", own_password),
        auth.route("/password", change_password, methods=("PUT", "POST")),
        Route("/preferences", prefer, methods=["POST", "PUT"]),
    ]


async def form(request: Request) -> Response:
    """`GET /sign-in`."""
    viewer = await auth.identify(request)
    if viewer:
        return RedirectResponse(home(viewer.role), 303)
    return respond.html(request, "sign_in.html", {"next": _next(request), "name": "", "problem": ""})


async def enter(request: Request) -> Response:
    """`POST /sign-in`: a session for the right name and password; guessing becomes slow."""
    given = await respond.fields(request)
    name, password = str(given.get("name", "")).strip(), str(given.get("password", ""))
    held, counter = parts(request), _counter(request, name)
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise auth.ForeignRequest
    try:
        await _slow_down(held, counter)
        user = await _user(held, name, password)
    except (people.WrongPassword, people.Locked, TooManyAttempts) as error:
        if isinstance(error, people.WrongPassword):
            await _count(held, counter)
            await held.record.write(lambda s: _refused(s, name, counter, held.settings.lock_after))
        if respond.wants_json(request):
            raise
        shown = {"next": _next(request), "name": name, "problem": error.code}
        return respond.html(request, "sign_in.html", shown, error.status)
    await held.store.delete(counter)
    await held.record.write(lambda s: _entered(s, user))
    answer = respond.done(
        request, _next(request) or home(user.role), {"name": user.name, "role": user.role}, 200
    )
    await auth.open_session(request, answer, user)
    return answer


async def own_password(request: Request) -> Response:
    """`GET /password`: the form in which a person chooses another password."""
    return respond.html(request, "password.html", {"problem": ""})


async def change_password(request: Request) -> Response:
    """`PUT /password` with `old` and `new`: every other session of the person ends."""
    held, viewer, given = parts(request), respond.viewer_of(request), await respond.fields(request)
    old, new = str(given.get("old", "")), str(given.get("new", ""))
    counter = _counter(request, viewer.name)
    await _slow_down(held, counter)
    try:
        if "again" in given and given["again"] != new:
            raise InvalidInput(new=lazy("The two are not the same."))
        if old == new:
            raise InvalidInput(new=lazy("It is the one that you have."))
        await _user(held, viewer.name, old)
        user = await held.record.write(lambda s: keeping.change_password(s, viewer.user_id, new, db.now()))
    except (people.WrongPassword, InvalidInput) as error:
        if isinstance(error, people.WrongPassword):
            await _count(held, counter)
        if respond.wants_json(request):
            raise
        said = "; ".join(error.fields.values()) or error.code
        return respond.html(request, "password.html", {"problem": said}, error.status)
    await held.store.delete(counter)
    await auth.end_sessions(held.store, user.id)
    answer = respond.done(request, home(user.role), {"name": user.name}, 200)
    await auth.open_session(request, answer, user)
    return answer


async def leave(request: Request) -> Response:
    """`POST /sign-out`: the session ends, and the agent is no longer offered calls."""
    viewer = respond.viewer_of(request)
    answer = respond.done(request, "/sign-in", status=200)
    await auth.close_session(request, answer, viewer)
    if await seat.leave(parts(request).store, viewer.name):
        await respond.command(request, commands.SignOut(viewer.name, by=viewer.name))
    return answer


async def prefer(request: Request) -> Response:
    """`PUT /preferences`: language and theme, before and after sign-in; the record keeps a user's language."""
    given = await respond.fields(request)
    language, theme = str(given.get("language", "")), str(given.get("theme", ""))
    if (language and language not in LANGUAGES) or (theme and theme not in auth.THEMES):
        raise InvalidInput(language=", ".join(LANGUAGES), theme=", ".join(auth.THEMES))
    answer = respond.done(request, respond.local(given.get("back"), "/"), status=200)
    if language:
        answer.set_cookie("language", language, max_age=YEAR, samesite="lax")
    if theme:
        answer.set_cookie("theme", theme, max_age=YEAR, samesite="lax")
    viewer = await auth.identify(request)
    if viewer and language:
        await auth.check_origin(request, viewer.csrf)
        await parts(request).record.write(lambda session: _keep_language(session, viewer.user_id, language))
    return answer


def home(role: str) -> str:
    """Where a role's day happens."""
    return "/desk" if role in rights.PHONE_WORKERS else "/board"


async def _user(held: Parts, name: str, password: str) -> User:
    """Argon2 in a thread of its own, so that sign-ins at the start of a shift do not hold up the pages."""

    def check() -> User:
        with db.read(held.record.engine) as session:
            return people.authenticate(session, name, password)

    return await anyio.to_thread.run_sync(check, limiter=held.passwords)


async def _slow_down(held: Parts, counter: str) -> None:
    wrong = int(await held.store.get(counter) or 0)
    if wrong < FREE_ATTEMPTS:
        return
    since_last = REMEMBERED - int(await held.store.ttl(counter))
    wait = min(300, 2 ** (wrong - FREE_ATTEMPTS + 1)) - since_last
    if wait > 0:
        error = TooManyAttempts()
        error.retry_after = wait
        raise error


async def _count(held: Parts, counter: str) -> None:
    await held.store.incr(counter)
    await held.store.expire(counter, REMEMBERED)


def _counter(request: Request, name: str) -> str:
    source = request.client.host if request.client else ""
    return f"wrong:{name[:64].lower()}:{source}"


def _refused(session: Session, name: str, counter: str, most: int) -> None:
    people.audit(session, name[:64], "sign-in.refused", counter, "", db.now())
    keeping.count_wrong(session, name, most, db.now())


def _entered(session: Session, user: User) -> None:
    people.audit(session, user.name, "sign-in", user.name, "", db.now())
    kept = session.get(User, user.id)
    if kept and kept.wrong:
        kept.wrong = 0
        session.add(kept)


def _keep_language(session: Session, user_id: int, language: str) -> None:
    user = session.get(User, user_id)
    if user:
        user.language = language
        session.add(user)


def _next(request: Request) -> str:
    return respond.local(request.query_params.get("next"))
