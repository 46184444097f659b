import json
from dataclasses import replace

import numpy as np
import pytest
from made import fully_parallel, random_embeddings

from alignkit.errors import AlignkitError
from alignkit.gate import baseline_of, read_baseline, write_baseline
from alignkit.gate.baseline import pack, unpack
from alignkit.measures import measure
from alignkit.metrics import METRICS

DESCRIBED = {"fingerprint": "f" * 64, "location": "somewhere"}


@pytest.fixture
def case():
    dataset = fully_parallel(["de", "en", "th"], 30, 5)
    queries, passages = random_embeddings(np.random.default_rng(0), dataset)
    measures = measure(dataset, queries, passages)
    return dataset, measures, baseline_of("a", DESCRIBED, dataset, measures.ranks, queries)


def test_every_measure_of_ranks_is_what_it_was(case):
    dataset, measures, stored = case
    needs = {"ranks", "relevant", "shares", "blocks"}
    names = {name for card in METRICS.values() if card.needs in needs for name in card.names}

    again = unpack(pack(stored), "there").measures(dataset, names).measured

    expected = [one for one in measures.measured if one.metric in names]
    assert [(one.metric, one.setting) for one in again] == [
        (one.metric, one.setting) for one in expected
    ]
    for one, other in zip(again, expected, strict=True):
        np.testing.assert_allclose(one.numerator, other.numerator, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(one.design.denominator, other.design.denominator)


def test_measures_of_vectors_are_refused(case):
    dataset, _, stored = case
    with pytest.raises(AlignkitError, match="cosine_margin is a measure of the vectors"):
        stored.measures(dataset, {"cosine_margin"})


def test_the_same_baseline_is_the_same_file(case, tmp_path):
    dataset, _, stored = case
    write_baseline(stored, dataset, tmp_path / "one.alignkit.zip")
    summary = write_baseline(stored, dataset, tmp_path / "two.alignkit.zip")
    assert (tmp_path / "one.alignkit.zip").read_bytes() == (
        tmp_path / "two.alignkit.zip"
    ).read_bytes()
    lines = summary.read_text("utf-8").splitlines()
    assert any(line.startswith("| answer-retrieval | multilingual | rank_distance |")
               for line in lines)  # fmt: skip
    read = read_baseline(tmp_path / "one.alignkit.zip")
    assert read.about == stored.about


def test_other_data_or_another_protocol_are_refused(case):
    dataset, _, stored = case
    stored.must_fit(dataset)
    other = replace(dataset, card=replace(dataset.card, name="other"))
    with pytest.raises(AlignkitError, match="--data is other"):
        stored.must_fit(other)
    with pytest.raises(AlignkitError, match="texts or relevance judgements differ"):
        stored.must_fit(replace(dataset, checksum="1"))
    with pytest.raises(AlignkitError, match="its languages are de, en, th, here they are de, en"):
        stored.must_fit(replace(fully_parallel(["de", "en"], 5), checksum="1"))
    elsewhere = replace(stored, about=stored.about | {"protocol": "approximate"})
    with pytest.raises(AlignkitError, match="in another way"):
        elsewhere.must_fit(dataset)


def test_damaged_files_and_other_schemas_are_refused(case, tmp_path):
    _, _, stored = case
    content = pack(stored)
    for broken in (b"", b"no zip", content[: len(content) // 2], content[:-40]):
        with pytest.raises(AlignkitError, match="is no whole baseline"):
            unpack(broken, "there")
    newer = replace(stored, about=stored.about | {"schema": "alignkit.baseline/9"})
    with pytest.raises(AlignkitError, match=r"this alignkit reads 'alignkit\.baseline/1'"):
        unpack(pack(newer), "there")
    fewer = replace(stored, about=stored.about | {"cutoffs": [3]})
    with pytest.raises(AlignkitError, match="this alignkit asks for"):
        unpack(pack(fewer), "there")
    with pytest.raises(AlignkitError, match="cannot read the baseline"):
        read_baseline(tmp_path / "missing.alignkit.zip")


def test_what_is_stored_is_plain(case):
    json.dumps(case[2].about)


def test_xquad_r_takes_less_than_a_megabyte(shared_data):
    import alignkit

    dataset = alignkit.load_dataset(f"xquad-r:{shared_data('xquad-r')}")
    queries, passages = random_embeddings(np.random.default_rng(0), dataset, dim=384)
    # Random vectors: nothing is harder to compress than ranks without a pattern.
    measures = measure(dataset, queries, passages, only={"map"})
    stored = baseline_of("a", DESCRIBED, dataset, measures.ranks, queries)
    assert len(pack(stored)) < 2**20
