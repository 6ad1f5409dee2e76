"""People in bulk from a spreadsheet, and back into one: all lines or none, each wrong cell named by line and field."""

import csv
import io
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from callcenter.errors import InvalidInput
from callcenter.people import desk, keeping
from callcenter.people.models import User
from callcenter.sheets import Rejection, by_heading, plain

MOST_LINES = 500
"""Of one file: they are one transaction, and SQLite has one writer."""
COLUMNS = ("name", *keeping.FIELDS)
CLEAR = "-"
"""A cell that empties what is kept; an empty cell leaves it."""
HEADINGS = by_heading(
    {
        "name": "user, user name, login, 登录名, 用户名, 工号, 登入名稱, 使用者名稱, 工號",
        "display_name": "full name, shown name, 姓名, 显示名称, 顯示名稱",
        "role": "角色, 岗位, 崗位, 職務",
        "active": "works here, 在职, 在職",
        "email": "e-mail, mail, 邮箱, 电子邮箱, 電子郵件",
        "language": "语言, 語言",
        "phone": "extension, 分机, 话机, 分機, 話機",
        "remote_answer": "远程应答, 遠端接聽",
        "queues": "queue, 队列, 佇列",
        "oversees": "管理队列, 管理佇列",
        "supervisor": "team, lead, 主管, 班组长, 組長",
        "department": "部门, 部門",
        "skills": "skill, 技能",
    }
)
_ROLES = {
    plain(word): role
    for role, words in {
        "agent": "agent, 坐席, 座席, 客服, 客服人员, 客服人員",
        "lead": "lead, team lead, 班组长, 班长, 組長",
        "supervisor": "supervisor, 主管, 督导",
        "quality": "quality, 质检, 质检员, 品管員",
        "admin": "admin, administrator, 管理员, 管理員",
        "auditor": "auditor, 审计, 审计员, 稽核員",
    }.items()
    for word in words.split(",")
}
_YES = {plain(word): "true" for word in ("是", "y", "yes", "true", "1")} | dict.fromkeys(
    ("否", "n", "no", "false", "0"), "false"
)


class TriedOnly(Exception):
    """Carries the outcome out of a transaction that is to be rolled back."""

    def __init__(self, outcome: "Outcome") -> None:
        super().__init__()
        self.outcome = outcome


@dataclass
class Outcome:
    """`lines` = added + updated + unchanged + those with a rejection. `made`: secrets of new people and new phones, one
    mapping a person (name, password, phone_password), to be shown this once."""

    lines: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    made: list[dict[str, str]] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    """Ids of people who work here no more."""


def take_in(
    session: Session, text: str, now: datetime, by: str, rules: keeping.Rules, tried: bool
) -> Outcome:
    """Add and change people as the file says. Raises TriedOnly with the outcome when it was only `tried`, or when a
    line is wrong: the caller rolls back. InvalidInput when the file is no such table."""
    outcome = Outcome()
    lines = list(_lines(text, outcome))
    secrets_of: dict[str, dict[str, str]] = {}
    done: dict[int, str] = {}
    # Who is above whom comes last: a supervisor may stand further down.
    for part in ("profile", "supervisor"):
        for line, cells in lines:
            given = {
                key: value for key, value in cells.items() if (key == "supervisor") == (part == "supervisor")
            }
            name = cells.get("name", "")
            if part == "profile" or (given and done.get(line) != "wrong"):
                done[line] = _better(
                    done.get(line), _line(session, line, name, given, now, by, rules, outcome, secrets_of)
                )
    outcome.added = sum(one == "added" for one in done.values())
    outcome.updated = sum(one == "updated" for one in done.values())
    outcome.unchanged = sum(one == "unchanged" for one in done.values())
    outcome.made = list(secrets_of.values())
    outcome.rejections.sort(key=lambda one: one.line)
    if tried or outcome.rejections:
        outcome.made = []
        raise TriedOnly(outcome)
    return outcome


