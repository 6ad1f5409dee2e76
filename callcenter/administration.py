"""What an administrator does from a shell: people, tokens. Secrets that are made here are shown once, never kept."""

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redis import RedisError
from sqlalchemy import Engine, func
from sqlmodel import select

from callcenter import commands, db, store, stream
from callcenter.people import desk, keeping, rights
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.telephony.line import LineConfig

BY = "shell"
"""Who acted, in the audit log."""


@dataclass(frozen=True)
class NewUser:
    """As typed. An empty password, and that of a phone that registers with us, is made up and shown."""

    name: str
    role: str
    phone: str = ""
    password: str = ""
    display_name: str = ""
    email: str = ""
    language: str = ""
    department: str = ""
    supervisor: str = ""
    queues: Sequence[str] = ("default",)
    heads: bool = False
    remote_answer: bool = False


def add_user(settings: Settings, new: NewUser) -> list[str]:
    """Lines to show. Raises errors.InvalidInput."""
    password = new.password or secrets.token_urlsafe(12)
    registers = bool(new.phone) and not new.phone.startswith(("sip:", "sips:"))
    phone_password = secrets.token_urlsafe(12) if registers else ""
    ha1 = desk.phone_ha1(new.phone, LineConfig().realm, phone_password) if registers else ""
    with _record(settings) as engine, db.write(engine) as session:
        desk.add_user(
            session,
            new.name,
            new.role,
            db.now(),
            password=password,
            display_name=new.display_name,
            phone=new.phone,
            phone_ha1=ha1,
            email=new.email,
            language=new.language,
            department=new.department,
            supervisor=new.supervisor,
            queues=new.queues if new.role in rights.PHONE_WORKERS else (),
            heads=new.heads,
            remote_answer=new.remote_answer,
            by=BY,
        )
    _reload_directory(settings)
    shown = [f"{new.role} {new.name} is added."]
    if not new.password:
        shown.append(f"Password: {password}")
    if registers:
        shown.append(f"Phone: user {new.phone}, password {phone_password}, registrar {settings.sip}")
    return shown


def new_password(settings: Settings, name: str) -> list[str]:
    """Lines to show: a password that must be changed at the next sign-in; a lock and every session end. Raises NotFound."""
    password = secrets.token_urlsafe(12)
    with _record(settings) as engine, db.write(engine) as session:
        keeping.reset_password(session, name, password, db.now(), BY)
    return [f"Password: {password}"]


def unlock(settings: Settings, name: str) -> None:
    """Let a locked person sign in again. Raises NotFound."""
    with _record(settings) as engine, db.write(engine) as session:
        keeping.unlock(session, name, db.now(), BY)


def add_token(settings: Settings, name: str, role: str) -> str:
    """The token. Raises errors.InvalidInput."""
    with _record(settings) as engine, db.write(engine) as session:
        return desk.add_token(session, name, role, db.now(), by=BY)


def revoke_token(settings: Settings, name: str) -> int:
    """How many were revoked."""
    with _record(settings) as engine, db.write(engine) as session:
        return desk.revoke_token(session, name, db.now(), by=BY)


def first_admin(settings: Settings) -> list[str]:
    """Lines to show: somebody must be able to sign in to a new installation. Nothing when there are users."""
    with _record(settings) as engine, db.read(engine) as session:
        if session.exec(select(func.count()).select_from(User)).one():
            return []
    password = secrets.token_urlsafe(12)
    with _record(settings) as engine, db.write(engine) as session:
        desk.add_user(session, "admin", "admin", db.now(), password=password, queues=(), by=BY)
    return [f"Sign in    admin, password {password} (shown this once)"]


@contextlib.contextmanager
def _record(settings: Settings) -> Iterator[Engine]:
    engine = db.connect(settings.sql, pool=1)
    try:
        yield engine
    finally:
        engine.dispose()


def _reload_directory(settings: Settings) -> None:
    """Tell a running conductor; one that starts later reads everything anyway."""
    with contextlib.suppress(RedisError, OSError):
        client = stream.connect(store.url(settings.redis_url, settings.data_dir))
        with contextlib.closing(client):
            stream.append(client, stream.DESK_COMMANDS, commands.desk.encode(commands.ReloadDirectory(by=BY)))
