"""Every registered metric: a page, limits that hold, an oracle, and a reason where it has none."""

import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest
from made import fully_parallel, partly_parallel, planted_bias, random_embeddings

from alignkit.comparison import tabulate
from alignkit.measures import measure
from alignkit.metrics import METRICS, metric_of
from alignkit.report.cells import Footnotes
from alignkit.tables import Embeddings

GOLDEN = Path(__file__).parents[1] / "golden"
CARDS = METRICS.values()
NAMES = [card.name for card in CARDS]


def with_oracles():
    """Names of the metrics that a test in tests/golden compares with another implementation."""
    found = set()
    for name in ("test_measures", "test_catalogue", "test_mixed_pools"):
        path = GOLDEN / f"{name}.py"
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for function in vars(module).values():
            for mark in getattr(function, "pytestmark", ()):
                found.update(mark.args if mark.name == "oracle" else ())
    return found


def test_every_metric_has_an_oracle():
    assert set(NAMES) == with_oracles()


@pytest.mark.parametrize("card", CARDS, ids=NAMES)
def test_every_metric_has_a_page(card):
    first = card.definition.splitlines()[0]
    assert not first[0].islower()
    assert first.endswith(".")
    assert ">>>" in inspect.getdoc(card.function)
    assert card.source
    assert card.undefined
    assert card.settings
    assert card.bounds[0] < card.bounds[1]


@pytest.fixture(scope="module")
def tables():
    """Values of random vectors for two datasets in which, between them, everything is defined."""
    rng = np.random.default_rng(0)
    found = []
    for dataset in (
        partly_parallel(rng, n_ids=40, n_passages=110), fully_parallel(["de", "en", "zh"], 101)
    ):  # fmt: skip
        measures = {"a": measure(dataset, *random_embeddings(rng, dataset))}
        found.append(tabulate(measures, "a", n_resamples=20)[0])
    return found


@pytest.mark.parametrize("card", CARDS, ids=NAMES)
def test_every_metric_keeps_its_range_and_its_limits_on_random_input(tables, card):
    for name in card.names:
        rows = [table[table["metric"] == name] for table in tables]
        values = np.concatenate([one["value"].dropna() for one in rows])
        assert len(values), f"{name} is nowhere defined"
        low, high = card.bounds
        for one in rows:
            limits = one[["value", "ci_low", "ci_high", "best", "random"]].to_numpy(float)
            known = limits[~np.isnan(limits)]
            assert np.all((known >= low - 1e-9) & (known <= high + 1e-9)), name
            best = limits[:, 3]
            both = ~np.isnan(best) & ~np.isnan(limits[:, 0])
            # A lift below 1 is a bias against the own language: 1 is best, and no edge.
            if card.higher_is_better is not None and card.name != "same_language_lift":
                sign = 1 if card.higher_is_better else -1
                # A classifier can by luck do worse than chance.
                luck = 0.15 if card.name == "language_probe_accuracy" else 1e-9
                assert np.all(sign * (best - limits[:, 0])[both] >= -luck), name


def nothing_but_ones(dataset):
    return [
        Embeddings(x, np.ones((len(x), 4), np.float32)) for x in (dataset.queries, dataset.passages)
    ]


@pytest.fixture
def nulls():
    """Reasons of the values that are null, by setting and metric, for two equal checkpoints."""

    def find(dataset, sides):
        measures = {label: measure(dataset, *sides) for label in ("a", "b")}
        values, changes = tabulate(measures, "a", n_resamples=20)
        for table, column in ((values, "value"), (changes, "delta")):
            null = table[column].isna()
            assert table.loc[null, "reason"].str.len().min() > 10
            assert table.loc[~null, "reason"].isna().all()
            assert table.loc[null, ["ci_low", "ci_high"]].isna().all(axis=None)
        null = values[values["value"].isna()]
        return null.set_index(["task", "setting", "metric"])["reason"].groupby(level=[0, 1, 2])

    return lambda *arguments: find(*arguments).first().to_dict()


def test_one_language_has_no_bias_and_nothing_cross_lingual(nulls):
    dataset = fully_parallel(["de"], 30)
    found = nulls(dataset, random_embeddings(np.random.default_rng(0), dataset))

    why = "there is one language, and this needs two"
    for card in CARDS:
        for name in card.names:
            if ("answer-retrieval", "multilingual") in card.settings and len(card.settings) == 1:
                assert found["answer-retrieval", "multilingual", name] == why
            if ("answer-retrieval", "cross-lingual") in card.settings:
                assert found["answer-retrieval", "cross-lingual", name] == why
    assert ("answer-retrieval", "monolingual", "map") not in found


