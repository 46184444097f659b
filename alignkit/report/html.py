"""The report as one HTML page that opens offline and fetches nothing."""

import base64
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from alignkit.figures import DrawnFigure
from alignkit.figures.selection import steps_of
from alignkit.figures.words import metric_label
from alignkit.report.formats import comma_separated
from alignkit.report.layout import Table
from alignkit.report.payload import payload
from alignkit.report.signature import total
from alignkit.report.summary import verdict
from alignkit.tables import Results

EMBEDDED = ("svg", "png")  # formats a browser shows, the sharper first
LARGEST_SVG = 1_500_000  # bytes; beyond it the PNG is embedded, if there is one
TRADE_OFF = "trade-off"  # the figure of the first screen
_SCRIPTS = ("tools", "charts", "heatmaps", "pair", "maps", "main")


def render(results: Results, figures: list[DrawnFigure], tables: list[Table]) -> str:
    """Fill the template: verdict, key table, figures, tables, definitions, data, provenance."""
    run = results.provenance
    shown = [(figure, _data_uri(figure)) for figure in figures]
    scripts = "".join(_part(f"{name}.js") for name in _SCRIPTS)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=_title(results),
            verdict=verdict(results),
            datasets=run["datasets"],
            first=[entry for entry in shown if entry[0].name == TRADE_OFF],
            figures=[entry for entry in shown if entry[0].name != TRADE_OFF],
            tables=tables,
            unmapped=_unmapped(results),
            undefined=_undefined(results),
            trajectory=bool(steps_of(results)),
            has_maps=len(results.projection) > 0,
            sections=_sections(tables),
            cards=_cards(results),
            checkpoints=run["checkpoints"],
            baseline=results.baseline,
            command=run.get("command") or "",
            facts=_facts(run),
            provenance=json.dumps(run, indent=2, sort_keys=True, ensure_ascii=False, default=str),
            style=_part("page.css"),
            payload=Markup(payload(results)),  # noqa: S704  base64
            echarts=_part("echarts/echarts.common.min.js"),
            scripts=Markup(f'"use strict";\n{{\n{scripts}}}'),  # noqa: S704  our own
        )
    )


def _part(name: str) -> Markup:
    """Read a file of the page, to stand in it as it is."""
    text = files("alignkit.report").joinpath("page", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704  our own


def _environment() -> Any:  # noqa: ANN401  jinja2 loads only here
    from jinja2 import Environment, PackageLoader

    # Not StrictUndefined: what a card or a checkpoint does not say is left out of the page.
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True,
        loader=PackageLoader("alignkit.report", "page"),
    )  # fmt: skip
    filters: Any = environment.filters  # jinja2 types it by the filters it brings
    filters.update(label=metric_label, link_papers=link_papers, span=span, total=total,
                   anchor=anchor, csv_uri=csv_uri)  # fmt: skip
    return environment


def anchor(metric: str, cards: list[tuple[str, dict[str, Any]]]) -> str:
    """Name the place of a measure's definition, "" if the page has none.

    >>> anchor("recall@1", [("recall", {})])
    'measure-recall'
    """
    known = {name for name, _ in cards}
    found = (name for name in (metric, metric.partition("@")[0]) if name in known)
    return next((f"measure-{name}" for name in found), "")


def csv_uri(table: Table) -> str:
    """Write a table's CSV as the address of a download."""
    return f"data:text/csv;charset=utf-8,{quote(comma_separated(table))}"


def link_papers(text: str) -> Markup:
    """Link arXiv numbers in a text, the only addresses that the page leads to.

    >>> link_papers("arXiv 2408.10536 & others")
    Markup('<a href="https://arxiv.org/abs/2408.10536">arXiv 2408.10536</a> &amp; others')
    """
    escaped = str(escape(text))
    link = r'<a href="https://arxiv.org/abs/\1">\g<0></a>'
    return Markup(re.sub(r"(?:arXiv[ :]\s?)?\b(\d{4}\.\d{5})\b", link, escaped))  # noqa: S704  escaped above


def _title(results: Results) -> str:
    others = [label for label in results.checkpoints if label != results.baseline]
    on = ", ".join(results.datasets)
    if steps_of(results):
        way = results.provenance["trajectory"]
        label = way.get("label") or Path(way["folder"]).name  # older runs have no label
        return f"{label}, step by step, on {on}"
    if not others:
        return f"{results.baseline} on {on}"
    return f"{', '.join(others)} against {results.baseline} on {on}"


