"""Inbound REGISTER (RFC 3261 section 10): digest, several contacts a phone, expiry, and connections that break."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from aiosipua import SipRequest, parse_address

from callcenter import events
from callcenter.telephony.line import Binding, LineConfig, Memory, Phone
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.dialogs import parse_address_uri, user_of, user_of_uri
from callcenter.telephony.sipua.digest import Challenger
from callcenter.telephony.sipua.probes import ask
from callcenter.telephony.sipua.transactions import ServerTransaction
from callcenter.telephony.sipua.transport import Flow, split_host
from callcenter.telephony.sipua.wire import response_to

LONGEST = 3600
SHORTEST = 10
_FREE_GUESSES = 5
"""Wrong secrets that are answered at once."""
_LONGEST_DELAY = 4.0
"""Seconds that the answer to a wrong secret waits at most."""
CONTACTS = 8
"""Contacts that one phone may keep."""
MISSES = 2
"""OPTIONS without an answer, one after another, after which a phone is lost."""


@dataclass(slots=True)
class _Kept:
    """A binding and the connection by which it came (0 for UDP, and after a restart).

    `ask_at`: loop time of the next OPTIONS. `answers`: whether it ever answered one: what never does may be well.
    `lost`: it does not answer any more; it is not rung, and asked on until it expires or is back.
    """

    binding: Binding
    flow: Flow
    ask_at: float = 0.0
    answers: bool = False
    missed: int = 0
    lost: bool = False


class Guesses:
    """Wrong secrets by source. Whoever guesses too often is refused for a while, even with the right one."""

    def __init__(self, most: int = 20, window: float = 60.0) -> None:
        self._most = most
        self._window = window
        self._wrong: dict[str, list[float]] = {}

    def count(self, host: str) -> None:
        now = time.monotonic()
        if len(self._wrong) > 10_000:
            self._wrong = {h: at for h, at in self._wrong.items() if now - at[-1] < self._window}
        self._wrong.setdefault(host, []).append(now)
        del self._wrong[host][: -self._most]

    def lately(self, host: str) -> int:
        """Wrong ones within the window."""
        return sum(time.monotonic() - at < self._window for at in self._wrong.get(host, ()))

    def too_many(self, host: str) -> bool:
        times = self._wrong.get(host, [])
        return len(times) >= self._most and time.monotonic() - times[0] < self._window


class Registrar:
    """Where the phones are. `report` gets PhoneRegistered and PhoneUnregistered.

    `keepalive`: seconds between two OPTIONS to each contact, 0 for none. One that answered and then does not is lost,
    until it answers again.
    """

    def __init__(
        self,
        line: str,
        agent: UserAgent,
        challenger: Challenger,
        report: Callable[[object], None],
        keepalive: float = 20.0,
    ) -> None:
        self._line = line
        self._agent = agent
        self._keepalive = keepalive
        self._challenger = challenger
        self._report = report
        self._config = LineConfig()
        self._memory = Memory()
        self._phones: dict[str, Phone] = {}
        self._kept: dict[str, list[_Kept]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._guesses = Guesses()
        self.on_guess: Callable[[str], None] = lambda host: None

    def start(self, memory: Memory) -> None:
        """Keep what an earlier process knew; what expired meanwhile is dropped at the first sweep."""
        self._memory = memory
        for binding in memory.bindings:
            transport, _, address = binding.received.partition(":")
            flow = Flow(transport, *split_host(address))
            self._kept.setdefault(binding.phone, []).append(_Kept(binding, flow))
        self._sweep()
        for phone in self._kept:
            self._tell(phone)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def configure(self, config: LineConfig) -> None:
        """Phones that are no longer ours lose their contacts."""
        self._config = config
        self._phones = {phone.user: phone for phone in config.phones}
        for user in [user for user in self._kept if user not in self._phones]:
            self._kept.pop(user)
            self._memory.save_bindings(user, [])
            self._report(events.PhoneUnregistered(time.time(), self._line, user, "removed"))

    def phone(self, user: str) -> Phone | None:
        return self._phones.get(user)

    def registered(self) -> int:
        """Phones that can be rung."""
        return sum(1 for user in self._kept if self._reached(user))

    def contacts(self, user: str) -> list[tuple[str, Flow]]:
        """(URI, flow) of each contact now, the newest first."""
        now = time.time()
        return [
            (kept.binding.contact, kept.flow)
            for kept in reversed(self._reached(user))
            if kept.binding.expires > now
        ]

    def rounds(self, user: str) -> list[list[tuple[str, Flow]]]:
        """The contacts by their q-value: those of the highest ring together, then the next (section 16.6)."""
        now = time.time()
        by_q: dict[float, list[tuple[str, Flow]]] = {}
        for kept in reversed(self._reached(user)):
            if kept.binding.expires > now:
                by_q.setdefault(kept.binding.q, []).append((kept.binding.contact, kept.flow))
        return [by_q[q] for q in sorted(by_q, reverse=True)]

    def authenticated(self, server: ServerTransaction, phone: Phone, proxy: bool) -> bool:
        """Whether the request proves to be the phone's; else it was answered 401/407 (or 403 to a wrong secret)."""
        header, status, ask = (
            ("Proxy-Authorization", 407, "Proxy-Authenticate")
            if proxy
            else ("Authorization", 401, "WWW-Authenticate")
        )
        realm = self._config.realm
        secrets = {"MD5": phone.ha1, "SHA-256": phone.ha1_sha256}
        verdict = self._challenger.check(server.request, header, realm, phone.user, secrets)
        if verdict == "ok" and not self._guesses.too_many(server.inbound.flow.host):
            return True
        if verdict in ("ok", "wrong"):
            self._wrong(server, phone.user)
        else:
            response = response_to(server.request, status)
            for challenge in self._challenger.challenges(realm, secrets, verdict == "stale"):
                response.headers.append(ask, challenge)
            server.respond(response)
        return False

    def at(self, host: str) -> bool:
        """Whether a phone is registered from this address."""
        return any(one.flow.host == host for kept in self._kept.values() for one in kept)

    def _wrong(self, server: ServerTransaction, user: str) -> None:
        """A wrong secret: the more of them from one address or for one phone, the later the answer. The phone itself,
        which knows the secret, is never held up by others who do not."""
        host = server.inbound.flow.host
        self._guesses.count(host)
        self._guesses.count(f"phone:{user}")
        self.on_guess(host)
        wrong = max(self._guesses.lately(host), self._guesses.lately(f"phone:{user}")) - _FREE_GUESSES
        if wrong <= 0:
            server.reply(403)
        else:
            delay = min(_LONGEST_DELAY, 0.25 * 2.0**wrong)
            asyncio.get_running_loop().call_later(delay, server.reply, 403)

    def register(self, server: ServerTransaction) -> None:
        """Section 10.3."""
        phone = self._phones.get(user_of(server.request.headers.get("to")[0]))
        if phone is None and not self._config.version:
            # A line that no conductor has told of its phones yet: a 404 would make them give up.
            server.reply(503, headers={"Retry-After": "2"})
            return
        if phone is None or not phone.ha1:
            server.reply(403 if phone else 404)
            return
        if not self.authenticated(server, phone, proxy=False):
            return
        contacts = server.request.headers.get("contact")
        default = _seconds(server.request.headers.get_first("expires"), LONGEST)
        wanted = [(value, _expiry(value, default)) for value in contacts if value.strip() != "*"]
        if len(wanted) != len(contacts) and (len(contacts) > 1 or default):
            server.reply(400)
        elif any(0 < seconds < SHORTEST for _, seconds in wanted):
            server.reply(423, headers={"Min-Expires": str(SHORTEST)})
        else:
            self._update(server, phone.user, wanted, everything=len(wanted) != len(contacts))

    def flow_lost(self, flow: Flow) -> None:
        """A phone behind a broken TCP connection cannot be reached until it registers anew."""
        for user, kept in list(self._kept.items()):
            rest = [one for one in kept if not (flow.connection and one.flow.connection == flow.connection)]
            if len(rest) != len(kept):
                self._replace(user, rest, "lost")

    def _update(
        self, server: ServerTransaction, user: str, wanted: list[tuple[str, int]], everything: bool
    ) -> None:
        inbound, now = server.inbound, time.time()
        kept = [] if everything else list(self._kept.get(user, []))
        for value, seconds in wanted:
            uri, instance = parse_address_uri(value), _instance(value)
            old = next(
                (
                    one
                    for one in kept
                    if _same_uri(one.binding.contact, uri) or (instance and one.binding.instance == instance)
                ),
                None,
            )
            if old and old.binding.call_id == inbound.call_id and inbound.cseq < old.binding.cseq:
                server.reply(500)
                return
            kept = [one for one in kept if one is not old]
            if seconds:
                agent = server.request.headers.get_first("user-agent") or ""
                received = f"{inbound.flow.transport}:{inbound.flow.address}"
                binding = Binding(
                    user, uri, now + min(seconds, LONGEST), received, inbound.call_id, inbound.cseq, agent,
                    _q(value), instance,
                )  # fmt: skip
                kept.append(_Kept(binding, inbound.flow, answers=old is not None and old.answers))
        if wanted or everything:
            self._replace(user, kept[-CONTACTS:], "removed")
        self._confirm(server, user)

    def _confirm(self, server: ServerTransaction, user: str) -> None:
        response = response_to(server.request, 200)
        now = time.time()
        for kept in self._kept.get(user, []):
            left = max(1, round(kept.binding.expires - now))
            response.headers.append("Contact", f"<{kept.binding.contact}>;expires={left}")
        response.headers.set_single("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now)))
        server.respond(response)

    def _replace(self, user: str, kept: list[_Kept], why: str) -> None:
        had = bool(self._reached(user))
        if kept:
            self._kept[user] = kept
        else:
            self._kept.pop(user, None)
        self._memory.save_bindings(user, [one.binding for one in kept])
        self._tell_whether(user, had, why)

    def _tell_whether(self, user: str, had: bool, why: str) -> None:
        """The phone can be rung, or `why` it cannot any more."""
        if self._reached(user):
            self._tell(user)
        elif had:
            self._report(events.PhoneUnregistered(time.time(), self._line, user, why))

    def _reached(self, user: str) -> list[_Kept]:
        """The phone's contacts that answer, as far as we know."""
        return [one for one in self._kept.get(user, []) if not one.lost]

    def _tell(self, user: str) -> None:
        bindings = [kept.binding for kept in self._reached(user)]
        last = max(bindings, key=lambda binding: binding.expires)
        self._report(
            events.PhoneRegistered(time.time(), self._line, user, last.contact, last.expires, last.user_agent)
        )

    def _ask_around(self) -> None:
        """OPTIONS to each contact whose turn it is; a new one is asked at once, so that we learn whether it answers."""
        now = asyncio.get_running_loop().time()
        for user, kept in self._kept.items() if self._keepalive else ():
            for one in kept:
                if now >= one.ask_at:
                    one.ask_at = now + self._keepalive
                    ask(self._agent, one.binding.contact, one.flow, partial(self._answered, user, one))

    def _answered(self, user: str, one: _Kept, code: int) -> None:
        if not any(each is one for each in self._kept.get(user, [])):
            return
        had = bool(self._reached(user))
        if code != 408:
            back, one.lost = one.lost, False
            one.answers, one.missed = True, 0
        else:
            one.missed += 1
            one.ask_at = 0.0 if one.answers and not one.lost else one.ask_at
            back = False
        if back or (one.answers and one.missed >= MISSES and not one.lost):
            one.lost = not back
            self._tell_whether(user, had, "lost")

    def _sweep(self) -> None:
        self._ask_around()
        now = time.time()
        for user, kept in list(self._kept.items()):
            fresh = [one for one in kept if one.binding.expires > now]
            if len(fresh) != len(kept):
                self._replace(user, fresh, "expired")
        self._timer = asyncio.get_running_loop().call_later(1.0, self._sweep)


def _q(value: str) -> float:
    """The preference of a Contact; 1 when it says none or nonsense."""
    try:
        q = float(parse_address(value).params.get("q") or 1.0)
    except ValueError:
        return 1.0
    return q if 0.0 <= q <= 1.0 else 1.0


def _instance(value: str) -> str:
    """Which device a Contact is of, and which of its ways (RFC 5626 section 4.1): the same again replaces the old."""
    params = parse_address(value).params
    instance = params.get("+sip.instance") or ""
    return f"{instance};{params.get('reg-id') or ''}" if instance else ""


def caller_phone(request: SipRequest) -> str:
    """User part of From: which phone it says it is."""
    return user_of(request.headers.get("from")[0])


def _expiry(value: str, default: int) -> int:
    return _seconds(parse_address(value).params.get("expires"), default)


def _seconds(text: str | None, default: int) -> int:
    """Section 20.19: a malformed value counts as the default."""
    return int(text) if text is not None and text.isdigit() else default


def _same_uri(one: str, other: str) -> bool:
    """Enough of section 19.1.4 for contacts: user exactly, the rest without case."""
    return user_of_uri(one) == user_of_uri(other) and one.lower() == other.lower()
