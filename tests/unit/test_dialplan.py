"""Which numbers may be dialled by whom."""

import pytest

from callcenter.routing import dialled
from callcenter.telephony import dialplan
from callcenter.telephony.dialplan import EMERGENCY, Bounds, RolePlan


@pytest.mark.parametrize(
    ("number", "country", "kind"),
    [
        ("110", "CN", EMERGENCY),
        ("119", "CN", EMERGENCY),
        ("120", "CN", EMERGENCY),
        ("122", "CN", EMERGENCY),
        ("112", "CN", EMERGENCY),
        ("911", "CN", EMERGENCY),
        ("999", "HK", EMERGENCY),
        ("999", "CN", "national"),
        ("110", "TW", EMERGENCY),
        ("10086", "CN", "national"),
        ("+8613800138000", "CN", "national"),
        ("+864008001234", "CN", "national"),
        ("+8613800138000", "HK", "international"),
        ("+4930123456", "CN", "international"),
        ("+19005551234", "CN", "premium"),
        ("+449098790000", "GB", "premium"),
        ("+881612345678", "CN", "premium"),
        ("+8613800138000;ext=1", "CN", ""),
        ("+86138@evil.example", "CN", ""),
        ("", "CN", ""),
        ("abc", "CN", ""),
    ],
)
def test_the_class_of_a_number(number: str, country: str, kind: str) -> None:
    assert dialplan.class_of(number, country) == kind


def test_premium_is_barred_unless_a_role_may() -> None:
    plans = dialplan.plans_of(dialplan.USUAL, {"admin": ("national", "premium"), "machine": ("national",)})
    assert not dialplan.may_dial(plans, "agent", "premium")
    assert dialplan.may_dial(plans, "admin", "premium")
    assert not dialplan.may_dial(plans, "admin", "international")
    assert not dialplan.may_dial(plans, "", "international")
    assert dialplan.may_dial(plans, "agent", "international")


def test_nobody_is_barred_from_an_emergency() -> None:
    assert dialplan.may_dial((), "nobody", EMERGENCY)
    assert not dialplan.may_dial((RolePlan("agent"),), "nobody", "national")
    assert not dialplan.may_dial((RolePlan("agent"),), "agent", "")


def test_a_sip_uri_needs_an_expression_of_its_own() -> None:
    assert dialplan.matches((r".*",), "+8613800138000")
    assert not dialplan.matches((r".*",), "sip:anyone@host.example")
    assert dialplan.matches((r".*", r"sip:\w+@host\.example"), "sip:anyone@host.example")


def test_the_lines_own_bounds() -> None:
    assert Bounds().admit("+19005551234", "premium")
    own = Bounds(destinations=(r"\+86\d{11}",), classes=("national",))
    assert own.admit("+8613800138000", "national")
    assert not own.admit("+8613800138000", "international")
    assert not own.admit("+4930123456", "national")


@pytest.mark.parametrize("typed", ["110", "１１０", "1-1-0", " 1 1 0", "(110)", "tel:110", "110#"])
def test_a_call_for_help_is_understood_however_it_is_written(typed: str) -> None:
    assert dialled.number_of(typed, "CN") == "110"


def test_what_is_dialled_is_one_number() -> None:
    assert dialled.number_of("0044 909 879 0000", "CN") == "+449098790000"
    assert dialled.number_of("１３８ 0013 8000", "CN") == "+8613800138000"
    assert dialled.number_of("sip:evil@203.0.113.9", "CN") == ""
    assert dialled.number_of("110110", "CN") == "110110"
