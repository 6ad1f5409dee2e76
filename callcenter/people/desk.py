"""Users, their passwords, bearer tokens, and the audit log.

Passwords are kept by argon2id with the library's defaults (RFC 9106, low-memory profile); of tokens only the SHA-256.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlmodel import Session, col, delete, select

from callcenter.errors import DomainError, InvalidInput, NotFound, Stale, lazy
from callcenter.people import rights
from callcenter.people.models import ROLES, AuditEntry, Department, QueueMember, Skill, Token, User, UserSkill

SHORTEST_PASSWORD = 8
SHORT = lazy("at least 8 characters")
_hasher = PasswordHasher()
_quick = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
"""For passwords that we made: nobody guesses 96 random bits, whatever a guess costs, and they last for one sign-in."""


class WrongPassword(DomainError):
    """Name or password is not right."""

    status = 401


class Locked(DomainError):
    """Too many wrong passwords: this name is locked. Ask an administrator."""

    status = 403


def add_user(
    session: Session,
    name: str,
    role: str,
    now: datetime,
    *,
    password: str = "",
    display_name: str = "",
    phone: str = "",
    phone_ha1: str = "",
    email: str = "",
    language: str = "",
    department: str = "",
    supervisor: str = "",
    queues: Sequence[str] = ("default",),
    remote_answer: bool = False,
    heads: bool = False,
    oversees: str = "",
    by: str = "",
) -> User:
    """A new user, in the named department (made when missing; its head when `heads`) under the named supervisor.
    Without a password nobody signs in as that user. Raises InvalidInput."""
    _check_new(session, name, role)
    above = by_name(session, supervisor) if supervisor else None
    if supervisor and above is None:
        raise InvalidInput(supervisor=f"there is no user {supervisor}")
    if heads and not department:
        raise InvalidInput(department="is missing: the one that the user heads")
    place = _department(session, department) if department else None
    user = User(
        name=name,
        display_name=display_name or name,
        password_hash=_hash(password) if password else "",
        role=role,
        language=language,
        email=email,
        department_id=place.id if place else None,
        supervisor_id=above.id if above else None,
        phone=phone,
        phone_ha1=phone_ha1,
        remote_answer=remote_answer,
        oversees=oversees,
        created_at=now,
    )
    session.add(user)
    session.flush()
    if place and heads:
        place.head_id = user.id
    serve(session, user, queues)
    audit(session, by, "user.added", name, role, now)
    return user


def authenticate(session: Session, name: str, password: str) -> User:
    """The user who signs in. Takes 0.1-0.2 s, also for a name that does not exist: use a thread and a read session
    (SQLite has one writer), and `audit` the outcome afterwards. Raises WrongPassword; Locked, told only to who
    knows the password."""
    user = by_name(session, name)
    right = _verify(user.password_hash if user and user.password_hash else _no_password(), password)
    if user is not None and user.must_change:
        _verify(
            _no_password(), password
        )  # made passwords are checked quickly: names are not to be found by time
    if user is None or not right or not user.active or not user.password_hash:
        raise WrongPassword
    if user.locked_at:
        raise Locked
    return user


def hash_made(password: str) -> str:
    """The hash of a password that was made here at random, in a few milliseconds; `authenticate` takes its usual time."""
    return _quick.hash(password)


def set_password(session: Session, name: str, password: str, now: datetime, by: str = "") -> None:
    """Replace a password. Raises NotFound, InvalidInput."""
    user = _known(session, name)
    user.password_hash = _hash(password)
    user.version += 1
    session.add(user)
    audit(session, by, "user.password", name, "", now)


def set_phone(
    session: Session, name: str, phone: str, now: datetime, *, ha1: str = "", version: int, by: str = ""
) -> User:
    """Give a user another phone; the caller tells the conductor with `ReloadDirectory`. Raises NotFound, Stale."""
    user = _known(session, name)
    if user.version != version:
        raise Stale
    user.phone, user.phone_ha1, user.version = phone, ha1, version + 1
    session.add(user)
    audit(session, by, "user.phone", name, phone, now)
    return user


def serve(session: Session, user: User, queues: Sequence[str]) -> None:
    """The user serves exactly these queues."""
    assert user.id is not None
    session.execute(delete(QueueMember).where(col(QueueMember.user_id) == user.id))
    session.add_all([QueueMember(user_id=user.id, queue=queue) for queue in dict.fromkeys(queues)])
    session.flush()


def skills(session: Session) -> list[Skill]:
    """All skills by name."""
    return list(session.exec(select(Skill).order_by(Skill.name)))


def skills_of(session: Session, user: User | None = None) -> dict[int, dict[str, int]]:
    """User id -> skill -> level, of everybody or of one."""
    query = select(UserSkill).order_by(UserSkill.skill)
    if user is not None:
        query = query.where(UserSkill.user_id == user.id)
    found: dict[int, dict[str, int]] = {}
    for row in session.exec(query):
        found.setdefault(row.user_id, {})[row.skill] = row.level
    return found


def set_skills(
    session: Session, name: str, wanted: Mapping[str, int], now: datetime, by: str = ""
) -> dict[str, int]:
    """The user has exactly these skills, name -> level 1 to 100; new names become skills. The caller tells the conductor
    with `ReloadDirectory`. Raises NotFound, InvalidInput (`skills`)."""
    user = _known(session, name)
    assert user.id is not None
    for skill, level in wanted.items():
        if not re.fullmatch(r"[\w-]{1,40}", skill):
            raise InvalidInput(skills=f"{skill!r}: letters, digits, _ and - only, at most 40")
        if not 1 <= level <= 100:
            raise InvalidInput(skills=f"{skill}: a level from 1 to 100")
    there = {one.name for one in skills(session)}
    session.add_all([Skill(name=skill, label=skill) for skill in wanted if skill not in there])
    session.execute(delete(UserSkill).where(col(UserSkill.user_id) == user.id))
    session.flush()
    session.add_all([UserSkill(user_id=user.id, skill=one, level=level) for one, level in wanted.items()])
    detail = ", ".join(f"{skill} {level}" for skill, level in sorted(wanted.items()))
    audit(session, by, "user.skills", name, detail, now)
    return dict(wanted)


def by_name(session: Session, name: str) -> User | None:
    """The user of that name, active or not."""
    return session.exec(select(User).where(User.name == name)).first()


def scope_of(session: Session, user: User) -> frozenset[str] | None:
    """The queues over which the user has the rights of his role; None for all (`rights.scope`)."""
    serves: list[str] = []
    if user.role in rights.OWN_QUEUES and not user.oversees:
        serves = list(session.exec(select(QueueMember.queue).where(QueueMember.user_id == user.id)))
        if not serves and session.exec(select(QueueMember).limit(1)).first() is None:
            serves = ["default"]
    return rights.scope(user.role, user.oversees.split(), serves)


def steers(session: Session, by: User, act: str, queue: str, owner_id: int | None) -> bool:
    """Whether somebody has this right over another's work: its queue is in scope, or its owner serves one that is."""
    scope = scope_of(session, by)
    if not rights.may(by.role, act) or scope is None or queue in scope:
        return rights.may(by.role, act)
    serves = session.exec(select(QueueMember.queue).where(QueueMember.user_id == owner_id))
    return not scope.isdisjoint(serves)


