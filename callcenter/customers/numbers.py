"""Telephone numbers as values: E.164 from whatever a trunk, a file or a person wrote, and what a number tells.

A caller that is unmatched because of "/", "(0)" or a fixed country is a wrong pop (guide, pain 18), so everything that
is compared goes through `e164` with the country of the trunk it came by.
"""

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, ValidationResult
from phonenumbers import timezone as zones_of

from callcenter.customers import regions

TAIL = 8
"""Digits that two spellings of one number share at the end: enough for a guess, never for a match."""

_EXTENSION = re.compile(r"\s*(?:转|轉|分机|分機|内线|內線|ext\.?|extension|#|;ext=|;)\s*.*$", re.IGNORECASE)
_SPOKEN = {"CN": "cmn", "TW": "cmn", "HK": "yue", "MO": "yue"}
_WRITTEN = {"CN": "zh_Hans", "TW": "zh_Hant", "HK": "zh_Hant", "MO": "zh_Hant"}
_UNKNOWN_ZONE = "Etc/Unknown"


def e164(raw: str, country: str) -> str | None:
    """`+` and digits, or None when this is no number that can be rung from abroad (withheld, internal, too short).

    `country` (ISO 3166) is that of the trunk or file: how numbers without `+` are read. `sip:` and `tel:` URIs,
    full-width digits, "00", "(0)", "/", extensions ("转 801", "-801", "ext. 5") are understood.
    """
    return _e164(raw, country)


@lru_cache(maxsize=4096)
def _e164(raw: str, country: str) -> str | None:
    parsed = _parse(raw, country)
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164) if parsed else None


def tail(number: str) -> str:
    """The last 8 digits, by which a number that is not known exactly is guessed; empty when there are fewer."""
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", _user_part(number)))
    return digits[-TAIL:] if len(digits) >= TAIL else ""


def national(number: str, country: str) -> str:
    """As it is written at home (`country`), else in international format; unchanged when it is no E.164 number."""
    parsed = _known(number)
    if parsed is None:
        return number
    home = parsed.country_code == phonenumbers.country_code_for_region(country)
    return phonenumbers.format_number(
        parsed, PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    )


def country_of(number: str) -> str:
    """ISO 3166 country of an E.164 number, empty when it has none (satellite, universal toll free)."""
    parsed = _known(number)
    code = phonenumbers.region_code_for_number(parsed) if parsed else None
    if parsed and parsed.country_code and code is None:
        code = phonenumbers.region_code_for_country_code(parsed.country_code)
    return code if code and code.isalpha() else ""


def region(number: str, language: str) -> str:
    """Town or province, else country, that an E.164 number was given out in; empty when unknown.

    `language` is en, zh_Hans or zh_Hant. A Chinese mobile number tells where it was first sold, not where its owner
    lives now: a proposal for a form, never a fact. Names in China exist in simplified characters only.
    """
    parsed = _known(number)
    if parsed is None:
        return ""
    place = regions.place(number.removeprefix("+"), language)
    return place or regions.country(country_of(number), language)


def zones(number: str) -> tuple[str, ...]:
    """Every IANA zone in which the number may ring; () when unknown. A mobile number of a wide country has many."""
    parsed = _known(number)
    if parsed is None:
        return ()
    return tuple(name for name in zones_of.time_zones_for_number(parsed) if name != _UNKNOWN_ZONE)


def zone(number: str) -> str | None:
    """The one IANA zone of an E.164 number; None when it is unknown or one of several."""
    found = zones(number)
    return found[0] if len(found) == 1 else None


def spoken(number: str, country: str) -> str:
    """Language to speak to a number nobody knows: en, cmn or yue, by its country, else by the trunk's."""
    return _SPOKEN.get(country_of(number) or country, "en")


def written(number: str, country: str) -> str:
    """Language to write to a number nobody knows: en, zh_Hans or zh_Hant, by its country, else by the trunk's."""
    return _WRITTEN.get(country_of(number) or country, "en")


@lru_cache(maxsize=1024)
def _known(number: str) -> PhoneNumber | None:
    if not number.startswith("+"):
        return None
    try:
        return phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None


def _parse(raw: str, country: str) -> PhoneNumber | None:
    """The first reading that is a valid number, else the first that could be one."""
    possible = None
    for text in _readings(raw):
        try:
            parsed = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            continue
        parsed.extension = None
        if phonenumbers.is_valid_number(parsed):
            return parsed
        if possible is None and _is_possible(parsed, text):
            possible = parsed
    return possible


def _is_possible(parsed: PhoneNumber, text: str) -> bool:
    """New ranges are given out before the tables know them; without `+` only a valid number is believed."""
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    return text.startswith("+") and reason == ValidationResult.IS_POSSIBLE


def _readings(raw: str) -> list[str]:
    text = unicodedata.normalize("NFKC", _user_part(raw)).strip()
    text = _EXTENSION.sub("", text)
    if not re.search(r"\d", text) or re.search(r"[^\W\d_]", text):
        return []
    texts = [re.sub(r"\(\s*0\s*\)", "", text), text]
    if re.fullmatch(r".*\d[-–]\d{1,5}", text):
        texts.append(re.sub(r"[-–]\d{1,5}$", "", text))
    digits = re.sub(r"\D", "", text)
    # Many trunks send E.164 without its "+": believed last, when no reading at home holds.
    if not text.startswith("+") and len(digits) >= 11 and not digits.startswith("0"):
        texts.append("+" + digits)
    return list(dict.fromkeys(texts))


def _user_part(raw: str) -> str:
    found = re.match(r"\s*<?(?:sips?|tel):([^@>;]+)", raw, re.IGNORECASE)
    return found[1] if found else raw
