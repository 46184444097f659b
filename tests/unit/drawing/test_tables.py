import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alignkit.report.formats import comma_separated, latex, markdown
from alignkit.report.layout import Cell, ColumnGroup, Row, Table
from alignkit.report.macros import macro_name, macros
from alignkit.report.signature import signature
from alignkit.report.tables import build_tables, write_tables
from alignkit.tables import COMPARISON_COLUMNS, METRIC_COLUMNS, Results

SIGNATURE = (
    "data:tiny|languages:de.en|queries:4|passages:6|checksum:cafecafe|ties:against|"
    "bootstrap:500.by-query-id|seed:7|checkpoints:a_1=11111111,b=22222222|alignkit:0.1.0"
)


@pytest.fixture
def tiny() -> Results:
    """Two checkpoints and two languages; all numbers are made up by hand."""
    answers = ("tiny", "answer-retrieval")
    values = {
        ("monolingual", "de", "de", "map"): (0.5, 0.625),
        ("monolingual", "en", "en", "map"): (0.75, 0.75),
        ("monolingual", "*", "*", "map"): (0.625, 0.6875),
        ("multilingual", "de", "*", "map"): (0.25, 0.2),
        ("multilingual", "en", "*", "map"): (np.nan, np.nan),
        ("multilingual", "*", "*", "map"): (0.25, 0.2),
        ("multilingual", "de", "*", "rank_distance"): (1200.0, 80.25),
        ("multilingual", "en", "*", "rank_distance"): (40.0, 60.0),
        ("multilingual", "*", "*", "rank_distance"): (620.0, 70.125),
    }
    significant = {("de", "de"): 0.01, ("de", "*"): 0.05}
    metrics, comparisons = [], []
    for (setting, query, passage, metric), (a, b) in values.items():
        reason = None if a == a else "English has no queries"
        limits = (1.0, 0.125) if metric == "map" else (2.0, 2000.0)
        key = (*answers, setting, query, passage, metric)
        metrics += [
            (label, *key, v, v * 0.5, v * 1.5, 2, *limits, reason)
            for label, v in (("a_1", a), ("b", b))
        ]
        p = significant.get((query, passage), 0.5)
        d = b - a
        comparisons.append(("a_1", "b", *key, a, b, d, d - 1, d + 1, p / 2, p, 2, 0.3, 2.5, reason))
    return Results(
        pd.DataFrame(metrics, columns=[*METRIC_COLUMNS, "best", "random", "reason"]),
        pd.DataFrame(comparisons, columns=[*COMPARISON_COLUMNS, "effect_size", "mdd", "reason"]),
        pd.DataFrame(),
        [],
        pd.DataFrame(),
        {
            "checkpoints": [
                {"label": "a_1", "fingerprint": "1" * 64}, {"label": "b", "fingerprint": "2" * 64},
            ],
            "datasets": [{"name": "tiny", "languages": ["de", "en"], "queries": {"de": 2, "en": 2},
                          "passages": {"de": 3, "en": 3}, "checksum": "cafe" * 16}],
            "baseline": "a_1", "settings": {"seed": 7, "bootstrap": 500},
            "environment": {"packages": {"alignkit": "0.1.0"}},
        },
    )  # fmt: skip


def table(results, name):
    return next(found for found in build_tables(results) if found.name == name)


def test_map_in_markdown(tiny):
    assert markdown(table(tiny, "map")) == (
        "| language | monolingual a_1 | monolingual b | multilingual a_1 | multilingual b |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        "| German | .500 | **.625**† | **.250** | .200 |\n"
        "| English | .750 | .750 | –<sup>a</sup> | –<sup>a</sup> |\n"
        "| mean | .625 | **.688** | **.250** | .200 |\n"
        "| best possible | 1.00 | 1.00 | 1.00 | 1.00 |\n"
        "| random ranking | .125 | .125 | .125 | .125 |\n"
        "\n"
        "Bold: the best checkpoint.\n"
        "\n"
        "†: differs from a_1, Holm-adjusted p < .05.\n"
        "\n"
        "a: English has no queries.\n"
        "\n"
        f"`{SIGNATURE}`\n"
    )


def test_rank_distance_in_latex(tiny):
    text = latex(table(tiny, "rank-distance"))
    body, _, notes = text.partition("\\end{tabular}\n")
    assert body == (
        "\\begin{tabular}{lrr}\n"
        "\\toprule\n"
        "language & a\\_1 & b \\\\\n"
        "\\midrule\n"
        "German & 1,200 & \\textbf{80.2} \\\\\n"
        "English & \\textbf{40.0} & 60.0 \\\\\n"
        "\\midrule\n"
        "mean & 620.0 & \\textbf{70.1} \\\\\n"
        "best possible & 2.0 & 2.0 \\\\\n"
        "random ranking & 2,000 & 2,000 \\\\\n"
        "\\bottomrule\n"
    )
    assert "Bold: the best checkpoint." in notes
    assert "dagger" not in notes  # p = .05 is not below .05