def test_equal_vectors_have_no_measure(nulls):
    dataset = fully_parallel(["de", "en", "th"], 20)
    found = nulls(dataset, nothing_but_ones(dataset))

    assert set(found.values()) == {"all vectors are equal, so that all scores tie"}
    for card in CARDS:
        for (task, setting), name in (
            (where, one) for where in card.settings for one in card.names
        ):
            assert (task, setting, name) in found


def test_too_few_questions_and_too_small_pools_have_reasons(nulls):
    dataset = fully_parallel(["de", "en", "th"], 2)
    found = nulls(dataset, random_embeddings(np.random.default_rng(0), dataset))

    assert "fewer than 10" in found["question-alignment", "multilingual", "language_probe_accuracy"]
    assert "fewer than 4" in found["question-alignment", "cross-lingual", "xsim_error"]
    fewer = "the pool has fewer than 10 passages"
    assert found["answer-retrieval", "monolingual", "recall@10"] == fewer
    assert found["answer-retrieval", "multilingual", "recall@10"] == fewer
    assert ("answer-retrieval", "multilingual", "recall@5") not in found


def test_one_question_has_values_but_no_intervals_and_no_tests():
    dataset = fully_parallel(["de", "en", "th"], 1, 20)
    rng = np.random.default_rng(0)
    measures = {label: measure(dataset, *random_embeddings(rng, dataset)) for label in "ab"}
    values, changes = tabulate(measures, "a", n_resamples=20)

    assert values[["ci_low", "ci_high"]].isna().all(axis=None)
    assert changes[["p_value", "p_adjusted", "mdd"]].isna().all(axis=None)
    assert values.set_index("metric")["value"]["mrr"].notna().any()


def test_groups_of_one_are_refused_with_a_footnote(nulls):
    dataset = fully_parallel(["de", "en"], 120)
    found = nulls(dataset, random_embeddings(np.random.default_rng(0), dataset))

    reason = found["answer-retrieval", "multilingual", "peer@20"]
    assert "groups of one: see friedman" in reason
    notes = Footnotes()
    assert notes.missing(reason).text == "–"
    assert notes.notes() == [f"a: {reason}."]


# What each measure of bias sees of a bias that is planted as an offset of each language.
SEEING = {
    "rank_distance": 1, "max_rank": 1, "max_rank_log": -1, "complete@20": -1, "tlr@10": -1,
    "same_language_lift@10": 1, "friedman": 1, "mrc@10": -1,
}  # fmt: skip
BLIND = ["peer@20"]  # undefined: one answer a language


@pytest.mark.parametrize("seed", range(3))
def test_measures_that_claim_to_see_a_bias_follow_it_step_by_step(seed):
    dataset = fully_parallel(["ar", "de", "en", "th", "zh"], 80)
    ladder = []
    for strength in (0.0, 0.3, 0.6, 1.0, 2.0):
        sides = planted_bias(np.random.default_rng(seed), dataset, strength)
        table, _ = tabulate({"a": measure(dataset, *sides)}, "a", n_resamples=10)
        rows = table[(table["setting"] == "multilingual") & (table["query_language"] == "*")]
        rows = rows[(rows["passage_language"] == "*") & (rows["task"] == "answer-retrieval")]
        ladder.append(rows.set_index("metric")["value"])

    for name, sign in SEEING.items():
        steps = [sign * one[name] for one in ladder]
        span = max(steps) - min(steps)
        assert steps[-1] - steps[0] > 0.9 * span, name
        # Where nothing but the own language is left, a measure has reached its end, but for noise.
        assert min(np.diff(steps)) > -0.02 * span, name
    for name in BLIND:
        assert all(np.isnan(one[name]) for one in ladder)


def test_a_random_ranking_of_xquad_r_expects_the_rank_distance_that_is_published():
    # 13,014 sentences (LAReQA) with 11 answers a question: (13,014 + 1) × 10 / 12.
    from alignkit.metrics import RelevantRanks

    one = RelevantRanks(
        np.zeros(11, int), np.arange(1, 12), 1, pool=np.array([13014]), language=np.arange(11)
    )
    card = metric_of("rank_distance")
    assert card.random(one)[0] == pytest.approx(10846, abs=0.5)
    assert card.best(one)[0] == card.function(one)[0] == 10


def test_the_docstring_is_what_the_command_line_prints(capsys):
    from alignkit.cli import run

    for card in CARDS:
        with pytest.raises(SystemExit):
            run(["metrics", card.name])
        printed = capsys.readouterr().out
        assert card.definition in printed
        for line in (card.source, card.direction, card.undefined):
            assert line in printed
