"""The gate from the command line: exit codes, who is told, and bad input."""

import json
import subprocess
import sys
import textwrap
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from refusals import refused
from tiny_models import make_plain_model

from alignkit.gate import read_baseline
from alignkit.gate.baseline import pack

RULE = ("--rule", "map,setting=multilingual,allowed=0.05")


def spoiled(ids, embeddings):
    """Passages that answer other questions."""
    return ids, np.where(np.char.find(ids, ":p") > 0, np.roll(embeddings.T, 1), embeddings.T).T


@pytest.fixture
def check(alignkit, data, vectors):
    """Check a.npz, or another candidate, against its own baseline."""
    vectors("a.npz")
    vectors("bad.npz", change=spoiled)
    alignkit("check", "a.npz", "--data", data, "--write-baseline", "kept", "--quiet")

    def call(candidate="a.npz", *options, baseline="kept.alignkit.zip"):
        return alignkit("check", candidate, "--baseline", baseline, "--data", data, *options)

    return call


def test_an_unchanged_checkpoint_passes_and_a_spoiled_one_fails(check):
    code, out, err = check()
    assert (code, out) == (0, "")
    assert "of 5 tests none found a regression" in err
    code, out, err = check("bad.npz", *RULE)
    assert (code, out) == (1, "")
    assert "of 1 tests 1 found a regression" in err
    assert "worse than allowed, beyond chance" in err
    assert check("bad.npz", *RULE, "--quiet") == (1, "", "")


def test_a_run_and_a_checkpoint_are_baselines_too(check, alignkit, data):
    alignkit("compare", "a.npz", "bad.npz", "--data", data, "--out", "run", "--no-umap",
             "--format", "svg", "--bootstrap", "50")  # fmt: skip
    assert check("bad.npz", *RULE, baseline="run")[0] == 1
    assert check("bad.npz", *RULE, baseline="bad=run")[0] == 0
    assert check("bad.npz", *RULE, baseline="a.npz")[0] == 1
    refused(check("a.npz", baseline="c=run"), "keeps no ranks of 'c'", "a, bad")
    # Drawn again, a run keeps them.
    alignkit("report", "run", "--format", "svg")
    assert check("bad.npz", *RULE, baseline="run")[0] == 1


def test_measures_of_vectors_need_a_checkpoint(check):
    rule = ("--rule", "cosine_margin,setting=cross-lingual")
    refused(check("a.npz", *rule), "cosine_margin", "as --baseline")
    assert check("bad.npz", *rule, baseline="a.npz")[0] in (0, 1)


def test_the_verdict_in_json_junit_and_markdown(check, here):
    code, out, _ = check("bad.npz", *RULE, "--json", "--junit", "out/j.xml", "--markdown", "m.md")
    assert code == 1
    told = json.loads(out)
    assert told["verdict"] == "fail"
    assert told["findings"][0]["status"] == "fail"
    assert told["findings"][0]["loss"] > told["findings"][0]["allowed"]
    suite = ET.parse(here / "out" / "j.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    assert suite.find("testcase/failure") is not None
    page = (here / "m.md").read_text("utf-8")
    assert page.startswith("## A regression was found")
    assert "| ✗ | map | multilingual |" in page


def test_github_is_told_in_its_own_words(check, here, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here / "summary.md"))
    (here / "summary.md").write_text("before\n", "utf-8")
    _, out, _ = check("bad.npz", "--rule", "map,setting=monolingual,languages=each")
    lines = out.splitlines()
    assert lines
    assert all(line.startswith(("::error title=alignkit%3A map", "::warning ")) for line in lines)
    summary = (here / "summary.md").read_text("utf-8")
    assert summary.startswith("before\n## A regression was found")
    pairs = "+".join(f"{a}-{b}" for a in ("de", "en", "th") for b in ("de", "en", "th"))
    _, out, _ = check("bad.npz", "--rule", "map,setting=monolingual,languages=each",
                      "--rule", "map,setting=cross-lingual,languages=each",
                      "--rule", f"preference_rank,pairs={pairs}")  # fmt: skip
    assert len(out.splitlines()) <= 10


def test_rules_from_the_file_and_an_acknowledged_regression(check, here):
    (here / "alignkit.toml").write_text(
        """
        [check]
        alpha = 0.1
        [[check.rules]]
        metric = "map"
        setting = "multilingual"
        [[check.acknowledged]]
        metric = "map"
        reason = "known"
        until = 2999-01-01
        """,
        "utf-8",
    )
    code, _, err = check("bad.npz")
    assert code == 0
    assert "1 found one that is acknowledged" in err
    assert "can be removed" in check("a.npz")[2]
    code, _, err = check("bad.npz", "--rule", "map,setting=monolingual", "--strict")
    assert code == 0, "acknowledged in every setting"