def test_map_in_csv_has_full_numbers_and_codes(tiny):
    assert comma_separated(table(tiny, "map")) == (
        "language,monolingual/a_1,monolingual/b,multilingual/a_1,multilingual/b\n"
        "de,0.5,0.625,0.25,0.2\n"
        "en,0.75,0.75,,\n"
        "mean,0.625,0.6875,0.25,0.2\n"
        "best possible,1.0,1.0,1.0,1.0\n"
        "random ranking,0.125,0.125,0.125,0.125\n"
    )


def test_summary_has_value_interval_change_and_p(tiny):
    lines = markdown(table(tiny, "summary")).splitlines()
    assert lines[0] == (
        "| measure | a_1 value | a_1 95 % CI | b value | b 95 % CI | b change | b p | b MDD "
        "| by design best | by design random |"
    )
    assert lines[-1] == f"`{SIGNATURE}`"
    assert (
        "| rank distance | 620.0 | 310.0 to 930.0 | **70.1** | 35.1 to 105.2 | −549.9 | .500 | 2.5 "
        "| 2.0 | 2,000 |" in lines
    )


def test_one_checkpoint_has_neither_bold_nor_daggers_nor_changes(make_results):
    for found in build_tables(make_results(("a",), ("de", "en"))):
        text = markdown(found)
        assert "**" not in text
        assert "†" not in text
        assert "change" not in text


@pytest.mark.parametrize("name", ["summary", "map", "rank-distance"])
def test_latex_is_balanced_and_every_row_has_all_columns(make_results, name):
    results = make_results(("a_b", "50%&#"), ("de", "en", "th"), undefined=("complete@20",))
    text = latex(table(results, name))

    columns = len(re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)[1])
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) > 3
    for row in rows:
        spanned = [int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", row)]
        assert len(re.findall(r"(?<!\\)&", row)) + sum(spanned) == columns - 1, row
    assert not re.search(r"(?<!\\)[%#_]", text)
    assert "@" not in text or "\\makeatletter" not in text


def test_columns_are_grouped_by_setting_with_a_rule_under_each(make_results):
    lines = latex(table(make_results(languages=("de",)), "map")).splitlines()
    assert lines[2] == (
        r"& \multicolumn{2}{c}{monolingual} & \multicolumn{2}{c}{cross-lingual} "
        r"& \multicolumn{2}{c}{multilingual} \\"
    )
    assert lines[3] == r"\cmidrule(lr){2-3} \cmidrule(lr){4-5} \cmidrule(lr){6-7}"


def test_latex_of_every_special_character():
    tricky = Table(
        "t", "d", "", r"a\b", (ColumnGroup("", ("x~y^z",)),),
        (Row("{$5}", (Cell("−.5", -0.5, is_best=True, marks="†"),)),), (), "a|b",
    )  # fmt: skip
    text = latex(tricky)
    assert r"a\textbackslash{}b & x\textasciitilde{}y\textasciicircum{}z \\" in text
    assert r"\{\$5\} & \textbf{$-$.5}$^{\dagger}$ \\" in text
    assert r"a\textbar{}\allowbreak{}b" in text


def test_signature_leaves_out_what_the_run_does_not_know(tiny):
    assert signature(tiny, "tiny") == SIGNATURE
    bare = {"checkpoints": [{"label": "a"}], "datasets": [{"name": "tiny"}], "baseline": "a"}
    assert signature(replace(tiny, provenance=bare), "tiny") == "data:tiny|ties:against"


def test_macro_names_have_letters_only():
    assert macro_name("x-2_b@10") == "XTwoBOneZero"


def test_macros_name_dataset_checkpoint_setting_and_measure(tiny):
    lines = macros(tiny).splitlines()
    assert r"\newcommand{\TinyAOneMultilingualRankDistance}{620.0}" in lines
    assert r"\newcommand{\TinyBMultilingualRankDistanceChange}{$-$549.9}" in lines
    assert r"\newcommand{\TinyBMultilingualRankDistanceP}{p = .500}" in lines


def test_macros_of_labels_that_differ_in_signs_alone_are_told_apart(make_results):
    names = re.findall(r"\\newcommand\{\\([A-Za-z]+)\}", macros(make_results(("a-b", "a_b"))))
    assert len(names) == len(set(names)) > 10


def test_files_of_every_table(tiny, tmp_path):
    written = write_tables(tiny, tmp_path)

    assert [(one.table.dataset, one.table.name) for one in written] == [
        ("tiny", "summary"), ("tiny", "map"), ("tiny", "rank-distance")
    ]  # fmt: skip
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"macros.tex"} | {
        f"tiny-{name}.{ending}"
        for name in ("summary", "map", "rank-distance")
        for ending in ("tex", "md", "csv")
    }
    assert b"\r" not in written[0].paths["csv"].read_bytes()
