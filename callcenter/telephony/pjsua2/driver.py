"""The line with PJSIP's audio: `sipua` faces the network, PJSIP sits behind it on loopback."""

import importlib.util
import sys

from callcenter.telephony.line import Command
from callcenter.telephony.pjsua2.plane import ConversationFull, PjsuaPlane
from callcenter.telephony.sipua.driver import Options, SipuaLine

LEGS_OF_A_CONVERSATION = 2
"""A customer and an agent; a third and fourth leg find room in the same process."""


def missing() -> str:
    """Why this machine cannot run the driver, empty when it can."""
    if importlib.util.find_spec("pjsua2") is not None:
        return ""
    return (
        "the extra pjsua2 is not installed: "
        f"{sys.executable} -m pip install 'pjsua2-python>=2.15' (with uv: uv pip install --python {sys.executable} "
        "...); there are wheels for Linux on x86-64 with Python 3.11 and 3.12"
    )


class PjsuaLine(SipuaLine):
    """See `callcenter.telephony.line.Line`. `conversations`: PJSIP processes, about 24 MB each."""

    name = "pjsua2"
    lacks = SipuaLine.lacks

    def __init__(self, options: Options, conversations: int = 8) -> None:
        self._conversations = conversations
        self._plane = PjsuaPlane(
            conversations,
            self._broken,
            options.data_dir,
            options.silent_after,
            options.spool,
            options.disk_limit,
        )
        super().__init__(options, self._plane)

    def capacity(self) -> int:
        return min(super().capacity(), LEGS_OF_A_CONVERSATION * self._conversations)

    def execute(self, command: Command) -> None:
        try:
            super().execute(command)
        except ConversationFull:
            self._refuse(command, "no_capacity")

    @property
    def processes(self) -> list[int]:
        """Process ids of the audio process and of PJSIP's."""
        return [self._plane.pid, *self._plane.engines]

    def _broken(self, leg: str, why: str) -> None:
        if leg in self._legs:
            self._legs[leg].lost(why)
