"""Whom the verdict is told: a table, Markdown, JUnit, GitHub; all from the one object."""

import os
from pathlib import Path
from xml.etree import ElementTree as ET

from alignkit.errors import AlignkitError
from alignkit.figures.words import format_number, format_p
from alignkit.gate.verdict import Finding, Verdict

HEADINGS = ("", "rule", "where", "baseline", "candidate", "worse by", "allowed", "p", "why")
MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "acknowledged": "(✗)"}
# GitHub shows no more of a step.
_ANNOTATIONS = 10


def rows_of(verdict: Verdict) -> list[list[str]]:
    """Print every finding, under HEADINGS."""
    return [_row(finding) for finding in verdict.findings]


def _row(finding: Finding) -> list[str]:
    def show(value: float | None) -> str:
        return "–" if value is None else format_number(value, finding.rule.metric)

    where = ", ".join(part for part in (finding.setting, finding.where) if part)
    p = "–"
    if finding.p_adjusted is not None:
        p = format_p(finding.p_adjusted).removeprefix("p ").removeprefix("= ")
    allowed = show(finding.allowed)
    if finding.rule.relative:
        allowed += f" ({finding.rule.limit})"
    return [
        MARKS[finding.status], finding.rule.metric, where, show(finding.baseline),
        show(finding.candidate), show(finding.loss), allowed, p, finding.reason,
    ]  # fmt: skip


def as_markdown(verdict: Verdict) -> str:
    """Make a page of it."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    lines += ["| " + " | ".join(one.replace("|", "\\|") for one in row) + " |"
              for row in rows_of(verdict)]  # fmt: skip
    title = "A regression was found" if verdict.exit_code else "No regression was found"
    notes = [f"- {note}" for note in verdict.notes]
    return "\n".join([f"## {title}", "", verdict.sentence, "", *lines, "", *notes]).rstrip() + "\n"


def as_junit(verdict: Verdict) -> str:
    """Make JUnit XML of it: a finding is a test case, an inconclusive one is skipped."""
    failing = verdict.failures
    skipped = [one for one in verdict.findings if one not in failing and one.status != "pass"]
    suite = ET.Element(
        "testsuite", name=f"alignkit check {verdict.dataset}", tests=str(len(verdict.findings)),
        failures=str(len(failing)), skipped=str(len(skipped)), errors="0",
    )  # fmt: skip
    for finding in verdict.findings:
        name = ", ".join(part for part in (finding.setting, finding.where) if part)
        case = ET.SubElement(
            suite, "testcase", classname=f"alignkit.{finding.rule.metric}", name=name
        )
        if finding in failing:
            ET.SubElement(case, "failure", message=_in_words(finding)).text = _in_words(finding)
        elif finding in skipped:
            ET.SubElement(case, "skipped", message=f"{finding.status}: {finding.reason}")
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _in_words(finding: Finding) -> str:
    _, metric, where, before, after, loss, allowed, p, why = _row(finding)
    return (
        f"{metric}, {where}: {before} → {after}, worse by {loss} where {allowed} is allowed "
        f"(adjusted p {p}): {why}"
    )


def github_commands(verdict: Verdict) -> list[str]:
    """Give workflow commands that annotate the step; the last one stands for all that are left."""
    failing = verdict.failures
    doubtful = [
        one
        for one in verdict.findings
        if one.status in ("inconclusive", "acknowledged") and one not in failing
    ]
    told = [("error", one) for one in failing] + [("warning", one) for one in doubtful]
    lines = [
        f"::{level} title={_property(f'alignkit: {one.rule.metric} {one.status}')}::"
        f"{_data(_in_words(one))}"
        for level, one in told
    ]
    if len(lines) > _ANNOTATIONS:
        more = len(lines) - _ANNOTATIONS + 1
        rest = f"::{told[_ANNOTATIONS - 1][0]} title=alignkit::{more} more, see the step summary"
        lines = [*lines[: _ANNOTATIONS - 1], rest]
    return lines


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def write_files(verdict: Verdict, *, junit: Path | None, markdown: Path | None) -> None:
    """Write what was asked for, and the step summary where GitHub wants one."""
    asked = [(junit, as_junit), (markdown, as_markdown)]
    for path, make in asked:
        if path is not None:
            _write(path, make(verdict), "w")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if os.environ.get("GITHUB_ACTIONS") and summary:
        _write(Path(summary), as_markdown(verdict), "a")


def _write(path: Path, content: str, mode: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode, encoding="utf-8", newline="\n") as file:
            file.write(content)
    except OSError as error:
        raise AlignkitError(f"cannot write {path}: {error.strerror}") from error