def test_rules_stand_in_pyproject_too_unless_alignkit_toml_says_anything(check, here):
    (here / "pyproject.toml").write_text(
        """
        [tool.alignkit.check]
        strict = true
        [[tool.alignkit.check.rules]]
        metric = "map"
        setting = "multilingual"
        [[tool.alignkit.check.acknowledged]]
        metric = "map"
        reason = "known"
        until = 2999-01-01
        """,
        "utf-8",
    )
    code, _, err = check("bad.npz")
    assert code == 0
    assert "of 1 tests 1 found one that is acknowledged" in err
    (here / "alignkit.toml").write_text("", "utf-8")
    assert "of 1 tests" in check("bad.npz")[2], "a file that says nothing is none"
    (here / "alignkit.toml").write_text("[check]\nalpha = 0.1\n", "utf-8")
    code, _, err = check("bad.npz")
    assert code == 1
    assert "of 5 tests" in err
    assert "of 1 tests" in check("bad.npz", "--rules-file", "pyproject.toml")[2]
    (here / "alignkit.toml").unlink()
    (here / "pyproject.toml").write_text('[[tool.alignkit.check.rules]]\nmetric = "mapp"\n')
    refused(check("bad.npz"), "pyproject.toml, rule 1", "Did you mean 'map'")
    (here / "pyproject.toml").write_text("[tool.alignkit.check]\nrules = []\n")
    refused(check("bad.npz"), "[[tool.alignkit.check.rules]]")


def test_a_regression_within_chance_passes_unless_strict(check, vectors):
    def nudged(ids, embeddings):
        moved = embeddings.copy()
        moved[0] = -moved[0]
        return ids, moved

    vectors("nudged.npz", change=nudged)
    rule = ("--rule", "map,setting=monolingual")
    assert check("nudged.npz", *rule)[0] == 0
    assert check("nudged.npz", *rule, "--inconclusive", "fail")[0] == 1
    assert check("nudged.npz", *rule, "--strict")[0] == 1


