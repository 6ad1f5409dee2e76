"""Offer and answer (RFC 3264): what we take, what we say, what we refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.telephony.sipua.offers import PCMA, PCMU, Local, NotAcceptable, read_offer

HEAD = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"


def offer(media: str) -> bytes:
    return HEAD + media.encode()


def test_our_offer_is_one_that_we_take() -> None:
    remote = read_offer(Local("192.0.2.9", 4000).offer()).remote
    assert (remote.host, remote.port, remote.payload, remote.dtmf_payload) == ("192.0.2.9", 4000, PCMA, 101)
    assert remote.direction == "sendrecv"


def test_the_callers_first_codec_of_ours_is_taken() -> None:
    taken = read_offer(offer("m=audio 4000 RTP/AVP 18 0 8 96\r\na=rtpmap:96 telephone-event/8000\r\n"))
    assert (taken.remote.payload, taken.remote.dtmf_payload) == (PCMU, 96)
    answer = Local("192.0.2.9", 5000).answer(taken).decode()
    assert "m=audio 5000 RTP/AVP 0 96" in answer
    assert "a=rtpmap:96 telephone-event/8000" in answer


def test_a_clock_rate_that_is_not_ours_is_no_telephone_event() -> None:
    assert (
        read_offer(
            offer("m=audio 4000 RTP/AVP 0 97\r\na=rtpmap:97 telephone-event/48000\r\n")
        ).remote.dtmf_payload
        is None
    )


@pytest.mark.parametrize(
    ("media", "direction"),
    [
        ("m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n", "sendonly"),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", "sendonly"),
        ("a=inactive\r\nm=audio 4000 RTP/AVP 0\r\n", "inactive"),
    ],
)
def test_hold_in_each_of_its_spellings(media: str, direction: str) -> None:
    assert read_offer(offer(media)).remote.direction == direction


def test_each_description_has_a_version_of_its_own() -> None:
    local = Local("192.0.2.9", 5000)
    lines = [local.offer().decode().splitlines()[1].split() for _ in range(2)]
    assert lines[0][1] == lines[1][1]
    assert int(lines[1][2]) == int(lines[0][2]) + 1


@given(
    st.binary(max_size=300)
    | st.text(alphabet="vosctam=audio 0189RTP/AVP:\r\n.", max_size=300).map(str.encode)
)
def test_anything_else_is_not_acceptable_or_an_offer(body: bytes) -> None:
    try:
        remote = read_offer(HEAD + body).remote
    except NotAcceptable:
        return
    assert remote.payload in (PCMU, PCMA)
    assert 0 < remote.port < 65536
