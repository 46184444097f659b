"""Do figures fit the columns and slides they are drawn for, with labels that can be read?"""

import shutil
import subprocess

import pytest
from matplotlib.image import imread

from alignkit.errors import AlignkitError
from alignkit.figures import FIGURES, draw_all
from alignkit.figures.glyphs import fitted, text_width
from alignkit.figures.lettering import Font, Lettering, lettering_for
from alignkit.figures.page import PAPER, SLIDES, page_of
from alignkit.figures.style import drawing
from alignkit.progress import Reporter

LONG = "a-label-that-somebody-took-from-the-path-of-checkpoint-12000"


@pytest.mark.parametrize(
    ("asked", "column", "width"),
    [("3.25", 3.25, 6.7), ("77mm", 3.031, 6.262), ("7.7cm", 3.031, 6.262),
     ("219.08612pt", 3.031, 6.262), ("5.5in", 2.65, 5.5), ("icml", 3.25, 6.75)],
)  # fmt: skip
def test_a_column_is_named_by_its_width_or_its_venue(asked, column, width):
    page = page_of("paper", asked)
    assert (page.column, page.width, page.scale) == (column, width, 1)


@pytest.mark.parametrize(
    ("style", "asked", "message"),
    [("paper", "wide", "cannot read the column width 'wide'"),
     ("paper", "-3", "cannot read the column width '-3'"),
     ("paper", "30", "a column of 30 is 30 inches wide; figures are drawn on 2.2 to 14"),
     ("paper", "30mm", "a column of 30mm is 1.18 inches wide"),
     ("slides", "3", "slides have no columns")],
)  # fmt: skip
def test_a_width_that_cannot_be_drawn_is_refused(style, asked, message):
    with pytest.raises(AlignkitError, match=message):
        page_of(style, asked)


@pytest.mark.parametrize(
    ("page", "checkpoints"),
    [(PAPER, ("a", "b")), (page_of("paper", "neurips"), ("a",)), (SLIDES, ("a", "b", LONG))],
)
def test_every_figure_fits_its_page(make_results, page, checkpoints):
    results = make_results(checkpoints, ("ar", "de", "en"), n_ids=3)
    with drawing(page):
        drawn = [
            card.draw(results, "sample")
            for card in FIGURES.values()
            if card.applies(results, "sample")
        ]
    assert len(drawn) > 8
    for figure in drawn:
        width, height = figure.get_size_inches()
        assert width <= page.width + 1e-9
        assert height <= page.height + 1e-9


def test_a_slide_has_heat_maps_and_umaps_in_one_row(make_results):
    results = make_results(("a", "b", "c"), ("de", "en"), n_ids=3)
    with drawing(SLIDES):
        maps = FIGURES.get("umap").draw(results, "sample").axes
        heat = FIGURES.get("heatmap-map").draw(results, "sample").axes
    assert [axes.get_title().partition(",")[0] for axes in maps] == ["a", "b", "c"]
    panels = [axes for axes in heat if axes.get_title() in ("a", "b", "c", "b − a", "c − a")]
    assert len({axes.get_position().y0 for axes in panels}) == 1
    assert len(panels) == 5


def test_type_on_slides_is_larger(make_results):
    sizes = []
    for page in (PAPER, SLIDES):
        with drawing(page):
            axes = FIGURES.get("trade-off").draw(make_results(), "sample").axes[0]
        sizes.append(axes.xaxis.label.get_size() / page.width)
    assert sizes[1] == pytest.approx(1.3 * sizes[0])


@pytest.mark.usefixtures("cache")
def test_figures_of_another_page_are_drawn_again(make_results, tmp_path):
    results = make_results(("a",), ("de", "en"), n_ids=3, projection=False)
    for name, page in (("one", PAPER), ("two", SLIDES), ("three", PAPER)):
        draw_all(results, tmp_path / name, ("png",), page=page)
    widths = [
        imread(tmp_path / name / "sample-settings.png").shape[1] for name in ("one", "two", "three")
    ]
    assert widths == [1260, 1638, 1260]


def test_a_long_label_is_cut_in_its_middle():
    with drawing():
        cut = fitted(LONG, 100.0, 7.0)
        assert 80 < text_width(cut) * 7 <= 100
        assert fitted("short", 100.0, 7.0) == "short"
    assert cut.startswith("a-label")
    assert cut.endswith("12000")
    assert "…" in cut


def test_a_label_that_no_font_can_write_is_called_by_its_place(make_results, tmp_path, capsys):
    def no_fonts(_character):
        return []

    found = lettering_for(["base", "模型"], no_fonts)

    assert found.codes == {"模型": "checkpoint 2"}
    assert "no font here has '模': in figures 模型 is called 'checkpoint 2'" in found.advice
    assert "fonts-noto-cjk" in found.advice
    with drawing(PAPER, found):
        figure = FIGURES.get("trade-off").draw(make_results(("base", "模型")), "sample")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["base", "checkpoint 2"]
    draw_all(make_results(("base", "\U000f0000"), ("de", "en"), n_ids=3), tmp_path, ("png",),
             reporter=Reporter())  # fmt: skip
    assert "is called 'checkpoint 2'" in capsys.readouterr().err


def test_our_own_font_is_enough_for_latin_greek_and_cyrillic():
    assert lettering_for(["Ελληνικά", "русский", "tiếng-Việt"]) == Lettering()


def test_a_font_is_looked_for_where_ours_lacks_characters():
    import matplotlib.font_manager as fonts

    mono = fonts.findfont("DejaVu Sans Mono")
    asked = []

    def only_mono(character):
        asked.append(character)
        return [Font(mono, "DejaVu Sans Mono", "Book", is_truetype=True)]

    # A font that is offered and lacks the character as well is not taken for one that has it.
    assert lettering_for(["ก"], only_mono).codes == {"ก": "checkpoint 1"}
    assert asked == ["ก"]


def test_real_fonts_write_every_script(make_results, tmp_path):
    labels = ("ไทย", "हिन्दी", "نموذج")
    if shutil.which("fc-list") is None or lettering_for(labels).codes:
        pytest.skip("no fonts for Thai and Hindi here; on Debian: fonts-noto-core")

    found = lettering_for(labels)

    assert found.type42
    with drawing(PAPER, found):
        figure = FIGURES.get("trade-off").draw(make_results(labels), "sample")
        from alignkit.figures.style import save

        save(figure, {"pdf": tmp_path / "a.pdf"})  # a glyph that is missing would warn: an error
    if shutil.which("pdffonts"):
        listed = subprocess.run(["pdffonts", tmp_path / "a.pdf"], capture_output=True, text=True,
                                check=True).stdout.splitlines()[2:]  # fmt: skip
        assert len(listed) >= 3
        assert all("CID TrueType" in line and " yes yes " in line for line in listed)
