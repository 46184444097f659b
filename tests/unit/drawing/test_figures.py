from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection, QuadMesh

from alignkit.errors import AlignkitError
from alignkit.figures import FIGURES, draw_all, kept
from alignkit.figures.glyphs import text_width
from alignkit.figures.heatmap_grid import cell_text
from alignkit.figures.style import drawing, mark

DE, EN, TH = 0, 1, 2  # rows of ("de", "en", "th") in display order

MANY = (
    "ar",
    "bn",
    "de",
    "el",
    "en",
    "es",
    "fa",
    "fi",
    "fr",
    "hi",
    "id",
    "ja",
    "ko",
    "ru",
    "sw",
    "te",
    "th",
    "tr",
    "vi",
    "zh",
)


def draw(name, results):
    with drawing():
        return FIGURES.get(name).draw(results, "sample")


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title() == title)


def shown(axes):
    return next(part for part in axes.collections if isinstance(part, QuadMesh)).get_array()


def value(results, checkpoint, setting, query, passage, metric, task="answer-retrieval"):
    rows = results.metrics
    key = {"checkpoint": checkpoint, "setting": setting, "query_language": query, "metric": metric,
           "passage_language": passage, "task": task}  # fmt: skip
    return rows.loc[(rows[list(key)] == pd.Series(key)).all(axis=1), "value"].item()


