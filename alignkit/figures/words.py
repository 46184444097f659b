"""Names of measures and numbers as figures, tables and report print them."""

import math

from alignkit.languages import name as language_name
from alignkit.tables import AVERAGE, Results

MINUS = "\N{MINUS SIGN}"
MISSING = "–"

_LABELS = {
    "map": "mAP",
    "mrr": "MRR",
    "ndcg": "nDCG",
    "cosine_parallel": "cosine of translations",
    "cosine_random": "cosine of non-translations",
    "same_language_lift": "same-language lift",
    "preference_rank": "mean rank of the relevant passage",
    "tlr": "recall in other languages",
    "isoscore": "IsoScore",
    "cka": "CKA",
    "mrc": "rank correlation of translations",
    "mrv_std": "MRV (standard deviation)",
    "mrv_var": "MRV (variance)",
    "max_rank_log": "max rank (log)",
    "peer": "PEER",
    "friedman": "Kendall's W",
    "friedman_chi2": "Friedman's χ²",
    "friedman_p": "Friedman's p",
    "xsim_error": "xsim error",
    "csls_recall": "CSLS recall",
}
_RANKS = {"rank_distance", "max_rank", "preference_rank", "mrv_std", "mrv_var"}
# Used where a run carries no cards of its measures.
_LOWER_IS_BETTER = _RANKS | {"xsim_error", "language_probe_accuracy"}
_NEITHER = {"language_share", "same_language_lift", "cosine_parallel", "cosine_random"}


def metric_label(metric: str) -> str:
    """Spell a measure as the field does.

    >>> metric_label("map"), metric_label("ndcg@10"), metric_label("rank_distance")
    ('mAP', 'nDCG@10', 'rank distance')
    """
    base, at, cutoff = metric.partition("@")
    return _LABELS.get(base, base.replace("_", " ")) + at + cutoff


def is_rank(metric: str) -> bool:
    """Whether the measure counts ranks and is not a share or a cosine."""
    return metric.partition("@")[0] in _RANKS


def higher_is_better(results: Results, metric: str) -> bool | None:
    """Direction of a measure from its card, else as alignkit defines it; None if it has none."""
    base = metric.partition("@")[0]
    cards = results.provenance.get("metric_cards") or {}
    card = cards.get(metric) or cards.get(base)
    if card and card.get("direction"):
        direction = str(card["direction"]).lower()
        return True if "high" in direction else False if "low" in direction else None
    return None if base in _NEITHER else base not in _LOWER_IS_BETTER


def format_number(value: float, metric: str = "", *, digits: int = 3, sign: bool = False) -> str:
    """Print a value without the zero that a share does not need, ranks with thousands.

    >>> format_number(0.5234), format_number(-0.5, digits=2), format_number(0.9999)
    ('.523', '−.50', '1.00')
    >>> format_number(1234.5, "rank_distance"), format_number(12.34, "rank_distance", sign=True)
    ('1,234', '+12.3')
    """
    if math.isnan(value):
        return MISSING
    size = abs(value)
    if is_rank(metric):
        text = f"{size:,.0f}" if size >= 999.5 else f"{size:.1f}"
    elif round(size, digits) < 1:
        text = f"{size:.{digits}f}".removeprefix("0")
    else:
        text = f"{size:.{min(digits, 2)}f}"
    nought = not text.strip("0.,")
    return ("" if nought else MINUS if value < 0 else "+" if sign else "") + text


def format_interval(low: float, high: float, metric: str = "", *, sign: bool = False) -> str:
    """Print an interval with "to", which a minus sign cannot be mistaken for.

    >>> format_interval(-0.01, 0.02)
    '−.010 to .020'
    """
    return f"{format_number(low, metric, sign=sign)} to {format_number(high, metric, sign=sign)}"


def format_p(p_value: float) -> str:
    """Print a p-value with its relation sign.

    >>> format_p(0.0312), format_p(0.0001), format_p(0.7)
    ('p = .031', 'p < .001', 'p = .700')
    """
    if math.isnan(p_value):
        return "p not known"
    return "p < .001" if p_value < 0.001 else f"p = {format_number(p_value)}"


def language_label(code: str) -> str:
    """Name of a language or of a group of them, or "mean" for the average over all.

    >>> language_label("*"), language_label("script:Latn")
    ('mean', 'Latn script')
    """
    if code == AVERAGE:
        return "mean"
    grouping, is_group, label = code.partition(":")
    return _group_label(grouping, label) if is_group else language_name(code)


def _group_label(grouping: str, label: str) -> str:
    if grouping == "seen":
        return "languages trained on" if label == "yes" else "languages not trained on"
    return f"{label} {grouping}"


def listing(words: list[str]) -> str:
    """Join words as prose does.

    >>> listing(["A", "B", "C"])
    'A, B and C'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
