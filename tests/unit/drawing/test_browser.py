"""The report in a real browser: Chromium, driven without a screen."""

import csv
import os
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from alignkit.report import write_report

pytestmark = pytest.mark.browser
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
REPOSITORY = Path(__file__).parents[3]
ANSWERS, QUESTIONS = "answer-retrieval", "question-alignment"


@pytest.fixture(scope="module")
def chromium():
    """A browser; the tests are skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = os.environ.get("ALIGNKIT_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium: install it, or name it in ALIGNKIT_CHROMIUM")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe():
    """Source of axe-core; the tests are skipped where it is missing."""
    named = os.environ.get("ALIGNKIT_AXE") or REPOSITORY / "node_modules/axe-core/axe.min.js"
    if not Path(named).is_file():
        pytest.skip("no axe-core: `npm install axe-core`, or name axe.min.js in ALIGNKIT_AXE")
    return Path(named).read_text("utf-8")


@pytest.fixture(scope="module")
def report(make_results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    results = make_results(("A", "B<i>"), ("ar", "de", "en", "th"), n_ids=12)
    write_report(results, folder, formats=("svg",))
    return folder / "report.html"


@pytest.fixture
def opened(chromium):
    """Open a page; what goes wrong in it is an error of the test."""
    faults, contexts = [], []

    def open_page(path, **options):
        contexts.append(chromium.new_context(accept_downloads=True, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else 0)
        page.on("request", lambda request: faults.append(request.url)
                if not request.url.startswith(("file:", "data:", "blob:")) else None)  # fmt: skip
        page.goto(path.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def cell(page, query, passage, panel=0):
    heat = page.locator("table.heat").nth(panel)
    columns = heat.locator("thead th").all_inner_texts()
    return (
        heat.locator(f"tbody tr:has(th:text-is('{query}')) td")
        .nth(columns.index(passage))
        .locator("button")
    )


def chosen(page, section, label):
    return page.locator(f"{section} label:has-text('{label}') select")


def saved(page, link):
    with page.expect_download() as download:
        link.click()
    return Path(download.value.path()).read_text("utf-8"), download.value.suggested_filename


def test_a_page_opens_from_disk_and_asks_for_nothing(opened, report):
    page = opened(report)
    addresses = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    assert [one for one in addresses if not one.startswith(("data:", "blob:"))] == []
    assert page.locator("#pairs").is_visible()
    assert page.locator("#maps").is_visible()
    assert page.locator(".first canvas").is_visible()


def test_a_cell_tells_value_interval_n_and_change_to_pointer_and_keyboard(opened, report):
    page = opened(report)
    cell(page, "ar", "de").hover()
    said = page.locator("#tip").inner_text()
    assert said.startswith("Arabic to German, mean rank")
    for part in ("A ", "B<i> ", "95 % CI", "n 12", "B<i> − A"):
        assert part in said
    cell(page, "ar", "ar").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert page.locator("#tip").inner_text() in focused
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_an_opened_pair_shows_ranks_and_lists_in_their_scripts(opened, report):
    page = opened(report)
    cell(page, "ar", "de", panel=2).click()
    detail = page.locator(".detail")
    assert detail.locator("h3").first.inner_text() == "Arabic questions, German passages"
    assert detail.locator("canvas").count() == 2
    first = detail.locator("article").first
    question = first.locator(".text").first
    assert (question.get_attribute("lang"), question.get_attribute("dir")) == ("ar", "rtl")
    assert first.locator(".parallel").first.get_attribute("lang") == "en"
    assert first.locator(".sides ol").count() == 2
    assert first.locator(".sides li").count() == 10
    assert first.locator(".sides li.answers .text").first.inner_text().startswith("ar <i>")
    cell(page, "th", "en").press("Enter")
    assert detail.locator("h3").first.inner_text() == "Thai questions, English passages"


def test_another_measure_redraws_the_cells(opened, report):
    page = opened(report)
    before = cell(page, "de", "en").inner_text()
    chosen(page, "#pairs", "Measure").select_option(label="mAP")
    after = cell(page, "de", "en").inner_text()
    assert after != before
    assert after.startswith(".")


def test_a_question_lights_its_translations_in_every_map(opened, report):
    page = opened(report)
    lights = page.locator(".map svg circle")
    page.get_by_label("Find a question (text or id)").fill("de:q7")
    page.get_by_role("button", name="Next").click()
    assert lights.count() == 2 * 4
    said = page.locator(".question").inner_text()
    assert all(f"Question 7 in {code}?" in said for code in ("ar", "de", "en", "th"))
    page.get_by_role("button", name="Thai", exact=True).click()
    assert lights.count() == 2 * 3
    x, y = (float(lights.first.get_attribute(name)) for name in ("cx", "cy"))
    page.locator(".map .chart").first.hover(position={"x": 1, "y": 1})
    assert lights.count() == 0
    page.locator(".map .chart").first.hover(position={"x": x, "y": y})
    assert lights.count() == 2 * 3
    assert "Question" in page.locator("#tip").inner_text()


def test_tables_and_figures_can_be_downloaded(opened, report):
    page = opened(report)
    text, name = saved(page, page.get_by_role("link", name="CSV of: Averages over languages"))
    rows = list(csv.reader(text.splitlines()))
    assert name == "sample-summary.csv"
    assert {"A/value", "B<i>/value"} <= set(rows[0])
    assert {len(row) for row in rows} == {len(rows[0])}
    text, name = saved(page, page.get_by_role("link", name="SVG of the figure: sample-trade-off"))
    assert name == "sample-trade-off.svg"
    assert ET.fromstring(text).tag.endswith("svg")
    text, name = saved(page, page.locator("#pairs").get_by_role("button", name="CSV"))
    assert name == "sample-pairs-preference_rank.csv"
    assert len(text.splitlines()) == 1 + 2 * 4 * 4
    cell(page, "ar", "de").click()
    text, _ = saved(page, page.locator(".detail").get_by_role("button", name="SVG").first)
    assert ET.fromstring(text).tag.endswith("svg")
    text, _ = saved(page, page.locator("#maps").get_by_role("button", name="SVG"))
    assert ET.fromstring(text).tag.endswith("svg")


def test_a_measure_is_defined_at_a_click(opened, report):
    page = opened(report)
    page.get_by_role("link", name="rank distance", exact=True).click()
    dialog = page.locator("dialog")
    assert "Worst minus best rank" in dialog.inner_text()
    assert dialog.get_by_role("link", name="arXiv 2408.10536").is_visible()
    page.keyboard.press("Escape")
    assert dialog.is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, report, axe, scheme):
    page = opened(report, color_scheme=scheme)
    cell(page, "ar", "de").click()
    page.get_by_role("button", name="Next").click()
    page.evaluate(axe)
    found = page.evaluate("axe.run().then((done) => done.violations)")
    serious = [
        (one["id"], [node["html"][:200] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert not serious


def test_a_phone_shows_the_page_without_scrolling_sideways(opened, report):
    page = opened(report, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    cell(page, "ar", "de").tap()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator(".detail").is_visible()


def test_tables_and_figures_are_there_without_scripts(opened, report):
    page = opened(report, java_script_enabled=False)
    assert page.locator("#pairs").is_hidden()
    assert page.get_by_text("With JavaScript this page also").is_visible()
    assert page.locator("#summary ~ .first table").is_visible()
    pictures = page.locator("figure img")
    assert pictures.count() > 5
    assert all(picture.is_visible() for picture in pictures.all())


def test_in_print_stand_the_figures_and_not_what_needs_a_pointer(opened, report):
    page = opened(report)
    page.emulate_media(media="print")
    assert page.locator(".first img").is_visible()
    assert page.locator(".first canvas").is_hidden()
    assert page.locator("#pairs").is_hidden()


@pytest.mark.parametrize(
    "shape",
    [
        {"checkpoints": ("only",)},
        {"datasets": ("one", "two")},
        {"tasks": (QUESTIONS,), "projection": False},
        {"checkpoints": ("step-1", "step-2", "step-3"), "projection": False, "steps": [1, 2, 3]},
    ],
    ids=["one checkpoint", "two datasets", "questions alone", "a trajectory"],
)
def test_other_runs_open_as_well(opened, make_results, tmp_path, shape):
    steps = shape.pop("steps", None)
    results = make_results(languages=("de", "en"), n_ids=8, **shape)
    if steps:
        way = {"folder": "runs/x", "steps": steps}
        results = replace(results, provenance={**results.provenance, "trajectory": way})
    write_report(results, tmp_path, formats=("svg",))
    page = opened(tmp_path / "report.html")
    if len(results.datasets) > 1:
        chosen(page, "#pairs", "Data").select_option(label="two")
        chosen(page, "#maps", "Data").select_option(label="two")
    cell(page, "de", "en").click()
    assert page.locator(".detail h3").first.inner_text().startswith("German questions, English")
    assert page.locator("#maps").is_visible() == (len(results.projection) > 0)
