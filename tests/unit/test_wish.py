"""Which number is rung back: confirmed, another one typed, nothing said, a number that may not be rung."""

from callcenter.routing import wish
from callcenter.routing.walk import Words
from callcenter.routing.wish import Ask, Back, Listen, Taken, Wish

OWN, TYPED = "+8613800000001", "+862088886666"


def read(typed: str) -> str:
    return TYPED if typed == "02088886666" else ""


def confirm(number: str) -> Words:
    return Words("callback_confirm", values={"number": number})


ENTER, WRONG, NO_KEY = Words("callback_enter"), Words("callback_wrong"), Words("wrong_key")


def typed(asked: Wish, keys: str) -> wish.Action | None:
    """What the last key leads to."""
    action: wish.Action | None = None
    for digit in keys:
        action = wish.key(asked, digit, read)
    return action


def test_the_own_number_is_confirmed_by_one_key() -> None:
    asked = Wish(OWN)
    assert wish.begin(asked) == Ask((confirm(OWN),))
    assert wish.key(asked, "1", read) == Taken(OWN)


def test_another_number_is_typed_read_back_and_confirmed() -> None:
    asked = Wish(OWN)
    wish.begin(asked)
    assert wish.key(asked, "2", read) == Ask((ENTER,))
    assert typed(asked, "0208888") == Listen()
    assert typed(asked, "6666#") == Ask((confirm(TYPED),))
    assert wish.key(asked, "1", read) == Taken(TYPED)


def test_a_caller_without_a_number_is_asked_for_one() -> None:
    asked = Wish()
    assert wish.begin(asked) == Ask((ENTER,))
    assert typed(asked, "02088886666") == Listen()
    assert wish.silent(asked, read) == Ask((confirm(TYPED),))


def test_star_begins_a_number_anew_and_alone_goes_back_to_waiting() -> None:
    asked = Wish()
    wish.begin(asked)
    assert typed(asked, "123*") == Listen()
    assert asked.keys == ""
    assert wish.key(asked, "*", read) == Back()
    assert wish.key(Wish(OWN), "*", read) == Back()


def test_a_number_that_may_not_be_rung_is_asked_for_again_three_times_at_most() -> None:
    asked = Wish()
    wish.begin(asked)
    assert typed(asked, "110#") == Ask((WRONG, ENTER))
    assert typed(asked, "#") == Ask((WRONG, ENTER))
    assert typed(asked, "9#") == Back((WRONG,))


def test_what_has_no_end_is_no_number() -> None:
    asked = Wish()
    wish.begin(asked)
    assert typed(asked, "1" * wish.LONGEST) == Ask((WRONG, ENTER))


def test_a_wrong_key_and_silence_put_the_question_again_then_the_caller_waits_on() -> None:
    asked = Wish(OWN)
    wish.begin(asked)
    assert wish.key(asked, "7", read) == Ask((NO_KEY, confirm(OWN)))
    assert wish.silent(asked, read) == Ask((confirm(OWN),))
    assert wish.silent(asked, read) == Back()


def test_letters_of_a_keypad_change_nothing_while_a_number_is_typed() -> None:
    asked = Wish()
    wish.begin(asked)
    assert wish.key(asked, "A", read) is None


def test_who_hangs_up_is_rung_back_on_the_number_that_was_told_and_else_not() -> None:
    asked = Wish(OWN)
    wish.begin(asked)
    assert wish.left(asked) == OWN
    wish.key(asked, "2", read)
    assert wish.left(asked) == ""
    assert wish.left(Wish("", entering=True)) == ""
