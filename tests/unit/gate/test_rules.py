import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from alignkit.errors import AlignkitError
from alignkit.gate.rules import DEFAULT_RULES, Acknowledged, Rule, Rules, parse_rule, read_rules


def test_a_rule_of_the_command_line():
    assert parse_rule("map,setting=monolingual,allowed=0.01") == Rule(
        "map", 0.01, setting="monolingual"
    )
    assert parse_rule("rank_distance,allowed=2%,languages=de+en") == Rule(
        "rank_distance", 0.02, relative=True, languages=("de", "en")
    )
    assert parse_rule("preference_rank,pairs=de-en+en-de,direction=lower").pairs == (
        ("de", "en"), ("en", "de")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("mapp", "Did you mean 'map'?"),
        ("recall@3", "recall@1"),
        ("map,alowed=1", "did you mean 'allowed'?"),
        ("map,allowed=little", "allowed is 'little'"),
        ("map,allowed=-1", "0 or more"),
        ("map,setting=both", "write one of monolingual"),
        ("map,monolingual", "no key=value"),
        ("map,languages=de,pairs=de-en", "two rules"),
        ("map,pairs=de", "query language-passage language"),
        ("map,direction=lower", "better when higher"),
        ("cosine_random", "say direction"),
        ("friedman_p", "no test"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_mend(spec, word):
    with pytest.raises(AlignkitError) as error:
        parse_rule(spec)
    assert word in str(error.value)
    assert spec in str(error.value)


def test_rules_of_a_file(tmp_path):
    file = tmp_path / "alignkit.toml"
    file.write_text(
        """
        [[check.rules]]
        metric = "map"
        setting = "monolingual"
        allowed = "1 %"
        languages = ["worst"]

        [[check.acknowledged]]
        metric = "map"
        reason = "the new tokenizer splits Thai"
        until = 2027-01-31
        languages = ["th"]
        """,
        "utf-8",
    )
    rules, known = read_rules(file)
    assert rules == (Rule("map", 0.01, relative=True, setting="monolingual", languages=("worst",)),)
    assert known == (
        Acknowledged("map", "the new tokenizer splits Thai", date(2027, 1, 31), None, ("th",)),
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("check = 3 =", "is not TOML"),
        ("[check]\nrules = []", "check.rules is empty"),
        ("[check.rules]\nmetric = 'map'", "[[check.rules]]"),
        ("[[check.rules]]\nallowed = 1", "names no metric"),
        ("[[check.rules]]\nmetric = 'map'\nlanguages = [3]", "a list of texts"),
        ("[[check.acknowledged]]\nmetric = 'map'", "a metric and a reason"),
        ("[[check.acknowledged]]\nmetric = 'map'\nreason = 'so'", "the last day"),
        ("[[check.acknowledged]]\nmetric = 'map'\nreason = 'so'\nuntil = 'soon'", "the last day"),
        ("[[check.acknowledged]]\nmetric = 'mapp'\nreason = 'so'\nuntil = 2027-01-01", "'map'"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, text, word):
    (tmp_path / "rules.toml").write_text(text, "utf-8")
    with pytest.raises(AlignkitError) as error:
        read_rules(tmp_path / "rules.toml")
    assert word in str(error.value)


def test_the_rules_of_the_readme_are_rules(tmp_path):
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "alignkit.toml").write_text(text, "utf-8")
    rules, known = read_rules(tmp_path / "alignkit.toml")
    assert [rule.name for rule in rules] == [
        "rank_distance, multilingual", "map, monolingual, worst"
    ]  # fmt: skip
    assert [one.languages for one in known] == [("th",)]


def test_the_workflow_of_the_readme_and_the_files_for_ci_are_yaml():
    root = Path(__file__).parents[3]
    readme = (root / "README.md").read_text("utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    assert "alignkit check" in yaml.safe_load(text)["jobs"]["bias"]["steps"][3]["run"]
    action = yaml.safe_load((root / "action.yml").read_text("utf-8"))
    asked = set(re.findall(r"inputs\.(\w+)", str(action["runs"])))
    assert asked == set(action["inputs"])
    (hook,) = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert hook["entry"] == "alignkit check"


def test_rules_that_contradict_each_other_or_ask_nothing_are_refused():
    with pytest.raises(AlignkitError, match="two rules speak of map, monolingual"):
        Rules((Rule("map", setting="monolingual"), Rule("map", 0.1, setting="monolingual")))
    with pytest.raises(AlignkitError, match="there are no rules"):
        Rules(())
    with pytest.raises(AlignkitError, match="between 0 and 1"):
        Rules(alpha=2.0)


def test_the_usual_rules_are_rules():
    assert {rule.metric for rule in Rules().rules} == {
        "rank_distance", "same_language_lift@10", "map"
    }  # fmt: skip
    assert len(DEFAULT_RULES) == 5
