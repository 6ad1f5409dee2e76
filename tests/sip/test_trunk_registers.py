"""Our trunk by registration at a real registrar, Kamailio: digest, renewal, calls to our contact, a restart, a wrong
password."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callcenter import commands, events
from callcenter.telephony.line import Trunk
from callcenter.telephony.phone import Phone
from tests.events import until
from tests.kamailio import Kamailio
from tests.place import Place, running
from tests.place import until as soon
from tests.ports import free_port
from tests.sip.conftest import QUICK, World, config

pytestmark = pytest.mark.needs("kamailio")


@pytest.fixture
async def registrar(tmp_path: Path) -> AsyncIterator[Kamailio]:
    registrar = Kamailio(tmp_path, free_port(), longest=3)
    await registrar.start()
    yield registrar
    await registrar.stop()


def trunk(registrar: Kamailio, password: str = "secret", keepalive: float = 0.0) -> Trunk:
    return Trunk(
        "carrier",
        registrar.address,
        username="hotline",
        password=password,
        register=True,
        keepalive=keepalive,
        channels=4,
    )


async def test_it_registers_renews_and_takes_calls_to_its_contact(world: World, registrar: Kamailio) -> None:
    await world.line.configure(config(trunks=(trunk(registrar),), open_calls=False))
    assert (await world.reported.next(events.TrunkChanged)).up
    await until(lambda: registrar.registrations("hotline") >= 2, "the registration to be renewed")
    customer = Phone("+8613800138000", server=registrar.address, timers=QUICK, tone=440)
    await customer.start()
    world.phones.append(customer)
    call = customer.call("hotline")
    arrived = await world.arrived()
    assert (arrived.trunk, arrived.called) == ("carrier", "hotline")
    world.do(commands.AnswerLeg(arrived.leg))
    await until(call.up.is_set)
    call.hang_up()
    assert (await world.ended(arrived.leg)).by == "remote"


async def test_it_registers_again_when_the_registrar_has_restarted(
    world: World, registrar: Kamailio, tmp_path: Path
) -> None:
    """What it has forgotten it is told as soon as it answers OPTIONS again, long before the next renewal."""
    await registrar.stop()
    (tmp_path / "long").mkdir()
    lasting = Kamailio(tmp_path / "long", free_port())
    await lasting.start()
    try:
        await world.line.configure(config(trunks=(trunk(lasting, keepalive=0.5),)))
        assert (await world.reported.next(events.TrunkChanged)).up
        await until(lambda: lasting.registrations("hotline") >= 1, "the registration")
        await lasting.stop()
        assert not (await world.reported.next(events.TrunkChanged)).up
        await lasting.start()
        assert (await world.reported.next(events.TrunkChanged)).up
        await until(lambda: lasting.knows("hotline"), "the registrar to know us again")
    finally:
        await lasting.stop()


async def test_a_wrong_password_takes_it_down(world: World, registrar: Kamailio) -> None:
    await world.line.configure(config(trunks=(trunk(registrar, password="guessed"),)))
    changed = await world.reported.next(events.TrunkChanged)
    assert (changed.up, changed.why) == (False, "registration: 401")
    assert not registrar.knows("hotline")


async def test_a_wrong_password_is_told_on_the_page_and_in_the_metrics(
    registrar: Kamailio, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    told = {"name": "carrier", "address": registrar.address, "username": "hotline", "register": True}
    trunks = [{**told, "password": "guessed"}, {**told, "name": "right", "password": "secret"}]
    with running(tmp_path / "data", trunks=json.dumps(trunks), greeting="false") as place:
        place.token = place.run("token", "add", "root", "--role", "admin").split()[-1]
        await asyncio.to_thread(told_of_it, place)


def told_of_it(place: Place) -> None:
    place.start()

    def states() -> dict[str, object]:
        found = place.get("/trunks")["trunks"]
        known = {one["name"]: (state["up"], state["why"]) for one in found for state in one["states"]}
        return known if len(known) == 2 else {}

    assert soon(states, "the line to tell of both") == {
        "carrier": (False, "registration: 401"),
        "right": (True, ""),
    }
    bearer = {"Authorization": f"Bearer {place.token}"}
    request = urllib.request.Request(f"http://{place.http}/metrics", headers=bearer)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        metrics = answer.read().decode()
    assert 'callcenter_trunk_up{line="line1",trunk="carrier"} 0.0' in metrics
    assert 'callcenter_trunk_up{line="line1",trunk="right"} 1.0' in metrics
