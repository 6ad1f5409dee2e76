"""The table of complaints: who may do what, when."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from callcenter.errors import NotAllowed, WrongState
from callcenter.tickets import rules
from callcenter.tickets.ledger import _cell
from callcenter.tickets.rules import MOVES, Roles, check, hats, possible
from callcenter.tickets.search import asked, words

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
ANA, BO, SAM = 1, 2, 3
ROLES = Roles(owner=ANA)


def worn(person: int | None, role: str = "agent", roles: Roles = ROLES) -> frozenset[str]:
    return hats(person, role, roles, NOW)


def names(state: str, person: int, role: str = "agent") -> set[str]:
    return {move.name for move in possible(state, worn(person, role))}


def test_the_owner_works_and_others_note() -> None:
    assert names("in_progress", ANA) == {
        "note",
        "assess",
        "ask_customer",
        "propose",
        "settle_on_the_line",
        "withdraw",
    }
    assert names("in_progress", BO) == {"note"}
    assert names("in_progress", SAM, "supervisor") == {"note", "assess"}


def test_after_the_callback_only_the_owner_closes() -> None:
    assert "close" in names("callback_due", ANA)
    assert "close" not in names("callback_due", SAM, "supervisor")
    assert names("callback_due", SAM, "admin") == {"note", "assess", "close_unreached"}


def test_a_closed_one_is_reopened_by_whoever_hears_of_it() -> None:
    assert names("closed", BO) == {"note", "reopen"}
    assert check("reopen", "closed", worn(None)) == "in_progress"
    assert names("withdrawn", ANA) == {"note"}


def test_a_deputy_serves_until_the_time_is_over() -> None:
    deputy = Roles(ANA, BO, NOW + timedelta(hours=1))
    assert "acting" in worn(BO, roles=deputy)
    assert "acting" not in worn(BO, roles=Roles(ANA, BO, NOW))


def test_assessing_again_moves_nothing() -> None:
    assert check("assess", "registered", worn(ANA)) == "in_progress"
    assert check("assess", "callback_due", worn(ANA)) == "callback_due"


def test_errors_have_their_own_codes() -> None:
    with pytest.raises(rules.NotYours) as mine:
        check("propose", "in_progress", worn(BO))
    assert (mine.value.code, mine.value.status) == ("not-yours", 403)
    with pytest.raises(WrongState) as state:
        check("close", "in_progress", worn(ANA))
    assert (state.value.code, state.value.status) == ("wrong-state", 409)
    with pytest.raises(NotAllowed):
        check("close_unreached", "callback_due", worn(ANA))
    assert rules.NoEvidence().code == "no-evidence"


@pytest.mark.parametrize("state", rules.STATES)
@pytest.mark.parametrize("name", MOVES)
def test_no_move_leads_out_of_the_states(name: str, state: str) -> None:
    everything = frozenset({"owner", "acting", "supervisor", "agent", "system"})
    if state in MOVES[name].sources:
        assert check(name, state, everything) in rules.STATES
    else:
        with pytest.raises(WrongState):
            check(name, state, everything)


def test_unreached_takes_three_attempts_two_days_two_hours() -> None:
    first = NOW
    assert not rules.unreached([first, first + timedelta(hours=1)])
    assert not rules.unreached([first, first + timedelta(hours=1), first + timedelta(hours=2)])
    assert not rules.unreached([first + timedelta(days=day) for day in range(3)]), "always at ten"
    assert rules.unreached([first, first + timedelta(hours=3), first + timedelta(days=1)])


def test_fourteen_days() -> None:
    assert rules.reopens(NOW - timedelta(days=14), NOW)
    assert not rules.reopens(NOW - timedelta(days=14, seconds=1), NOW)


def test_chinese_is_found_inside_a_sentence() -> None:
    assert asked("退款") <= words("客户要求全额退款，三天内。")
    assert asked("款退").isdisjoint(words("客户要求全额退款"))
    assert asked("款，三").issubset(words("退款，三天")), "punctuation parts phrases"
    assert not asked("款三") <= words("退款，三天")
    assert asked("Refund ＡＢＣ") == {"refund", "abc"}
    assert asked("退") <= words("退款")


def test_cells_that_a_spreadsheet_would_run_are_defused() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    assert [_cell(text, zone) for text in ("=1+1", "+86", "-1", "@x", "a=b")] == [
        "'=1+1",
        "'+86",
        "'-1",
        "'@x",
        "a=b",
    ]
    assert _cell(-1, zone) == "-1"
    assert _cell(NOW, zone) == "2026-03-02T10:00:00+08:00"
