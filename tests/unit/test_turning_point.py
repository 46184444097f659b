"""The step after which cross-lingual alignment falls: found where it is, and only there."""

import numpy as np
import pytest

from alignkit.turning_point import sentence, turn

STEPS = [10, 20, 30, 40, 50]


def scores(means, *, n=200, spread=0.1, seed=0):
    noise = np.random.default_rng(seed).standard_normal((n, len(means)))
    return np.array(means) + spread * noise


@pytest.mark.parametrize(
    ("means", "best", "last_good"),
    [
        ([0.2, 0.5, 0.3, 0.2, 0.1], 20, 20),  # falls at once
        ([0.2, 0.5, 0.5, 0.5, 0.3], None, 40),  # a plateau, then a fall at its end
        ([0.2, 0.5, 0.2, 0.5, 0.5], None, None),  # a dip that mends itself
        ([0.1, 0.2, 0.3, 0.4, 0.5], 50, None),  # still rising
        ([0.3, 0.3, 0.3, 0.3, 0.3], None, None),  # nothing happens
        ([0.5, 0.4, 0.3, 0.2, 0.1], 10, 10),  # worse from the first step on
    ],
)
def test_the_fall_begins_after_the_last_step_that_is_as_good_as_the_best(means, best, last_good):
    found = turn(scores(means), STEPS)

    assert found["last_good"] == last_good
    assert best in (None, found["best"])


def test_a_loss_smaller_than_the_noise_is_no_fall():
    assert turn(scores([0.2, 0.5, 0.5, 0.5, 0.49]), STEPS)["last_good"] is None


def test_noise_alone_seldom_looks_like_a_fall():
    falls = [
        turn(scores([0.3] * 5, n=50, seed=seed), STEPS)["last_good"] is not None
        for seed in range(400)
    ]

    assert np.mean(falls) <= 0.05


def test_the_change_is_that_of_the_last_step_against_the_best():
    found = turn(np.array([[0.1, 0.5, 0.4], [0.3, 0.7, 0.5]]), [1, 2, 3])

    assert found["change"] == pytest.approx(-0.15)
    # t of 0.1 and 0.2 is 3 with one degree of freedom: p = 0.1024 on one side, times 3 pairs.
    assert found["p_adjusted"] == pytest.approx(3 * 0.102416, abs=1e-5)


def test_questions_that_all_lose_the_same_are_a_fall_and_that_all_stay_are_none():
    same = np.array([[0.1, 0.5, 0.25]] * 3)

    assert turn(same, [1, 2, 3])["last_good"] == 2
    assert turn(np.array([[0.1, 0.5, 0.5]] * 3), [1, 2, 3])["last_good"] is None


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"best": 20, "last_good": 30, "change": -0.0314, "p_adjusted": 0.0123},
         "On sample, cross-lingual mAP is best at step 20 and begins to fall after step 30: at "
         "step 50, the last, it is .031 lower (p = .012, adjusted over all pairs of steps)."),
        ({"best": 20, "last_good": None, "change": -0.01, "p_adjusted": 1.0},
         "On sample, cross-lingual mAP is best at step 20; that it falls up to step 50 could not "
         "be shown."),
        ({"best": 50, "last_good": None, "change": 0.0, "p_adjusted": 1.0},
         "On sample, cross-lingual mAP is best at step 50, the last: it has not begun to fall."),
    ],
)  # fmt: skip
def test_it_is_said_in_a_sentence(found, words):
    assert sentence({"dataset": "sample", "measure": "cross-lingual mAP", **found}, 50) == words
