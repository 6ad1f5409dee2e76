"""What a SIP ending means: outcome, by whom, whose fault, and whether to try again. Pure."""

from dataclasses import dataclass

from callcenter.telephony.sipua.session import Ending


@dataclass(frozen=True, slots=True)
class Verdict:
    """The words of `LegEnded`."""

    outcome: str
    by: str
    fault: str = "nobody"
    retry: bool = False
    code: int = 0
    reason: str = ""


NO_ANSWER = Ending("timeout", "line", 487, "no answer in time")
ELSEWHERE = Ending("cancel", "us", 487, "answered elsewhere")

_BUSY = (486, 600)
_WRONG_NUMBER = (404, 410, 416, 484, 485, 604)
_NOT_THERE = (408, 430, 480)
_OUR_MISTAKE = (400, 405, 406, 413, 414, 415, 420, 421, 481, 482, 483, 488, 493, 505, 513, 606)


def verdict(ending: Ending, inbound: bool, rang: bool = False) -> Verdict:
    """`rang`: whether the placed call was heard to ring; then silence means that nobody came to the phone."""
    match ending.how:
        case "bye":
            return Verdict("hung_up", ending.by)
        case "timeout":
            return Verdict("no_answer", "line", "called", True, 0, ending.reason)
        case "cancel":
            return Verdict("cancelled", ending.by, "caller" if inbound else "nobody", False, 487)
        case "silence" if inbound or not ending.code:
            return Verdict("lost", "line", "network", True, 0, ending.reason)
        case "silence":
            return Verdict("unreachable", "line", "network", True, 0, "no answer to the INVITE")
    if inbound:
        fault = "us" if ending.code >= 500 and ending.code < 600 else "nobody"
        return Verdict("refused", ending.by, fault, ending.code == 503, ending.code, ending.reason)
    return _answered_with(ending, rang)


def _answered_with(ending: Ending, rang: bool) -> Verdict:
    """The final answer 300-699 to a call that we placed."""
    code, reason = ending.code, ending.reason
    if code in _BUSY:
        return Verdict("busy", "remote", "called", True, code, reason)
    if code in _WRONG_NUMBER:
        return Verdict("unreachable", "remote", "caller", False, code, reason)
    if code in _NOT_THERE:
        return Verdict("no_answer" if rang else "unreachable", "remote", "called", True, code, reason)
    if code == 603 or code in (403, 433, 607, 608):
        return Verdict("refused", "remote", "called", False, code, reason)
    if code == 487:
        return Verdict("no_answer" if rang else "cancelled", "remote", "called", True, code, reason)
    if code in _OUR_MISTAKE or code in (401, 407) or code < 400:
        return Verdict("failed", "remote", "us", False, code, reason)
    return Verdict("failed", "remote", "network", True, code, reason)


def worse_than(one: Ending, other: Ending) -> bool:
    """Which of two forks' failures says more about the called party: 6xx, busy, other answers, 3xx, silence."""
    return _weight(one) > _weight(other)


def _weight(ending: Ending) -> int:
    if ending.how != "answer":
        return 0
    if ending.code < 400:
        return 1
    return 5 if ending.code >= 600 else 4 if ending.code in _BUSY else 3 if ending.code < 500 else 2
