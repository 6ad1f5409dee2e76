"""The product-limit estimator against a worked example, and what is drawn from it."""

import numpy as np
import pytest

from callcenter.whatif.patience import estimate

# Waits of ten callers; those marked left by themselves. By hand: S(3) = 9/10, S(6) = 9/10 * 6/7 (of 7 who waited so long,
# one left), S(8) = S(6) * 4/5, S(12) = S(8) * 1/2.
WAITS = [3, 4, 5, 6, 7, 8, 9, 9, 12, 15]
LEFT = [True, False, False, True, False, True, False, False, True, False]


def test_survival_is_the_product_of_those_who_stay() -> None:
    found = estimate(WAITS, LEFT)
    for seconds, share in (
        (2.9, 1.0),
        (3, 0.9),
        (5.9, 0.9),
        (6, 27 / 35),
        (8, 108 / 175),
        (12, 54 / 175),
        (99, 54 / 175),
    ):
        assert found.survival(seconds) == pytest.approx(share)
    assert found.longest == 15
    assert found.hazard == pytest.approx(4 / 78)


def test_who_waited_already_stays_longer_than_he_did() -> None:
    found, dice = estimate(WAITS, LEFT), np.random.default_rng(1)
    drawn = np.array([found.draw(6.5, dice) for _ in range(4000)])
    assert drawn.min() == 8
    assert set(drawn[drawn <= 15]) == {8, 12}
    assert (drawn > 8).mean() == pytest.approx(4 / 5, abs=0.03)
    assert (drawn > 12).mean() == pytest.approx(2 / 5, abs=0.03)
    assert drawn[drawn > 15].mean() == pytest.approx(15 + 78 / 4, rel=0.1)


def test_where_nobody_leaves_nobody_will() -> None:
    found, dice = estimate([5.0, 60.0], [False, False]), np.random.default_rng(1)
    assert found.draw(60.0, dice) == np.inf
    assert estimate([], []).draw(0.0, dice) == np.inf
