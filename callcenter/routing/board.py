"""The live board: who waits, who talks, which lines are up. Plain values in the conductor's memory and, as JSON, in
the store; only the conductor changes them.

Times are seconds since 1970 (UTC), 0.0 for never; durations seconds. The web reads with `read_board`.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
import redis.asyncio

from callcenter.calls import life
from callcenter.routing import rules
from callcenter.routing.lineup import Lineup
from callcenter.routing.plans import LiveCalendar, Published
from callcenter.routing.rules import Ring
from callcenter.routing.walk import Walk
from callcenter.routing.wish import Wish

T = TypeVar("T")
MUSIC = "music:default"


@dataclass(slots=True)
class Party:
    """One more in a call, besides the customer and the call's agent.

    `role`: consult (asked by the agent, the customer does not hear it) | guest (of a conference) | supervisor |
    replacing (a phone that is about to take the place of the leg that `mode` names).
    `name`: user name of an agent or supervisor, else the number that was dialled; `inside`: it is a user name.
    `state`: ringing | up | waiting (a queue is asked where nobody is free; then the leg is but a name). `mode`: of a
    supervisor listen | whisper | barge; of a consult empty, or blind when the call is the party's as soon as it answers.
    `since`: of the state. `offer` and `until`: the lease while an agent's phone rings. `queue`: the one that it was chosen
    from. `asked`: the leg that waits to be told (`FinishReferral`).
    """

    leg: str
    role: str
    name: str
    state: str = "ringing"
    mode: str = ""
    since: float = 0.0
    line: str = ""
    inside: bool = False
    offer: str = ""
    until: float = 0.0
    queue: str = ""
    asked: str = ""


@dataclass(slots=True)
class Call:
    """A conversation, by the id of its first leg. `held`: seconds of ended holds, `between`: seconds without an agent
    after the first answer (transfers); `apart`: hold | wait while one of them runs, since `apart_since`.

    `leg_state` and `agent_leg_state`: empty (no leg) | ringing | up. `hearing`: what plays to the customer (greeting |
    music | place | message | question | thanks | voicemail). `until`: when the present wait is given up. `passed`:
    agent -> when this call may be offered to him again. `entered`: local day on which it entered the queue, empty before.
    `parties`: leg -> who else is in it; `heard`: leg -> legs that it hears, as the line was last told; `prompted`: leg
    (not the customer's) -> what plays to it. `phone_held`: the agent's phone holds, `caller_held`: the customer's side.
    `recording`: the segment that runs, the `segments`th, between `recording_legs`; `recording_state`: empty | starting |
    on | paused | failed; `recording_asked`: on | off by the agent; `recording_until`: end of a pause for card data.
    `phone`: the agents' phone that placed it. `peer`: the colleague whom an internal call goes to.
    `message`: empty | greeting | speaking | ending | gone (the caller, since `gone_at`), while the state is voicemail;
    `message_recording`: its segment, which the line began at `message_since`; `message_told`: when the key was told of.
    `lined_up`: when it joined the present queue. `last`: the agent who spoke with the caller last. `ranked_by`: the
    supervisor who set its priority. `decided`: what was last told of its routing. `first` and `served`: the agents who
    spoke with the customer first and last, `first_queue`: the queue that it is recorded in; `counted`: those that count
    it -> since when. `stint`: since when `served` has the customer, who had been on hold for `stint_held` before.
    `sent_by`, `note`: who transferred it to whom it goes to now, and why; `sent`: when. `may_release`: the trunk that it
    came by takes it back; `releasing`: to whom, while that is asked for. `walk`: where it stands, or left, a plan; None
    without one. `wish`: what it was asked for a callback, of which it was told at `callback_told`; `call_back`: the
    number (E.164) that is to be rung; `places`: queue -> since when a callback keeps a place there. `outcome`, `fault`,
    `code`: what was decided while its last message plays; whose fault, and the SIP status.
    """

    id: str
    kind: str = "inbound"
    direction: str = "in"
    state: str = "arriving"
    caller: str = ""
    caller_name: str = ""
    withheld: bool = False
    called: str = ""
    trunk: str = ""
    phone: str = ""
    customer: int = 0
    ticket: int = 0
    queue: str = ""
    position: int = 0
    agent: str = ""
    offer: str = ""
    leg: str = ""
    leg_state: str = ""
    agent_leg: str = ""
    agent_leg_state: str = ""
    line: str = ""
    started: float = 0.0
    queued: float = 0.0
    answered: float = 0.0
    held: float = 0.0
    muted: bool = False
    since: float = 0.0
    until: float = 0.0
    attempt: str = ""
    mode: str = ""
    wrap_until: float = 0.0
    help: bool = False
    tier: str = ""
    priority: int = 0
    language: str = ""
    owner: str = ""
    last: str = ""
    ranked_by: str = ""
    decided: str = ""
    announced: bool = False
    entered: str = ""
    outcome: str = ""
    fault: str = "nobody"
    code: int = 0
    plays: int = 0
    hearing: str = ""
    place_told: int = 0
    minutes_told: int = 0
    place_told_at: float = 0.0
    asked: int = 0
    score: int = 0
    passed: dict[str, float] = field(default_factory=dict)
    probed: float = 0.0
    segments: int = 0
    recording: str = ""
    recording_state: str = ""
    recording_legs: list[str] = field(default_factory=list)
    recording_asked: str = ""
    recording_since: float = 0.0
    recording_until: float = 0.0
    parties: dict[str, Party] = field(default_factory=dict)
    heard: dict[str, list[str]] = field(default_factory=dict)
    prompted: dict[str, str] = field(default_factory=dict)
    phone_held: bool = False
    caller_held: bool = False
    apart: str = ""
    apart_since: float = 0.0
    between: float = 0.0
    lined_up: float = 0.0
    first: str = ""
    first_queue: str = ""
    counted: dict[str, float] = field(default_factory=dict)
    served: str = ""
    stint: float = 0.0
    stint_held: float = 0.0
    sent: float = 0.0
    sent_by: str = ""
    note: str = ""
    transfers: int = 0
    peer: str = ""
    message: str = ""
    message_recording: str = ""
    message_since: float = 0.0
    message_told: float = 0.0
    gone_at: float = 0.0
    may_release: bool = False
    releasing: str = ""
    walk: Walk | None = None
    wish: Wish | None = None
    places: dict[str, float] = field(default_factory=dict)
    callback_told: float = 0.0
    call_back: str = ""

    def __post_init__(self) -> None:
        # From JSON they come as dictionaries.
        self.parties = {
            leg: one if isinstance(one, Party) else Party(**one) for leg, one in self.parties.items()
        }
        self.walk = self.walk if isinstance(self.walk, Walk | None) else Walk(**self.walk)
        self.wish = self.wish if isinstance(self.wish, Wish | None) else Wish(**self.wish)

    @property
    def waiting(self) -> bool:
        """Whether it stands in a queue: entered, and nobody has answered yet, or not again after a transfer."""
        return (self.kind == "inbound" or self.answered > 0) and self.state in life.WAITING

    def held_until(self, at: float) -> float:
        """Seconds that the customer was on hold until then, with the hold that runs."""
        return self.held + (max(0.0, at - self.apart_since) if self.apart == "hold" else 0.0)

    @property
    def counts_in(self) -> tuple[str, float]:
        """The queue that counts what is done for it now, empty for none, and since when the call is offered there."""
        return (self.queue, self.counted[self.queue]) if self.queue in self.counted else ("", self.started)

    @property
    def legs(self) -> list[str]:
        """All its legs: the customer's, the agent's, the parties'."""
        return [leg for leg in (self.leg, self.agent_leg, *self.parties) if leg]

    def party_of(self, user: str) -> Party | None:
        """The party that this agent or supervisor is."""
        return next((one for one in self.parties.values() if one.inside and one.name == user), None)

    def involves(self, user: str) -> bool:
        """Whether this agent is in it: its own, or as a party."""
        return bool(user) and (user in (self.agent, self.peer) or self.party_of(user) is not None)


@dataclass(slots=True)
class Agent:
    """`status` was chosen, `activity` is observed, `reachable` says whether the phone can ring.

    `pauses`: the platform's own reasons, `paused` the first of them. `phone`: user part that we dial; `fixed`: it
    needs no registration; `lines`: where it is registered.
    `hand`: what a supervisor (`hand_by`) did last to him, until he chooses a status himself. `skills`: name -> level.
    `extensions` and `extended`: how often, and by how many seconds, the wrap-up that runs was lengthened.
    `taken` and `talked`: calls of the local `day`, and seconds spoken in them.
    `role`: of `people.rights`, its dial plan applies. `since`: of the activity. `desk`: a page was open since
    the sign-in, and silent since `desk_missing`. `wrap_queue`
    and `wrap_offered`: where `wrap_call` counts. `gone`: no user any more, leaves the board when idle.
    """

    name: str
    display: str = ""
    status: str = "signed_out"
    reason: str = ""
    activity: str = "idle"
    reachable: bool = False
    paused: str = ""
    since: float = 0.0
    status_since: float = 0.0
    call: str = ""
    offer: str = ""
    wrap_until: float = 0.0
    wrap_call: str = ""
    wrap_queue: str = ""
    wrap_offered: float = 0.0
    extensions: int = 0
    extended: float = 0.0
    queues: list[str] = field(default_factory=list)
    phone: str = ""
    role: str = "agent"
    fixed: bool = False
    lines: list[str] = field(default_factory=list)
    misses: int = 0
    errors: int = 0
    idle_since: float = 0.0
    skills: dict[str, int] = field(default_factory=dict)
    taken: int = 0
    talked: float = 0.0
    day: str = ""
    help: bool = False
    hand: str = ""
    hand_by: str = ""
    hand_at: float = 0.0
    remote_answer: bool = False
    pauses: list[str] = field(default_factory=list)
    desk: bool = False
    desk_missing: float = 0.0
    gone: bool = False


@dataclass(slots=True)
class Queue:
    """Rules (see `models.QueueRow`) and the counters of the local `day`; offered = the sum of outcomes + who waits.

    `prompts`: those that its texts name -> language -> as the line plays it. `rings`: whom its callers may go to while
    they wait; `order`: agent -> place for strategy ordered; `tiers`: tier of a customer -> what it adds to the priority.
    `turn`: the agent to whom it offered last. `overflow`: the queue that gets whom it has no room, time or agent for.
    `handling`: seconds that a call keeps an agent, the newest counting most. `kept`: callbacks that stand in it.
    `closed`: by the supervisor `closed_by`, until it is opened again.
    """

    name: str
    label: str = ""
    numbers: list[str] = field(default_factory=list)
    strategy: str = "longest_idle"
    rings: list[Ring] = field(default_factory=list)
    order: dict[str, int] = field(default_factory=dict)
    tiers: dict[str, int] = field(default_factory=dict)
    greeting: str = ""
    music: str = "music:default"
    ring_time: float = 20.0
    wrap_up: float = 30.0
    extension_times: int = 5
    extension_seconds: float = 300.0
    show_caller: bool = False
    owner_first: float = 0.0
    last_first: float = 0.0
    max_wait: float = 600.0
    max_length: int = 500
    overflow: str = ""
    most_expected: float = 0.0
    announce_every: float = 30.0
    announce_wait: bool = False
    misses_allowed: int = 2
    service_level: float = 20.0
    service_target: float = 0.8
    priority: int = 0
    recording: str = "off"
    recording_share: float = 0.1
    recording_on_hold: bool = False
    recording_days: int = 180
    recording_notice: str = ""
    sorry: str = ""
    callback: bool = False
    callback_key: str = "1"
    callback_every: float = 45.0
    callback_from: float = 0.0
    callback_mode: str = ""
    voicemail: str = "off"
    voicemail_key: str = "2"
    voicemail_every: float = 45.0
    voicemail_seconds: float = 120.0
    voicemail_greeting: str = ""
    voicemail_goodbye: str = ""
    prompts: dict[str, dict[str, str]] = field(default_factory=dict)
    waiting: int = 0
    oldest: float = 0.0
    kept: int = 0
    day: str = ""
    offered: int = 0
    answered: int = 0
    within: int = 0
    abandoned: int = 0
    short_abandon: int = 0
    deflected: int = 0
    overflowed: int = 0
    messages: int = 0
    callbacks: int = 0
    lost: int = 0
    longest_today: float = 0.0
    turn: str = ""
    handling: float = 0.0
    closed: bool = False
    closed_by: str = ""

    def __post_init__(self) -> None:
        # From JSON they come as dictionaries.
        self.rings = [one if isinstance(one, Ring) else Ring(**one) for one in self.rings]

    @property
    def waiting_music(self) -> str:
        """What its callers hear while they wait, as the line plays it."""
        named = self.prompts.get(self.music.removeprefix("prompt:"), {})
        return next(iter(named.values()), MUSIC) if self.music.startswith("prompt:") else self.music


COUNTERS = frozenset(
    {
        *("name", "waiting", "oldest", "kept", "day", "offered", "answered", "within"),
        *(
            "abandoned",
            "short_abandon",
            "deflected",
            "messages",
            "callbacks",
            "lost",
            "longest_today",
            "turn",
        ),
        *("overflowed", "handling", "closed", "closed_by"),
    }
)
RULES = tuple(one.name for one in dataclasses.fields(Queue) if one.name not in COUNTERS)
"""What an administrator sets of a queue: taken over from the record whenever it is read."""


@dataclass(slots=True)
class Attempt:
    """`state`: waiting (for its agent) | dialling | talking | ended. Kept a day: an attempt dials once.

    Without an `agent` it stands in `queue` as a caller does, at the place of `since`, and goes to `owner` first. `until`:
    when the wait is given up. `decided`: what was last told of its routing.
    """

    attempt: str
    kind: str
    ref: int = 0
    call: str = ""
    state: str = "waiting"
    at: float = 0.0
    agent: str = ""
    until: float = 0.0
    number: str = ""
    trunk: str = ""
    mode: str = ""
    ticket: int = 0
    customer: int = 0
    language: str = ""
    queue: str = ""
    since: float = 0.0
    owner: str = ""
    caller: str = ""
    priority: int = 0
    decided: str = ""

    def concerns(self, call: Call) -> bool:
        """Whether a caller is the customer whom it is for."""
        known = call.caller if not call.withheld else ""
        return (bool(known) and known in (self.number, self.caller)) or self.customer == call.customer != 0

    @property
    def stands(self) -> bool:
        """Whether it waits for whoever serves the queue."""
        return self.state == "waiting" and self.kind == "callback" and not self.agent

    # As `rules.Waits` has it: a customer who does not hold the line, but the place.
    @property
    def id(self) -> str:
        return self.attempt

    @property
    def queued(self) -> float:
        return self.since or self.at

    @property
    def lined_up(self) -> float:
        return self.queued

    @property
    def last(self) -> str:
        return ""

    @property
    def passed(self) -> dict[str, float]:
        return {}


@dataclass(slots=True)
class Line:
    """A line process. `missing_since`: its lease is gone since then. `draining`: it takes no new calls; `legs` that
    it had when it said so. `trunks`: trunk -> why it cannot be used, empty when it can. `alarms`: what needs a hand ->
    detail."""

    name: str
    boot: str = ""
    driver: str = ""
    address: str = ""
    capacity: int = 0
    lacks: list[str] = field(default_factory=list)
    up: bool = False
    missing_since: float = 0.0
    draining: bool = False
    legs: int = 0
    trunks: dict[str, str] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Left:
    """A caller hung up `at` while waiting in a queue since `queued`. `key`: the queue's name, a space, the number."""

    key: str
    queued: float
    at: float


HASHES: dict[str, type] = {
    "board:calls": Call,
    "board:agents": Agent,
    "board:queues": Queue,
    "board:attempts": Attempt,
    "board:lines": Line,
    "board:left": Left,
    "board:plans": Published,
    "board:calendars": LiveCalendar,
}
CURSOR = "board:cursor"
"""Hash: stream -> last id handled, and `seq`, the number of the last commit."""


@dataclass(slots=True)
class Board:
    """All of it. `legs` (leg -> call id) and `lineup` (queue -> who waits) follow from the calls, `pending` from the
    attempts that wait for their agent and `places` (queue -> attempts) from those that stand in a queue, `serving` and
    `free` (queue -> agents) from the agents. `ticked`: the last tick of this process.
    """

    calls: dict[str, Call] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    queues: dict[str, Queue] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    left: dict[str, Left] = field(default_factory=dict)
    plans: dict[str, Published] = field(default_factory=dict)
    calendars: dict[str, LiveCalendar] = field(default_factory=dict)
    legs: dict[str, str] = field(default_factory=dict)
    lineup: dict[str, Lineup] = field(default_factory=dict)
    pending: dict[str, None] = field(default_factory=dict)
    places: dict[str, Lineup] = field(default_factory=dict)
    serving: dict[str, dict[str, None]] = field(default_factory=dict)
    free: dict[str, dict[str, None]] = field(default_factory=dict)
    ticked: float = 0.0

    def kind(self, key: str) -> dict[str, Any]:
        """The dictionary that stands in the store under `key`."""
        found: dict[str, Any] = getattr(self, key.removeprefix("board:"))
        return found

    def call_of(self, leg: str) -> Call | None:
        """The call that a leg belongs to now."""
        return self.calls.get(self.legs.get(leg, ""))

    def index(self) -> None:
        """Make what follows from calls and attempts anew."""
        self.legs, self.lineup = {}, {}
        self.pending, self.places = {}, {}
        for attempt in self.attempts.values():
            self.line_up(attempt)
        for call in self.calls.values():
            if call.state == "ended":
                continue
            self.legs.update((leg, call.id) for leg in call.legs)
            if call.waiting:
                self.lineup.setdefault(call.queue, Lineup()).put(call)
        self.index_agents()

    def line_up(self, attempt: Attempt) -> None:
        """Let an attempt wait where it belongs, or nowhere any more."""
        if attempt.stands:
            self.places.setdefault(attempt.queue, Lineup()).put(attempt)
            return
        if attempt.queue in self.places:
            self.places[attempt.queue].remove(attempt.attempt)
        if attempt.state == "waiting":
            self.pending[attempt.attempt] = None
        else:
            self.pending.pop(attempt.attempt, None)

    def waiting_in(self, queue: str) -> list[Lineup]:
        """Who waits in a queue: callers, and the places that are kept."""
        return [found[queue] for found in (self.lineup, self.places) if queue in found]

    def index_agents(self) -> None:
        """Make what follows from the agents anew."""
        self.serving, self.free = {}, {}
        for _, agent in sorted(self.agents.items()):
            for queue in agent.queues:
                self.serving.setdefault(queue, {})[agent.name] = None
            self.look_at(agent)

    def look_at(self, agent: Agent) -> None:
        """Keep `free` right for an agent who has changed."""
        free = rules.is_free(agent)
        for queue in agent.queues:
            if free:
                self.free.setdefault(queue, {})[agent.name] = None
            elif queue in self.free:
                self.free[queue].pop(agent.name, None)

    def forget(self, agent: Agent) -> None:
        """An agent is off the board."""
        for queue in agent.queues:
            self.serving.get(queue, {}).pop(agent.name, None)
            self.free.get(queue, {}).pop(agent.name, None)


def load(hashes: Mapping[str, Mapping[Any, bytes]]) -> Board:
    """The board from the store's hashes."""
    board = Board()
    for key, cls in HASHES.items():
        board.kind(key).update(_entries(hashes.get(key, {}), cls))
    board.index()
    return board


async def read_hashes(client: redis.asyncio.Redis, keys: Iterable[str] = HASHES) -> dict[str, Any]:
    """The named hashes as they stand at one instant."""
    names = list(keys)
    async with client.pipeline(transaction=True) as pipe:
        for key in names:
            pipe.hgetall(key)
        return dict(zip(names, await pipe.execute(), strict=True))


async def read_board(client: redis.asyncio.Redis) -> Board:
    """What the pages show. Ended calls stay a few seconds, or until their wrap-up is over, in state `ended`."""
    return load(await read_hashes(client))


def _entries(found: Mapping[Any, bytes], cls: Callable[..., T]) -> dict[str, T]:
    known = {one.name for one in dataclasses.fields(cls)}  # type: ignore[arg-type]
    entries = {}
    for key, body in found.items():
        values = orjson.loads(body)
        name = key.decode() if isinstance(key, bytes) else str(key)
        entries[name] = cls(**{k: v for k, v in values.items() if k in known})
    return entries
