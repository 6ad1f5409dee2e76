"""Who may do what, by role, and for which queues. Ownership of one complaint is a matter of `tickets.rules`. Pure."""

from collections.abc import Collection

_LOOK = frozenset(
    {
        "customers.see",
        "calls.see",
        "tickets.see",
        "callbacks.see",
        "messages.see",  # of the queues that one serves
        "surveys.see",
        "wallboard",
    }
)
_AGENT = _LOOK | frozenset(
    {
        "desk",  # sign in to the phone side, take calls
        "customers.write",
        "tickets.write",
        "messages.write",
    }
)
_LEAD = _AGENT | frozenset(
    {
        "agents.steer",  # status and wrap-up of others, help
        "calls.steer",  # assign, pull out, move and rank who waits
        "queues.steer",  # close a queue now, and open it
        "callbacks.steer",
        "calls.supervise",  # listen, whisper, barge in
        "recordings.hear",  # everybody's in scope; agents their own where the centre allows it
    }
)
_SUPERVISOR = _LEAD | frozenset(
    {
        "tickets.supervise",  # co-sign, close the unreached, reopen, withdraw
        "tickets.export",
        "messages.all",
        "audit.see",
        "callers.bar",  # refuse abusive callers, lift bans
        "calls.ladder",  # the SIP messages of a call
        "metrics.see",
        "reports.see",
        "recordings.export",
        "recordings.hold",  # keep beyond the time, and no more
    }
)
_QUALITY = _LOOK | frozenset({"recordings.hear", "messages.all", "reports.see"})
_AUDITOR = _LOOK | frozenset(
    {"users.see", "settings.see", "audit.see", "tickets.export", "messages.all", "reports.see"}
)
_ADMIN = _SUPERVISOR | frozenset(
    {"users.see", "users.write", "settings.see", "settings.write", "lines.steer"}
)

ROLES: dict[str, frozenset[str]] = {
    "agent": _AGENT,
    "lead": _LEAD,
    "supervisor": _SUPERVISOR,
    "quality": _QUALITY,
    "admin": _ADMIN,
    "auditor": _AUDITOR,
}
ACTS = _ADMIN
PHONE_WORKERS = frozenset({"agent", "lead"})
"""Roles whose day is at the phone: they begin at the desk and serve `default` as long as no queue has a member."""
OWN_QUEUES = frozenset({"lead"})
"""Roles whose rights over others hold for the queues that they serve, unless queues are named for them."""


def may(role: str, act: str) -> bool:
    """Whether the role includes the act; an unknown role includes nothing. ValueError for an unknown act."""
    if act not in ACTS:
        raise ValueError(f"no act {act!r}")
    return act in ROLES.get(role, frozenset())


def scope(role: str, oversees: Collection[str], serves: Collection[str]) -> frozenset[str] | None:
    """The queues over which somebody has the rights of the role; None for all. `oversees`: named for the person."""
    if oversees:
        return frozenset(oversees)
    return frozenset(serves) if role in OWN_QUEUES else None
