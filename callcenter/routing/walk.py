"""A caller's way through a plan: where he stands, what is said, which key leads where. Pure.

The conductor and the page's tester walk by the same steps. A `Walker` changes the `Walk` and answers with the next
action; nothing here waits, plays or rings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from callcenter.hours import rules as hours
from callcenter.routing import plans
from callcenter.routing.plans import Plan

MOST_VISITS = 60
"""Nodes that one call may come by; beyond, it goes to the plan's fallback queue."""
TRIES = 3
"""Of a complaint's number, and of what proves that it concerns the caller, in one call."""
LONGEST_ENTRY = 12
PROOF = 4
"""Last digits of the contact number that prove it, to who calls from another one."""


@dataclass(slots=True)
class Walk:
    """Where a live call stands in the version that it began with. `tries`: how often this node has asked; `keys`: entered
    so far; `wrong`: complaints that were not told; `enquiry`: the complaint whose proof is asked for; `pending`: the one
    that is being looked up; `then`: where to go when what is said now was heard; `owed`: a callback follows."""

    plan: str = ""
    version: int = 0
    node: str = ""
    tries: int = 0
    keys: str = ""
    visits: int = 0
    wrong: int = 0
    enquiry: str = ""
    pending: str = ""
    then: str = ""
    owed: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of caller and time. `number`: E.164, empty when withheld; `customer`: 0 when unknown; `at`: seconds
    since 1970."""

    number: str = ""
    customer: int = 0
    tier: str = ""
    at: float = 0.0
    calendars: Mapping[str, hours.Hours] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the record says of a complaint. `number`: its digits; `contact`: E.164; `owner`: the name that is spoken."""

    number: str
    state: str
    owner: str
    contact: str = ""
    customer: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """One step: at this node this was `chosen`, which leads `to` the next one (empty: it stays, or ends here)."""

    node: str
    kind: str
    chosen: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A `text` of the plan, else the standard `phrase` with its `values`."""

    phrase: str = ""
    text: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """Say this, then wait so many seconds for a key; 0: go on at once."""

    words: tuple[Words, ...]
    wait: float
    barge_in: bool = True


@dataclass(frozen=True, slots=True)
class Listen:
    """What is being said ends now; wait so many seconds for the next key."""

    wait: float


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the record for this complaint (digits); `Walker.found` or `unavailable` follows."""

    number: str


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring a number outside; `Walker.not_reached` follows when nobody answers."""

    number: str
    trunk: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Enter:
    """The end: into this queue."""

    queue: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The end: say this and hang up. `call_back`: the caller is owed one."""

    words: tuple[Words, ...]
    call_back: bool


@dataclass(frozen=True, slots=True)
class Record:
    """The end: a message for this queue."""

    queue: str


Action = Ask | Listen | LookUp | Ring | Enter | Leave | Record


