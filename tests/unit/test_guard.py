"""Who is not heard at all."""

from callcenter.telephony.line import Ban
from callcenter.telephony.sipua.guard import Guard, Rules

INVITE = b"INVITE sip:100@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nUser-Agent: %s\r\n\r\n"


def guard(known: tuple[str, ...] = (), **rules: float) -> tuple[Guard, list[Ban | str]]:
    told: list[Ban | str] = []
    return Guard(Rules(**rules), lambda host: host in known, told.append), told  # type: ignore[arg-type]


def test_a_known_scanner_is_banned_at_its_first_word() -> None:
    watch, told = guard(ban=60.0)
    assert watch.admits(INVITE % b"Yealink SIP-T46S", "192.0.2.1", 0.0)
    assert not watch.admits(INVITE % b"friendly-scanner", "192.0.2.1", 0.1)
    assert told == [Ban("192.0.2.1", "scanner", 60.1)]
    assert not watch.admits(INVITE % b"Yealink SIP-T46S", "192.0.2.1", 60.0)
    assert watch.admits(INVITE % b"Yealink SIP-T46S", "192.0.2.1", 60.2)
    assert told[-1] == "192.0.2.1"


def test_a_flood_is_banned_a_trunk_is_slowed_the_trusted_are_not() -> None:
    watch, told = guard(("192.0.2.7",), rate=3)
    fine = INVITE % b"x"
    assert [watch.admits(fine, "192.0.2.1", 5.0) for _ in range(5)] == [True, True, True, False, False]
    assert [ban.why for ban in told if isinstance(ban, Ban)] == ["flood"]
    assert sum(watch.admits(fine, "192.0.2.7", 5.0) for _ in range(50)) == 30
    assert sum(watch.admits(fine, "192.0.2.7", 6.0) for _ in range(3)) == 3
    assert all(watch.admits(fine, "127.0.0.1", 5.0) for _ in range(50))
    assert watch.dropped == 22


def test_unknown_numbers_and_wrong_secrets_end_in_a_ban() -> None:
    watch, told = guard()
    for second in range(19):
        watch.strike("192.0.2.1", "guessing", float(second))
        watch.strike("192.0.2.2", "scanner", float(second * 10))
    assert not told
    watch.strike("192.0.2.1", "guessing", 20.0)
    watch.strike("192.0.2.2", "scanner", 200.0)
    assert [ban.source for ban in told if isinstance(ban, Ban)] == ["192.0.2.1"]


def test_bans_are_kept_and_lifted() -> None:
    watch, told = guard()
    watch.keep([Ban("192.0.2.1", "flood", 100.0), Ban("192.0.2.2", "flood", 10.0)], 50.0)
    assert told == ["192.0.2.2"]
    assert not watch.admits(b"x", "192.0.2.1", 60.0)
    watch.lift("192.0.2.1")
    assert watch.admits(b"x", "192.0.2.1", 60.0)
