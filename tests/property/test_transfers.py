"""The same house, with all that can become of a conversation: transfers, consultations, conferences, holds by phones.

All that holds for the board holds here too, and nobody is left in silence.
"""

from typing import Any

from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from callcenter import commands, events
from callcenter.calls import life
from callcenter.routing import hearing
from callcenter.routing.board import Call
from tests.property.test_board import AGENTS, Hotline

TARGETS = [*(("agent", name) for name in AGENTS), ("queue", "default"), ("number", "+8613700000003")]


class Conversations(Hotline):
    """Callers who are answered, and what agents and phones then do."""

    survey = cancel = press = choose = call_back = line_dies = None

    @rule()
    def talk(self) -> None:
        """A caller gets an agent, when one is free."""
        for name in AGENTS:
            self.step(commands.SignIn(name))
            self.step(commands.SetStatus(name, "available"))
            self.line(events.PhoneRegistered, phone=name, contact="x", expires=self.now + 9e9)
        self.ring_in(True)
        self.all_goes_well()

    def spoken(self, data: st.DataObject) -> Call | None:
        """A call with an agent in it."""
        there = sorted(one.id for one in self.board.calls.values() if one.state in life.WITH_AGENT)
        return self.board.calls[data.draw(st.sampled_from(there))] if there else None

    @rule(
        data=st.data(),
        what=st.sampled_from([commands.TransferCall, commands.ConsultCall]),
        whom=st.sampled_from(TARGETS),
    )
    def give_away(self, data: st.DataObject, what: Any, whom: tuple[str, str]) -> None:
        call = self.spoken(data)
        if call:
            self.step(what(call.agent, call.id, *whom, note="why"))

    @rule(
        data=st.data(),
        what=st.sampled_from(
            [
                commands.SwapCall,
                commands.CompleteTransfer,
                commands.JoinCall,
                commands.DropParty,
                commands.HangUpCall,
                commands.LeaveCall,
            ]
        ),
    )
    def among_several(self, data: st.DataObject, what: Any) -> None:
        call = self.spoken(data)
        if call:
            self.step(what(call.agent, call.id))

    @rule(data=st.data(), whom=st.sampled_from(TARGETS), joined=st.booleans())
    def ask(self, data: st.DataObject, whom: tuple[str, str], joined: bool) -> None:
        """A consultation that is answered, or a conference."""
        call = self.spoken(data)
        if call:
            self.step(commands.ConsultCall(call.agent, call.id, *whom))
            self.all_goes_well()
            if joined:
                self.step(commands.JoinCall(call.agent, call.id))

    @rule(data=st.data(), held=st.booleans())
    def hold_by_phone(self, data: st.DataObject, held: bool) -> None:
        leg = self.some(data, state="up")
        if leg:
            self.line(events.LegHeld, leg=leg, held=held)

    @rule(
        data=st.data(),
        whom=st.sampled_from([*AGENTS, "sip:hotline@here", "+8613700000003"]),
        other=st.booleans(),
    )
    def refer(self, data: st.DataObject, whom: str, other: bool) -> None:
        call = self.spoken(data)
        leg = call.agent_leg if call else self.some(data, state="up")
        replaces = self.some(data, state="up") if other else None
        if leg:
            self.line(events.TransferAsked, leg=leg, target=whom, replaces=replaces or "")

    @invariant()
    def nobody_is_left_in_silence(self) -> None:
        """Who is up in a conversation hears somebody or music; but an agent may wait alone."""
        for call in self.board.calls.values():
            if call.state in (*life.WITH_AGENT, "transferring", "outside"):
                scene = hearing.scene(call)
                for leg in [call.leg, *(leg for leg, one in call.parties.items() if one.state == "up")]:
                    assert leg in scene.hears or leg in scene.music


TestConversations = Conversations.TestCase
TestConversations.settings = examples(max_examples=60, stateful_step_count=60, deadline=None)
