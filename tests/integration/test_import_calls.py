"""A centre's past from a file: rows of the record, marked, the same when imported again."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import db
from callcenter.calls.models import Call
from callcenter.errors import InvalidInput
from callcenter.sheets import Outcome
from callcenter.whatif.past import import_calls

HEAD = "arrived,queue,customer,waited,outcome,agent,talked\n"
GOOD = HEAD + (
    "2026-03-01 09:30:00,default,13812345678,12,answered,mei,1:05\n"
    "2026-03-01 09:31:00,default,,3,abandoned,,\n"
    "2026-03-01 09:31:00,default,,40,abandoned,,\n"
)


def take(engine: Engine, path: Path, text: str) -> Outcome:
    path.write_text(text)
    return import_calls(engine, path, "CN", ZoneInfo("Asia/Shanghai"))


def test_calls_go_in_once_and_are_marked(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    first, again = take(engine, path, GOOD), take(engine, path, GOOD)
    assert (first.added, first.updated, again.added, again.updated) == (3, 0, 0, 3)
    with db.read(engine) as session:
        rows = session.exec(select(Call).order_by(Call.started_at, Call.waited)).all()  # type: ignore[arg-type]
    assert [row.outcome for row in rows] == ["answered", "short_abandon", "abandoned"]
    assert all(row.imported and not row.evidence and row.ended_at for row in rows)
    answered = rows[0]
    assert answered.started_at.isoformat() == "2026-03-01T01:30:00+00:00"
    assert (answered.caller, answered.agent, answered.talk) == ("+8613812345678", "mei", 65.0)


def test_bad_lines_are_named_and_a_needed_column_too(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    done = take(
        engine,
        path,
        HEAD + "2026-03-01,a,,x,answered,bo,3\n1.3.,a,,1,answered,bo,3\n2026-03-01,a,,1,answered,,3\n",
    )
    assert [(one.line, one.field) for one in done.rejections] == [(2, "waited"), (3, "arrived"), (4, "agent")]
    with pytest.raises(InvalidInput, match="waited"):
        take(engine, path, "arrived,queue\n")
