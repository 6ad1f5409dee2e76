"""Queues as an administrator keeps them: every field checked, each wrong one named."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from callcenter.errors import InvalidInput, NotFound, Stale
from callcenter.people import desk as people
from callcenter.people import history
from callcenter.prompts import desk as prompts
from callcenter.recordings import rules
from callcenter.routing import voicemail
from callcenter.routing.models import QueueRow
from callcenter.routing.phrases import NAMED
from callcenter.routing.rules import STRATEGIES

NOUN = "queue"
SPOKEN = ("greeting", "music", "recording_notice", "sorry", "voicemail_greeting", "voicemail_goodbye")
"""Fields that may name a prompt."""


def listing(session: Session) -> list[QueueRow]:
    """All queues by name."""
    return list(session.exec(select(QueueRow).order_by(col(QueueRow.name))))


def find(session: Session, name: str) -> QueueRow:
    """Raises NotFound."""
    row = session.get(QueueRow, name)
    if row is None:
        raise NotFound
    return row


def change(
    session: Session,
    name: str,
    given: Mapping[str, Any],
    now: datetime,
    by: str = "",
    version: int | None = None,
    restores: int = 0,
) -> tuple[QueueRow, dict[str, tuple[Any, Any]]]:
    """Set the fields that are given; the row, and what changed as field -> (before, now). `version`: the one that was
    seen, None when nobody looked.

    Raises NotFound; InvalidInput with a sentence for every wrong field; Stale with what is different now. Each change is
    a version (`people.history`). The conductor reads queues anew only when it is told (`commands.ReloadDirectory`).
    """
    row = session.get(QueueRow, name, populate_existing=True, with_for_update=True)
    if row is None:
        raise NotFound
    before = kept(row)
    found, wrong = {}, {}
    for field, raw in given.items():
        if field not in CHECKS:
            wrong[field] = "there is no such field"
            continue
        try:
            found[field] = CHECKS[field](raw)
        except ValueError as error:
            wrong[field] = str(error)
    if "numbers" in found:
        wrong |= _taken(session, name, found["numbers"].split())
    wrong |= _unknown(session, name, found)
    known = {prompt.name for prompt in prompts.listing(session)}
    for field in SPOKEN:
        text = str(found.get(field, ""))
        if text.startswith(NAMED) and text.removeprefix(NAMED) not in known:
            wrong[field] = f"there is no prompt {text.removeprefix(NAMED)}"
    wrong |= _same_key(row, found)
    if wrong:
        raise InvalidInput(**wrong)
    if version is not None and version != row.version:
        raise Stale(**history.since(session, NOUN, name, found, before))
    changed = {
        field: (getattr(row, field), value) for field, value in found.items() if getattr(row, field) != value
    }
    for field, (_, value) in changed.items():
        setattr(row, field, value)
    if changed:
        row.version += 1
        history.keep(session, NOUN, name, before, kept(row), now, by, restores)
    session.add(row)
    return row, changed


def kept(row: QueueRow) -> dict[str, Any]:
    """All that an administrator sets, as `change` takes it."""
    return {field: getattr(row, field) for field in CHECKS}


def named(row: QueueRow) -> dict[str, list[str]]:
    """Name of a prompt -> fields of the queue in which it stands."""
    found: dict[str, list[str]] = {}
    for field in SPOKEN:
        text = getattr(row, field)
        if text.startswith(NAMED):
            found.setdefault(text.removeprefix(NAMED), []).append(field)
    return found


def uses(session: Session, prompt: str) -> list[str]:
    """Where a prompt is heard: `queue: field`."""
    return [f"{row.name}: {field}" for row in listing(session) for field in named(row).get(prompt, [])]


def _taken(session: Session, name: str, wanted: list[str]) -> dict[str, str]:
    for other in listing(session):
        both = set(other.numbers.split()) & set(wanted)
        if other.name != name and both:
            return {"numbers": f"{', '.join(sorted(both))} leads to the queue {other.name}"}
    return {}


def _same_key(row: QueueRow, found: Mapping[str, Any]) -> dict[str, str]:
    """One key asks for one thing."""
    told = {field: found.get(field, getattr(row, field)) for field in ("callback_key", "voicemail_key")}
    both = found.get("callback", row.callback) and found.get("voicemail", row.voicemail) == "always"
    if not both or len(set(told.values())) > 1:
        return {}
    field = next((name for name in told if name in found), "callback_key")
    return {field: "asks for a callback and for a message: two keys"}


def _unknown(session: Session, name: str, found: Mapping[str, Any]) -> dict[str, str]:
    """What the fields name that does not exist."""
    wrong = {}
    beside = found.get("overflow", "")
    if beside and (beside == name or session.get(QueueRow, beside) is None):
        wrong["overflow"] = "the queue itself" if beside == name else f"there is no queue {beside}"
    asked = {skill for ring in found.get("needs", []) for skill in ring["needs"]}
    if missing := asked - {skill.name for skill in people.skills(session)}:
        wrong["needs"] = f"no agent has the skill {', '.join(sorted(missing))}"
    named = str(found.get("order", "")).split()
    if missing := set(named) - {user.name for user in people.users(session)}:
        wrong["order"] = f"there is no user {', '.join(sorted(missing))}"
    return wrong


def _text(longest: int) -> Callable[[Any], str]:
    def check(raw: Any) -> str:
        text = str("" if raw is None else raw).strip()
        if len(text) > longest:
            raise ValueError(f"longer than {longest} characters")
        if any(ord(letter) < 32 and letter not in "\n\t" for letter in text):
            raise ValueError("holds a character that cannot be shown")
        return text

    return check


def _number(least: float, most: float, unit: str = "") -> Callable[[Any], float]:
    def check(raw: Any) -> float:
        said = f"a number from {least:g} to {most:g}{unit}"
        try:
            value = float(str(raw).strip())
        except ValueError:
            raise ValueError(said) from None
        if not least <= value <= most:
            raise ValueError(said)
        return value

    return check


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def check(raw: Any) -> int:
        text = str(raw).strip()
        if not re.fullmatch(r"-?\d{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return check


def _numbers(raw: Any) -> str:
    """User parts of SIP addresses (RFC 3261, 25.1), parted by spaces."""
    parts = str("" if raw is None else raw).split()
    for part in parts:
        if not re.fullmatch(r"[\w.+*#!~'()&=$,;?/-]{1,64}", part, re.ASCII):
            raise ValueError(f"{part!r} is no number that can be called")
    return " ".join(dict.fromkeys(parts))


def _music(raw: Any) -> str:
    """What the line can play (`telephony.prompts`)."""
    text = str("" if raw is None else raw).strip() or "music:default"
    if not re.fullmatch(
        r"music:default|prompt:[a-z0-9_-]{1,40}|file:[\w./-]{1,200}|tone:\d{2,4}:\d{1,6}|silence:\d{1,6}",
        text,
    ):
        raise ValueError("music:default, or prompt:NAME")
    return text


def _json(raw: Any, said: str) -> Any:
    try:
        return json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        raise ValueError(said) from None


def _rings(raw: Any) -> list[dict[str, Any]]:
    """Rings of agents by JSON, or in lines as `60: english 50, billing 20`; the last one may stand without seconds."""
    said = "lines as 60: english 50, billing 20 (seconds: skills and their least levels), the seconds growing"
    text = raw if isinstance(raw, str) else ""
    rings = [_ring(line) for line in text.splitlines() if line.strip()]
    if not isinstance(raw, str) or text.lstrip().startswith("["):
        rings = _json(raw or [], said)
    if not isinstance(rings, list) or len(rings) > 20:
        raise ValueError(said)
    found, before = [], 0.0
    for place, ring in enumerate(rings, 1):
        if not isinstance(ring, dict) or not isinstance(ring.get("needs", {}), dict):
            raise ValueError(said)
        until = _number(0, 7200)(ring.get("until", 0) or 0)
        if (until <= before and until) or (not until and place < len(rings)):
            raise ValueError(said)
        before = until
        needs = {str(skill): _level(level) for skill, level in ring.get("needs", {}).items()}
        found.append({"until": until, "needs": needs})
    return found


def _ring(line: str) -> dict[str, Any]:
    until, colon, rest = line.rpartition(":")
    return {"until": until.strip() or 0 if colon else 0, "needs": pairs(rest)}


def pairs(text: str) -> dict[str, str]:
    """`english 50, billing 20` -> name -> number as it was written. ValueError for anything else."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.rpartition(" ")
        if not name.strip():
            raise ValueError("a name and a number, parted by commas, as english 50, billing 20")
        found[name.strip()] = number
    return found


