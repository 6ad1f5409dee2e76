"""Whom a `DialLeg` rings: contacts of a phone together, trunks one after another, or why nobody."""

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping

from callcenter import commands
from callcenter.telephony.dialplan import EMERGENCY
from callcenter.telephony.line import LineConfig, Trunk
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.dialogs import flow_of_uri
from callcenter.telephony.sipua.gate import Gate, is_uri
from callcenter.telephony.sipua.identity import e164
from callcenter.telephony.sipua.legs import Leg
from callcenter.telephony.sipua.outbound import Target
from callcenter.telephony.sipua.registrar import Registrar
from callcenter.telephony.sipua.transfers import Transfers
from callcenter.telephony.sipua.transport import Flow
from callcenter.telephony.sipua.trunks import Trunks

log = logging.getLogger(__name__)


class Dialling:
    """Asked by the driver. `legs`: those that stand, `capacity`: how many may."""

    def __init__(
        self,
        agent: UserAgent,
        registrar: Registrar,
        trunks: Trunks,
        transfers: Transfers,
        gate: Gate,
        legs: Mapping[str, Leg],
        capacity: Callable[[], int],
    ) -> None:
        self._agent, self._registrar, self._trunks = agent, registrar, trunks
        self._transfers, self._gate = transfers, gate
        self._legs, self._capacity = legs, capacity
        self._config = LineConfig()

    def configure(self, config: LineConfig) -> None:
        self._config = config

    def rounds(self, command: commands.DialLeg, kind: str) -> list[list[Target]] | str:
        """Whom to ring, together and then one after another, or the code of the refusal.

        No limit stands in the way of an emergency.
        """
        emergency = kind == EMERGENCY
        if len(self._legs) >= self._capacity() and not emergency:
            return "no_capacity"
        if command.phone:
            return self._phone_rounds(command) or "no_phone"
        trunks = self._trunks_for(command)
        free = [trunk for trunk in trunks if emergency or self.has_channel(trunk)]
        if refusal := self._gate.refusal(command, kind, next(iter(free or trunks), None)):
            return refusal
        if trunks:
            return [
                [target] for trunk in free for target in self._trunks.targets(trunk, command)
            ] or "no_capacity"
        if is_uri(command.number) and not command.trunk:
            return [[self._target(command.number, flow_of_uri(command.number), command)]]
        return "no_trunk"

    def forwarded(self, command: commands.DialLeg, uri: str) -> list[Target]:
        """Whom to ring when a 3xx names this URI: a phone of ours, or what the same dial plan allows."""
        meant = self._transfers.meant(uri)
        phone = self._registrar.phone(meant)
        number = "" if phone is not None else e164(meant, self._config.country) or meant
        further = dataclasses.replace(
            command, phone=phone.user if phone is not None else "", number=number, trunk=""
        )
        kind = self._gate.class_of(number) if number else "internal"
        rounds = self.rounds(further, kind)
        if isinstance(rounds, str):
            log.info("leg %s is not forwarded to %s: %s", command.leg, uri, rounds)
            return []
        if number:
            self._gate.traffic.ended(command.leg)
            self._gate.traffic.placed(command.leg, kind, rounds[0][0].trunk, time.monotonic())
        return rounds[0]

    def has_channel(self, trunk: Trunk) -> bool:
        """Whether one more call may go by it."""
        used = sum(leg.trunk == trunk.name for leg in self._legs.values())
        return not trunk.channels or used < trunk.channels

    def _trunks_for(self, command: commands.DialLeg) -> list[Trunk]:
        """The trunks that carry the number, in the order in which they are tried; an emergency takes any."""
        if is_uri(command.number) and not command.trunk:
            trunk = self._gate.trunk_at(flow_of_uri(command.number))
            return [trunk] if trunk is not None else []
        carrying = self._trunks.carrying(command.number, command.trunk)
        if not carrying and self._gate.is_emergency(command.number):
            return list(self._config.trunks)
        return carrying

    def _phone_rounds(self, command: commands.DialLeg) -> list[list[Target]]:
        phone = self._registrar.phone(command.phone)
        if phone is None:
            return []
        known = self._registrar.rounds(phone.user)
        if not known and phone.address:
            known = [[(phone.address, flow_of_uri(phone.address))]]
        rounds = [
            [self._target(uri, flow, command) for uri, flow in together if self._gate.may_ring(uri, flow)]
            for together in known
        ]
        return [together for together in rounds if together]

    def _target(self, uri: str, flow: Flow, command: commands.DialLeg) -> Target:
        own = self._agent.address_towards(flow)
        name = "".join(
            letter for letter in command.caller_name if letter.isprintable() and letter not in '"\\<>'
        )
        shown = command.caller or "anonymous"
        sender = shown if shown.startswith(("sip:", "sips:")) else f"sip:{shown}@{own}"
        caller = f'"{name}" <{sender}>' if name else f"<{sender}>"
        headers = {}
        if command.auto_answer:
            headers = {
                "Call-Info": f"<sip:{own}>;answer-after=0",
                "Alert-Info": f"<sip:{own}>;info=alert-autoanswer",
            }
        return Target(uri, flow, caller, headers=headers, srtp=self._config.srtp)
