"""Who may do what, by role. Ownership of one complaint is a matter of `tickets.rules`, not of roles. Pure."""

_AGENT = frozenset(
    {
        "desk",  # sign in to the phone side, take calls
        "customers.see",
        "customers.write",
        "calls.see",
        "tickets.see",
        "tickets.write",
        "callbacks.see",
        "messages.see",  # of the queues that one serves
        "surveys.see",
        "wallboard",
    }
)
_SUPERVISOR = _AGENT | frozenset(
    {
        "agents.steer",  # status and wrap-up of others, help
        "calls.steer",  # assign, pull out, move and rank who waits
        "queues.steer",  # close a queue now, and open it
        "tickets.supervise",  # co-sign, close the unreached, reopen, withdraw
        "tickets.export",
        "callbacks.steer",
        "messages.all",
        "audit.see",
        "calls.supervise",  # listen, whisper, barge in
        "callers.bar",  # refuse abusive callers, lift bans
        "calls.ladder",  # the SIP messages of a call
        "metrics.see",
        "reports.see",
        "recordings.hear",  # everybody's; agents their own where the centre allows it
        "recordings.export",
        "recordings.hold",  # keep beyond the time, and no more
    }
)
_ADMIN = _SUPERVISOR | frozenset({"users.write", "settings.write", "lines.steer"})

ROLES: dict[str, frozenset[str]] = {"agent": _AGENT, "supervisor": _SUPERVISOR, "admin": _ADMIN}
ACTS = _ADMIN


def may(role: str, act: str) -> bool:
    """Whether the role includes the act; an unknown role includes nothing. ValueError for an unknown act."""
    if act not in ACTS:
        raise ValueError(f"no act {act!r}")
    return act in ROLES.get(role, frozenset())
