"""Rules of the gate: which measure may grow worse by how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, cast, get_args

from alignkit.errors import AlignkitError
from alignkit.metrics import Setting, metric_of
from alignkit.settings_file import full_key, read_settings
from alignkit.tables import TaskName

Direction = Literal["higher", "lower"]
WORST, EACH = "worst", "each"


@dataclass(frozen=True)
class Rule:
    """One thing that a candidate must not do worse.

    Attributes
    ----------
    metric : as in the tables, such as `map` or `same_language_lift@10`.
    allowed : how much worse it may be, in the metric's own unit, or with `relative` as a share of
        the baseline's value.
    setting, task : where; may be left out where the metric has one only. Of tasks
        answer-retrieval is meant where it has the metric.
    languages : query languages, each tested for itself; ("each",) for all, ("worst",) for the worst
        of all whichever it is; () for the average.
    pairs : (query language, passage language), each tested for itself.
    direction : which is better, "higher" or "lower"; may be left out where the metric says so.
    """

    metric: str
    allowed: float = 0.0
    relative: bool = False
    setting: Setting | None = None
    task: TaskName | None = None
    languages: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    direction: Direction | None = None

    def __post_init__(self) -> None:
        card = metric_of(self.metric)
        if not card.is_resampled:
            raise AlignkitError(f"the metric {self.metric!r} has no test, so no rule can use it")
        if self.allowed < 0:
            raise AlignkitError(
                f"the rule for {self.metric} allows {self.allowed}; it must be 0 or more"
            )
        if self.languages and self.pairs:
            raise AlignkitError(
                f"the rule for {self.metric} names languages and pairs; make two rules of it"
            )
        own = {True: "higher", False: "lower", None: None}[card.higher_is_better]
        if own is None and self.direction is None:
            raise AlignkitError(
                f"neither end of {self.metric} is better by itself; "
                "say direction = higher or lower in its rule"
            )
        if own is not None and self.direction not in (None, own):
            raise AlignkitError(
                f"{self.metric} is better when {own}, and its rule says {self.direction}; "
                "leave direction out"
            )

    @property
    def lower_is_better(self) -> bool:
        """Whether a rise is a loss."""
        better = metric_of(self.metric).higher_is_better
        return self.direction == "lower" if better is None else not better

    @property
    def name(self) -> str:
        """Say what is tested."""
        where = [*self.languages, *("-".join(pair) for pair in self.pairs)]
        return ", ".join([self.metric, *([self.setting] if self.setting else []), *where])

    @property
    def limit(self) -> str:
        """Print how much is allowed."""
        return f"{100 * self.allowed:g} %" if self.relative else f"{self.allowed:g}"

    @property
    def place(self) -> tuple[object, ...]:
        """Tell what two rules must not share."""
        return self.metric, self.setting, self.task, self.languages, self.pairs


@dataclass(frozen=True)
class Acknowledged:
    """A regression that is known and let through until a day."""

    metric: str
    reason: str
    until: date
    setting: Setting | None = None
    languages: tuple[str, ...] = ()

    def covers(self, rule: Rule, where: str) -> bool:
        """Whether it speaks of this finding."""
        return (
            self.metric == rule.metric
            and self.setting in (None, rule.setting)
            and (not self.languages or where in self.languages)
        )


DEFAULT_RULES = (
    Rule("rank_distance", 0.02, relative=True, setting="multilingual"),
    Rule("same_language_lift@10", 0.02, relative=True, setting="multilingual"),
    Rule("map", 0.01, setting="monolingual"),
    Rule("map", 0.02, setting="monolingual", languages=(WORST,)),
    Rule("map", 0.01, setting="multilingual"),
)


@dataclass(frozen=True)
class Rules:
    """All that is asked, and how strictly.

    Attributes
    ----------
    alpha : how often, at most, some rule of the family fails though nothing grew worse.
    strict : fail on the estimate, whatever the evidence.
    inconclusive_fails : whether a rule fails whose data could not have shown what it forbids.
    """

    rules: tuple[Rule, ...] = DEFAULT_RULES
    acknowledged: tuple[Acknowledged, ...] = ()
    alpha: float = 0.05
    strict: bool = False
    inconclusive_fails: bool = False

    def __post_init__(self) -> None:
        if not self.rules:
            raise AlignkitError(
                "there are no rules; name some with --rule, or leave them out for the usual ones"
            )
        if not 0 < self.alpha < 1:
            raise AlignkitError(f"alpha is {self.alpha}; it must lie between 0 and 1")
        places = [rule.place for rule in self.rules]
        for rule in self.rules:
            if places.count(rule.place) > 1:
                raise AlignkitError(f"two rules speak of {rule.name}; keep one of them")

    @property
    def metrics(self) -> set[str]:
        """Name every metric that is asked for."""
        return {rule.metric for rule in self.rules}


@dataclass(frozen=True)
class _Fields:
    """What a table may say, and where it stands; a value with checks."""

    where: str
    found: Mapping[str, Any]
    known: Sequence[str] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        for key in self.found:
            if key not in self.known:
                near = get_close_matches(key, self.known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are: {_list(self.known)}"
                raise AlignkitError(f"{self.where}: a rule has no {key!r}; {hint}")

    def text(self, key: str, choices: Sequence[str] = ()) -> str | None:
        """Read a word."""
        value = self.found.get(key)
        if value is not None and (not isinstance(value, str) or (choices and value not in choices)):
            raise AlignkitError(f"{self.where}: {key} is {value!r}; write one of {_list(choices)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Read words, as a list or joined by blanks or +."""
        value = self.found.get(key, ())
        if isinstance(value, str):
            value = value.replace("+", " ").split()
        if not all(isinstance(one, str) for one in value):
            raise AlignkitError(f"{self.where}: {key} is {value!r}; write a list of texts")
        return tuple(value)


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "text"


