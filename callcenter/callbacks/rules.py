"""What becomes of a callback. Pure."""

STATES = ("due", "dialling", "talked", "done", "given_up", "cancelled", "fulfilled")
WAITING = ("due", "dialling", "talked", "given_up")
"""Somebody still has something to do."""
MOVABLE = ("due", "dialling", "given_up")
"""A person may set another time, or cancel: at any point before a conversation."""


def left(change: str, state: str) -> str:
    """What a settlement's callback becomes when its complaint leaves CALLBACK_DUE; empty: it stays.

    Behind a conversation its outcome is noted. A customer who was not called any more rang in, or it is off.
    """
    if state == "talked":
        return "done"
    if state in ("due", "given_up"):
        return "fulfilled" if change == "closed" else "cancelled"
    return ""
