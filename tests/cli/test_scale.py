"""Shards, merges, exports and imports, as a user has them."""

import errno
import json
import os

import numpy as np
import pandas as pd
import pytest
from refusals import refused
from tiny_models import make_plain_model

from alignkit import shard as module

CPU = ("--device", "cpu", "--dtype", "float32")


@pytest.fixture
def model(here):
    return str(make_plain_model(here / "m", seed=0))


@pytest.fixture
def caches(alignkit, data, model, here, monkeypatch):
    """Both shards of the small dataset, each in a cache of its own; then an empty cache."""
    for number in ("1", "2"):
        monkeypatch.setenv("ALIGNKIT_CACHE", str(here / f"cache{number}"))
        code, out, err = alignkit(
            "embed", model, "--data", data, "--shard", f"{number}/2", "--batch-tokens", "40", *CPU
        )
        assert code == 0, err
        assert out.startswith(f"shard {number}/2: ")
    monkeypatch.setenv("ALIGNKIT_CACHE", str(here / "cache"))
    return "cache1", "cache2"


def test_merged_shards_export_the_bytes_of_one_run(
    alignkit, data, model, caches, here, monkeypatch
):
    asked = ("embed", model, "--data", data, "--batch-tokens", "40", *CPU)
    code, out, err = alignkit("cache", "merge", *caches, "--into", "merged")
    assert code == 0, err
    assert "small, query texts" in out
    assert "complete" in out

    assert alignkit(*asked, "--export", "one.parquet")[0] == 0
    monkeypatch.setenv("ALIGNKIT_CACHE", str(here / "merged"))
    assert alignkit(*asked, "--export", "merged.parquet")[0] == 0

    assert (here / "one.parquet").read_bytes() == (here / "merged.parquet").read_bytes()


def test_a_full_disk_ends_a_merge_with_a_line_and_no_half_file(alignkit, caches, here, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.os, "fsync", full)
    refused(alignkit("cache", "merge", *caches), "No space left on device", "ALIGNKIT_CACHE")
    assert [path for path in (here / "cache").rglob("*") if path.is_file()] == []


def test_a_full_disk_ends_an_embedding_with_a_line_and_no_half_file(
    alignkit, data, model, here, monkeypatch
):
    write = module.os.fsync
    files = []

    def full_soon(handle):
        files.append(handle)
        if len(files) > 1:  # the recipe fits
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(handle)

    monkeypatch.setattr(module.os, "fsync", full_soon)
    result = alignkit("embed", model, "--data", data, "-q", *CPU)
    refused(result, "No space left on device", "ALIGNKIT_CACHE")
    kept = [path.name for path in (here / "cache" / "vectors").rglob("*") if path.is_file()]
    assert kept == ["recipe.json"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--shard", "17/16"), "there is no shard 17/16"),
        (("--shard", "0/16"), "there is no shard 0/16"),
        (("--shard", "half"), "'half' is no shard"),
        (("--shard", "1/2", "--export", "v.parquet"), "--export after `alignkit cache merge`"),
        (("--workers", "2"), "--workers is for --engine ray"),
        (("--device", "cpu,gpu"), "no device is called 'gpu'"),
    ],
)
def test_what_embed_refuses(arguments, words, alignkit, data, model):
    options = arguments if "--device" in arguments else (*arguments, "--device", "cpu")
    refused(alignkit("embed", model, "--data", data, *options), words)


def test_vectors_made_elsewhere_have_no_shards(alignkit, data, vectors):
    refused(
        alignkit("embed", vectors("a.npz"), "--data", data, "--shard", "1/2"),
        "holds vectors and no model",
    )


def test_merging_what_is_no_cache(alignkit, here):
    (here / "empty").mkdir()
    refused(alignkit("cache", "merge", "empty"), "empty is no cache")


def test_export_writes_texts_vectors_and_the_map(alignkit, data, model, here):
    asked = ("--data", data, *CPU)
    refused(alignkit("cache", "export", model, "atlas.parquet", *asked),
            "36 of 36 query texts are not in the cache", "alignkit embed")  # fmt: skip
    assert not (here / "atlas.parquet").exists()
    code, _, err = alignkit("analyze", model, *asked, "--out", "run", "--format", "svg")
    assert code == 0, err

    code, out, err = alignkit("cache", "export", model, "atlas.parquet", *asked, "--run", "run")

    assert code == 0, err
    assert out == "72 texts and vectors in atlas.parquet\n"
    table = pd.read_parquet(here / "atlas.parquet")
    query = table[(table["id"] == "th:q3") & (table["role"] == "query")].iloc[0]
    assert query["text"] == "th what is 3?"
    assert len(query["vector"]) == 32
    projection = pd.read_parquet(here / "run" / "projection.parquet").set_index("id")
    assert query["x"] == pytest.approx(projection.loc["th:q3", "x"])
    assert table[table["role"] == "passage"]["x"].isna().all()  # the map has queries only
    refused(alignkit("cache", "export", f"other={model}", "b.parquet", *asked, "--run", "run"),
            "run has no map of 'other'")  # fmt: skip


