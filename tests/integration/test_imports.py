"""Customer files: nothing is lost, good lines go in, bad ones come back with their reason."""

import csv
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from typer.testing import CliRunner

from callcenter import db
from callcenter.cli import app
from callcenter.customers.imports import import_customers
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.errors import InvalidInput
from callcenter.sheets import Outcome, Rejection, encoding

NOW = db.now()


def take(engine: Engine, path: Path, text: str, code: str = "utf-8") -> Outcome:
    path.write_bytes(text.encode(code))
    return import_customers(engine, path, "CN", NOW)


def people(engine: Engine) -> dict[str, tuple[Customer, list[str]]]:
    with db.read(engine) as session:
        numbers = session.exec(select(CustomerNumber)).all()
        return {
            one.name: (one, sorted(number.e164 for number in numbers if number.customer_id == one.id))
            for one in session.exec(select(Customer))
        }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "客户.csv"


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_chinese_file_is_read_in_the_encodings_that_spreadsheets_write(
    engine: Engine, path: Path, code: str
) -> None:
    done = take(engine, path, "编号,姓名,手机,等级,保修到期\r\n7,李雷,138 1234 5678,A,2026-03-01\r\n", code)
    assert (done.lines, done.added, done.rejected, done.rejected_file) == (1, 1, 0, None)
    found, numbers = people(engine)["李雷"]
    assert (found.external_id, found.tier, found.warranty_ends) == ("7", "A", date(2026, 3, 1))
    assert numbers == ["+8613812345678"]


def test_bad_lines_come_back_with_line_field_and_reason_and_the_rest_goes_in(
    engine: Engine, path: Path
) -> None:
    done = take(
        engine,
        path,
        'name;number;tier;shoe\nAnna;13812345678;A;38\nBen;12;B;\n"Carl\nthe Great";13812345679;X;\n'
        ";13812345670;;\nDora;13812345671;C;;;extra\n\nEva;;;\nFay;13812345672;;\n",
    )
    assert (done.lines, done.added, done.rejected) == (7, 2, 5)
    assert [(one.line, one.field) for one in done.rejections] == [
        (3, "number"),
        (4, "tier"),
        (7, ""),
        (6, "name"),
        (9, "number"),
    ]
    assert done.ignored_columns == ["shoe"]
    assert sorted(people(engine)) == ["Anna", "Fay"]
    assert done.rejected_file is not None
    with done.rejected_file.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["name", "number", "tier", "shoe", "rejected line", "rejected field", "rejected reason"]
    assert rows[1][:3] == ["Ben", "12", "B"]
    assert rows[2][0] == "Carl\nthe Great"
    assert len(rows) == 6


def test_corrected_rejects_can_be_imported_as_they_are(engine: Engine, path: Path) -> None:
    done = take(engine, path, "name,number\nBen,12\n")
    assert done.rejected_file is not None
    again = take(engine, path, done.rejected_file.read_text("utf-8-sig").replace("Ben,12", "Ben,13812345678"))
    assert (again.added, again.rejected, again.ignored_columns) == (1, 0, [])


def test_importing_again_updates_by_external_id_and_loses_nothing(engine: Engine, path: Path) -> None:
    take(engine, path, "id,name,number,note,email\n7,Li,13812345678,old,li@example.com\n")
    done = take(engine, path, "id,name,number,note,email\n7,Li Lei,13912345678,-,\n")
    assert (done.added, done.updated) == (0, 1)
    found, numbers = people(engine)["Li Lei"]
    assert (found.note, found.email, found.version) == ("", "li@example.com", 2)
    assert numbers == ["+8613812345678", "+8613912345678"]


def test_without_an_id_the_number_finds_the_customer(engine: Engine, path: Path) -> None:
    take(engine, path, "name,number\nLi,13812345678\n")
    done = take(engine, path, "name,number,tier\nLi,0086 138-1234-5678,B\n")
    assert (done.added, done.updated) == (0, 1)
    assert people(engine)["Li"][0].tier == "B"


