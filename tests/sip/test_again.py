"""A phone that was refused, or stopped, can be started again."""

from callcenter import commands, events
from tests.events import until
from tests.sip.conftest import World, config


async def test_a_stopped_phone_starts_again_and_is_heard(world: World) -> None:
    phone = await world.phone("anna", "a-secret")
    for _ in range(2):
        await phone.stop()
        await phone.start()
    await world.line.configure(config())
    customer = await world.phone("+8613800138000")
    await customer.stop()
    await customer.start()
    call, leg = await world.answered_call(customer)
    # In the dialog we reach it where it listens now, too.
    world.do(commands.HangUpLeg(leg))
    await until(call.over.is_set)
    world.do(commands.DialLeg("agent-leg", phone="anna"))
    await world.reported.next(events.LegAnswered, leg="agent-leg")
    world.do(commands.HangUpLeg("agent-leg"))
    await until(phone.incoming[-1].over.is_set)