def mteb_file(folder, task, subsets, split="dev"):
    folder.mkdir(parents=True, exist_ok=True)
    content = {"task_name": task, "dataset_revision": "1", "mteb_version": "2.1.0",
               "scores": {split: subsets}}  # fmt: skip
    (folder / f"{task}.json").write_text(json.dumps(content))


@pytest.fixture
def published(here):
    folder = here / "results" / "org__model" / "abcdef123456"
    mteb_file(folder, "MIRACLRetrieval", [
        {"hf_subset": "sw", "languages": ["swa-Latn"], "ndcg_at_10": 0.5, "recall_at_100": 0.75,
         "mrr_at_10": 0.1, "main_score": 0.5},
        {"hf_subset": "th", "languages": ["tha-Thai"], "ndcg_at_10": 0.7, "main_score": 0.7},
    ])  # fmt: skip
    mteb_file(folder, "Tatoeba", [
        {"hf_subset": "deu-eng", "languages": ["deu-Latn", "eng-Latn"], "accuracy": 0.9,
         "f1": 0.88, "main_score": 0.88},
    ], split="test")  # fmt: skip
    mteb_file(folder, "STS22", [{"hf_subset": "en", "languages": ["eng-Latn"], "main_score": 0.6}])
    (folder / "old.json").write_text(json.dumps({"test": {"ndcg_at_10": 0.5}}))
    return here / "results"


def test_published_results_are_read_and_what_cannot_be_compared_is_named(alignkit, published, here):
    code, out, err = alignkit("import-mteb", published, "--out", "p.csv")

    assert code == 0, err
    assert "MIRACLRetrieval, org/model: sw 0.500  th 0.700" in out
    assert "STS22 has other queries or pools" in err
    assert "old.json: not in MTEB's layout" in err
    rows = pd.read_csv(here / "p.csv")
    assert set(rows["source"]) == {"MTEB MIRACLRetrieval", "MTEB Tatoeba"}
    assert set(rows["sampling"]) == {"@abcdef1"}
    found = {
        tuple(row): value
        for *row, value in rows[
            ["dataset", "query_language", "passage_language", "metric", "value"]
        ].itertuples(index=False)
    }
    assert found == {
        ("miracl", "sw", "*", "ndcg@10"): 0.5, ("miracl", "sw", "*", "recall@100"): 0.75,
        ("miracl", "th", "*", "ndcg@10"): 0.7, ("miracl", "*", "*", "ndcg@10"): 0.6,
        ("tatoeba", "de", "en", "recall@1"): 0.9,
    }  # fmt: skip


def test_imported_figures_stand_beside_a_run(alignkit, data, vectors, published, here):
    alignkit("import-mteb", published, "--out", "p.csv", "--as", "MIRACLRetrieval=small")

    code, _, err = alignkit(
        "analyze", vectors("a.npz"), "--data", data, "--published", "p.csv", "--out", "run",
        "--no-umap", "--format", "svg", "--bootstrap", "50",
    )  # fmt: skip

    assert code == 0, err
    table = (here / "run" / "tables" / "small-published.md").read_text("utf-8")
    assert "org/model @abcdef1, published (MTEB MIRACLRetrieval)" in table
    assert ".600" in table


@pytest.fixture
def imported(alignkit, here):
    """Import a file of results with these subsets and one of MIRACL; what came and what not."""

    def read(task, subsets):
        folder = here / "results" / "org__model" / "abcdef123456"
        mteb_file(folder, "MIRACLRetrieval", [
            {"hf_subset": "sw", "languages": ["swa-Latn"], "ndcg_at_10": 0.5, "main_score": 0.5},
        ])  # fmt: skip
        mteb_file(folder, task, subsets)
        code, out, err = alignkit("import-mteb", here / "results", "--out", "p.csv", "--force")
        assert code == 0, err
        rows = pd.read_csv(here / "p.csv")
        assert "sw" in set(rows.loc[rows["dataset"] == "miracl", "query_language"])
        rows = rows[rows["source"] == f"MTEB {task}"]
        figures = dict(zip(rows["query_language"], rows["value"], strict=True))
        return figures, out, err.replace(str(folder), "")

    return read