def test_a_number_of_several_customers_updates_nobody_by_itself(engine: Engine, path: Path) -> None:
    take(engine, path, "id,name,number\n1,Anna,010-65529988\n2,Ben,010-65529988\n")
    done = take(engine, path, "name,number,tier\nAnna,010-65529988,A\n")
    assert [one.field for one in done.rejections] == ["number"]
    assert "Anna, Ben" in done.rejections[0].reason
    assert take(engine, path, "id,number,tier\n1,010-65529988,A\n").updated == 1


def test_a_customer_who_came_without_an_id_gets_it(engine: Engine, path: Path) -> None:
    take(engine, path, "name,number\nLi,13812345678\n")
    done = take(engine, path, "id,name,number\n7,Li,13812345678\n8,Han,13812345678\n")
    assert (done.updated, done.added) == (1, 1)
    assert {name: one.external_id for name, (one, _) in people(engine).items()} == {"Li": "7", "Han": "8"}


def test_the_same_customer_twice_in_one_file_is_one(engine: Engine, path: Path) -> None:
    done = take(
        engine, path, "id,name,number,tier\n7,Li,13812345678,A\n7,Li,13912345678,B\n,Li,13912345678,C\n"
    )
    assert (done.added, done.updated) == (1, 2)
    assert people(engine)["Li"][0].tier == "C"


def test_a_file_without_a_heading_is_refused_with_a_sentence(engine: Engine, path: Path) -> None:
    with pytest.raises(InvalidInput, match="must name the columns"):
        take(engine, path, "Li,13812345678\n")
    with pytest.raises(InvalidInput, match="number twice"):
        take(engine, path, "name,phone,mobile\n")
    with pytest.raises(InvalidInput):
        take(engine, path, "")


def test_a_quote_that_never_closes_is_rejected_not_swallowed(engine: Engine, path: Path) -> None:
    done = take(engine, path, 'name,number\nLi,13812345678\n"Han,13912345678\nWei,13712345678\n')
    assert (done.added, done.rejected) == (1, 1)
    assert done.rejected_file is not None
    assert "13712345678" in done.rejected_file.read_text("utf-8-sig")


def test_thousands_of_lines_go_in_batches_that_leave_room_for_others(engine: Engine, path: Path) -> None:
    lines = [f"{number},客户{number},1380{number:07d}" for number in range(2000)]
    path.write_text("id,name,number\n" + "\n".join(lines), encoding="utf-8")
    seen: list[int] = []
    done = import_customers(engine, path, "CN", NOW, lambda outcome: seen.append(outcome.added))
    assert done.added == 2000
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert import_customers(engine, path, "CN", NOW).updated == 2000


def test_the_encoding_is_found_by_the_whole_file(path: Path) -> None:
    path.write_bytes(b"name\n" + b"x" * 3_000_000 + "李".encode("gb18030"))
    assert encoding(path) == "gb18030"


def test_the_command_says_what_it_did(
    database: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLCENTER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CALLCENTER_DATABASE_URL", database)
    path.write_text("姓名,电话\n李雷,13812345678\n韩梅梅,12\n", encoding="gb18030")
    shown = CliRunner().invoke(app, ["import", "customers", str(path)])
    assert shown.exit_code == 1
    assert "2 lines: 1 added, 0 updated, 1 rejected." in shown.output
    assert "Line 3, number: '12' is no telephone number in CN" in shown.output
    missing = CliRunner().invoke(app, ["import", "customers", str(tmp_path / "none.csv")])
    assert missing.exit_code == 2
    assert "no such file" in missing.output


def test_rejections_are_values() -> None:
    assert Outcome(rejections=[Rejection(2, "tier", "x")], lines=1, rejected=1).sentences() == [
        "1 lines: 0 added, 0 updated, 1 rejected.",
        "Line 2, tier: x",
    ]
