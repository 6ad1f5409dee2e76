"""Offer and answer (RFC 3264): what we take, what we say, what we refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.telephony.line import Srtp
from callcenter.telephony.media.crypto import KEY_BYTES, SUITES
from callcenter.telephony.sipua import sdes
from callcenter.telephony.sipua.offers import G722, PCMA, PCMU, Local, NotAcceptable, read_offer

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


KEY = "inline:" + "A" * 40
STRONG, SHORT_TAG = SUITES
SECURE = f"m=audio 4000 RTP/SAVP 8\r\na=crypto:7 {STRONG} {KEY}|2^31\r\n"


def test_the_partners_codec_is_offered_first() -> None:
    local = Local("192.0.2.9", 4000, payloads=(PCMA, PCMU, G722))
    local.prefer(G722)
    assert "m=audio 4000 RTP/AVP 9 8 0 101" in local.offer().decode()
    local.prefer(18)
    body = local.offer()
    assert "a=rtpmap:9 G722/8000" in body.decode()
    assert read_offer(body, payloads=(PCMU, G722)).remote.payload == G722


def test_a_codec_that_is_not_ours_now_is_passed_over() -> None:
    assert read_offer(offer("m=audio 4000 RTP/AVP 9 8 0\r\n"), payloads=(PCMU, PCMA)).remote.payload == PCMA


def test_ipv6_in_and_out() -> None:
    body = Local("2001:db8::9", 4000).offer()
    assert "c=IN IP6 2001:db8::9" in body.decode()
    assert "IN IP6 2001:db8::9" in body.decode().splitlines()[1]
    assert read_offer(body).remote.host == "2001:db8::9"
    assert read_offer(offer("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 ::\r\n")).remote.direction == "sendonly"


def test_an_offer_by_srtp_is_answered_with_its_tag_and_a_key_of_ours() -> None:
    local = Local("192.0.2.9", 5000)
    taken = local.read_offer(offer(SECURE))
    answer = local.answer(taken).decode()
    agreed = local.crypto(taken.remote)
    assert "m=audio 5000 RTP/SAVP 8" in answer
    assert answer.count("a=crypto:") == 1
    assert f"a=crypto:7 {STRONG} inline:" in answer
    assert agreed
    assert (agreed.suite, agreed.receive) == (STRONG, bytes(KEY_BYTES))
    ours = sdes.read([answer.partition("a=crypto:")[2].splitlines()[0]])[0]
    assert ours.key == agreed.send != agreed.receive


def test_our_key_stays_through_hold_so_that_srtp_goes_on() -> None:
    local = Local("192.0.2.9", 5000)
    first, second = (local.read_offer(offer(SECURE + f"a={way}\r\n")) for way in ("sendrecv", "sendonly"))
    assert local.crypto(first.remote) == local.crypto(second.remote)
    assert "a=crypto:" in local.offer().decode()


@pytest.mark.parametrize(
    ("srtp", "private", "profile", "keys"),
    [
        ("off", True, "RTP/AVP", 0),
        ("may", False, "RTP/AVP", 0),
        ("may", True, "RTP/AVP", 2),
        ("must", False, "RTP/SAVP", 2),
        ("must", True, "RTP/SAVP", 2),
    ],
)
def test_keys_are_offered_as_the_policy_says(srtp: Srtp, private: bool, profile: str, keys: int) -> None:
    body = Local("192.0.2.9", 4000, srtp=srtp, private=private).offer().decode()
    assert f"m=audio 4000 {profile} " in body
    assert body.count("a=crypto:") == keys


@pytest.mark.parametrize(
    ("srtp", "media", "taken"),
    [
        ("may", SECURE, True),
        ("off", SECURE, False),
        ("must", SECURE, True),
        ("must", "m=audio 4000 RTP/AVP 8\r\n", False),
        ("may", "m=audio 4000 RTP/SAVP 8\r\n", False),
        ("may", f"m=audio 4000 RTP/SAVP 8\r\na=crypto:1 AEAD_AES_256_GCM {KEY}\r\n", False),
        ("may", f"m=audio 4000 UDP/TLS/RTP/SAVP 8\r\na=crypto:1 {STRONG} {KEY}\r\n", False),
    ],
)
def test_an_offer_against_the_policy_is_not_acceptable(srtp: Srtp, media: str, taken: bool) -> None:
    try:
        assert read_offer(offer(media), srtp).remote.keying
        assert taken
    except NotAcceptable:
        assert not taken


@pytest.mark.parametrize(("srtp", "secure"), [("off", False), ("may", True), ("must", True)])
def test_keys_beside_rtp_avp_are_an_offer_that_may_be_taken(srtp: Srtp, secure: bool) -> None:
    media = f"m=audio 4000 RTP/AVP 8\r\na=crypto:1 {STRONG} {KEY}\r\n"
    local = Local("192.0.2.9", 5000, srtp=srtp)
    taken = local.read_offer(offer(media))
    answer = local.answer(taken).decode()
    assert "m=audio 5000 RTP/AVP 8" in answer
    assert ("a=crypto:1" in answer) == secure == bool(local.crypto(taken.remote))


def test_of_two_streams_the_one_that_the_policy_allows_is_taken() -> None:
    media = "m=audio 4002 RTP/AVP 8\r\n" + SECURE
    taken = read_offer(offer(media), "must")
    assert (taken.index, taken.remote.port) == (1, 4000)
    assert "m=audio 0 RTP/AVP 8" in Local("192.0.2.9", 5000).answer(taken).decode()


def test_the_answer_to_our_keys() -> None:
    local = Local("192.0.2.9", 4000, srtp="must")
    local.offer()
    good = offer(f"m=audio 4000 RTP/SAVP 8\r\na=crypto:2 {SHORT_TAG} {KEY}\r\n")
    agreed = local.crypto(local.read_answer(good))
    assert agreed
    assert agreed.suite == SHORT_TAG
    for wrong in (
        f"RTP/SAVP 8\r\na=crypto:1 {SHORT_TAG} {KEY}",
        f"RTP/SAVP 8\r\na=crypto:3 {STRONG} {KEY}",
        "RTP/AVP 8",
    ):
        with pytest.raises(NotAcceptable):
            local.read_answer(offer(f"m=audio 4000 {wrong}\r\n"))


def test_who_offered_in_the_clear_is_answered_in_the_clear() -> None:
    local = Local("192.0.2.9", 4000)
    local.offer()
    with pytest.raises(NotAcceptable):
        local.read_answer(offer(SECURE))
    assert local.read_answer(offer(SECURE.replace("SAVP", "AVP"))).keying is None


@pytest.mark.parametrize(
    ("line", "usable"),
    [
        (f"1 {STRONG} {KEY}", True),
        (f"1 {SHORT_TAG} {KEY}", True),
        (f"1 {STRONG} {KEY}|2^20", True),
        (f"1 {STRONG} {KEY}|4294967296", True),
        (f"1 {STRONG} {KEY} WSH=64", True),
        (f"1 {STRONG} {KEY} -KDR=3", True),
        (f"1 {STRONG} {KEY}|2^10", False),
        (f"1 {STRONG} {KEY}|1:4", False),
        (f"1 {STRONG} {KEY}|2^20|1:4", False),
        (f"1 {STRONG} {KEY}|2^20|1:4;{KEY}|2^20|2:4", False),
        (f"1 {STRONG} {KEY} UNENCRYPTED_SRTP", False),
        (f"1 {STRONG} {KEY} UNAUTHENTICATED_SRTP", False),
        (f"1 {STRONG} {KEY} KDR=3", False),
        (f"1 {STRONG} inline:AAAA", False),
        (f"1 {STRONG} inline:{'*' * 40}", False),
        (f"1 {STRONG} uri:{'A' * 40}", False),
        (f"1 F8_128_HMAC_SHA1_80 {KEY}", False),
        (f"x {STRONG} {KEY}", False),
        (f"1 {STRONG}", False),
        ("", False),
    ],
)
def test_which_crypto_lines_we_can_do(line: str, usable: bool) -> None:
    assert bool(sdes.read([line])) == usable


@given(
    st.text(max_size=80) | st.from_regex(r"\d{1,3} AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/=|:^;]{0,60}")
)
def test_no_crypto_line_breaks_us(line: str) -> None:
    for keying in sdes.read([line]):
        assert sdes.read([str(keying)]) == (keying,)
