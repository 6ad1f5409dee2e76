"""What a SIP ending means: a table."""

import pytest

from callcenter.telephony.sipua.session import Ending
from callcenter.telephony.sipua.verdicts import NO_ANSWER, verdict, worse_than

OUTCOMES = {"hung_up", "busy", "no_answer", "refused", "unreachable", "cancelled", "failed", "lost"}
FAULTS = {"nobody", "caller", "called", "network", "us"}


@pytest.mark.parametrize(
    ("code", "rang", "outcome", "fault", "retry"),
    [
        (486, True, "busy", "called", True),
        (600, True, "busy", "called", True),
        (404, False, "unreachable", "caller", False),
        (484, False, "unreachable", "caller", False),
        (480, False, "unreachable", "called", True),
        (480, True, "no_answer", "called", True),
        (408, True, "no_answer", "called", True),
        (603, True, "refused", "called", False),
        (403, False, "refused", "called", False),
        (488, False, "failed", "us", False),
        (407, False, "failed", "us", False),
        (302, False, "failed", "us", False),
        (500, False, "failed", "network", True),
        (503, False, "failed", "network", True),
    ],
)
def test_a_final_answer_to_a_placed_call(
    code: int, rang: bool, outcome: str, fault: str, retry: bool
) -> None:
    words = verdict(Ending("answer", "remote", code), inbound=False, rang=rang)
    assert (words.outcome, words.fault, words.retry, words.code, words.by) == (
        outcome,
        fault,
        retry,
        code,
        "remote",
    )


@pytest.mark.parametrize("inbound", [True, False])
def test_every_status_has_a_verdict(inbound: bool) -> None:
    for code in range(300, 700):
        words = verdict(Ending("answer", "remote", code), inbound)
        assert words.outcome in OUTCOMES
        assert words.fault in FAULTS


def test_endings_without_an_answer() -> None:
    assert verdict(Ending("bye", "remote"), inbound=True).outcome == "hung_up"
    assert verdict(NO_ANSWER, inbound=False, rang=True).by == "line"
    assert verdict(Ending("cancel", "remote"), inbound=True).fault == "caller"
    assert verdict(Ending("silence", "remote", 408), inbound=False).outcome == "unreachable"
    assert verdict(Ending("silence", "line"), inbound=True).outcome == "lost"


def test_of_several_phones_the_most_telling_refusal_counts() -> None:
    silence, busy = Ending("silence", "remote", 408), Ending("answer", "remote", 486)
    declined, broken = Ending("answer", "remote", 603), Ending("answer", "remote", 500)
    assert worse_than(busy, silence)
    assert worse_than(declined, busy)
    assert worse_than(busy, broken)
    assert not worse_than(silence, broken)