def users(session: Session) -> list[User]:
    """Everybody who works here, by name."""
    return list(session.exec(select(User).where(col(User.active)).order_by(User.name)))


def supervisors(session: Session) -> list[User]:
    """Active supervisors, else administrators: somebody is always responsible."""
    for role in ("supervisor", "admin"):
        found = list(
            session.exec(select(User).where(col(User.active), User.role == role).order_by(col(User.id)))
        )
        if found:
            return found
    return []


def add_token(session: Session, name: str, role: str, now: datetime, by: str = "") -> str:
    """A new bearer token, told this once. It acts as the user `name`, who is made without a password when missing.

    Raises InvalidInput when that user has another role: a token never raises somebody's rights.
    """
    user = by_name(session, name) or add_user(session, name, role, now, queues=(), by=by)
    if user.role != role:
        raise InvalidInput(role=f"{name} is {user.role}, not {role}")
    plain = f"cc_{secrets.token_urlsafe(32)}"
    session.add(Token(name=name, role=role, token_hash=_sha256(plain), user_id=user.id, created_at=now))
    audit(session, by, "token.added", name, role, now)
    return plain


def user_of_token(session: Session, token: str) -> User | None:
    """The active user for whom an unrevoked token acts."""
    return session.exec(
        select(User)
        .join(Token, col(Token.user_id) == User.id)
        .where(Token.token_hash == _sha256(token), col(Token.revoked_at).is_(None), col(User.active))
    ).first()


def revoke_token(session: Session, name: str, now: datetime, by: str = "") -> int:
    """Revoke every token of that name; how many."""
    found = session.exec(select(Token).where(Token.name == name, col(Token.revoked_at).is_(None))).all()
    for token in found:
        token.revoked_at = now
        session.add(token)
    audit(session, by, "token.revoked", name, str(len(found)), now)
    return len(found)


def audit(session: Session, actor: str, action: str, subject: str, detail: str, now: datetime) -> None:
    """Write down who did what; append only."""
    session.add(AuditEntry(at=now, actor=actor or "system", action=action, subject=subject, detail=detail))


def phone_ha1(user: str, realm: str, password: str) -> str:
    """What the registrar keeps of a phone's secret: user:realm:password by MD5 (RFC 2617 section 3.2.2.2), and behind
    a space by SHA-256 (RFC 8760)."""
    secret = f"{user}:{realm}:{password}".encode()
    return f"{hashlib.md5(secret, usedforsecurity=False).hexdigest()} {hashlib.sha256(secret).hexdigest()}"


def _check_new(session: Session, name: str, role: str) -> None:
    if role not in ROLES:
        raise InvalidInput(role=f"choose from {', '.join(ROLES)}")
    if not re.fullmatch(r"[\w.@-]{1,64}", name):
        raise InvalidInput(name="letters, digits and . _ - @ only, at most 64")
    if by_name(session, name):
        raise InvalidInput(name="is taken")


def department(session: Session, name: str) -> int | None:
    """The id of the department of that name, made when missing; None for an empty name."""
    return _department(session, name).id if name else None


def _department(session: Session, name: str) -> Department:
    found = session.exec(select(Department).where(Department.name == name)).first()
    if found is None:
        found = Department(name=name)
        session.add(found)
        session.flush()
    return found


def _known(session: Session, name: str) -> User:
    user = by_name(session, name)
    if user is None:
        raise NotFound
    return user


def _hash(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(password=SHORT)
    return _hasher.hash(password)


@cache
def _no_password() -> str:
    """A hash that no password has: checking it takes as long as a real one, so that names cannot be found by time."""
    return _hasher.hash(secrets.token_hex())


def _verify(kept: str, password: str) -> bool:
    try:
        return _hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
