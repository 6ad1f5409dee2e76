"""People as administrators keep them: profile, password, lock. Each change of a profile is a version (`history`)."""

import contextlib
import re
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from callcenter.errors import InvalidInput, NotFound, Stale
from callcenter.people import desk, history
from callcenter.people.models import ROLES, Department, QueueMember, User
from callcenter.settings import LANGUAGES

NOUN = "user"
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Saved:
    """`phone_password`: made for a phone that registers with us, to be shown this once; empty when none was made."""

    user: User
    changed: tuple[str, ...]
    phone_password: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a profile may name. `queues`: those that there are; `realm`: of the phones' registrar."""

    queues: Collection[str]
    realm: str


def profile(session: Session, user: User) -> Fields:
    """All that is kept of a person but secrets."""
    above = session.get(User, user.supervisor_id) if user.supervisor_id else None
    place = session.get(Department, user.department_id) if user.department_id else None
    queues = session.exec(select(QueueMember.queue).where(QueueMember.user_id == user.id))
    return {
        "display_name": user.display_name,
        "role": user.role,
        "active": user.active,
        "email": user.email,
        "language": user.language,
        "phone": user.phone,
        "remote_answer": user.remote_answer,
        "queues": sorted(queues),
        "oversees": sorted(user.oversees.split()),
        "supervisor": above.name if above else "",
        "department": place.name if place else "",
        "skills": desk.skills_of(session, user).get(user.id or 0, {}),
    }


def save(
    session: Session,
    name: str,
    given: Mapping[str, Any],
    version: int | None,
    now: datetime,
    by: str,
    rules: Rules,
    restores: int = 0,
) -> Saved:
    """Set the fields that are given, all or none. `version`: the one that was seen, None when nobody looked.

    Raises NotFound; Stale with what is different now; InvalidInput with a sentence for every wrong field. The caller
    tells the conductor with `ReloadDirectory`, and ends the sessions of who is not active any more.
    """
    user = find(session, name)
    session.refresh(user, with_for_update=True)
    before = profile(session, user)
    if version is not None and user.version != version:
        raise Stale(**history.since(session, NOUN, name, _readable(given), before))
    secret = _apply(session, user, _cleaned(session, user, given, before, rules), before, now, by, rules)
    after = profile(session, user)
    changed = tuple(history.differences(before, after))
    if changed:
        user.version += 1
        session.add(user)
        history.keep(session, NOUN, name, before, after, now, by, restores)
    return Saved(user, changed, secret)


def create(
    session: Session, name: str, given: Mapping[str, Any], password: str, now: datetime, by: str, rules: Rules
) -> Saved:
    """A new person who must change this password, made at random, at the first sign-in. Raises InvalidInput."""
    role = str(given.get("role") or "agent")
    user = desk.add_user(session, name, role, now, queues=(), by=by)
    user.password_hash, user.must_change = desk.hash_made(password), True
    before = profile(session, user)
    wanted = {"display_name": name, **given, "role": role}
    secret = _apply(session, user, _cleaned(session, user, wanted, before, rules), before, now, by, rules)
    history.keep(session, NOUN, name, {}, profile(session, user), now, by)
    return Saved(user, tuple(given), secret)


def reset_password(session: Session, name: str, password: str, now: datetime, by: str) -> User:
    """Another's password: to be changed at the next sign-in; all sessions end, and a lock. Raises NotFound, InvalidInput."""
    user = find(session, name)
    desk.set_password(session, name, password, now, by)
    user.must_change, user.wrong, user.locked_at, user.epoch = True, 0, None, user.epoch + 1
    session.add(user)
    return user


