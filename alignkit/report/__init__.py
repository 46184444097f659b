"""What a reader gets: figures, tables and one HTML page from a run's results."""

from collections.abc import Sequence
from pathlib import Path

from alignkit.figures.page import PAPER, Page
from alignkit.progress import SILENT, Reporter
from alignkit.tables import Results


def write_report(
    results: Results,
    folder: Path,
    *,
    formats: Sequence[str] = ("pdf", "png", "svg"),
    page: Page = PAPER,
    reporter: Reporter = SILENT,
) -> None:
    """Write `figures/`, `tables/` and `report.html` into `folder`, the same bytes every time.

    `formats` are those of the figures, `page` what they are sized to; the HTML embeds the SVG, or
    the PNG where that is smaller to carry, and neither need be among them.
    """
    from alignkit.figures import draw_all
    from alignkit.report.html import EMBEDDED, render
    from alignkit.report.tables import write_tables

    folder.mkdir(parents=True, exist_ok=True)
    reporter.say("drawing figures", level=1)
    for_page = [] if set(formats) & set(EMBEDDED) else [EMBEDDED[0]]
    figures = draw_all(
        results, folder / "figures", [*formats, *for_page], page=page, reporter=reporter
    )
    tables = [written.table for written in write_tables(results, folder / "tables")]
    html = render(results, figures, tables)
    (folder / "report.html").write_text(html, encoding="utf-8", newline="\n")
    for figure in figures:
        for name in for_page:
            figure.paths[name].unlink()