def subset(name, *languages, **scores):
    return {"hf_subset": name, "languages": list(languages), "main_score": 0.25} | scores


def test_a_task_of_code_ends_no_import(imported):
    figures, out, err = imported("CodeRetrieval", [subset("python", "eng-Latn", "python-Code")])
    assert figures == {}
    assert "CodeRetrieval, org/model: en-python-Code 0.250" in out
    assert err == (
        "not to be compared: /CodeRetrieval.json: CodeRetrieval has other queries or pools than "
        "any data set here\n"
    )


def test_belebele_s_pairs_of_one_language_are_that_language(imported):
    figures, _, err = imported("BelebeleRetrieval", [
        subset("swh_Latn-swh_Latn", "swh-Latn", "swh-Latn", ndcg_at_10=0.5),
        subset("deu_Latn-deu_Latn", "deu-Latn", "deu-Latn", ndcg_at_10=0.75),
        subset("deu_Latn-eng_Latn", "deu-Latn", "eng-Latn", ndcg_at_10=0.125),
    ])  # fmt: skip
    assert figures == {"swh": 0.5, "de": 0.75, "*": 0.625}
    assert (
        "/BelebeleRetrieval.json: no figure that means the same here for 1 subsets, first de-en"
        in err
    )


def test_mkqa_s_names_tell_its_chinese_apart(imported):
    figures, _, err = imported("MKQARetrieval", [
        subset("zh_hk", "zho-Hant", ndcg_at_10=0.5), subset("zh_tw", "zho-Hant", ndcg_at_10=0.75),
        subset("no", "nor-Latn", "nno-Latn", "nob-Latn", ndcg_at_10=0.25),
    ])  # fmt: skip
    assert figures == {"zh-Hant-HK": 0.5, "zh-Hant": 0.75, "no": 0.25, "*": 0.5}
    assert err == ""


def test_a_subset_of_unknown_or_repeated_languages_is_left_out_alone(imported):
    figures, _, err = imported("MKQARetrieval", [
        subset("de", "deu-Latn", ndcg_at_10=0.5), subset("python", "python-Code", ndcg_at_10=0.5),
        subset("a", "eng-Latn", ndcg_at_10=0.5), subset("b", "eng-Latn", ndcg_at_10=0.5),
        subset("zh_tw", "zho-Hant", ndcg_at_10=0.5), subset("zh_hant", "zh-Hant", ndcg_at_10=0.5),
    ])  # fmt: skip
    assert figures == {"de": 0.5}  # and no mean, which would be of fewer languages
    for line in (
        "the subset 'python': 'python-Code' is no language code",
        "the subset 'a': its languages, eng-Latn, do not say which",
        "the subset 'b': its languages, eng-Latn, do not say which",
        "zh-Hant stands 2 times",
    ):
        assert f"not to be compared: /MKQARetrieval.json: {line}" in err


def test_what_import_refuses(alignkit, published, here):
    refused(alignkit("import-mteb", "nowhere"), "nowhere does not exist")
    (here / "empty").mkdir()
    refused(alignkit("import-mteb", "empty"), "no results of MTEB in empty")
    refused(alignkit("import-mteb", published, "--as", "miracl"), "is no TASK=DATASET")
    (here / "bad.json").write_text("{")
    refused(alignkit("import-mteb", "bad.json"), "bad.json is not JSON")


def test_a_run_that_alignkit_wrote_for_mteb_can_be_read_back(alignkit, data, vectors, here):
    asked = ("--no-umap", "--format", "svg", "--bootstrap", "50")
    alignkit("analyze", vectors("a.npz"), "--data", data, "--out", "run", "--mteb", *asked)

    code, _, err = alignkit("import-mteb", here / "run" / "mteb", "--out", "p.csv")

    assert code == 0, err
    rows = pd.read_csv(here / "p.csv").set_index(["query_language", "metric"])["value"]
    metrics = pd.read_csv(here / "run" / "metrics.csv")
    own = metrics[(metrics["metric"] == "ndcg@10") & (metrics["setting"] == "monolingual")
                  & (metrics["query_language"] == "th")]  # fmt: skip
    assert np.isclose(rows["th", "ndcg@10"], own["value"].iloc[0])


def test_a_file_of_figures_without_its_columns_is_refused(alignkit, data, vectors, here):
    (here / "p.csv").write_text("a,b\n1,2\n")
    refused(
        alignkit("analyze", vectors("a.npz"), "--data", data, "--published", "p.csv"),
        "p.csv has no column 'source'",
    )