def change_password(session: Session, user_id: int, new: str, now: datetime) -> User:
    """The own password, of somebody who just proved the old one; all sessions end. Raises NotFound, InvalidInput."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound
    desk.set_password(session, user.name, new, now, user.name)
    user.must_change, user.epoch = False, user.epoch + 1
    session.add(user)
    return user


def count_wrong(session: Session, name: str, most: int, now: datetime) -> None:
    """A wrong password for this name, if there is one; `most` of them in a row lock it. 0 locks nobody."""
    user = desk.by_name(session, name)
    if user is None or user.locked_at:
        return
    user.wrong += 1
    if most and user.wrong >= most:
        user.locked_at = now
        desk.audit(session, "", "user.locked", name, f"{user.wrong} wrong passwords", now)
    session.add(user)


def unlock(session: Session, name: str, now: datetime, by: str) -> User:
    """Let a locked person sign in again with the old password. Raises NotFound."""
    user = find(session, name)
    if user.locked_at:
        desk.audit(session, by, "user.unlocked", name, "", now)
    user.locked_at, user.wrong = None, 0
    session.add(user)
    return user


def new_phone_password(session: Session, name: str, now: datetime, by: str, rules: Rules) -> str:
    """Another secret for a phone that registers with us. Raises NotFound, InvalidInput when the phone does not."""
    user = find(session, name)
    if not _registers(user.phone):
        raise InvalidInput(phone="does not register here")
    secret = secrets.token_urlsafe(12)
    desk.set_phone(
        session, name, user.phone, now, ha1=desk.phone_ha1(user.phone, rules.realm, secret),
        version=user.version, by=by,
    )  # fmt: skip
    return secret


def find(session: Session, name: str) -> User:
    """The person, active or not. Raises NotFound."""
    user = desk.by_name(session, name)
    if user is None:
        raise NotFound
    return user


def names(raw: Any) -> list[str]:
    """Names of a list, or separated by spaces or commas."""
    given = re.split(r"[\s,;]+", raw) if isinstance(raw, str) else list(raw)
    return sorted({str(one).strip() for one in given if str(one).strip()})


def _cleaned(session: Session, user: User, given: Mapping[str, Any], before: Fields, rules: Rules) -> Fields:
    """What differs, as it is kept. Raises InvalidInput with every wrong field."""
    found, wrong = {}, {}
    for field, raw in given.items():
        if field not in _CHECKS:
            wrong[field] = "there is no such field"
            continue
        try:
            value = _CHECKS[field](raw)
            if value != before[field]:
                _check_place(session, user, field, value, rules)
                found[field] = value
        except ValueError as error:
            wrong[field] = str(error)
    loses = found.get("role", "admin") != "admin" or not found.get("active", True)
    if before["role"] == "admin" and before["active"] and loses and _administrators(session) < 2:
        wrong["role" if "role" in found else "active"] = "is the last administrator"
    if wrong:
        raise InvalidInput(**wrong)
    return found


def _check_place(session: Session, user: User, field: str, value: Any, rules: Rules) -> None:
    """Raises ValueError for what is not there, or taken."""
    if field in ("queues", "oversees"):
        missing = [one for one in value if one not in rules.queues]
        if missing:
            raise ValueError(f"there is no queue {missing[0]}")
    if field == "supervisor" and value:
        above = desk.by_name(session, value)
        if above is None or not above.active or above.id == user.id:
            raise ValueError(f"there is no other active user {value}")
    if field == "phone" and value:
        taken = select(User.name).where(User.phone == value, User.active, User.id != user.id)
        if other := session.exec(taken).first():
            raise ValueError(f"is the phone of {other}")


def _apply(
    session: Session, user: User, found: Fields, before: Fields, now: datetime, by: str, rules: Rules
) -> str:
    """The new phone's password, if one was made."""
    secret = ""
    for field in ("display_name", "role", "active", "email", "language", "phone", "remote_answer"):
        if field in found:
            setattr(user, field, found[field])
    if "oversees" in found:
        user.oversees = " ".join(found["oversees"])
    if "phone" in found:
        secret = secrets.token_urlsafe(12) if _registers(user.phone) else ""
        user.phone_ha1 = desk.phone_ha1(user.phone, rules.realm, secret) if secret else ""
    if "supervisor" in found:
        above = desk.by_name(session, found["supervisor"])
        user.supervisor_id = above.id if above else None
    if "department" in found:
        user.department_id = desk.department(session, found["department"])
    if not user.active and before["active"]:
        user.epoch += 1
    session.add(user)
    session.flush()
    if "queues" in found:
        desk.serve(session, user, found["queues"])
    if "skills" in found:
        desk.set_skills(session, user.name, found["skills"], now, by)
    return secret


def _readable(given: Mapping[str, Any]) -> Fields:
    """The fields as they would be kept; those that are not right are left out."""
    found = {}
    for field, raw in given.items():
        with contextlib.suppress(ValueError, KeyError):
            found[field] = _CHECKS[field](raw)
    return found


def _administrators(session: Session) -> int:
    query = select(func.count()).select_from(User).where(col(User.active), User.role == "admin")
    return int(session.exec(query).one())


def _registers(phone: str) -> bool:
    return bool(phone) and not phone.startswith(("sip:", "sips:"))


def _line(most: int) -> Callable[[Any], str]:
    def check(raw: Any) -> str:
        value = str(raw).strip()
        if len(value) > most or not value.isprintable():
            raise ValueError(f"one line of at most {most} characters")
        return value

    return check


def _matching(pattern: str, otherwise: str) -> Callable[[Any], str]:
    def check(raw: Any) -> str:
        value = str(raw or "").strip()
        if value and not re.fullmatch(pattern, value):
            raise ValueError(otherwise)
        return value

    return check


def _role(raw: Any) -> str:
    if raw not in ROLES:
        raise ValueError(f"choose from {', '.join(ROLES)}")
    return str(raw)


def _language(raw: Any) -> str:
    if raw not in ("", *LANGUAGES):
        raise ValueError(f"choose from {', '.join(LANGUAGES)}")
    return str(raw)


def _truth(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    value = str(raw).strip().lower()
    if value not in {"true", "false", "1", "0", "yes", "no", "on", ""}:
        raise ValueError("yes or no")
    return value in {"true", "1", "yes", "on"}


def _skills(raw: Any) -> dict[str, int]:
    """Skill -> level, or `english 80, billing 50`; without a level 100."""
    if isinstance(raw, str):
        pairs = [one.rsplit(None, 1) for one in re.split(r"[,;]", raw) if one.strip()]
        raw = {pair[0].strip(): pair[1] if len(pair) > 1 else 100 for pair in pairs}
    try:
        found = {str(skill).strip(): int(str(level)) for skill, level in dict(raw).items()}
    except (ValueError, TypeError):
        raise ValueError("skills and levels from 1 to 100, as english 80, billing 50") from None
    for skill, level in found.items():
        if not re.fullmatch(r"[\w-]{1,40}", skill):
            raise ValueError(f"{skill!r}: letters, digits, _ and - only, at most 40")
        if not 1 <= level <= 100:
            raise ValueError(f"{skill}: a level from 1 to 100")
    return found


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "display_name": _line(80),
    "role": _role,
    "active": _truth,
    "email": _matching(r"[^@\s]{1,64}@[^@\s]{1,190}", "an address, as name@example.org"),
    "language": _language,
    "phone": _matching(
        r"[\w.+-]{1,40}|sips?:[^\s@<>\"]{1,64}@[^\s@<>\"]{1,128}",
        "the user name of a phone that registers here, or sip:USER@HOST",
    ),
    "remote_answer": _truth,
    "queues": names,
    "oversees": names,
    "supervisor": _line(64),
    "department": _line(80),
    "skills": _skills,
}
FIELDS = tuple(_CHECKS)
