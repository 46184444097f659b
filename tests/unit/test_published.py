"""Figures of papers: facts beside a run's own values, without a part in any test."""

import pandas as pd
import pytest

from alignkit.errors import AlignkitError
from alignkit.metrics import metric_of
from alignkit.published import papers, published_rows
from alignkit.tables import PUBLISHED_COLUMNS


def test_every_row_names_its_source_and_a_measure_that_alignkit_has():
    for paper in papers():
        rows = published_rows([paper])
        assert list(rows.columns) == PUBLISHED_COLUMNS
        assert rows["source"].str.contains(paper).all()
        assert not rows.duplicated(PUBLISHED_COLUMNS[:-1]).any()
        for metric, values in rows.groupby("metric")["value"]:
            low, high = metric_of(metric).bounds
            assert values.between(low, high).all(), metric


def test_the_papers_means_are_those_of_its_languages():
    rows = published_rows(["2408.10536"])
    rows = rows[(rows["dataset"] == "xquad-r") & (rows["metric"] == "rank_distance")]
    means = rows[rows["query_language"] == "*"].set_index(["model", "sampling"])["value"]
    own = rows[rows["query_language"] != "*"].groupby(["model", "sampling"])["value"].mean()
    pd.testing.assert_series_equal(means.sort_index(), own.sort_index(), rtol=0.005)


def test_a_paper_that_is_not_known_is_refused():
    with pytest.raises(AlignkitError, match=r"did you mean 2408\.10536"):
        published_rows(["2408.1053"])
