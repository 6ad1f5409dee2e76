"""Who works here."""

from datetime import datetime
from typing import Any

from sqlmodel import JSON, Field, SQLModel, UniqueConstraint

from callcenter.db import UtcDateTime
from callcenter.people import rights

ROLES = tuple(rights.ROLES)


class Department(SQLModel, table=True):
    """`head_id` gets the written reminder of an overdue complaint."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    head_id: int | None = None


class User(SQLModel, table=True):
    """`name` signs in, and is the agent's id on the board. `phone` is the user part of a registered phone or a SIP URI.

    `phone_ha1`: user:realm:password of a phone that registers with us by MD5, and behind a space by SHA-256 (rows of
    old have MD5 alone); never the web password. `oversees`: names of queues, separated by spaces, to which the rights of
    the role over others are confined (`rights.scope`); empty: as the role says.
    `must_change`: the password was given by somebody else. `epoch`: sessions of an earlier one are over. `wrong`: wrong
    passwords since the last right one; `locked_at`: too many, nobody signs in until an administrator unlocks.
    """

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    display_name: str = ""
    password_hash: str = ""
    role: str = "agent"
    language: str = ""
    email: str = ""
    department_id: int | None = Field(default=None, foreign_key="department.id")
    supervisor_id: int | None = Field(default=None, foreign_key="user.id")
    phone: str = ""
    phone_ha1: str = ""
    oversees: str = ""
    remote_answer: bool = False
    active: bool = True
    must_change: bool = False
    epoch: int = 0
    wrong: int = 0
    locked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class QueueMember(SQLModel, table=True):
    """An agent serves a queue."""

    user_id: int = Field(primary_key=True, foreign_key="user.id")
    queue: str = Field(primary_key=True)


class Skill(SQLModel, table=True):
    """Something that an agent can do and a queue can ask for; `name` stands in the queues' rules."""

    name: str = Field(primary_key=True)
    label: str = ""


class UserSkill(SQLModel, table=True):
    """How well: `level` 1 to 100."""

    __tablename__ = "user_skill"

    user_id: int = Field(primary_key=True, foreign_key="user.id")
    skill: str = Field(primary_key=True, foreign_key="skill.name")
    level: int = 100


class Token(SQLModel, table=True):
    """A bearer token for other systems; only its SHA-256 is kept."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    role: str
    token_hash: str = Field(unique=True)
    user_id: int | None = Field(default=None, foreign_key="user.id")
    created_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AuditEntry(SQLModel, table=True):
    """Who did what to what: sign-ins, rights, exports, supervisors' acts. Append only."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor: str
    action: str
    subject: str = Field(default="", index=True)
    detail: str = ""


class Change(SQLModel, table=True):
    """One change of something that administrators keep. `before` and `after`: all its fields as JSON, {} for none; of
    secrets nothing. `version` counts from 1 for each (noun, name); `restores`: the version that was chosen again."""

    __tablename__ = "administered_change"
    __table_args__ = (UniqueConstraint("noun", "name", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    noun: str
    name: str
    version: int
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    by: str
    before: dict[str, Any] = Field(sa_type=JSON)
    after: dict[str, Any] = Field(sa_type=JSON)
    restores: int = 0
