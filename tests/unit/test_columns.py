"""Cells of a customer file."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from callcenter.customers.columns import ALIASES, headings, values
from callcenter.sheets import BadCell


def test_headings_are_known_in_english_and_chinese_however_they_are_written() -> None:
    assert headings(["客户编号", "姓名 *", "手机号码", "客户等级", "保修到期", "備註"]) == [
        "external_id",
        "name",
        "number",
        "tier",
        "warranty_ends",
        "note",
    ]
    assert headings(["Customer-ID", "FULL NAME", "Phone Number:", "shoe size"]) == [
        "external_id",
        "name",
        "number",
        "",
    ]


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("tier", "a类", "A"),
        ("language", "简体中文", "zh_Hans"),
        ("language", "zh-HK", "zh_Hant"),
        ("spoken", "粤语", "yue"),
        ("spoken", "Mandarin", "cmn"),
        ("warranty_ends", "2026年3月1日", date(2026, 3, 1)),
        ("warranty_ends", "2026/3/1", date(2026, 3, 1)),
        ("contract_ends", "20260301", date(2026, 3, 1)),
        ("contract_ends", "-", None),
        ("do_not_call", "是", True),
        ("do_not_call", "no", False),
        ("do_not_call", "-", False),
        ("zone", "Asia/Hong_Kong", "Asia/Hong_Kong"),
        ("note", "-", ""),
        ("email", "li@example.com", "li@example.com"),
    ],
)
def test_a_cell_becomes_a_value(column: str, cell: str, expected: Any) -> None:
    assert values({column: cell}, "CN")[column] == expected


def test_an_empty_cell_says_nothing() -> None:
    assert values({"name": " ", "tier": "", "number": ""}, "CN") == {"numbers": []}


def test_several_numbers_stand_in_one_cell() -> None:
    cells = {"number": "13812345678；021-62345678、13812345678", "number_2": "+852 9123 4567"}
    assert values(cells, "CN")["numbers"] == ["+8613812345678", "+862162345678", "+85291234567"]


def test_the_lines_country_reads_its_numbers() -> None:
    assert values({"number": "9123 4567", "country": "hk"}, "CN")["numbers"] == ["+85291234567"]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("tier", "gold"),
        ("number", "1.38E+10"),
        ("number", "12"),
        ("number_2", "anna"),
        ("country", "China"),
        ("warranty_ends", "3/4/2026"),
        ("warranty_ends", "2026-02-30"),
        ("zone", "Mars"),
        ("language", "klingon"),
        ("do_not_call", "perhaps"),
        ("email", "li at example"),
        ("name", "-"),
        ("name", "x" * 201),
        ("note", "a\0b"),
    ],
)
def test_a_wrong_cell_is_named(column: str, cell: str) -> None:
    with pytest.raises(BadCell) as wrong:
        values({column: cell}, "CN")
    assert wrong.value.field == column
    assert str(wrong.value)


def test_the_guide_names_every_column() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "administrators.md").read_text()
    rows = [line for line in guide.splitlines() if line.startswith("| `")]
    named = {name for line in rows for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert named >= ALIASES.keys()
