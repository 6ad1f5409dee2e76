"""Users, passwords, tokens, rights."""

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import db
from callcenter.errors import InvalidInput
from callcenter.people import desk
from callcenter.people.models import AuditEntry, Department, QueueMember, Token
from callcenter.people.rights import may
from tests.complaints import MONDAY


def test_who_knows_the_password_signs_in(engine: Engine) -> None:
    with db.write(engine) as session:
        desk.add_user(session, "ana", "agent", MONDAY, password="correct horse", queues=("default", "sales"))
    with db.read(engine) as session:
        assert desk.authenticate(session, "ana", "correct horse").name == "ana"
        for name, password in (("ana", "wrong horse"), ("bo", "correct horse"), ("ana", "")):
            with pytest.raises(desk.WrongPassword) as refused:
                desk.authenticate(session, name, password)
            assert (refused.value.code, refused.value.status) == ("wrong-password", 401)
        assert len(session.exec(select(QueueMember)).all()) == 2
        kept = desk.by_name(session, "ana")
        assert kept is not None
        assert kept.password_hash.startswith("$argon2id$")


def test_without_a_password_nobody_signs_in(engine: Engine) -> None:
    with db.write(engine) as session:
        desk.add_user(session, "ana", "agent", MONDAY)
        with pytest.raises(desk.WrongPassword):
            desk.authenticate(session, "ana", "")
        desk.set_password(session, "ana", "correct horse", MONDAY, by="root")
        assert desk.authenticate(session, "ana", "correct horse")


def test_a_token_acts_as_its_user_until_it_is_revoked(engine: Engine) -> None:
    with db.write(engine) as session:
        plain = desk.add_token(session, "portal", "supervisor", MONDAY)
        found = desk.user_of_token(session, plain)
        assert found is not None
        assert (found.name, found.role) == ("portal", "supervisor")
        assert desk.user_of_token(session, plain + "x") is None
        assert plain not in {token.token_hash for token in session.exec(select(Token))}
        with pytest.raises(InvalidInput):
            desk.add_token(session, "portal", "admin", MONDAY)
        assert desk.revoke_token(session, "portal", MONDAY) == 1
        assert desk.user_of_token(session, plain) is None
        actions = [entry.action for entry in session.exec(select(AuditEntry))]
    assert actions == ["user.added", "token.added", "token.revoked"]


@pytest.mark.parametrize(
    ("name", "role", "fields"),
    [
        ("a b", "agent", {}),
        ("ana", "king", {}),
        ("ana", "agent", {"password": "short"}),
        ("ana", "agent", {"supervisor": "x"}),
    ],
)
def test_what_cannot_be_is_refused(engine: Engine, name: str, role: str, fields: dict[str, str]) -> None:
    with db.write(engine) as session, pytest.raises(InvalidInput):
        desk.add_user(session, name, role, MONDAY, **fields)  # type: ignore[arg-type]


def test_roles_include_one_another() -> None:
    assert may("agent", "tickets.write")
    assert not may("agent", "tickets.supervise")
    assert may("supervisor", "tickets.supervise")
    assert not may("supervisor", "users.write")
    assert may("admin", "users.write")
    assert not may("nobody", "desk")
    with pytest.raises(ValueError, match="no act"):
        may("admin", "fly")


def test_a_department_has_the_head_that_was_named(engine: Engine) -> None:
    with db.write(engine) as session:
        desk.add_user(session, "ana", "agent", MONDAY, department="Repairs")
        head = desk.add_user(session, "bo", "supervisor", MONDAY, department="Repairs", heads=True)
        assert [(place.name, place.head_id) for place in session.exec(select(Department))] == [
            ("Repairs", head.id)
        ]
        with pytest.raises(InvalidInput):
            desk.add_user(session, "cy", "supervisor", MONDAY, heads=True)
