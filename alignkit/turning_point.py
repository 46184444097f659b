"""Where in a training cross-lingual alignment begins to fall, if it does."""

from typing import Any

import numpy as np

from alignkit.tables import Results

LEVEL = 0.05
SETTING = "cross-lingual"
_TASKS = {"answer-retrieval": "cross-lingual mAP", "question-alignment": "mAP of translations"}


def turning_points(results: Results, steps: list[int]) -> list[dict[str, Any]]:
    """Find, for each dataset, the last step before cross-lingual mAP begins to fall.

    The fall begins after the last step that is not shown to be worse than the best one, if every
    step after it is. Steps are compared by question, all its language pairs together, with
    one-sided paired t tests; p is adjusted (Bonferroni) over all pairs of steps, as the best was
    picked from the same data. `last_good` is null where no fall could be shown. A dataset of one
    language, or of one question, has no entry.
    """
    found: list[dict[str, Any]] = []
    for dataset in results.datasets:
        task, scores = _scores(results, dataset)
        if scores.shape[0] > 1:
            found.append({"dataset": dataset, "measure": _TASKS[task], **turn(scores, steps)})
    return found


def turn(scores: np.ndarray, steps: list[int]) -> dict[str, Any]:
    """Find the best step and the last good one in scores (questions, steps), larger is better.

    Examples
    --------
    Four questions lose from the third step on:

    >>> gain = np.array([0.0, 0.5, 0.2, 0.1])
    >>> scores = gain + np.array([[0.1], [0.11], [0.12], [0.13]]) * np.array([1.0, 1.1, 1.0, 0.9])
    >>> found = turn(scores, [10, 20, 30, 40])
    >>> found["best"], found["last_good"]
    (20, 20)
    """
    best = int(scores.mean(axis=0).argmax())
    n_pairs = len(steps) * (len(steps) - 1) // 2
    loss = scores[:, [best]] - scores
    p = np.minimum(_one_sided(loss) * n_pairs, 1.0)
    good = [i for i in range(best, len(steps)) if p[i] >= LEVEL]  # the best itself is one
    last_good = good[-1]
    falls = last_good < len(steps) - 1
    return {
        "best": steps[best],
        "last_good": steps[last_good] if falls else None,
        "change": -float(loss[:, -1].mean()),
        "p_adjusted": float(p[-1]),
    }


def sentence(found: dict[str, Any], last: int) -> str:
    """Say it in words; `last` is the last step."""
    where = f"On {found['dataset']}, {found['measure']} is best at step {found['best']:,}"
    if found["best"] == last:
        return f"{where}, the last: it has not begun to fall."
    change = f"{abs(found['change']):.3f}".lstrip("0")
    if found["last_good"] is None:
        return f"{where}; that it falls up to step {last:,} could not be shown."
    p = (
        "< .001"
        if found["p_adjusted"] < 1e-3
        else f"= {found['p_adjusted']:.3f}".replace("0.", ".")
    )
    return (
        f"{where} and begins to fall after step {found['last_good']:,}: at step {last:,}, the "
        f"last, it is {change} lower (p {p}, adjusted over all pairs of steps)."
    )


def _scores(results: Results, dataset: str) -> tuple[str, np.ndarray]:
    """Average precision by question and step, (questions, steps): of answers, else translations."""
    rows = results.per_query
    rows = rows[(rows["dataset"] == dataset) & (rows["setting"] == SETTING)]
    if rows.empty:
        return next(iter(_TASKS)), np.empty((0, len(results.checkpoints)))
    task = next((one for one in _TASKS if (rows["task"] == one).any()), next(iter(_TASKS)))
    rows = rows[rows["task"] == task]
    # A row is a relevant passage; its average precision is that of its query and pool.
    once = rows.drop_duplicates(["checkpoint", "parallel_id", "query", "passage_language"])
    by_question = once.groupby(["parallel_id", "checkpoint"], observed=True)["average_precision"]
    means = by_question.mean().reset_index()
    table = means.pivot_table("average_precision", "parallel_id", "checkpoint", observed=True)
    return task, table[results.checkpoints].to_numpy(np.float64)


def _one_sided(loss: np.ndarray) -> np.ndarray:
    """P of the mean of each column being above 0, (columns,)."""
    from scipy.special import stdtr  # a fifth of a second to import

    n = len(loss)
    mean, error = loss.mean(axis=0), loss.std(axis=0, ddof=1) / np.sqrt(n)
    t = np.divide(mean, error, out=np.where(mean > 0, np.inf, 0.0), where=error > 0)
    return np.asarray(stdtr(n - 1, -t))
