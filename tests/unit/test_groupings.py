"""Groups of languages, and averages over them."""

import json

import numpy as np
import pytest
from made import fully_parallel, planted_bias

from alignkit.comparison import tabulate
from alignkit.errors import AlignkitError
from alignkit.groupings import groups_of
from alignkit.measures import measure

LANGUAGES = ["ar", "de", "el", "en", "th"]


def trained_on(folder, languages):
    folder.mkdir()
    training = {"settings": {"train": [{"languages": languages}]}}
    (folder / "provenance.json").write_text(json.dumps(training), "utf-8")
    return folder


def test_scripts_and_families_are_those_of_cldr_and_glottolog():
    found = groups_of(["script", "family"], [*LANGUAGES, "zh"])
    assert found["script"] == {
        "ar": "Arab", "de": "Latn", "el": "Grek", "en": "Latn", "th": "Thai", "zh": "Hans"
    }  # fmt: skip
    assert found["family"]["de"] == found["family"]["el"] == "Indo-European"
    assert found["family"]["ar"] == "Afro-Asiatic"
    assert found["family"]["th"] == "Tai-Kadai"


def test_what_was_seen_is_what_the_trainings_say(tmp_path):
    folder = trained_on(tmp_path / "run", ["de", "en"])
    (folder / "checkpoint-20").mkdir()
    for path in (folder, folder / "checkpoint-20"):
        found = groups_of(["seen"], LANGUAGES, trainings=[path])["seen"]
        assert [code for code in LANGUAGES if found[code] == "yes"] == ["de", "en"]


def test_what_the_user_says_was_seen_goes_first(tmp_path):
    folder = trained_on(tmp_path / "run", ["de", "en"])
    found = groups_of(["seen"], LANGUAGES, seen=["TH"], trainings=[folder])["seen"]
    assert [code for code in LANGUAGES if found[code] == "yes"] == ["th"]


def test_seen_is_refused_where_nobody_says_it_or_two_say_different_things(tmp_path):
    with pytest.raises(AlignkitError, match="no checkpoint says it; name them: --seen"):
        groups_of(["seen"], LANGUAGES, trainings=[tmp_path])
    both = [trained_on(tmp_path / "a", ["de"]), trained_on(tmp_path / "b", ["en"])]
    with pytest.raises(AlignkitError, match="different ones"):
        groups_of(["seen"], LANGUAGES, trainings=both)


def test_an_unknown_grouping_is_refused():
    with pytest.raises(AlignkitError, match=r"no 'continent'.*script, family, seen"):
        groups_of(["continent"], LANGUAGES)


def test_a_group_is_the_mean_of_its_languages_in_values_and_differences():
    dataset = fully_parallel(LANGUAGES, 40)
    groups = groups_of(["script", "seen"], LANGUAGES, seen=["de", "th"])
    measures = {
        label: measure(
            dataset, *planted_bias(np.random.default_rng(0), dataset, strength), groups=groups
        )
        for label, strength in (("a", 1.0), ("b", 0.5))
    }

    values, changes = tabulate(measures, "a", n_resamples=50)

    keys = ["setting", "metric", "query_language", "passage_language"]
    for table, column in ((values[values["checkpoint"] == "b"], "value"), (changes, "delta")):
        found = table[table["task"] == "answer-retrieval"].set_index(keys)[column].sort_index()
        for setting, metric, pool in (
            ("multilingual", "rank_distance", "*"),
            ("cross-lingual", "map", "*"),
            ("monolingual", "recall@1", None),
        ):
            for label, codes in (("script:Latn", ["de", "en"]), ("seen:yes", ["de", "th"])):
                own = [found[setting, metric, code, pool or code] for code in codes]
                mean = found[setting, metric, label, pool or label]
                assert mean == pytest.approx(np.mean(own), abs=1e-9)
