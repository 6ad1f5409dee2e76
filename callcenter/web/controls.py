"""What an agent does with a call: each button appends a command and is answered 202; the result comes back live."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands
from callcenter.customers.models import Customer
from callcenter.errors import InvalidInput, NotFound
from callcenter.tickets.rules import DISPOSITIONS
from callcenter.web import asked, auth, board, respond
from callcenter.web.parts import parts

LONGEST_EXTENSION = 600.0
"""Seconds by which wrap-up grows at once."""


def routes() -> list[BaseRoute]:
    return [
        _act("/calls", place, methods=("POST",)),
        _act("/offers/{offer}/answer", answer),
        _act("/offers/{offer}/rejection", reject),
        _act("/calls/{call}/hold", hold),
        _act("/calls/{call}/mute", mute),
        _act("/calls/{call}/digits", digits),
        _act("/calls/{call}/recording", record),
        _act("/calls/{call}/recording-pause", pause_recording),
        _act("/calls/{call}/help", ask_for_help),
        _act("/calls/{call}/end", hang_up),
        _act("/calls/{call}/customer", bind),
        _act("/calls/{call}/wrap-up", finish),
        _act("/desk/wrap-up", extend),
    ]


async def place(request: Request) -> Response:
    """`POST /calls` with `number`, and if another queue's number is to be shown `queue`: my phone rings, then theirs."""
    given = await respond.fields(request)
    number, queue = str(given.get("number", "")).strip(), str(given.get("queue", ""))[:80]
    if not 1 <= len(number) <= 80 or not number.isprintable():
        raise InvalidInput(number="a telephone number or an extension")
    return await _ask(request, commands.PlaceCall(_me(request), number, queue))


async def answer(request: Request) -> Response:
    """`PUT /offers/{id}/answer`: for a phone that declares remote answer."""
    return await _ask(request, commands.AnswerOffer(_me(request), request.path_params["offer"]))


async def reject(request: Request) -> Response:
    """`PUT /offers/{id}/rejection`: the caller keeps the place and goes to the next agent."""
    return await _ask(request, commands.RejectOffer(_me(request), request.path_params["offer"]))


async def hold(request: Request) -> Response:
    """`PUT /calls/{id}/hold` with `on`."""
    on = respond.truth((await respond.fields(request)).get("on", True))
    wanted: Any = commands.HoldCall if on else commands.ResumeCall
    return await _ask(request, wanted(_me(request), _call(request)))


async def mute(request: Request) -> Response:
    """`PUT /calls/{id}/mute` with `on`."""
    on = respond.truth((await respond.fields(request)).get("on", True))
    return await _ask(request, commands.MuteCall(_me(request), _call(request), on))


async def digits(request: Request) -> Response:
    """`POST /calls/{id}/digits` with `digits`: keys towards the customer's side."""
    keys = str((await respond.fields(request)).get("digits", ""))
    if not 1 <= len(keys) <= 32 or set(keys) - set("0123456789*#ABCD"):
        raise InvalidInput(digits="0-9 * # A-D")
    return await _ask(request, commands.SendCallDigits(_me(request), _call(request), keys))


async def record(request: Request) -> Response:
    """`PUT /calls/{id}/recording` with `on`: where the queue leaves it to the agent."""
    on = respond.truth((await respond.fields(request)).get("on", True))
    return await _ask(request, commands.RecordCall(_me(request), _call(request), on))


async def pause_recording(request: Request) -> Response:
    """`PUT /calls/{id}/recording-pause` with `on`: silence while card data is spoken; it ends by itself."""
    on = respond.truth((await respond.fields(request)).get("on", True))
    return await _ask(request, commands.PauseCallRecording(_me(request), _call(request), on))


async def ask_for_help(request: Request) -> Response:
    """`PUT /calls/{id}/help` with `on`: the supervisors' wallboard shows it."""
    on = respond.truth((await respond.fields(request)).get("on", True))
    return await _ask(request, commands.AskForHelp(_me(request), _call(request), on))


async def hang_up(request: Request) -> Response:
    """`PUT /calls/{id}/end`: for both sides."""
    return await _ask(request, commands.HangUpCall(_me(request), _call(request)))


async def bind(request: Request) -> Response:
    """`PUT /calls/{id}/customer` with `customer`: I know who is calling."""
    customer = asked.number(await respond.fields(request), "customer")
    if not await parts(request).record.read(lambda session: session.get(Customer, customer) is not None):
        raise NotFound
    return await _ask(request, commands.BindCustomer(_call(request), customer, by=_me(request)))


async def finish(request: Request) -> Response:
    """`PUT /calls/{id}/wrap-up` with `disposition` and `note`: done with this call."""
    given = await respond.fields(request)
    disposition, note = str(given.get("disposition", "")), str(given.get("note", ""))[:2000]
    if disposition not in DISPOSITIONS:
        raise InvalidInput(disposition=", ".join(DISPOSITIONS))
    return await _ask(request, commands.FinishWrapUp(_me(request), _call(request), disposition, note))


async def extend(request: Request) -> Response:
    """`PUT /desk/wrap-up` with `seconds`: more time for the notes."""
    try:
        seconds = float((await respond.fields(request)).get("seconds", 30))
    except (TypeError, ValueError):
        raise InvalidInput(seconds="a number") from None
    if not 1 <= seconds <= LONGEST_EXTENSION:
        raise InvalidInput(seconds=f"1 to {LONGEST_EXTENSION:.0f}")
    return await _ask(request, commands.ExtendWrapUp(_me(request), seconds))


async def _ask(request: Request, message: Any) -> Response:
    await board.must_know(parts(request).store, getattr(message, "call", ""))
    await respond.command(request, message)
    return respond.done(request, "/desk")


def _act(path: str, view: auth.View, methods: tuple[str, ...] = ("PUT", "POST")) -> BaseRoute:
    return auth.route(path, view, act="desk", methods=methods)


def _me(request: Request) -> str:
    return respond.viewer_of(request).name


def _call(request: Request) -> str:
    return str(request.path_params["call"])
