"""A plan that tests and pages know: every kind of node, and the calendar that it goes by."""

from typing import Any

from callcenter.hours import rules as hours
from callcenter.routing import plans

WEEK = [[["09:00", "12:00"], ["13:00", "18:00"]]] * 5 + [[], []]
EXCEPTIONS = {"2026-10-01": [], "2026-10-10": [["09:00", "18:00"]]}
OFFICE = hours.parse("Asia/Shanghai", WEEK, EXCEPTIONS)
KNOWN = plans.Known(
    queues=["default", "sales"], calendars=["office"], prompts=["closed"], trunks=["carrier"],
    may_ring=lambda number: number.startswith("+86"),
)  # fmt: skip


def hotline(**changes: Any) -> dict[str, Any]:
    """Hours, then a language, then a menu with everything in it."""
    return {
        "numbers": ["menu"],
        "start": "hours",
        "fallback": "default",
        "nodes": {
            "hours": {"kind": "hours", "calendar": "office", "open": "who", "closed": "night", "holiday": "holiday"},
            "who": {
                "kind": "by_caller",
                "cases": [{"what": "tier", "value": "A gold", "to": "line"}],
                "otherwise": "language",
            },
            "language": {
                "kind": "language", "prompt": "For English press 1.", "keys": {"1": "en", "2": "cmn"}, "then": "main",
            },
            "main": {
                "kind": "menu", "prompt": "Press 1 for sales.", "no_match": "Not that one.", "retries": 1,
                "keys": {"1": "sales", "2": "complaint", "3": "boss", "4": "mailbox", "9": "main"},
                "otherwise": "line",
            },
            "complaint": {"kind": "complaint", "then": "main", "otherwise": "line"},
            "boss": {"kind": "external", "number": "+862155550199", "trunk": "carrier", "otherwise": "mailbox"},
            "sales": {"kind": "queue", "queue": "sales"},
            "line": {"kind": "queue", "queue": "default"},
            "mailbox": {"kind": "voicemail", "queue": "default"},
            "night": {"kind": "message", "prompt": "prompt:closed"},
            "holiday": {"kind": "message", "prompt": "A holiday.", "call_back": True},
        },
        **changes,
    }  # fmt: skip
