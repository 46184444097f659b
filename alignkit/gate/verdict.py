"""Rules × measures → findings: what grew worse by more than allowed, on what evidence."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np

from alignkit.errors import AlignkitError
from alignkit.estimates import Resampler
from alignkit.gate.rules import EACH, WORST, Acknowledged, Rule, Rules
from alignkit.kernels.resampling import holm
from alignkit.measures import Measured, Measures
from alignkit.tables import AVERAGE

Array = np.ndarray
Status = Literal["pass", "fail", "inconclusive", "acknowledged"]
# A loss of so many standard errors beyond what is allowed is found, at a one-sided level of 5 %,
# four times of five.
_DETECTABLE = 1.644854 + 0.841621


@dataclass(frozen=True)
class Finding:
    """One rule at one place.

    `loss` is how much worse the candidate is, negative where it is better, in the metric's unit as
    is `allowed`; `ci_low`, `ci_high` its 90 % interval, whose lower end goes with a one-sided test
    at 5 %; `mdd` the loss beyond `allowed` that these data would have shown four times of five.
    None is undefined.
    """

    rule: Rule
    setting: str
    where: str
    status: Status
    baseline: float | None
    candidate: float | None
    loss: float | None
    allowed: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    p_adjusted: float | None
    mdd: float | None
    n: int
    reason: str = ""

    def described(self) -> dict[str, Any]:
        """Give it in plain JSON types."""
        rest = {key: value for key, value in asdict(self).items() if key != "rule"}
        return {
            "rule": self.rule.name,
            "metric": self.rule.metric,
            "limit": self.rule.limit,
            **rest,
        }


@dataclass(frozen=True)
class Verdict:
    """What came out, for whoever is told.

    `environment` says whether a stored probe still gives the vectors it gave: None where it does,
    or could not be tried, else what moved.
    """

    baseline: str
    candidate: str
    dataset: str
    findings: tuple[Finding, ...]
    rules: Rules
    environment: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def failures(self) -> list[Finding]:
        """What makes the check fail."""
        failing = {"fail", "inconclusive"} if self.rules.inconclusive_fails else {"fail"}
        return [finding for finding in self.findings if finding.status in failing]

    @property
    def exit_code(self) -> int:
        """1 for a regression, 0 for none."""
        return int(bool(self.failures))

    @property
    def sentence(self) -> str:
        """Say it in a line."""
        n = len(self.findings)
        counts = {status: sum(one.status == status for one in self.findings)
                  for status in ("fail", "inconclusive", "acknowledged")}  # fmt: skip
        words = {
            "fail": "found a regression", "inconclusive": "could not have seen one",
            "acknowledged": "found one that is acknowledged",
        }  # fmt: skip
        said = [f"{count} {words[status]}" for status, count in counts.items() if count]
        found = "; ".join(said) or "none found a regression"
        whole = f"{self.candidate} against {self.baseline} on {self.dataset}: of {n} tests {found}."
        return f"{whole} {self.environment}" if self.environment else whole

    def described(self) -> dict[str, Any]:
        """Give it in plain JSON types."""
        return {
            "verdict": "fail" if self.exit_code else "pass",
            "sentence": self.sentence, "baseline": self.baseline, "candidate": self.candidate,
            "dataset": self.dataset, "alpha": self.rules.alpha, "strict": self.rules.strict,
            "environment": self.environment, "notes": list(self.notes),
            "findings": [finding.described() for finding in self.findings],
        }  # fmt: skip


def judge(
    rules: Rules,
    baseline: Measures,
    candidate: Measures,
    *,
    n_resamples: int = 1000,
    seed: int = 0,
    today: date | None = None,
) -> list[Finding]:
    """Test every rule, paired by query id; p values are adjusted over all of them (Holm).

    A rule fails when the loss exceeds what is allowed, and a one-sided test of that says so:
    t = (loss - allowed) / standard error over resamples of ids, with one degree of freedom less
    than ids. It is inconclusive where the minimum detectable difference exceeds what is allowed,
    and the interval does not rule a forbidden loss out.
    """
    resampler = Resampler(len(baseline.ids), n_resamples, np.random.default_rng(seed))
    findings = [
        _test(rule, reference, measured, columns, where, resampler)
        for rule in rules.rules
        for reference, measured in [_pair(rule, baseline, candidate)]
        for columns, where in _places(rule, reference)
    ]
    p_values = np.array([np.nan if one.p_value is None else one.p_value for one in findings])
    adjusted = holm(p_values)
    return [
        _decide(replace(one, p_adjusted=_number(p)), rules, today or date.today())  # noqa: DTZ011
        for one, p in zip(findings, adjusted, strict=True)
    ]


def _pair(rule: Rule, baseline: Measures, candidate: Measures) -> tuple[Measured, Measured]:
    """Find the metric of a rule on both sides."""
    own, other = (
        {(one.metric, one.setting, one.task): one for one in side.measured}
        for side in (baseline, candidate)
    )
    fits = [
        key for key in own
        if key[0] == rule.metric
        and rule.setting in (None, key[1]) and rule.task in (None, key[2])
    ]  # fmt: skip
    retrieval = [key for key in fits if key[2] == "answer-retrieval"]
    fits = retrieval or fits
    if not fits:
        raise AlignkitError(
            f"the rule for {rule.name} finds nothing: {baseline.dataset} has no such measure there"
        )
    if len(fits) > 1:
        raise AlignkitError(
            f"the rule for {rule.metric} must say in which setting: "
            f"{', '.join(setting for _, setting, _ in fits)}"
        )
    return own[fits[0]], other[fits[0]]


def _places(rule: Rule, measured: Measured) -> list[tuple[list[int], str]]:
    """Columns of the outputs that a rule speaks of, and what to call them."""
    column = {output: i for i, output in enumerate(measured.design.outputs)}

    def of_language(code: str) -> int | None:
        return column.get((code, AVERAGE), column.get((code, code)))

    spoken = list(dict.fromkeys(asked for asked, _ in column if asked != AVERAGE))
    known = {code: place for code in spoken if (place := of_language(code)) is not None}
    if rule.pairs:
        return [([_known(column, pair, rule, "-".join(pair))], "-".join(pair))
                for pair in rule.pairs]  # fmt: skip
    if rule.languages == (WORST,):
        return [([*known.values()], WORST)]
    if rule.languages == (EACH,):
        return [([place], code) for code, place in known.items()]
    if rule.languages:
        return [([_known(known, code, rule, code)], code) for code in rule.languages]
    return [([_known(column, (AVERAGE, AVERAGE), rule, "the average")], "")]


def _known(columns: dict[Any, int], key: object, rule: Rule, name: str) -> int:
    if key not in columns:
        there = ", ".join("-".join(one) if isinstance(one, tuple) else str(one) for one in columns)
        raise AlignkitError(
            f"the rule for {rule.name}: {name} is not in the run; there are {there}"
        )
    return columns[key]


def _test(
    rule: Rule,
    reference: Measured,
    measured: Measured,
    columns: list[int],
    where: str,
    resampler: Resampler,
) -> Finding:
    before, after = (resampler.summarise(one) for one in (reference, measured))
    sign = 1.0 if rule.lower_is_better else -1.0

    def badness(values: Array) -> Array:
        # Of several languages, the worst.
        return np.asarray((sign * values[..., columns]).max(axis=-1))

    old, new = float(badness(before.value)), float(badness(after.value))
    empty = Finding(
        rule, reference.setting, where, "pass", _number(sign * old), _number(sign * new),
        None, None, None, None, None, None, None, int(reference.design.n[columns].max()),
    )  # fmt: skip
    if np.isnan(old) or np.isnan(new):
        return replace(empty, reason=measured.undefined if np.isnan(new) else reference.undefined)
    loss = new - old
    allowed = rule.allowed * abs(old) if rule.relative else rule.allowed
    losses = badness(after.resampled) - badness(before.resampled)
    losses = losses[~np.isnan(losses)]
    low, high = np.quantile(losses, (0.05, 0.95)) if len(losses) else (np.nan, np.nan)
    error = float(losses.std(ddof=1)) if len(losses) > 1 else np.nan
    return replace(
        empty, loss=loss, allowed=allowed, ci_low=_number(low), ci_high=_number(high),
        p_value=_number(_p_value(loss - allowed, error, empty.n)), mdd=_number(_DETECTABLE * error),
    )  # fmt: skip


def _p_value(excess: float, error: float, n: int) -> float:
    """One-sided p of Student's t."""
    if np.isnan(error) or n < 2:
        return float("nan")
    # Of two alike checkpoints differences are nothing but rounding.
    if error <= 1e-12 * max(abs(excess), 1e-300) or error == 0:
        return 0.0 if excess > 0 else 1.0
    from scipy.special import stdtr  # a fifth of a second to import

    return float(stdtr(n - 1, -excess / error))


