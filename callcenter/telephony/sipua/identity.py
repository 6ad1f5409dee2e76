"""Who is calling and for whom: From, P-Asserted-Identity (RFC 3325), Privacy (RFC 3323), Diversion; numbers as E.164."""

import re
from dataclasses import dataclass

import phonenumbers
from aiosipua import SipRequest

from callcenter.telephony.line import Trunk
from callcenter.telephony.sipua.dialogs import display_name, user_of

LONGEST = 128
"""Signs of a name or of a user part."""
_NUMBER = frozenset("0123456789+-.() ")
_NOBODY = ("anonymous", "unknown", "restricted", "")
_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)(?![^<]*>)')


@dataclass(frozen=True, slots=True)
class Caller:
    """`number` is E.164 when it can be, else as received, empty when withheld. `raw` is always as received."""

    number: str
    name: str
    raw: str
    withheld: bool


def caller_of(request: SipRequest, country: str, trusted: bool) -> Caller:
    """`trusted`: the request came by a trunk whose word we take; others may claim anything, but to be nobody.

    P-Asserted-Identity, else Remote-Party-ID as older PBXs still write it, else From.
    """
    sender = request.headers.get("from")[0]
    asserted = _asserted(request) if trusted else ""
    raw = _printable(user_of(asserted or sender))
    name = _printable(display_name(asserted if asserted and display_name(asserted) else sender))
    if _withheld(request, sender, raw, trusted):
        return Caller("", "", raw if trusted and raw.lower() not in _NOBODY else "", True)
    return Caller(e164(raw, country) or raw, "" if name == raw else name, raw, False)


def diverted_from(request: SipRequest, country: str) -> str:
    """Who was called first: the last Diversion (RFC 5806), else the first entry of a History-Info (RFC 7044) with more
    than the present one. E.164 where it can be; empty when nobody diverted the call."""
    diversions = [value for line in request.headers.get("diversion") for value in _values(line)]
    history = [value for line in request.headers.get("history-info") for value in _values(line)]
    first = diversions[-1] if diversions else history[0] if len(history) > 1 else ""
    number = _printable(user_of(first)) if first else ""
    return e164(number, country) or number


def written(number: str, trunk: Trunk) -> str:
    """An E.164 number as the trunk wants it; anything else as it is.

    `national` is what one dials in the trunk's country: 013800138000, and with its prefix for abroad 0044...
    """
    if trunk.number_format == "+e164" or not number.startswith("+"):
        return number
    if trunk.number_format == "e164":
        return number[1:]
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    dialled = phonenumbers.format_out_of_country_calling_number(parsed, trunk.country)
    return "".join(letter for letter in dialled if letter.isdigit())


def _asserted(request: SipRequest) -> str:
    """The identity that the other side vouches for, one with a number first; empty without any."""
    values = [value for line in request.headers.get("p-asserted-identity") for value in _values(line)]
    values = values or request.headers.get("remote-party-id")[:1]
    numbered = [value for value in values if set(user_of(value)) <= _NUMBER and user_of(value)]
    return (numbered or values or [""])[0]


def _values(line: str) -> list[str]:
    """The values of one header line, apart at commas outside quotes and angle brackets."""
    return [value.strip() for value in _COMMA.split(line) if value.strip()]


def _printable(text: str) -> str:
    """Without control characters: `%00` is a valid user part, and no text of the record can hold it. Never longer than
    people and networks write: it stands on the board, in every event of the call and in the phone's INVITE."""
    return "".join(letter for letter in text[:LONGEST] if letter.isprintable())


def e164(raw: str, country: str) -> str:
    """`+` and digits when `raw` is a possible number of `country` (or an international one), else empty."""
    if not raw or not set(raw) <= _NUMBER or sum(letter.isdigit() for letter in raw) < 5:
        return ""
    try:
        number = phonenumbers.parse(raw, country or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _withheld(request: SipRequest, sender: str, raw: str, trusted: bool) -> bool:
    wishes = {
        wish.strip().lower()
        for value in request.headers.get("privacy")
        for wish in value.replace(",", ";").split(";")
    }
    if wishes & {"id", "user", "header"}:
        return True
    party = (request.headers.get_first("remote-party-id") or "").replace(" ", "").lower()
    if trusted and ("privacy=full" in party or "privacy=uri" in party):
        return True
    return user_of(sender).lower() in _NOBODY or "anonymous.invalid" in sender.lower() or not raw