def _data_uri(figure: DrawnFigure) -> Markup:
    """Write a figure as an address, escaped for an attribute in double quotes.

    SVG stands as text, without indents and with short names of glyphs: a third less than base64.
    """
    formats = [name for name in EMBEDDED if name in figure.paths]
    chosen = formats[0]
    if len(formats) > 1 and figure.paths["svg"].stat().st_size > LARGEST_SVG:
        chosen = "png"
    content = figure.paths[chosen].read_bytes()
    if chosen == "png":
        data = base64.b64encode(content).decode("ascii")
        return Markup(f"data:image/png;base64,{data}")  # noqa: S704  base64
    text = re.sub(r"\n *", "\n", content.decode("utf-8").replace("DejaVuSans-", ""))
    for plain, written in (("%", "%25"), ("#", "%23"), ("\n", "%0A"), ("&", "&amp;"), ('"', "'")):
        text = text.replace(plain, written)
    return Markup(f"data:image/svg+xml,{text}")  # noqa: S704  escaped above


def _unmapped(results: Results) -> list[str]:
    projection: dict[str, dict[str, Any]] = results.provenance.get("projection") or {}
    return [
        f"No map of {label} on {dataset}: {found['reason']}."
        for dataset, checkpoints in projection.items()
        for label, found in checkpoints.items()
        if found.get("reason")
    ]


def _undefined(results: Results) -> list[tuple[str, str, str, list[str]]]:
    """Measures without a value: dataset, setting, reason, names."""
    rows = results.metrics[results.metrics["value"].isna() & results.metrics["reason"].notna()]
    names: dict[tuple[str, str, str], set[str]] = {}
    columns = (rows[name].tolist() for name in ("dataset", "setting", "reason", "metric"))
    for *key, metric in zip(*columns, strict=True):
        names.setdefault((key[0], key[1], key[2]), set()).add(metric)
    return [(*key, sorted(metrics)) for key, metrics in sorted(names.items())]


def _cards(results: Results) -> list[tuple[str, dict[str, Any]]]:
    cards: dict[str, dict[str, Any]] = results.provenance.get("metric_cards") or {}
    names = set(results.metrics["metric"])
    names |= {name.partition("@")[0] for name in names}
    return [(name, cards[name]) for name in sorted(cards) if name in names]


def _sections(tables: list[Table]) -> list[tuple[str, str, list[Table]]]:
    """Sort the tables into sections: anchor, heading, tables; sections without any are left out."""
    kinds = (
        ("what-if", "What repairs would buy", ("what-if",)),
        ("compression", "What smaller vectors would cost", ("compression",)),
        ("published", "Beside published figures", ("published",)),
    )
    found: list[tuple[str, str, list[Table]]] = []
    placed: set[int] = set()
    for anchor, heading, names in kinds:
        own = [table for table in tables if table.name.startswith(names)]
        placed |= {id(table) for table in own}
        if own:
            found.append((anchor, heading, own))
    rest = [
        table for table in tables
        if id(table) not in placed and table.name not in ("summary", "trajectory")
    ]  # fmt: skip
    return [*found, ("tables", "Tables by language", rest)]


def _facts(run: dict[str, Any]) -> list[tuple[str, str]]:
    """List settings and environment of the run; all the rest stands in the full record."""
    facts = {"created": run.get("created")}
    facts |= (run.get("settings") or {}) | (run.get("environment") or {})
    return [(name, _in_words(value)) for name, value in facts.items() if value not in (None, "")]


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        known = [(key, inner) for key, inner in sorted(value.items()) if inner is not None]
        return ", ".join(f"{key} {inner}" for key, inner in known)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def span(bounds: list[float | int | None]) -> str:
    """Say between which values a measure lies; None is no bound.

    >>> span([0, 1]), span([0.0, None]), span([None, None])
    ('0 to 1', '0 or more', 'any value')
    """
    low, high = bounds
    if low is None:
        return "any value" if high is None else f"up to {high:g}"
    return f"{low:g} or more" if high is None else f"{low:g} to {high:g}"