def _decide(finding: Finding, rules: Rules, today: date) -> Finding:
    status, reason = _status(finding, rules)
    if status != "fail":
        return replace(finding, status=status, reason=reason)
    for known in rules.acknowledged:
        if known.covers(finding.rule, finding.where):
            return _acknowledge(replace(finding, reason=reason), known, today)
    return replace(finding, status="fail", reason=reason)


def _acknowledge(finding: Finding, known: Acknowledged, today: date) -> Finding:
    if today > known.until:
        return replace(
            finding, status="fail",
            reason=f"acknowledged until {known.until} only ({known.reason})",
        )  # fmt: skip
    return replace(finding, status="acknowledged", reason=f"{known.reason}; until {known.until}")


def _status(finding: Finding, rules: Rules) -> tuple[Status, str]:
    if finding.baseline is None:
        return "inconclusive", f"the baseline has no value: {finding.reason}"
    if finding.loss is None or finding.allowed is None:
        return "fail", f"the candidate has no value: {finding.reason}"
    exceeds = finding.loss > finding.allowed + 1e-12 * abs(finding.baseline)
    if rules.strict:
        return ("fail", "worse than allowed") if exceeds else ("pass", "")
    if finding.p_adjusted is None or finding.mdd is None:
        return "inconclusive", "too few query ids for a test"
    if exceeds and finding.p_adjusted <= rules.alpha:
        return "fail", "worse than allowed, beyond chance"
    is_ruled_out = finding.ci_high is not None and finding.ci_high <= finding.allowed
    if finding.mdd > finding.allowed and not is_ruled_out:
        return "inconclusive", "these data could have missed a loss of this size"
    return "pass", "worse than allowed, within chance" if exceeds else ""


def unused(acknowledged: Sequence[Acknowledged], findings: Sequence[Finding]) -> list[str]:
    """Say which acknowledgements nothing needs any more."""
    return [
        f"the acknowledged {known.metric} ({known.reason}) did not fail; it can be removed"
        for known in acknowledged
        if not any(
            known.covers(one.rule, one.where) and one.status in ("acknowledged", "fail")
            for one in findings
        )
    ]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
