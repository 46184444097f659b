"""The gate: whether a candidate does worse than a baseline by more than the rules allow.

`rules` says what is asked, `baseline` what a stored run knows, `verdict` what came out, `output`
who is told and how.
"""

from alignkit.gate.baseline import Baseline, baseline_of, read_baseline, write_baseline
from alignkit.gate.check import check
from alignkit.gate.rules import DEFAULT_RULES, Acknowledged, Rule, Rules, read_rules
from alignkit.gate.verdict import Finding, Verdict, judge

__all__ = [
    "DEFAULT_RULES",
    "Acknowledged",
    "Baseline",
    "Finding",
    "Rule",
    "Rules",
    "Verdict",
    "baseline_of",
    "check",
    "judge",
    "read_baseline",
    "read_rules",
    "write_baseline",
]
