"""Addresses and numbers as others write them."""

import pytest
from aiosipua import SipRequest

from callcenter.telephony.line import Trunk
from callcenter.telephony.sipua.dialogs import parse_address_uri
from callcenter.telephony.sipua.identity import caller_of, written


@pytest.mark.parametrize(
    ("value", "uri"),
    [
        ("<sip:a@b>", "sip:a@b"),
        ('"A <b> \\" c" <sip:a@b;x=1>;tag=1', "sip:a@b;x=1"),
        ('<sip:a@b>;+sip.instance="<urn:uuid:1>";expires=5', "sip:a@b"),
        ("Anna <sip:a@b>", "sip:a@b"),
        ("sip:a@b;tag=1", "sip:a@b"),
        ('"unclosed <sip:a@b>', "sip:a@b"),
    ],
)
def test_the_uri_of_an_address(value: str, uri: str) -> None:
    assert parse_address_uri(value) == uri


@pytest.mark.parametrize(
    ("form", "country", "number", "dialled"),
    [
        ("+e164", "CN", "+442079460000", "+442079460000"),
        ("e164", "CN", "+442079460000", "442079460000"),
        ("national", "CN", "+442079460000", "00442079460000"),
        ("national", "CN", "+862155550100", "02155550100"),
        ("national", "GB", "+442079460000", "02079460000"),
        ("national", "CN", "110", "110"),
        ("e164", "CN", "", ""),
        ("national", "CN", "+1", "+1"),
    ],
)
def test_numbers_as_a_trunk_dials_them(form: str, country: str, number: str, dialled: str) -> None:
    assert written(number, Trunk("t", "h", country=country, number_format=form)) == dialled


def test_a_caller_is_no_longer_than_people_are() -> None:
    asked = SipRequest(method="INVITE", uri="sip:hotline@h")
    asked.headers.set_single("From", f'"{"n" * 10_000}" <sip:{"u" * 10_000}@h>;tag=1')
    caller = caller_of(asked, "CN", trusted=True)
    assert (caller.name, caller.number, caller.raw) == ("n" * 128, "u" * 128, "u" * 128)
