"""Which numbers may be dialled by whom: classes of numbers, a plan per role, emergency numbers. Pure.

The classes follow the country's own numbering plan (libphonenumber's number types and short-number metadata).
Emergency numbers are outside of every plan: nobody is ever barred from them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberType, ShortNumberCost, shortnumberinfo

CLASSES = ("internal", "national", "international", "premium")
"""`internal`: our own phones. `premium`: premium rate, satellites and short codes that cost extra."""
USUAL = ("internal", "national", "international")
"""What a role may dial unless the administrator says otherwise: premium is barred."""
EMERGENCY = "emergency"

_EVERYWHERE = frozenset({"112", "911"})
"""Mobile networks of every country lead these to its own (3GPP TS 22.101 section 10)."""
_BESIDE = {"CN": frozenset({"110", "119", "120", "122"}), "HK": frozenset({"992"}), "TW": frozenset({"110"})}
"""What a country treats as an emergency number and the metadata do not name."""
_SATELLITE = ("+870", "+878", "+881", "+882", "+883", "+979")
_DIALLED = re.compile(r"\+?[0-9*#]{1,32}")
_SHORT = re.compile(r"[1-9][0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class RolePlan:
    """`role`: a role of `people.rights`, or empty for calls that the house places by itself. `classes`: of CLASSES."""

    role: str
    classes: tuple[str, ...] = USUAL


PLANS = tuple(RolePlan(role) for role in ("", "agent", "lead", "supervisor", "quality", "admin", "auditor"))
"""Who may dial what as long as nothing is set."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a line's own settings allow at most; nothing that the store says can widen it. None: no bound.

    `destinations`: regular expressions, one of which a number must match whole (a SIP URI at a host of its own only one
    that begins with `sip`). `classes`: of CLASSES. `trunks`: (name, `host:port`) that may be used. `phone_hosts`: hosts
    other than loopback and private addresses at which a phone that does not register may be rung. `open_calls`: whether
    strangers may be let in.
    """

    destinations: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    trunks: frozenset[tuple[str, str]] | None = None
    phone_hosts: frozenset[str] | None = None
    open_calls: bool = True

    def admit(self, number: str, kind: str) -> bool:
        """Whether a number of this class may be dialled from here at all."""
        return (self.classes is None or kind in self.classes) and (
            self.destinations is None or matches(self.destinations, number)
        )


def plans_of(classes: Sequence[str], of_roles: Mapping[str, Sequence[str]]) -> tuple[RolePlan, ...]:
    """The plans of all roles: `of_roles` (`machine` for the house itself), else `classes`."""
    names = {plan.role: plan.role or "machine" for plan in PLANS}
    return tuple(RolePlan(role, tuple(of_roles.get(name, classes))) for role, name in names.items())


@lru_cache(maxsize=4096)
def class_of(number: str, country: str) -> str:
    """EMERGENCY, one of CLASSES but `internal`, or empty for what is no number. `country` (ISO 3166) is at home."""
    if not _DIALLED.fullmatch(number):
        return ""
    if is_emergency(number, country):
        return EMERGENCY
    if _SHORT.fullmatch(number):
        return _short(number, country)
    if number.startswith(_SATELLITE):
        return "premium"
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return ""
    if phonenumbers.number_type(parsed) == PhoneNumberType.PREMIUM_RATE:
        return "premium"
    home = parsed.country_code == phonenumbers.country_code_for_region(country)
    return "national" if home else "international"


def is_emergency(number: str, country: str) -> bool:
    """Whether this very number calls for help in `country`."""
    return (
        number in _EVERYWHERE
        or number in _BESIDE.get(country, ())
        or bool(_SHORT.fullmatch(number) and shortnumberinfo.is_emergency_number(number, country))
    )


def may_dial(plans: Iterable[RolePlan], role: str, kind: str) -> bool:
    """Whether the role's plan includes the class; a role without a plan includes nothing but emergencies."""
    if kind == EMERGENCY:
        return True
    return any(plan.role == role and kind in plan.classes for plan in plans)


def for_house(country: str, plans: Iterable[RolePlan], destinations: Sequence[str]) -> Callable[[str], bool]:
    """Whether the house may ring a number by itself: its own dial plan allows it, and it is no emergency
    number."""
    known = tuple(plans)

    def may_ring(number: str) -> bool:
        kind = class_of(number, country)
        allowed = bool(kind) and kind != EMERGENCY and may_dial(known, "", kind)
        return allowed and matches(destinations, number)

    return may_ring


def matches(patterns: Sequence[str], number: str) -> bool:
    """Whether one of the expressions matches whole; a SIP URI only by one that was written for SIP URIs."""
    uri = number.startswith(("sip:", "sips:"))
    return any(re.fullmatch(one, number) for one in patterns if one.startswith("sip") or not uri)


def _short(number: str, country: str) -> str:
    parsed = phonenumbers.PhoneNumber(
        country_code=phonenumbers.country_code_for_region(country), national_number=int(number)
    )
    cost = shortnumberinfo.expected_cost_for_region(parsed, country)
    return "premium" if cost == ShortNumberCost.PREMIUM_RATE else "national"