def test_heat_map_rows_are_query_languages_and_its_diagonal_is_monolingual(make_results):
    results = make_results(languages=("th", "de", "en"))

    axes = panel(draw("heatmap-map", results), "base")

    matrix = shown(axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["de", "en", "th"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("passage language", "query language")
    assert matrix[DE, TH] == value(results, "base", "cross-lingual", "de", "th", "map")
    assert matrix[TH, DE] == value(results, "base", "cross-lingual", "th", "de", "map")
    assert matrix[EN, EN] == value(results, "base", "monolingual", "en", "en", "map")


def test_difference_panel_is_candidate_minus_baseline_on_a_scale_centred_at_0(make_results):
    results = make_results(languages=("th", "de", "en"))

    figure = draw("heatmap-map", results)

    mesh = panel(figure, "tuned − base").collections[0]
    difference = shown(panel(figure, "tuned")) - shown(panel(figure, "base"))
    assert np.array_equal(mesh.get_array(), difference)
    assert mesh.norm.vmin == -mesh.norm.vmax == -np.abs(difference).max()


def test_equal_checkpoints_have_no_pattern_in_their_difference(make_results):
    results = make_results(languages=("th", "de", "en"))
    metrics = results.metrics.assign(value=0.5)
    figure = draw("heatmap-map", replace(results, metrics=metrics))
    norms = [panel(figure, title).collections[0].norm for title in ("base", "tuned − base")]
    assert [(n.vmin, n.vmax) for n in norms] == [(0.48, 0.52), (-0.02, 0.02)]


def test_dots_mark_the_cells_whose_adjusted_p_is_below_a_twentieth(make_results):
    results = make_results(languages=("th", "de", "en"))
    rows = results.comparisons
    here = (rows["metric"] == "preference_rank") & (rows["query_language"] == "de")
    p_adjusted = rows["p_adjusted"].where(rows["metric"] != "preference_rank", 0.05)
    p_adjusted[here & (rows["passage_language"] == "th")] = 0.049

    figure = draw(
        "heatmap-preference_rank", replace(results, comparisons=rows.assign(p_adjusted=p_adjusted))
    )

    dots = panel(figure, "tuned − base").collections[-1]
    ((column, row),) = dots.get_offsets()
    assert (int(row), int(column)) == (DE, TH)


def test_checkpoints_share_a_scale(make_results):
    figure = draw("heatmap-recall@1", make_results(languages=("de", "en")))
    meshes = [panel(figure, label).collections[0] for label in ("base", "tuned")]
    assert meshes[0].norm is meshes[1].norm


def test_cosine_heat_map_draws_the_matrix_with_its_languages_put_in_order(make_results):
    results = make_results(languages=("ar", "de", "zh"))
    source = next(m for m in results.matrices if m.name == "cosine_random")

    axes = panel(draw("heatmap-cosine_random", results), "base")

    order = [source.languages.index(label.get_text()) for label in axes.get_yticklabels()]
    assert order != sorted(order)
    assert np.array_equal(shown(axes), source.values[np.ix_(order, order)])


def test_a_query_is_not_its_own_translation(make_results):
    matrix = shown(panel(draw("heatmap-cosine_margin", make_results()), "base"))
    assert np.ma.getmaskarray(matrix).diagonal().all() or np.isnan(matrix.diagonal()).all()


@pytest.mark.parametrize(("n", "has_numbers"), [(12, True), (13, False)])
def test_numbers_stand_in_the_cells_of_up_to_twelve_languages(make_results, n, has_numbers):
    results = make_results(("a",), MANY[:n], n_ids=2)
    axes = panel(draw("heatmap-map", results), "a")
    stamps = [part for part in axes.collections if isinstance(part, PathCollection)]
    assert bool(stamps) == has_numbers


def test_stamped_characters_spell_the_value_of_their_cell(make_results):
    results = make_results(("a",), ("de", "en"))
    axes = panel(draw("heatmap-map", results), "a")
    stamps = [part for part in axes.collections if isinstance(part, PathCollection)]

    found = sorted(
        (x, part.get_label()) for part in stamps for x, y in part.get_offsets()
        if (int(x), int(y)) == (1, 0)
    )  # fmt: skip

    expected = cell_text(value(results, "a", "cross-lingual", "de", "en", "map"), "map")
    assert "".join(character for _, character in found) == expected


@pytest.mark.parametrize(
    ("number", "metric", "text"),
    [(0.456, "map", ".46"), (-0.05, "map", "−.05"), (1.0, "map", "1.00"), (np.nan, "map", "–"),
     (3.21, "preference_rank", "3.2"), (-123.4, "preference_rank", "−123"),
     (12345.0, "preference_rank", "12k")],
)  # fmt: skip
def test_cell_text(number, metric, text):
    assert cell_text(number, metric) == text


def test_text_width_adds_up():
    with drawing():
        assert text_width("11") == pytest.approx(2 * text_width("1"))


def test_rank_distance_has_a_row_a_language_and_the_mean_last(make_results):
    results = make_results(languages=("th", "de", "en"))

    axes = draw("rank-distance", results).axes[0]

    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["German", "English", "Thai", "mean"]
    bars = {container.get_label(): container for container in axes.containers}
    assert set(bars) == {"base", "tuned"}
    points, _, (lines,) = bars["tuned"]
    assert points.get_xdata()[2] == value(
        results, "tuned", "multilingual", "th", "*", "rank_distance"
    )
    assert points.get_xdata()[3] == value(
        results, "tuned", "multilingual", "*", "*", "rank_distance"
    )
    row = results.metrics.query("checkpoint == 'tuned' and metric == 'rank_distance'").iloc[0]
    at = ["th", "de", "en"].index(row["query_language"])
    segment = lines.get_segments()[[2, 0, 1][at]]
    assert segment[:, 0].tolist() == pytest.approx([row["ci_low"], row["ci_high"]])


def limits(results):
    """Where the best possible and the random rank distance are drawn, and what is said of them."""
    picture = draw("rank-distance", results)
    drawn = {
        line.get_linestyle(): line.get_xdata()[0]
        for line in picture.axes[0].lines
        if line.get_linestyle() in ("--", ":")
    }
    return drawn, [text.get_text() for text in picture.legends[0].get_texts()]


def test_rank_distance_shows_the_best_possible_value_and_that_of_a_random_ranking(make_results):
    results = make_results(languages=("th", "de", "en"))
    drawn, said = limits(results)
    assert drawn == {"--": 2}  # 2,000 would press all else together
    assert said[-2:] == ["best possible", "random ranking, at 2,000"]

    near = results.metrics.assign(random=results.metrics["value"].max())
    drawn, said = limits(replace(results, metrics=near))
    assert drawn.keys() == {"--", ":"}
    assert said[-1] == "random ranking"


def test_rank_distance_shows_no_limits_that_are_not_known(make_results):
    results = make_results(languages=("th", "de", "en"))
    unknown = results.metrics.assign(best=np.nan, random=np.nan)
    drawn, said = limits(replace(results, metrics=unknown))
    assert (drawn, said) == ({}, ["base", "tuned"])


def test_settings_draws_map_and_recall_with_an_estimate_a_setting(make_results):
    results = make_results()
    left, right = draw("settings", results).axes
    assert (left.get_ylabel(), right.get_ylabel()) == ("mAP", "recall@10")
    points = left.containers[1][0]
    expected = [
        value(results, "tuned", setting, "*", "*", "map")
        for setting in ("monolingual", "cross-lingual", "multilingual")
    ]
    assert points.get_ydata().tolist() == expected


def test_trade_off_places_a_checkpoint_at_its_two_averages(make_results):
    results = make_results()
    axes = draw("trade-off", results).axes[0]
    point = axes.containers[0][0]
    assert point.get_xdata() == [value(results, "base", "monolingual", "*", "*", "map")]
    assert point.get_ydata() == [value(results, "base", "multilingual", "*", "*", "rank_distance")]


def test_lines_join_each_translation_to_the_centre_of_its_question(make_results):
    results = make_results(("a",), ("de", "en"), n_ids=3)

    axes = panel(draw("umap", results), "a, translations joined")

    segments = next(p for p in axes.collections if isinstance(p, LineCollection)).get_segments()
    assert len(segments) == 6
    for question in range(3):
        (p, centre), (q, same) = segments[2 * question : 2 * question + 2]
        assert centre.tolist() == same.tolist()
        assert (p + q) / 2 == pytest.approx(centre)


def test_a_checkpoint_without_a_map_has_no_row(make_results):
    results = make_results()
    only = results.projection[results.projection["checkpoint"] == "tuned"]
    titles = [axes.get_title() for axes in draw("umap", replace(results, projection=only)).axes]
    assert titles == ["tuned, UMAP (trust .90)", "tuned, translations joined",
                      "tuned, PCA (trust .70)"]  # fmt: skip


def test_queries_without_translations_are_not_joined(make_results):
    results = make_results(("a",), ("de",))
    titles = [axes.get_title() for axes in draw("umap", results).axes]
    assert titles == ["a, UMAP (trust .90)", "a, PCA (trust .70)"]


def test_sixty_four_marks_differ():
    assert len({tuple(mark(i).values()) for i in range(64)}) == 64


@pytest.mark.parametrize("languages", [("de",), ("de", "en"), MANY])
def test_any_number_of_languages_is_drawn(make_results, languages, tmp_path):
    drawn = draw_all(make_results(("a",), languages, n_ids=2), tmp_path, ("png",))
    names = {figure.name for figure in drawn}
    assert {"rank-distance", "settings", "trade-off", "umap"} <= names
    assert ("heatmap-map" in names) == (len(languages) > 1)
    assert all(path.stat().st_size for figure in drawn for path in figure.paths.values())
    assert all(figure.alt.endswith(".") and "nan" not in figure.alt for figure in drawn)


def test_null_measures_are_left_out_and_the_rest_is_drawn(make_results, tmp_path):
    results = make_results(undefined=("rank_distance", "preference_rank"), languages=("de", "en"))
    names = {figure.name for figure in draw_all(results, tmp_path, ("svg",))}
    assert "settings" in names
    assert not names & {"rank-distance", "trade-off", "heatmap-preference_rank"}


def test_a_null_cell_does_not_stop_a_heat_map(make_results):
    results = make_results(languages=("de", "en", "th"))
    null = (results.metrics["query_language"] == "de") & (
        results.metrics["passage_language"] == "th"
    )
    values = results.metrics["value"].mask(null)
    axes = panel(
        draw("heatmap-map", replace(results, metrics=results.metrics.assign(value=values))), "base"
    )
    assert np.isnan(np.ma.filled(shown(axes), np.nan)[DE, TH])


def test_questions_alone_give_cosines_alone(make_results, tmp_path):
    results = make_results(tasks=("question-alignment",), languages=("de", "en"), projection=False)
    names = [figure.name for figure in draw_all(results, tmp_path, ("svg",))]
    assert names == ["heatmap-cosine_parallel", "heatmap-cosine_random", "heatmap-cosine_margin"]


def test_files_are_named_by_dataset_and_figure_and_the_same_bytes_every_time(
    make_results, tmp_path
):
    results = make_results(("a",), ("de", "en"), n_ids=20)

    drawn = draw_all(results, tmp_path / "one", ("pdf", "png", "svg"))
    draw_all(results, tmp_path / "two", ("svg", "pdf", "png"))

    recall = next(figure for figure in drawn if figure.name == "heatmap-recall@1")
    assert recall.paths["png"] == tmp_path / "one" / "sample-heatmap-recall-at-1.png"
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_the_users_settings_are_left_alone():
    before = dict(mpl.rcParams)
    with drawing():
        inside = mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"]
    assert inside == (7, 42)
    assert dict(mpl.rcParams) == before


def test_dollars_and_foreign_scripts_in_a_label_are_drawn(make_results, tmp_path):
    draw_all(make_results(("a$b$", "模型"), ("de", "en")), tmp_path, ("png",))


def test_an_unknown_format_is_refused_before_anything_is_drawn(results, tmp_path):
    message = "figures cannot be written as 'gif'; choose from pdf, png, svg"
    with pytest.raises(AlignkitError, match=message):
        draw_all(results, tmp_path / "out", ("png", "gif"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["metrics", "variants", "published"])
def test_figures_of_other_numbers_are_others(name, make_results):
    results = make_results(("a",), ("de", "en"), n_ids=3)
    keys = [kept.key_of(results, {}, ("svg",)), kept.key_of(results, {}, ("svg", "pdf"))]
    table = getattr(results, name)
    more = pd.concat([table, pd.DataFrame([dict.fromkeys(table.columns, 0)])], ignore_index=True)
    keys.append(kept.key_of(replace(results, **{name: more}), {}, ("svg",)))

    assert len(set(keys)) == 3
