"""Digest challenges of ours (RFC 7616): what is right, stale, replayed and wrong; and our answers to others'."""

import pytest
from aiosipua import SipRequest, SipResponse

from callcenter.telephony.sipua import digest
from callcenter.telephony.sipua.digest import Challenger, Secrets, ha1, ha1_sha256

REALM, USER, PASSWORD = "callcenter", "anna", "a-secret"
MD5 = {"MD5": ha1(USER, REALM, PASSWORD), "SHA-256": ""}
BOTH = {"MD5": ha1(USER, REALM, PASSWORD), "SHA-256": ha1_sha256(USER, REALM, PASSWORD)}


def request() -> SipRequest:
    return SipRequest(method="REGISTER", uri="sip:127.0.0.1")


def challenged(*challenges: str) -> SipResponse:
    response = SipResponse(status_code=401, reason_phrase="Unauthorized")
    for challenge in challenges:
        response.headers.append("WWW-Authenticate", challenge)
    return response


def answered(challenger: Challenger, password: str = PASSWORD, known: Secrets = MD5) -> SipRequest:
    asked = request()
    found = digest.answer(asked, challenged(*challenger.challenges(REALM, known)), USER, password)
    assert found
    asked.headers.set_single(*found)
    return asked


def check(challenger: Challenger, asked: SipRequest, known: Secrets = MD5) -> str:
    return challenger.check(asked, "Authorization", REALM, USER, known)


def test_a_right_answer_is_right_once() -> None:
    challenger = Challenger()
    asked = answered(challenger)
    assert [check(challenger, asked), check(challenger, asked)] == ["ok", "stale"]


def test_sha_256_is_asked_for_first_where_we_can_check_it() -> None:
    challenger = Challenger()
    asked = answered(challenger, known=BOTH)
    assert "SHA-256" in asked.headers.get("authorization")[0]
    assert check(challenger, asked) == "wrong"
    assert check(challenger, asked, BOTH) == "ok"
    assert check(challenger, answered(challenger), BOTH) == "ok"
    assert ["SHA-256" in one for one in challenger.challenges(REALM, BOTH)] == [True, False]


def test_an_unknown_algorithm_is_wrong() -> None:
    challenger = Challenger()
    asked = answered(challenger)
    asked.headers.set_single("Authorization", asked.headers.get("authorization")[0].replace("MD5", "MD4"))
    assert check(challenger, asked, BOTH) == "wrong"


def test_nonces_of_one_instant_differ() -> None:
    challenger = Challenger()
    assert len({challenger.challenges(REALM, MD5)[0] for _ in range(50)}) == 50


def test_a_wrong_secret_uses_up_nothing() -> None:
    challenger = Challenger()
    assert check(challenger, answered(challenger, "guess")) == "wrong"
    assert check(challenger, request()) == "none"
    assert challenger._counts == {}


def test_an_old_nonce_is_stale_and_another_lines_too() -> None:
    assert check(Challenger(-1), answered(Challenger(-1))) == "stale"
    old = Challenger(-1)
    assert check(old, answered(old)) == "stale"


def test_counts_of_old_nonces_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "_NONCES", 2)
    challenger = Challenger()
    for _ in range(2):
        assert check(challenger, answered(challenger)) == "ok"
    challenger._counts = {f"0.{number}-seal": 1 for number in range(2)}
    assert check(challenger, answered(challenger)) == "ok"
    assert len(challenger._counts) == 1


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_we_answer_what_a_registrar_asks_by(algorithm: str) -> None:
    found = digest.answer(
        request(),
        challenged(f'Digest realm="r", nonce="n", qop="auth", algorithm={algorithm}, opaque="o"'),
        USER,
        PASSWORD,
    )
    assert found
    assert found[0] == "Authorization"
    assert algorithm in found[1]
    assert 'opaque="o"' in found[1]


def test_of_several_challenges_the_first_that_we_can_do_is_answered() -> None:
    found = digest.answer(
        request(),
        challenged(
            'Digest realm="r", nonce="a", algorithm=SHA-512-256',
            'Digest realm="r", nonce="b", algorithm=SHA-256',
            'Digest realm="r", nonce="c", algorithm=MD5',
        ),
        USER,
        PASSWORD,
    )
    assert found
    assert 'nonce="b"' in found[1]
    assert digest.answer(request(), challenged('Basic realm="r"'), USER, PASSWORD) is None
