"""The settings table: averages by setting, a run's checkpoints above the published models."""

from dataclasses import replace

from alignkit.published import published_rows
from alignkit.report.layout import Table
from alignkit.report.published import published_table
from alignkit.report.tables import build_tables
from alignkit.tables import Results

PAPERS = ("2408.10536", "2004.05484")


def table(results: Results, dataset: str) -> Table:
    """Lay out the table; of a dataset that the papers don't have, the run's own summary."""
    beside = replace(results, published=published_rows(PAPERS))
    (found,) = published_table(beside, dataset) or [
        one for one in build_tables(results) if (one.name, one.dataset) == ("summary", dataset)
    ]
    return found