class Walker:
    """One input of one caller. `steps`: what was taken; `language`: what was chosen to be spoken, else empty."""

    def __init__(self, plan: Plan, walk: Walk, facts: Facts) -> None:
        self.plan, self.walk, self.facts = plan, walk, facts
        self.steps: list[Taken] = []
        self.language = ""

    @property
    def node(self) -> plans.Node | None:
        """Where the caller stands."""
        return self.plan.nodes.get(self.walk.node)

    @property
    def kind(self) -> str:
        """Of the node, one of `plans.KINDS`; empty nowhere."""
        return plans.kind_of(self.node) if self.node is not None else ""

    def begin(self) -> Action:
        """The caller is here."""
        return self._go(self.plan.start)

    def key(self, digit: str, playing: bool = False) -> Action | None:
        """A key, while something is still said or behind it; None when it changes nothing."""
        node, walk = self.node, self.walk
        if walk.pending or digit not in plans.KEYS:
            return None
        if walk.then:
            return self._go(walk.then)
        match node:
            case plans.Menu() | plans.Language() if playing and not node.barge_in:
                return None
            case plans.Menu():
                to = node.keys.get(digit, "")
                return (
                    self._take(digit, to)
                    if to
                    else self._again("wrong_key", Words("wrong_key", node.no_match))
                )
            case plans.Language():
                self.language = node.keys.get(digit, "")
                return (
                    self._take(digit, node.then)
                    if self.language
                    else self._again("wrong_key", Words("wrong_key"))
                )
            case plans.Complaint():
                return self._entered(node, digit)
            case None:
                return self._fall("lost")
        return None

    def silent(self) -> Action:
        """All was said, and the time for a key is over."""
        node, walk = self.node, self.walk
        if walk.then:
            return self._go(walk.then)
        match node:
            case plans.Menu():
                return self._again("no_key", Words("", node.no_input))
            case plans.Language():
                return self._again("no_key")
            case plans.Complaint() if walk.keys:
                return self._entry_over(node)
            case plans.Complaint():
                return self._not_told(node, "no_key", ())
        return self._fall("lost")

    def found(self, complaint: Complaint | None) -> Action:
        """What the record has under the number that was asked for: spoken to whom it concerns, else a proof is asked
        for, or the number again."""
        node, walk = self.node, self.walk
        if not isinstance(node, plans.Complaint):
            return self._fall("lost")
        walk.pending, proof, walk.keys = "", walk.keys if walk.enquiry else "", ""
        if complaint is None:
            return self._not_told(node, "not_found", (Words("complaint_unknown"),))
        if self._concerns(complaint) or (proof and complaint.contact[-PROOF:] == proof):
            return self._tell(node, complaint)
        if walk.enquiry:
            return self._not_told(node, "wrong_proof", (Words("wrong_proof"),))
        if len(complaint.contact) <= PROOF:
            return self._not_told(node, "not_found", (Words("complaint_unknown"),))
        walk.enquiry, walk.tries = complaint.number, 0
        self._note("proof_asked")
        return Ask((Words("complaint_proof"),), node.timeout)

    def unavailable(self) -> Action:
        """The record does not answer: it is said, and the caller goes on."""
        node, walk = self.node, self.walk
        if not isinstance(node, plans.Complaint):
            return self._fall("lost")
        walk.pending = walk.keys = walk.enquiry = ""
        walk.then = node.otherwise
        self._note("not_answered", node.otherwise)
        return Ask((Words("complaint_unavailable"),), 0.0)

    def not_reached(self, outcome: str) -> Action:
        """The number outside did not come: busy, no answer, refused ..."""
        node = self.node
        return self._take(outcome, node.otherwise) if isinstance(node, plans.External) else self._fall("lost")

    # ---- along the plan ------------------------------------------------------------------------------------------

    def _go(self, name: str) -> Action:
        """Come to a node, and past those that need nobody's answer."""
        walk = self.walk
        while True:
            walk.node, walk.tries, walk.keys, walk.enquiry, walk.then = name, 0, "", "", ""
            walk.visits += 1
            node = self.node
            if node is None or walk.visits > MOST_VISITS:
                return self._fall("lost" if node is None else "too_long")
            match node:
                case plans.Hours():
                    chosen, to = self._by_hours(node)
                case plans.ByCaller():
                    chosen, to = self._by_caller(node)
                case plans.Complaint() if walk.wrong >= TRIES:
                    chosen, to = "too_many", node.otherwise
                case _:
                    return self._stop(node)
            self._note(chosen, to)
            name = to

    def _stop(self, node: plans.Node) -> Action:
        match node:
            case plans.Menu() | plans.Language():
                self.walk.tries = 1
                return Ask((Words("", node.prompt),), node.timeout, node.barge_in)
            case plans.Complaint():
                return Ask((Words("complaint_number", node.prompt),), node.timeout)
            case plans.External():
                return Ring(node.number, node.trunk, node.ring)
            case plans.ToQueue():
                self._note(node.queue)
                return Enter(node.queue)
            case plans.Voicemail():
                self._note(node.queue)
                return Record(node.queue)
            case plans.Message():
                self._note("said")
                return Leave((Words("", node.prompt),), node.call_back)
        return self._fall("lost")

    def _take(self, chosen: str, to: str) -> Action:
        self._note(chosen, to)
        return self._go(to)

    def _again(self, why: str, *before: Words) -> Action:
        """Put the question again, or give up asking."""
        node, walk = self.node, self.walk
        assert isinstance(node, plans.Menu | plans.Language)
        if walk.tries > node.retries:
            return self._take(why, node.then if isinstance(node, plans.Language) else node.otherwise)
        walk.tries += 1
        self._note(why)
        return Ask((*before, Words("", node.prompt)), node.timeout, node.barge_in)

    def _fall(self, why: str) -> Action:
        self._note(why)
        return Enter(self.plan.fallback)

    def _note(self, chosen: str, to: str = "") -> None:
        self.steps.append(Taken(self.walk.node, self.kind, chosen, to))

    # ---- nodes ---------------------------------------------------------------------------------------------------

    def _by_hours(self, node: plans.Hours) -> tuple[str, str]:
        """A calendar that cannot be read counts as open: callers rather find nobody than no way in."""
        calendar = self.facts.calendars.get(node.calendar)
        if calendar is None:
            return "unknown", node.open
        at = datetime.fromtimestamp(self.facts.at, UTC)
        if hours.is_open(calendar, at):
            return "open", node.open
        if calendar.exceptions.get(at.astimezone(calendar.zone).date()) == ():
            return "holiday", node.holiday or node.closed
        return "closed", node.closed

    def _by_caller(self, node: plans.ByCaller) -> tuple[str, str]:
        for case in node.cases:
            if self._fits(case):
                return f"{case.what} {case.value}".strip(), case.to
        return "otherwise", node.otherwise

    def _fits(self, case: plans.Case) -> bool:
        facts = self.facts
        match case.what:
            case "tier":
                return bool(facts.tier) and facts.tier in case.value.split()
            case "prefix":
                return facts.number.startswith(tuple(case.value.split()))
            case "known":
                return facts.customer > 0
            case "unknown":
                return bool(facts.number) and not facts.customer
        return not facts.number

    def _entered(self, node: plans.Complaint, digit: str) -> Action:
        """One more digit of a complaint's number, or of the proof; `#` ends it, `*` begins it anew."""
        walk = self.walk
        if digit == "*":
            walk.keys = ""
        elif digit != "#":
            walk.keys += digit
        elif not walk.keys:
            return self._not_told(node, "no_key", ())
        full = len(walk.keys) >= (PROOF if walk.enquiry else LONGEST_ENTRY)
        if (digit == "#" and walk.keys) or full:
            return self._entry_over(node)
        return Listen(node.timeout)

    def _entry_over(self, node: plans.Complaint) -> Action:
        walk = self.walk
        walk.pending = walk.enquiry or walk.keys
        return LookUp(walk.pending)

    def _concerns(self, complaint: Complaint) -> bool:
        """Whether the caller's own number says that it is his."""
        mine = self.facts
        return (bool(mine.number) and mine.number == complaint.contact) or (
            mine.customer > 0 and mine.customer == complaint.customer
        )

    def _tell(self, node: plans.Complaint, complaint: Complaint) -> Action:
        self.walk.then = node.then
        self._note("told", node.then)
        values = {"number": " ".join(complaint.number), "owner": complaint.owner}
        owner = (Words("complaint_owner", values=values),) if complaint.owner else ()
        return Ask((Words(f"complaint_{complaint.state}", values=values), *owner), 0.0)

    def _not_told(self, node: plans.Complaint, why: str, before: tuple[Words, ...]) -> Action:
        """Try again; silence counts as a try here, a wrong number or proof for the whole call."""
        walk = self.walk
        walk.tries += 1
        walk.wrong += why != "no_key"
        if walk.tries >= TRIES or walk.wrong >= TRIES:
            walk.then = node.otherwise
            self._note(why, node.otherwise)
            return Ask(before, 0.0)
        self._note(why)
        question = Words("complaint_proof") if walk.enquiry else Words("complaint_number", node.prompt)
        return Ask((*before, question), node.timeout)
