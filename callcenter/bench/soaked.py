"""The line under `./run bench soak`, in a process of its own, so that its memory is the line's alone.

It does what the conductor would: the number that was called says which kind of call it is. A line `count` on its input
is answered, as soon as it is quiet, by one of JSON: what this process and its audio process hold.
"""

import asyncio
import contextlib
import dataclasses
import functools
import gc
import logging
import operator
import os
import random
import sys
import time
from collections import Counter, OrderedDict, deque
from pathlib import Path
from typing import Any

import orjson
import uvloop

from callcenter import commands, events
from callcenter.ids import new_id
from callcenter.telephony.line import LineConfig, Memory, Phone, SavedDialog
from callcenter.telephony.sipua.digest import ha1
from callcenter.telephony.sipua.driver import Options, SipuaLine
from callcenter.telephony.sipua.transactions import Timers

KINDS = ("plain", "ringing", "early", "recorded", "refused", "handed", "mixed")
"""Numbers of the hotline. `ringing`: the agent answers before we do; `handed`: we ask the caller to ring elsewhere."""
ANSWERING = 12
PASSWORD = "soaking"  # noqa: S105  # of phones on loopback that live for minutes
_RINGS = 1.5
"""Seconds after which a phone counts as not answering."""
_OURS = ("callcenter.", "asyncio.", "uvloop")
_LOOKS = 5
_SKIPPED = frozenset({"_options", "_config", "_renderer", "_by_number"})


@dataclasses.dataclass(frozen=True)
class Plan:
    """How the line is set up; `t1` scales all of SIP's timers, `silent`: seconds until a vanished peer counts as gone."""

    folder: str
    rtp: tuple[int, int]
    nobody: str
    """Address where no phone stands."""
    seed: int
    t1: float
    silent: float

    def timers(self) -> Timers:
        return Timers(t1=self.t1, t2=8 * self.t1, t4=10 * self.t1)


@dataclasses.dataclass
class _Call:
    kind: str
    caller: str
    agent: str = ""
    helper: str = ""
    recording: str = ""
    answered: bool = False

    @property
    def legs(self) -> list[str]:
        return [leg for leg in (self.caller, self.agent, self.helper) if leg]


class _Script:
    """Answers, dials, bridges, records and hangs up as a conductor would."""

    def __init__(self, line: SipuaLine, seed: int) -> None:
        self._line, self._dice = line, random.Random(seed)
        self.calls: dict[str, _Call] = {}
        self.endings, self.refused = Counter[str](), Counter[str]()
        self.most = 0

    def hear(self, event: Any) -> None:
        match event:
            case events.CallArrived(leg=leg, called=called):
                # the leg takes orders once the driver is through with it
                asyncio.get_running_loop().call_soon(self._arrived, leg, called)
            case events.LegAnswered(leg=leg) if leg in self.calls:
                self._answered(leg, self.calls[leg])
            case events.LegEnded(leg=leg, outcome=outcome):
                self.endings[outcome] += 1
                self._ended(leg)
            case events.TransferAsked(leg=leg) | events.LegTransferred(leg=leg):
                self._do(commands.FinishReferral(leg, 200))
                self._do(commands.HangUpLeg(leg))
            case events.RecordingStopped(path=path):
                for file in Path(path).parent.glob(Path(path).stem + "*"):
                    file.unlink()
            case events.CommandRefused(leg=leg, command=command, code=code):
                self.refused[f"{command} {code}"] += 1
                if command == "DialLeg":
                    self._ended(leg)

    def _do(self, command: Any) -> None:
        self._line.execute(command)

    def _arrived(self, leg: str, kind: str) -> None:
        if leg not in self._line.legs():
            return
        call = self.calls[leg] = _Call(kind, leg)
        self.most = max(self.most, len(self.calls))
        if kind == "refused":
            self._do(commands.RefuseLeg(leg, 486, "Busy"))
        elif kind in ("ringing", "early"):
            self._do(commands.RingLeg(leg) if kind == "ringing" else commands.ProgressLeg(leg))
            call.agent = self._dial(call, self._phone())
        else:
            self._do(commands.RingLeg(leg))
            self._do(commands.AnswerLeg(leg))

    def _dial(self, call: _Call, phone: str) -> str:
        leg = new_id()
        self.calls[leg] = call
        self._do(commands.DialLeg(leg, phone=phone, caller="caller", timeout=_RINGS, call=call.caller))
        return leg

    def _phone(self) -> str:
        odd = self._dice.random()
        others = ((0.02, "busy"), (0.04, "deaf"), (0.06, "away"), (0.07, "nobody"), (0.08, "unknown"))
        return next(
            (name for share, name in others if odd < share), f"agent{self._dice.randrange(ANSWERING)}"
        )

    def _answered(self, leg: str, call: _Call) -> None:
        if leg == call.caller:
            if not call.agent:
                self._do(commands.PlayPrompts(leg, new_id(), ("music",), loop=True))
                call.agent = self._dial(call, self._phone())
        elif leg == call.agent:
            call.answered = True
            self._do(commands.AnswerLeg(call.caller))
            self._do(commands.BridgeLegs(call.caller, leg))
            self._together(call)
        else:
            for one in call.legs:
                self._do(commands.HearLegs(one, tuple(other for other in call.legs if other != one)))

    def _together(self, call: _Call) -> None:
        if call.kind == "recorded":
            call.recording = new_id()
            self._do(commands.StartRecording(call.recording, call.caller, call.agent))
            self._do(commands.PauseRecording(call.recording, call.caller, paused=True))
            self._do(commands.PauseRecording(call.recording, call.caller, paused=False))
        elif call.kind == "handed":
            self._do(commands.TransferLeg(call.caller, f"agent{self._dice.randrange(ANSWERING)}"))
        elif call.kind == "mixed":
            call.helper = self._dial(call, f"agent{self._dice.randrange(ANSWERING)}")
        else:
            self._do(commands.SendDigits(call.agent, "1"))
            self._do(commands.MuteLeg(call.agent, muted=True))
            self._do(commands.MuteLeg(call.agent, muted=False))

    def _ended(self, leg: str) -> None:
        """Who is left hangs up too; a helper may go."""
        call = self.calls.pop(leg, None)
        if call is None or leg == call.helper:
            return
        for other in call.legs:
            if other in self.calls:
                self._do(commands.HangUpLeg(other))