def test_wrong_input_is_refused(check, alignkit, data, here):
    refused(alignkit("check", "a.npz", "--data", data), "--baseline", "--write-baseline")
    refused(alignkit("check", "a.npz", "--data", data, "--data", "sample"), "one --data")
    refused(check(baseline="missing.alignkit.zip"), "missing.alignkit.zip")
    refused(check("a.npz", "--rule", "mapp"), "Did you mean 'map'")
    refused(check("a.npz", "--rule", "map,setting=monolingual,languages=fr"), "fr", "de, en, th")
    refused(check("a.npz", "--languages", "de,en"), "its languages are de, en, th")
    refused(check("a.npz", "--rules-file", "none.toml"), "none.toml")
    (here / "other.toml").write_text('[[rules]]\nmetric = "map"\n', "utf-8")
    refused(check("a.npz", "--rules-file", "other.toml"), "other.toml has no [[check.rules]]")
    refused(check("a.npz", "--alpha", "0"), "between 0 and 1")
    kept = here / "kept.alignkit.zip"
    content = kept.read_bytes()
    kept.write_bytes(content[: len(content) // 2])
    refused(check(), "is no whole baseline", "--write-baseline")
    kept.write_bytes(content)
    stored = read_baseline(kept)
    kept.write_bytes(pack(replace(stored, about=stored.about | {"schema": "alignkit.baseline/0"})))
    refused(check(), "alignkit.baseline/0", "--write-baseline")
    (here / "alignkit.toml").write_text("[check]\nrules = []", "utf-8")
    refused(check(), "check.rules is empty")
    (here / "alignkit.toml").write_text("[check]\nrulez = []", "utf-8")
    refused(check(), "rulez")


@pytest.mark.parametrize(
    "options",
    [("--baseline", "kept.alignkit.zip"), ("--junit", "j.xml"), ("--markdown", "m.md"), RULE,
     ("--rules-file", "r.toml"), ("--strict",), ("--json",)],
)  # fmt: skip
@pytest.mark.usefixtures("check")
def test_nothing_is_written_where_a_check_was_asked_for_too(alignkit, data, here, options):
    result = alignkit("check", "bad.npz", "--data", data, "--write-baseline", "new", *options)
    refused(result, options[0], "--write-baseline checks nothing", "run the check first")
    assert not list(here.glob("new*"))


@pytest.mark.usefixtures("check")
def test_write_baseline_goes_before_what_a_file_says_of_checks(alignkit, data, here):
    write = ("check", "bad.npz", "--data", data)
    (here / "alignkit.toml").write_text(
        '[check]\nbaseline = "kept.alignkit.zip"\nstrict = true\n', "utf-8"
    )
    assert alignkit(*write, "--write-baseline", "new", "-q")[0] == 0
    assert (here / "new.alignkit.zip").is_file()
    (here / "alignkit.toml").write_text('[check]\nwrite-baseline = "other"\n', "utf-8")
    refused(alignkit(*write, "--baseline", "kept.alignkit.zip"), "--write-baseline checks nothing")
    (here / "alignkit.toml").write_text(
        '[check]\nwrite-baseline = "other"\nbaseline = "kept.alignkit.zip"\n', "utf-8"
    )
    refused(alignkit(*write), "--baseline cannot stand beside it")


def test_a_moved_environment_is_told_from_a_moved_model(alignkit, data, here):
    model = make_plain_model(here / "model", seed=0)
    alignkit("check", model, "--data", data, "--write-baseline", "kept", "--quiet")
    check = ("check", model, "--baseline", "kept.alignkit.zip", "--data", data, "--json", "-q")
    assert json.loads(alignkit(*check)[1])["environment"] is None

    kept = here / "kept.alignkit.zip"
    stored = read_baseline(kept)
    turned = np.roll(stored.arrays["probe"], 1, axis=1)
    kept.write_bytes(pack(replace(stored, arrays=stored.arrays | {"probe": turned})))
    found = json.loads(alignkit(*check)[1])
    assert "the environment changed, not the model" in found["environment"]
    assert "the environment changed" in found["sentence"]
    # Another model says nothing of it; the baseline's own is asked, where it was.
    other = make_plain_model(here / "other", seed=1)
    check = ("check", other, *check[2:])
    assert "the environment changed" in json.loads(alignkit(*check)[1])["sentence"]
    model.rename(here / "gone")
    assert json.loads(alignkit(*check)[1])["environment"] is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("query-prompt=ask: ", "query-prompt is 'ask: ' and was 'q '"),
        ("passage-prompt=say: ", "passage-prompt is 'say: ' and was ''"),
        ("truncate-dim=8", "truncate-dim is 8 and was 16"),
        ("store-dtype=float16", "store-dtype is float16 and was float32"),
    ],
)
def test_a_setting_of_the_candidate_is_said_and_is_no_moved_environment(
    alignkit, data, here, settings, said
):
    model = make_plain_model(here / "model", seed=0)
    other = make_plain_model(here / "other", seed=1)
    stored = ("--query-prompt", "q ", "--truncate-dim", "16")
    written = alignkit("check", model, "--data", data, *stored, "--write-baseline", "kept", "-q")
    assert written[0] == 0, written[2]

    def found(spec, *options):
        told = alignkit("check", spec, "--baseline", "kept.alignkit.zip", "--data", data, "--json",
                        "-q", *options)  # fmt: skip
        return json.loads(told[1])

    same = found(f"{model},{settings}", *stored)
    assert same["environment"] is None
    assert same["notes"] == [f"the candidate is the baseline's model, run otherwise: {said}"]
    assert found(model, *stored)["notes"] == []
    # Of another model too, which does not know how the baseline's was run.
    another = found(other)
    assert another["environment"] is None
    assert another["notes"] == [
        "settings differ: query-prompt is '' and was 'q '; truncate-dim is all and was 16"
    ]


def test_a_model_saved_with_fewer_dimensions_has_not_moved(alignkit, data, here):
    from sentence_transformers import SentenceTransformer

    plain = make_plain_model(here / "plain", seed=0)
    SentenceTransformer(str(plain), device="cpu", truncate_dim=5).save_pretrained("model")

    alignkit("check", "model", "--data", data, "--write-baseline", "kept", "--quiet")

    check = ("check", "model", "--baseline", "kept.alignkit.zip", "--data", data, "--json", "-q")
    assert json.loads(alignkit(*check)[1])["environment"] is None


@pytest.mark.slow
@pytest.mark.usefixtures("check")
def test_the_fixture_for_test_suites(here, data):
    (here / "test_bias.py").write_text(
        textwrap.dedent(f"""
        from alignkit.gate import Rule, Rules

        RULES = Rules((Rule("map", 0.05, setting="multilingual"),))

        def test_same(alignkit_check):
            verdict = alignkit_check("a.npz", "kept.alignkit.zip", data={data!r}, rules=RULES)
            assert verdict.exit_code == 0

        def test_spoiled(alignkit_check):
            alignkit_check("bad.npz", "kept.alignkit.zip", data={data!r}, rules=RULES)
        """),
        "utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_bias.py"],
        cwd=here, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "A regression was found" in done.stdout