def parse_rule(spec: str) -> Rule:
    """Read a rule of the command line: `METRIC[,key=value…]`, as `map,setting=monolingual`."""
    metric, *rest = spec.split(",")
    found: dict[str, str] = {"metric": metric}
    for part in rest:
        key, equals, value = part.partition("=")
        if not equals:
            raise AlignkitError(f"--rule {spec}: {part!r} is no key=value, such as allowed=0.01")
        found[key.strip()] = value.strip()
    return _rule(found, f"--rule {spec}")


def read_rules(path: Path) -> tuple[tuple[Rule, ...], tuple[Acknowledged, ...]]:
    """Read `[[check.rules]]` and `[[check.acknowledged]]` from TOML; () where there are none.

    In a pyproject.toml they are `[[tool.alignkit.check.rules]]`, and so on.
    """
    table = read_settings(path).get("check", {})
    if not isinstance(table, dict):
        raise AlignkitError(f"{path}: {full_key(path, 'check')} is {table!r}; it must be a table")
    tables = {name: table.get(name, []) for name in ("rules", "acknowledged")}
    for name, rows in tables.items():
        key = full_key(path, f"check.{name}")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise AlignkitError(f"{path}: write each of them as a table, [[{key}]]")
        if name == "rules" and name in table and not rows:
            raise AlignkitError(f"{path}: {key} is empty; write [[{key}]], or drop it")
    return (
        tuple(_rule(row, f"{path}, rule {i + 1}") for i, row in enumerate(tables["rules"])),
        tuple(
            _acknowledged(row, f"{path}, acknowledged {i + 1}")
            for i, row in enumerate(tables["acknowledged"])
        ),
    )


def _rule(row: Mapping[str, Any], where: str) -> Rule:
    known = [one.name for one in fields(Rule) if one.name != "relative"]
    found = _Fields(where, row, known)
    metric = found.text("metric")
    if not metric:
        raise AlignkitError(f'{where} names no metric; write metric = "map", say')
    allowed, relative = _allowed(row.get("allowed", 0.0), where)
    pairs = tuple(tuple(pair.split("-")) for pair in found.texts("pairs"))
    if any(len(pair) != 2 for pair in pairs):
        raise AlignkitError(f"{where}: write a pair as query language-passage language, as de-en")
    try:
        return Rule(
            metric, allowed, relative,
            cast("Setting | None", found.text("setting", get_args(Setting))),
            cast("TaskName | None", found.text("task", get_args(TaskName))),
            found.texts("languages"), cast("tuple[tuple[str, str], ...]", pairs),
            cast("Direction | None", found.text("direction", get_args(Direction))),
        )  # fmt: skip
    except AlignkitError as error:
        raise AlignkitError(f"{where}: {error}") from error


def _allowed(value: object, where: str) -> tuple[float, bool]:
    """Read .01, or "2 %"."""
    text = str(value).strip()
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        raise AlignkitError(
            f"{where}: allowed is {value!r}; write a number, or a share of the baseline as 2%"
        ) from None
    return (number / 100, True) if text.endswith("%") else (number, False)


def _acknowledged(row: Mapping[str, Any], where: str) -> Acknowledged:
    found = _Fields(where, row, [one.name for one in fields(Acknowledged)])
    metric, reason, until = found.text("metric"), found.text("reason"), row.get("until")
    if not metric or not reason:
        raise AlignkitError(f"{where} needs a metric and a reason")
    metric_of(metric)
    if isinstance(until, str):
        try:
            until = date.fromisoformat(until)
        except ValueError:
            until = None
    if not isinstance(until, date):
        raise AlignkitError(f"{where} needs the last day it holds: until = 2027-01-31")
    setting = cast("Setting | None", found.text("setting", get_args(Setting)))
    return Acknowledged(metric, reason, until, setting, found.texts("languages"))
