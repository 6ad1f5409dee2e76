"""Who may be calling."""

from callcenter.screenpop.match import MOST_CHOICES, Candidate, Match, match

LI = Candidate(1, "李雷", tier="B", number="+8613812345678")
HAN = Candidate(2, "韩梅梅", tier="A", number="+8613812345678")
WEI = Candidate(3, "Wei", number="+8613912345678", open_complaints=1, severity=3)
URGENT = Candidate(4, "Zhao", open_complaints=2, severity=1)


def test_one_exact_number_is_known() -> None:
    assert match(False, [LI]) == Match("known", 1)


def test_the_same_customer_twice_is_one() -> None:
    assert match(False, [LI, LI]) == Match("known", 1)


def test_a_shared_number_asks_and_open_complaints_come_first() -> None:
    found = match(False, [LI, HAN, WEI, URGENT])
    assert (found.kind, found.customer) == ("several", 0)
    assert [choice.customer for choice in found.choices] == [4, 3, 2, 1]


def test_a_guess_is_marked_and_never_bound_even_when_it_is_the_only_one() -> None:
    assert match(False, [], [LI]) == Match("guess", 0, (LI,))


def test_an_exact_number_hides_guesses() -> None:
    assert match(False, [LI], [HAN]) == Match("known", 1)


def test_nobody_is_unknown_and_a_withheld_number_is_nobodys() -> None:
    assert match(False, []) == Match("unknown")
    assert match(True, [LI], [HAN]) == Match("withheld")


def test_a_choice_binds_and_the_others_stay_to_be_chosen() -> None:
    assert match(False, [LI, HAN], chosen=1) == Match("known", 1, (HAN, LI))
    assert match(True, [], chosen=9) == Match("known", 9)
    assert match(False, [LI], chosen=1) == Match("known", 1)


def test_choices_are_bounded() -> None:
    many = [Candidate(number, str(number)) for number in range(1, 100)]
    assert len(match(False, many).choices) == MOST_CHOICES
