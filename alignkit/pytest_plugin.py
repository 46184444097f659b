"""A fixture for test suites: `alignkit_check` fails a test where a checkpoint grew worse.

def test_no_more_bias(alignkit_check):
alignkit_check("runs/new", "baselines/main.alignkit.zip", data="xquad-r")
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from alignkit.gate import Verdict


@pytest.fixture
def alignkit_check() -> Callable[..., "Verdict"]:
    """Judge CANDIDATE against BASELINE as `alignkit check` does; fails with the table.

    Takes the candidate and the baseline, then by name `data` ("sample"), `rules`
    (`alignkit.gate.Rules`), `languages`, `split`, `encode` (`EncodeOptions`).
    """

    def judge(
        candidate: str,
        baseline: str,
        *,
        data: str = "sample",
        rules: Any = None,  # noqa: ANN401  Rules, which is not imported before it is needed
        languages: tuple[str, ...] | None = None,
        split: str = "test",
        **options: Any,  # noqa: ANN401  of alignkit.gate.check
    ) -> "Verdict":
        from alignkit.datasets import load_dataset
        from alignkit.gate import Rules, check
        from alignkit.gate.output import as_markdown

        dataset = load_dataset(data, languages=languages, split=split)
        verdict = check(str(candidate), str(baseline), dataset, rules or Rules(), **options)
        if verdict.exit_code:
            pytest.fail(as_markdown(verdict), pytrace=False)
        return verdict

    return judge
