import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from alignkit.report import write_report
from alignkit.report.html import link_papers

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """Collects what tests ask for and fails where tags do not nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], []
        self.code = []  # of scripts, which nobody reads
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.code if self.open and self.open[-1] == "script" else self.text).append(data)

    @property
    def read(self):
        return "".join(self.text)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(make_results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    results = make_results(("A", "B<i>"), ("de", "en"), n_ids=20, undefined=("complete@20",))
    write_report(results, folder, formats=("svg",))
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_nothing_is_fetched(page):
    addresses = [attrs[key] for _, attrs in page.tags for key in ("src", "href") if attrs.get(key)]
    assert addresses
    for address in addresses:
        known = ("data:image/", "data:text/csv;", "#", "https://arxiv.org/abs/")
        assert address.startswith(known), address[:80]
    assert not page.all("link")
    assert not re.search(r"url\(|@import", page.read)


def test_every_picture_has_words_and_a_caption(page):
    pictures = page.all("img")
    assert len(pictures) == len(page.all("figcaption")) > 5
    assert all(len(picture["alt"]) > 30 for picture in pictures)


def test_every_heading_of_a_table_has_a_scope(page):
    assert len(page.all("table")) == 3
    assert all(attrs["scope"] in {"col", "colgroup", "row"} for attrs in page.all("th"))


def test_anchors_lead_somewhere(page):
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    targets = {attrs["href"][1:] for attrs in page.all("a") if attrs["href"].startswith("#")}
    assert targets
    assert targets <= ids


def test_verdict_comes_before_the_tables_and_labels_are_escaped(page):
    text = "".join(page.text)
    assert text.index("On sample, B<i> ") < text.index("Averages over languages")
    assert not page.all("i")


def test_the_page_says_what_it_was_made_from(page):
    text = "".join(page.text)
    for said in (
        "alignkit compare A B<i>",
        "The sample data",
        "CC-BY-SA-4.0",
        "3 passages stand twice",
        "Worst minus best rank",
        "lower is better",
        "no parallel queries",
        "0abcdef0123456789",
        "numpy 2.3.0",
        "0 or more",
        "3 of them texts that stand more than once",
    ):
        assert said in text, said
    assert page.all("html") == [{"lang": "en"}]


def test_the_same_results_give_the_same_page(make_results, tmp_path):
    results = make_results(("A",), ("de",), n_ids=5)
    for name in ("one", "two"):
        write_report(results, tmp_path / name, formats=("png",))
    first, second = (tmp_path / name / "report.html" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_the_page_has_pictures_although_only_pdfs_were_asked_for(make_results, tmp_path):
    results = make_results(("A",), ("de",), n_ids=5)
    write_report(results, tmp_path, formats=("pdf",))
    assert "data:image/svg+xml" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".pdf"}


def test_a_bare_provenance_is_enough(make_results, tmp_path):
    results = make_results(("A",), ("de",), tasks=("question-alignment",), projection=False)
    bare = {"checkpoints": [{"label": "A"}], "datasets": [{"name": "sample"}], "baseline": "A"}
    write_report(replace(results, provenance=bare), tmp_path, formats=("svg",))
    text = "".join(Page((tmp_path / "report.html").read_text(encoding="utf-8")).text)
    assert "None" not in text
    assert "These data allow no table by language." in text


def test_a_missing_map_is_explained(make_results, tmp_path):
    results = make_results(("A",), ("de",), projection=False)
    found = {"sample": {"A": {"reason": "all vectors are equal"}}}
    write_report(
        replace(results, provenance={**results.provenance, "projection": found}),
        tmp_path, formats=("svg",),
    )  # fmt: skip
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No map of A on sample: all vectors are equal." in text


def test_only_arxiv_numbers_become_links():
    assert link_papers("see https://example.org <b>") == "see https://example.org &lt;b&gt;"
    assert link_papers("2004.05484") == '<a href="https://arxiv.org/abs/2004.05484">2004.05484</a>'