def _level(raw: Any) -> int:
    return _whole(1, 100)(raw)


def _tiers(raw: Any) -> dict[str, int]:
    """Tier -> what it adds, by JSON or as `gold 10, silver 5`."""
    said = "tiers and what they add, as gold 10, silver 5"
    text = raw if isinstance(raw, str) else ""
    given = pairs(text) if text and not text.lstrip().startswith("{") else _json(raw or {}, said)
    if not isinstance(given, dict):
        raise ValueError(said)
    return {str(tier): _whole(-1000, 1000)(added) for tier, added in given.items()}


def _names(raw: Any) -> str:
    return " ".join(dict.fromkeys(str("" if raw is None else raw).replace(",", " ").split()))


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def check(raw: Any) -> str:
        if raw not in choices:
            raise ValueError(", ".join(choices))
        return str(raw)

    return check


def _truth(raw: Any) -> bool:
    if str(raw).lower() not in ("true", "false", "on", "1", "0", ""):
        raise ValueError("true or false")
    return str(raw).lower() in ("true", "on", "1")


CHECKS: dict[str, Callable[[Any], Any]] = {
    "label": _text(60),
    "numbers": _numbers,
    "strategy": _one_of(tuple(STRATEGIES)),
    "order": _names,
    "needs": _rings,
    "tiers": _tiers,
    "greeting": _text(1000),
    "music": _music,
    "ring_time": _number(3, 180, " seconds"),
    "wrap_up": _number(0, 3600, " seconds"),
    "extension_times": _whole(0, 100),
    "extension_seconds": _number(0, 3600, " seconds"),
    "owner_first": _number(0, 600, " seconds"),
    "last_first": _number(0, 600, " seconds"),
    "max_wait": _number(5, 7200, " seconds"),
    "max_length": _whole(0, 100_000),
    "overflow": _text(40),
    "most_expected": _number(0, 7200, " seconds"),
    "announce_every": _number(0, 3600, " seconds"),
    "announce_wait": _truth,
    "misses_allowed": _whole(1, 100),
    "service_level": _number(1, 3600, " seconds"),
    "service_target": _number(0.01, 1),
    "priority": _whole(-1000, 1000),
    "recording": _one_of(rules.MODES),
    "recording_share": _number(0, 1),
    "recording_on_hold": _truth,
    "show_caller": _truth,
    "recording_days": _whole(1, 36_500),
    "recording_notice": _text(500),
    "sorry": _text(1000),
    "callback": _truth,
    "callback_key": _one_of(tuple("0123456789")),
    "callback_every": _number(0, 3600, " seconds"),
    "callback_from": _number(0, 7200, " seconds"),
    "callback_mode": _one_of(("", "customer_first", "agent_first")),
    "voicemail": _one_of(voicemail.MODES),
    "voicemail_key": _one_of(tuple("0123456789")),
    "voicemail_every": _number(0, 3600, " seconds"),
    "voicemail_seconds": _number(5, 600, " seconds"),
    "voicemail_greeting": _text(1000),
    "voicemail_goodbye": _text(1000),
}
"""Field of a queue -> what it may be; ValueError says what."""
