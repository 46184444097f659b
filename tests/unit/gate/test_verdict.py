from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from made import fully_parallel, planted_bias

from alignkit.errors import AlignkitError
from alignkit.estimates import Resampler
from alignkit.gate import Acknowledged, Rule, Rules, Verdict, judge
from alignkit.gate.verdict import unused
from alignkit.measures import measure

LANGUAGES = ["de", "en", "th"]
RANK_DISTANCE = Rule("rank_distance", setting="multilingual")


def measures(strength, seed=0, n_ids=60, **options):
    dataset = fully_parallel(LANGUAGES, n_ids, 10)
    rng = np.random.default_rng(seed)
    return measure(dataset, *planted_bias(rng, dataset, strength, **options))


@pytest.fixture(scope="module")
def fair():
    return measures(0.0, noise=1.0)


@pytest.fixture(scope="module")
def biased():
    return measures(1.0, noise=1.0)


def test_a_planted_bias_fails_and_the_other_way_round_passes(fair, biased):
    rules = Rules((RANK_DISTANCE, Rule("map", setting="multilingual")))
    assert [one.status for one in judge(rules, fair, biased)] == ["fail", "fail"]
    assert [one.status for one in judge(rules, biased, fair)] == ["pass", "pass"]


def test_identical_checkpoints_pass_whatever_is_asked(fair):
    rules = Rules((
        RANK_DISTANCE, Rule("map", setting="monolingual", languages=("worst",)),
        Rule("map", setting="monolingual", languages=("each",)),
        Rule("preference_rank", pairs=(("de", "en"),)),
    ), strict=True)  # fmt: skip
    found = judge(rules, fair, fair)
    assert [one.where for one in found] == ["", "worst", "de", "en", "th", "de-en"]
    assert {one.status for one in found} == {"pass"}
    assert {one.loss for one in found} == {0.0}
    assert {one.status for one in judge(replace(rules, strict=False), fair, fair)} == {"pass"}


def test_the_numbers_are_those_of_a_plain_reference(fair, biased):
    (found,) = judge(Rules((RANK_DISTANCE,)), fair, biased, n_resamples=400, seed=3)
    old, new = (
        next(one for one in side.measured if one.metric == "rank_distance")
        for side in (fair, biased)
    )
    resampler = Resampler(60, 400, np.random.default_rng(3))
    before, after = (resampler.summarise(one) for one in (old, new))
    assert found.loss == pytest.approx(new.overall - old.overall)
    changes = after.resampled[:, -1] - before.resampled[:, -1]
    assert old.design.outputs[-1] == ("*", "*")
    assert found.mdd == pytest.approx((1.644854 + 0.841621) * changes.std(ddof=1))
    assert (found.ci_low, found.ci_high) == pytest.approx(np.quantile(changes, (0.05, 0.95)))


def test_what_is_allowed_is_allowed(fair, biased):
    (found,) = judge(Rules((RANK_DISTANCE,)), fair, biased)
    enough = replace(RANK_DISTANCE, allowed=2 * found.loss)
    assert judge(Rules((enough,)), fair, biased)[0].status == "pass"
    share = 3 * found.loss / found.baseline
    relative = replace(RANK_DISTANCE, allowed=share, relative=True)
    (judged,) = judge(Rules((relative,)), fair, biased)
    assert judged.status == "pass"
    assert judged.allowed == pytest.approx(3 * found.loss)


def test_what_these_data_could_not_have_shown_is_inconclusive():
    few = measures(0.3, 1, n_ids=6, noise=3.0), measures(0.3, 2, n_ids=6, noise=3.0)
    rule = Rule("map", 1e-6, setting="multilingual")
    (found,) = judge(Rules((rule,)), *few)
    other = judge(Rules((rule,)), *few[::-1])[0]
    assert {"inconclusive"} >= {one.status for one in (found, other) if one.mdd > one.allowed
                                and one.ci_high > one.allowed}  # fmt: skip
    assert "inconclusive" in {found.status, other.status}
    verdict = Verdict("a", "b", "made", (replace(found, status="inconclusive"),), Rules((rule,)))
    assert verdict.exit_code == 0
    strict = replace(verdict, rules=replace(verdict.rules, inconclusive_fails=True))
    assert strict.exit_code == 1


def test_strict_fails_on_the_estimate_alone():
    sides = measures(0.3, 1, n_ids=6, noise=3.0), measures(0.3, 2, n_ids=6, noise=3.0)
    rules = Rules((Rule("map", setting="multilingual"),), strict=True)
    statuses = {judge(rules, *pair)[0].status for pair in (sides, sides[::-1])}
    assert statuses == {"pass", "fail"}


def test_p_values_are_adjusted_over_all_rules(fair, biased):
    (alone,) = judge(Rules((RANK_DISTANCE,)), fair, biased)
    many = (RANK_DISTANCE, *(Rule("map", setting="monolingual", languages=(a,)) for a in LANGUAGES))
    first = judge(Rules(many), fair, biased)[0]
    assert first.p_value == alone.p_value
    assert first.p_adjusted == pytest.approx(min(1, 4 * alone.p_value))


def test_an_acknowledged_regression_passes_until_its_day(fair, biased):
    known = Acknowledged("rank_distance", "being mended", date(2026, 1, 31))
    rules = Rules((RANK_DISTANCE,), (known,))
    (before,) = judge(rules, fair, biased, today=date(2026, 1, 31))
    (after,) = judge(rules, fair, biased, today=date(2026, 2, 1))
    assert (before.status, after.status) == ("acknowledged", "fail")
    assert "being mended" in before.reason
    assert "until 2026-01-31 only" in after.reason
    assert unused(rules.acknowledged, [before]) == []
    assert "can be removed" in unused(rules.acknowledged, judge(rules, biased, fair))[0]


def test_a_candidate_without_a_value_fails_and_a_baseline_without_one_says_so(fair):
    def collapse(side):
        measured = [
            replace(one, numerator=np.zeros_like(one.numerator), undefined="all vectors are equal",
                    design=replace(one.design, denominator=np.zeros_like(one.design.denominator)))
            for one in side.measured
        ]  # fmt: skip
        return replace(side, measured=measured)

    rules = Rules((RANK_DISTANCE,))
    (found,) = judge(rules, fair, collapse(fair))
    assert (found.status, found.candidate) == ("fail", None)
    assert "all vectors are equal" in found.reason
    (found,) = judge(rules, collapse(fair), fair)
    assert (found.status, found.baseline) == ("inconclusive", None)


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        (Rule("map", setting="monolingual", languages=("fr",)), "fr is not in the run"),
        (Rule("map", setting="cross-lingual", pairs=(("de", "fr"),)), "de-fr is not in the run"),
        (Rule("map"), "must say in which setting"),
        (Rule("rank_distance", setting="monolingual"), "finds nothing"),
    ],
)
def test_a_rule_that_finds_nothing_is_refused(fair, rule, word):
    with pytest.raises(AlignkitError, match=word):
        judge(Rules((rule,)), fair, fair)
