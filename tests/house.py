"""A whole installation by sound: Anna takes calls, Bert and a supervisor have phones, a trunk leads outside."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from callcenter import commands
from callcenter.telephony.media.pcm import RATE
from callcenter.telephony.phone import Phone, PhoneCall
from tests.hotline import AGENT_TONE, CUSTOMER_TONE, Hotline, another_time, hear_each_other, soon
from tests.place import running
from tests.tones import tone_level

BERT_TONE, OUTSIDE_TONE, SUPERVISOR_TONE = 1000.0, 1300.0, 1700.0
NUMBER, OUTSIDE = "+8613800000131", "+8613700000003"
LOUD, SILENT = -30.0, -45.0
"""dB of full scale: a tone that is there, and one that is not."""


@contextlib.asynccontextmanager
async def house(
    folder: Path, *, supervisors: tuple[str, ...] = (), **settings: str
) -> AsyncIterator[tuple[Hotline, Phone, Phone, Phone]]:
    """Anna takes calls, Bert is there for colleagues, and a trunk leads outside; supervisors bring their phones."""
    outside = Phone("carrier", tone=OUTSIDE_TONE)
    trunk = {"name": "carrier", "address": await outside.start(), "release": True}
    wanted = {"trunks": json.dumps([trunk]), "outbound_hours": another_time(), **settings}
    with running(folder, **wanted) as place:
        hotline = Hotline(place)
        for name in ("bert", *supervisors):
            _add(hotline, name, "supervisor" if name in supervisors else "agent")
        await asyncio.to_thread(place.start)
        try:
            async with phone_of(hotline, "bert", BERT_TONE) as bert, hotline.desk() as anna:
                yield hotline, anna, bert, outside
        finally:
            await outside.stop()


@contextlib.asynccontextmanager
async def phone_of(hotline: Hotline, name: str, tone: float) -> AsyncIterator[Phone]:
    """The phone of somebody who works here, registered, and the person signed in: not free for callers."""
    phone = Phone(name, hotline.secrets[name], server=hotline.place.sip, tone=tone)
    await hotline.registered(phone)
    hotline.ask(commands.SignIn(name))
    try:
        await soon(lambda: on_board(hotline, name).get("reachable"), f"{name}'s phone")
        yield phone
    finally:
        await phone.stop()


@contextlib.asynccontextmanager
async def talk(hotline: Hotline, anna: Phone) -> AsyncIterator[tuple[str, PhoneCall, PhoneCall]]:
    """A customer who speaks with Anna: the call's id, the customer's side, Anna's."""
    await soon(hotline.free, "anna to be free")
    known = len(anna.incoming)
    async with hotline.customer(NUMBER) as customer:
        await soon(lambda: len(anna.incoming) > known, "anna's phone to ring")
        await hear_each_other(customer, anna.incoming[-1])
        yield str(hotline.agent()["call"]), customer, anna.incoming[-1]


async def hears(call: PhoneCall, *tones: float) -> None:
    """These tones and none of the other parties'."""
    every = {CUSTOMER_TONE, AGENT_TONE, BERT_TONE, OUTSIDE_TONE, SUPERVISOR_TONE}

    def so() -> bool:
        sound = call.voice.heard(0.5)
        loud = all(tone_level(sound, tone) > LOUD for tone in tones)
        return loud and all(tone_level(sound, tone) < SILENT for tone in every - set(tones))

    await soon(so, f"{tones} to be heard")


async def incoming(phone: Phone, known: int) -> PhoneCall:
    await soon(lambda: len(phone.incoming) > known, f"{phone.user} to ring")
    return phone.incoming[known]


def on_board(hotline: Hotline, name: str) -> dict[str, Any]:
    body = hotline.store.hget("board:agents", name)
    return json.loads(body) if body else {}  # type: ignore[arg-type]


def ever_heard(call: PhoneCall, tone: float) -> bool:
    """Whether a quarter of a second of all that it heard since `voice.forget()` had this tone in it."""
    sound, window = call.voice.heard(), RATE // 4
    return any(
        tone_level(sound[at : at + window], tone) > SILENT
        for at in range(0, len(sound) - window, window // 2)
    )


def _add(hotline: Hotline, name: str, role: str) -> None:
    said = hotline.place.run(
        "user", "add", name, "--role", role, "--phone", name, "--password", f"{name}-signs-in"
    )
    secret = re.search(r"password (\S+),", said)
    assert secret, said
    hotline.secrets[name] = secret[1]
