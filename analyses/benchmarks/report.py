"""How soon a run's page paints, and how long it takes to answer, by Chromium's own clocks.

`python analyses/benchmarks/report.py RUN` opens RUN/report.html anew for every round. First paint
is Chromium's first contentful paint. An answer is the time from an input's stamp, which Chromium
puts on it, to the frame that follows it. Drawing again from the stored run is timed beside them.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from shutil import which
from typing import Any

from playwright.sync_api import Page, sync_playwright

from alignkit.report import write_report
from alignkit.run_folder import read_results

PAINT, ANSWER, WRITING, LARGEST = 1000, 100, 400, 6  # targets: ms, ms, ms of processor time, MB
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LISTEN = """() => {
  window.answers = [];
  for (const kind of ["mouseover", "pointermove", "click", "change"])
    addEventListener(kind, (event) => requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.answers.push([kind, performance.now() - event.timeStamp]);
      port2.postMessage(0);
    }), true);
}"""


def answer(page: Page, kind: str, act: Any) -> float:  # noqa: ANN401  any callable
    """Do something, and return how many milliseconds the page took to show what came of it."""
    page.evaluate("() => { window.answers = []; }")
    act()
    page.wait_for_function("(kind) => window.answers.some(([one]) => one === kind)", arg=kind)
    page.wait_for_timeout(50)
    answers = page.evaluate("() => window.answers")
    return max(took for one, took in answers if one == kind)


def visit(page: Page, path: Path) -> dict[str, float]:
    """Open the page and use it once; times in milliseconds."""
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    found = {"first paint": page.evaluate(paint)}
    page.evaluate(LISTEN)
    cells = page.locator("button[data-cell]")
    cells.nth(1).scroll_into_view_if_needed()
    found["point at a cell"] = answer(page, "mouseover", cells.nth(3).hover)
    found["open a pair"] = answer(page, "click", cells.nth(5).click)
    measure = page.locator("#pairs select").last
    found["choose a measure"] = answer(page, "change", lambda: measure.select_option(index=1))
    if page.locator("#maps").is_visible():
        found |= use_maps(page)
    theme = page.locator("nav button")
    found["dark for light"] = answer(page, "click", theme.click)
    return found


def use_maps(page: Page) -> dict[str, float]:
    """Point at questions, filter, search and zoom; of pointing, the slowest of ten."""
    chart = page.locator(".map .chart").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    pointing = [
        answer(page, "pointermove", lambda i=i: page.mouse.move(middle[0] + 9 * i, middle[1]))
        for i in range(10)
    ]
    button = {
        "leave a language out": page.locator(".chips button").first,
        "find the next question": page.get_by_role("button", name="Next"),
        "zoom in": page.get_by_role("button", name="Zoom in"),
    }
    clicks = {name: answer(page, "click", of.click) for name, of in button.items()}
    return {"point at a question": max(pointing), **clicks}


def written(run: Path) -> tuple[float, float]:
    """Write a stored run's report, figures being kept; ms of processor time, and megabytes."""
    results = read_results(run)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):  # the first may have to draw
            target = Path(tempfile.mkdtemp(dir=folder))
            start = time.process_time()
            write_report(results, target, formats=("svg",))
            took = 1000 * (time.process_time() - start)
        return took, (target / "report.html").stat().st_size / 1e6


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chromium", default=which("chromium"))
    asked = parser.parse_args()
    rounds: list[dict[str, float]] = []
    with sync_playwright() as driver:
        for _ in range(asked.rounds):  # a new process each, which has compiled nothing
            browser = driver.chromium.launch(executable_path=asked.chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            rounds.append(visit(page, (asked.run / "report.html").resolve()))
            browser.close()
    took, megabytes = written(asked.run)
    print("| what | median | spread | target |\n| --- | ---: | ---: | ---: |")
    for name in rounds[0]:
        times = [one[name] for one in rounds]
        target = PAINT if name == "first paint" else ANSWER
        spread = f"{min(times):.0f} to {max(times):.0f}"
        print(f"| {name} | {statistics.median(times):.0f} ms | {spread} | < {target} ms |")
    print(f"| write the report, figures kept | {took:.0f} ms | | ≤ {WRITING} ms |")
    print(f"| size | {megabytes:.2f} MB | | < {LARGEST} MB |")


if __name__ == "__main__":
    main()
