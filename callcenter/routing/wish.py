"""What a caller who wants to be rung back is asked: this number, or which one? Pure.

confirm: 1 yes, 2 another number, * go on waiting      enter: digits, # ends them, * begins anew, * alone goes back
"""

from collections.abc import Callable
from dataclasses import dataclass

from callcenter.routing.walk import Words

TRIES = 3
"""Times that a question is put before the caller is back in the queue, where the place was kept."""
WAIT = 6.0
"""Seconds for a key."""
LONGEST = 20
"""Digits that are listened to: E.164 has 15 at most, 00 and a country code before it."""
BACK, END = "*", "#"

Read = Callable[[str], str]
"""What was typed -> E.164 of a number that may be rung, empty for any other."""


@dataclass(slots=True)
class Wish:
    """`number`: E.164, empty while none is known; `entering`: another one is being typed, `keys` so far; `tries` of the
    present question."""

    number: str = ""
    entering: bool = False
    keys: str = ""
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Ask:
    """Say this, then wait for a key."""

    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Listen:
    """What is being said ends; wait for the next key."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The end: this number is rung back."""

    number: str


@dataclass(frozen=True, slots=True)
class Back:
    """The end: the caller goes on waiting."""

    words: tuple[Words, ...] = ()


Action = Ask | Listen | Taken | Back


def begin(wish: Wish) -> Action:
    """The first question; a caller whose number is not known is asked for one."""
    wish.entering = not wish.number
    return Ask((_question(wish),))


def key(wish: Wish, digit: str, read: Read) -> Action | None:
    """A key of the caller; None when it changes nothing."""
    if wish.entering:
        return _entered(wish, digit, read)
    match digit:
        case "1":
            return Taken(wish.number)
        case "2":
            wish.entering, wish.keys, wish.tries = True, "", 1
            return Ask((_question(wish),))
        case "*":
            return Back()
    return _again(wish, Words("wrong_key"))


def silent(wish: Wish, read: Read) -> Action:
    """The time for a key is over: what was typed counts, else the question is put again."""
    return _over(wish, read) if wish.keys else _again(wish)


def left(wish: Wish) -> str:
    """The number to ring back for a caller who hung up amid the questions: who asked for it, and was told his own
    number, has what he wanted; empty for who still had to say which."""
    return "" if wish.entering else wish.number


def _entered(wish: Wish, digit: str, read: Read) -> Action | None:
    if digit == BACK:
        if not wish.keys:
            return Back()
        wish.keys = ""
        return Listen()
    if digit == END:
        return _over(wish, read)
    if not digit.isdigit():
        return None
    wish.keys += digit
    return _over(wish, read) if len(wish.keys) >= LONGEST else Listen()


def _over(wish: Wish, read: Read) -> Action:
    """The number is typed: read it back, or ask once more."""
    typed, wish.keys = wish.keys, ""
    number = read(typed) if typed else ""
    if not number:
        return _again(wish, Words("callback_wrong"))
    wish.number, wish.entering, wish.tries = number, False, 1
    return Ask((_question(wish),))


def _again(wish: Wish, *before: Words) -> Action:
    if wish.tries >= TRIES:
        return Back(before)
    wish.tries += 1
    return Ask((*before, _question(wish)))


def _question(wish: Wish) -> Words:
    if wish.entering:
        return Words("callback_enter")
    return Words("callback_confirm", values={"number": wish.number})