def census(root: object) -> dict[str, int]:
    """Entries of every container below `root`, by its way there; containers of the same place are added up."""
    counts, seen = Counter[str](), set[int]()
    waiting: list[tuple[str, object]] = [("", root)]
    while waiting:
        way, thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, dict | OrderedDict | list | set | deque):
            counts[way] += len(thing)
            inside = [*thing.values()] if isinstance(thing, dict) else list(thing)
            waiting += [(f"{way}[]", one) for one in inside if not isinstance(one, str | bytes | int | float)]
        elif type(thing).__module__.startswith("callcenter.telephony"):
            waiting += [
                (f"{way}.{name}".lstrip("."), value)
                for name, value in _attributes(thing)
                if name not in _SKIPPED
            ]
    return dict(counts)


def _attributes(thing: object) -> list[tuple[str, object]]:
    names = {name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())}
    names |= set(getattr(thing, "__dict__", {}))
    return [(name, getattr(thing, name)) for name in sorted(names) if hasattr(thing, name)]


def held(pid: int) -> dict[str, int]:
    """Resident kilobytes, open files and bound UDP ports of a process."""
    links = list[str]()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(os.readlink(fd))
    udp = Path("/proc/net/udp").read_text().splitlines()[1:]
    bound = {f"socket:[{line.split()[9]}]" for line in udp}
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return {
        "resident_kb": pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        "files": len(links),
        "udp_ports": sum(link in bound for link in links),
    }


async def _soaked(plan: Plan) -> None:
    errors = _Errors()
    logging.getLogger().addHandler(errors)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.said.append(str(context)))
    line = SipuaLine(
        Options(
            rtp_ports=plan.rtp, timers=plan.timers(), data_dir=Path(plan.folder), silent_after=plan.silent
        )
    )
    script, saved = _Script(line, plan.seed), dict[str, SavedDialog]()
    names = ("busy", "deaf", "away", *(f"agent{number}" for number in range(ANSWERING)))
    phones = [Phone(name, ha1(name, "callcenter", PASSWORD)) for name in names]
    config = LineConfig(numbers=KINDS, phones=(*phones, Phone("nobody", address=f"sip:nobody@{plan.nobody}")))
    memory = Memory(
        save_dialog=lambda dialog: saved.__setitem__(dialog.leg, dialog),
        drop_dialog=lambda leg: _forget(saved, leg),
    )
    address = await line.start(script.hear, config, memory)
    _say({"address": address})
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        await _quiet(line, 200 * plan.t1)
        looks = [await _objects() for _ in range(_LOOKS)]
        _say(
            {
                "at": time.time(),
                "line": held(os.getpid()),
                "audio": held(line._media.pid),
                "figures": line.figures(),
                "entries": census(line) | {"script": len(script.calls), "memory.dialogs": len(saved)},
                "objects": functools.reduce(operator.and_, looks),
                "objects_at_most": functools.reduce(operator.or_, looks),
                "tasks": len(asyncio.all_tasks()),
                "spooled": sum(path.is_file() for path in (Path(plan.folder) / "line").rglob("recordings/*")),
                "endings": script.endings,
                "refused": script.refused,
                "most_at_once": script.most,
                "errors": errors.said[:5],
            }
        )
    await line.stop()


async def _objects() -> Counter[str]:
    """Our objects by kind now; some, as the timers of what is done every so often, come and go."""
    await asyncio.sleep(0.1)
    gc.collect()
    return Counter(
        kind.__qualname__ for one in gc.get_objects() if str((kind := type(one)).__module__).startswith(_OURS)
    )


def _forget(saved: dict[str, SavedDialog], leg: str) -> None:
    saved.pop(leg, None)


async def _quiet(line: SipuaLine, seconds: float) -> None:
    """Until no call stands and SIP's timers have forgotten every message, at most so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        figures = line.figures()
        if not (figures["legs"] or figures["sip_transactions"] or figures["sip_sessions"]):
            return
        await asyncio.sleep(0.05)


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(what).decode() + "\n")
    sys.stdout.flush()


class _Errors(logging.Handler):
    """What the line logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


if __name__ == "__main__":
    told = orjson.loads(sys.argv[1])
    uvloop.run(_soaked(Plan(**{**told, "rtp": tuple(told["rtp"])})))