def _better(before: str | None, now: str) -> str:
    """What became of a line behind both parts."""
    order = ("unchanged", "updated", "added", "wrong")
    return max(before or "unchanged", now, key=order.index)


def _line(
    session: Session, line: int, name: str, given: Mapping[str, Any], now: datetime, by: str,
    rules: keeping.Rules, outcome: Outcome, secrets_of: dict[str, dict[str, str]],
) -> str:  # fmt: skip
    fields = {key: value for key, value in given.items() if key != "name"}
    user = desk.by_name(session, name)
    made: dict[str, str] = {}
    try:
        if not name:
            raise InvalidInput(name="is missing")
        if user is None:
            made["password"] = secrets.token_urlsafe(12)
            saved = keeping.create(session, name, fields, made["password"], now, by, rules)
        else:
            saved = keeping.save(session, name, fields, None, now, by, rules)
    except InvalidInput as error:
        wrong = error.fields or {"": str(error)}
        outcome.rejections += [Rejection(line, field, reason) for field, reason in wrong.items()]
        return "wrong"
    if saved.phone_password:
        made["phone_password"] = saved.phone_password
    if made:
        secrets_of[name] = {"name": name, **secrets_of.get(name, {}), **made}
    if user is not None and "active" in saved.changed and not saved.user.active:
        outcome.left.append(saved.user.id or 0)
    return "added" if user is None else "updated" if saved.changed else "unchanged"


def decoded(body: bytes) -> str:
    """A file in UTF-8 with or without BOM, else in GB18030, which every Chinese Excel writes. Raises InvalidInput."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidInput(csv="is neither UTF-8 nor GB18030")


def written(session: Session, users: Iterable[User]) -> Iterator[list[str]]:
    """Rows of a file that `take_in` reads, the heading first."""
    yield list(COLUMNS)
    for user in users:
        kept = keeping.profile(session, user)
        yield [user.name, *(_cell(kept[column]) for column in keeping.FIELDS)]


def everybody(session: Session) -> list[User]:
    """All people by name, those who left included."""
    return list(session.exec(select(User).order_by(User.name)))


def _lines(text: str, outcome: Outcome) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number, heading included, and its cells by our columns; empty lines and cells are not told."""
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count))
    head = next(rows, [])
    columns = [HEADINGS.get(plain(heading), "") for heading in head]
    if "name" not in columns:
        raise InvalidInput(csv="the first line names the columns, one of them: name")
    twice = [one for one in columns if one and columns.count(one) > 1]
    if twice:
        raise InvalidInput(csv=f"two columns mean {twice[0]}")
    outcome.ignored_columns = [heading for heading, column in zip(head, columns, strict=True) if not column]
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 2):
        if number > MOST_LINES + 1:
            raise InvalidInput(csv=f"at most {MOST_LINES} lines: give it in parts")
        cells = {
            column: _value(column, cell.strip())
            for column, cell in zip(columns, row, strict=False)
            if column and cell.strip()
        }
        if not cells:
            continue
        outcome.lines += 1
        name = str(cells.get("name", ""))
        if name in seen:
            outcome.rejections.append(Rejection(number, "name", f"stands in line {seen[name]} already"))
            continue
        seen[name] = number
        yield number, cells


def _value(column: str, cell: str) -> Any:
    if cell == CLEAR and column != "name":
        return ""
    cell = cell.removeprefix("'")
    if column == "role":
        return _ROLES.get(plain(cell), cell)
    if column in ("active", "remote_answer"):
        return _YES.get(plain(cell), cell)
    return cell


def _cell(value: Any) -> str:
    """As a cell that comes back the same; one that a spreadsheet would take for a formula begins with an apostrophe."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        value = ", ".join(f"{skill} {level}" for skill, level in value.items())
    elif isinstance(value, list):
        value = " ".join(value)
    text = str(value) or CLEAR
    return f"'{text}" if text[0] in "=+@" or (text[0] == "-" and text != CLEAR) else text
