"""Who is calling: From, P-Asserted-Identity (RFC 3325), Privacy (RFC 3323), and numbers as E.164."""

from dataclasses import dataclass

import phonenumbers
from aiosipua import SipRequest

from callcenter.telephony.sipua.dialogs import display_name, user_of

_NUMBER = frozenset("0123456789+-.() ")


@dataclass(frozen=True, slots=True)
class Caller:
    """`number` is E.164 when it can be, else as received, empty when withheld. `raw` is always as received."""

    number: str
    name: str
    raw: str
    withheld: bool


def caller_of(request: SipRequest, country: str, trusted: bool) -> Caller:
    """`trusted`: the request came by a trunk, whose P-Asserted-Identity we believe; others may claim anything."""
    sender = request.headers.get("from")[0]
    asserted = request.headers.get("p-asserted-identity") if trusted else []
    raw = _printable(user_of(asserted[0] if asserted else sender))
    name = _printable(display_name(asserted[0] if asserted and display_name(asserted[0]) else sender))
    if _withheld(request, sender, raw):
        return Caller("", "", "" if not trusted else raw, True)
    return Caller(e164(raw, country) or raw, "" if name == raw else name, raw, False)


def _printable(text: str) -> str:
    """Without control characters: `%00` is a valid user part, and no text of the record can hold it."""
    return "".join(letter for letter in text if letter.isprintable())


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


def _withheld(request: SipRequest, sender: str, raw: str) -> bool:
    wishes = {
        wish.strip().lower()
        for value in request.headers.get("privacy")
        for wish in value.replace(",", ";").split(";")
    }
    if wishes & {"id", "user", "header"}:
        return True
    user = user_of(sender).lower()
    return (
        user in ("anonymous", "unknown", "restricted", "") or "anonymous.invalid" in sender.lower() or not raw
    )
