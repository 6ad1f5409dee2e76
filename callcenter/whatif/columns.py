"""Columns of a file of past calls: their names in English and Chinese, and how a cell becomes a value. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from callcenter.calls import life
from callcenter.sheets import BadCell, by_heading, plain

ALIASES = {
    "arrived": "time, start, started, arrival, call time, 来电时间, 呼入时间, 进线时间, 来電時間, 呼入時間, 進線時間",
    "queue": "skill group, 队列, 技能组, 業務組, 隊列, 技能組",
    "customer": "caller, number, phone, customer id, 客户, 来电号码, 主叫号码, 客户编号, 客戶, 來電號碼, 主叫號碼, 客戶編號",
    "waited": "wait, waiting time, queue time, 等待时长, 排队时长, 等待時長, 排隊時長",
    "outcome": "result, status, 结果, 呼叫结果, 結果, 呼叫結果",
    "agent": "operator, server, 坐席, 座席, 客服, 工号, 坐席工號, 工號",
    "talked": "talk, talk time, service time, duration, 通话时长, 通話時長",
}
"""Column -> other headings that mean it (`sheets.plain`)."""
NEEDED = ("arrived", "queue", "waited", "outcome")
HEADINGS = by_heading(ALIASES)

_OUTCOMES = {
    "answered": "answered, agent, served, handled, 已接, 接通, 已接通, 已應答, 已接聽",
    "abandoned": "abandoned, hang, hung up, left, short abandon, 放弃, 未接, 挂断, 放棄, 掛斷",
    "deflected": "deflected, overflowed, refused, sent away, 溢出, 拒绝, 拒絕",
    "message_left": "message left, message, voicemail, 留言",
}
_KNOWN = {plain(word): outcome for outcome, words in _OUTCOMES.items() for word in words.split(",")}
_LONGEST_NAME, _LONGEST = 100, 24 * 3600.0


def values(cells: Mapping[str, str], zone: ZoneInfo) -> dict[str, Any]:
    """Column -> value of a line: `arrived` aware in UTC, `waited` and `talked` in seconds. BadCell names the first wrong
    one. An abandoned call of a short wait is a short abandon."""
    found = {column: read(column, cells.get(column, "").strip(), zone) for column, read in _READERS.items()}
    if found["outcome"] == "abandoned":
        found["outcome"] = life.left(found["waited"])
    if found["outcome"] == "answered" and not found["agent"]:
        raise BadCell("agent", "an answered call needs the agent who answered")
    if found["outcome"] != "answered" and found["talked"]:
        raise BadCell("talked", "only an answered call was talked in")
    return found


def _arrived(column: str, text: str, zone: ZoneInfo) -> datetime:
    """ISO 8601, `/` or `-`; wall time of the centre's zone where no offset stands there. The first of a doubled hour."""
    try:
        at = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise BadCell(column, f"{text!r} is no time such as 2026-03-01 09:30:00") from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone)
        if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at.replace(tzinfo=None):
            raise BadCell(column, f"{text!r} does not exist in {zone.key}: clocks were put forward")
    if not 1970 <= at.year < 2200:
        raise BadCell(column, f"{text!r} lies outside of 1970 to 2199")
    return at.astimezone(UTC)


def _seconds(column: str, text: str, _zone: ZoneInfo) -> float:
    """Seconds, m:ss or h:mm:ss; an empty cell is 0."""
    if not re.fullmatch(r"(\d+(\.\d+)?|(\d+:)?\d+:\d\d(\.\d+)?)?", text):
        raise BadCell(column, f"{text!r} is neither seconds nor h:mm:ss")
    total = timedelta(0)
    for part in text.split(":") if text else ():
        total = total * 60 + timedelta(seconds=min(float(part), _LONGEST))
    if total.total_seconds() > _LONGEST:
        raise BadCell(column, f"{text!r} is longer than a day")
    return total.total_seconds()


def _outcome(column: str, text: str, _zone: ZoneInfo) -> str:
    if plain(text) not in _KNOWN:
        raise BadCell(column, f"{text!r} is none of {', '.join(_OUTCOMES)}")
    return _KNOWN[plain(text)]


def _name(needed: bool) -> Callable[[str, str, ZoneInfo], str]:
    def read(column: str, text: str, _zone: ZoneInfo) -> str:
        if needed and not text:
            raise BadCell(column, "is empty")
        if len(text) > _LONGEST_NAME or "\0" in text:
            raise BadCell(
                column, f"longer than {_LONGEST_NAME} characters" if "\0" not in text else "holds a zero byte"
            )
        return text

    return read


_READERS: dict[str, Callable[[str, str, ZoneInfo], Any]] = {
    "arrived": _arrived,
    "queue": _name(True),
    "customer": _name(False),
    "waited": _seconds,
    "outcome": _outcome,
    "agent": _name(False),
    "talked": _seconds,
}
