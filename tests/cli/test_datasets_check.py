"""`alignkit datasets`: names as before, and the lint with its files and exit codes."""

import csv
import json

import pytest
from refusals import refused


@pytest.fixture
def faulty(here):
    file = here / "mine.csv"
    file.write_text(
        "query_id,language,query,passage_id,passage\n"
        "q1,en,Who built it?,p1,Anna.\nq1,ru,Who built it?,p1,Анна.\n", "utf-8",
    )  # fmt: skip
    return f"files:{file}"


def test_names_are_looked_up_as_before(alignkit):
    code, out, _ = alignkit("datasets", "xquad-r")
    assert code == 0
    assert out.startswith("xquad-r: XQuAD-R\n")
    for arguments in (("miracl", "--json"), ("--json", "miracl")):
        code, out, _ = alignkit("datasets", *arguments)
        assert [card["name"] for card in json.loads(out)] == ["miracl"]
    code, out, _ = alignkit("datasets", "--json")
    assert {"files", "sample", "tatoeba"} < {card["name"] for card in json.loads(out)}
    code, _, err = alignkit("datasets", "xqad-r")
    assert code == 2
    assert "Did you mean 'xquad-r'?" in err


def test_check_writes_findings_with_lines_and_a_summary(alignkit, faulty, here):
    code, out, err = alignkit("datasets", "check", "--data", faulty)
    assert (code, err) == (0, "")
    rows = list(csv.DictReader((here / "findings.csv").read_text("utf-8").splitlines()))
    assert [(row["check"], row["line"], row["id"]) for row in rows] == [
        ("untranslated", "3", "q1"), ("wrong-script", "3", "q1"),
    ]  # fmt: skip
    assert f"{faulty}: 4 texts, 2 findings" in out
    assert "1 wrong-script: less than a quarter" in out
    assert "first mine.csv:3 ru:q1" in out


def test_strict_fails_and_json_is_one_object(alignkit, faulty, here):
    code, out, _ = alignkit(
        "datasets", "check", "--data", faulty, "--strict", "--json", "--out", "f.jsonl"
    )
    assert code == 1
    assert json.loads(out) == [
        {"dataset": faulty, "texts": 4, "findings": {"untranslated": 1, "wrong-script": 1}}
    ]
    lines = [json.loads(line) for line in (here / "f.jsonl").read_text("utf-8").splitlines()]
    assert {line["line"] for line in lines} == {3}
    assert alignkit("datasets", "check", "--strict")[0] == 0


def test_a_file_of_another_kind_is_refused_before_reading(alignkit, faulty, here):
    code, _, err = alignkit("datasets", "check", "--data", faulty, "--out", "f.txt")
    assert code == 2
    assert err == "alignkit: --out f.txt: write a name that ends in .csv or .jsonl\n"
    code, _, err = alignkit("datasets", "check", "--data", faulty, "--out", "no/such/f.csv")
    assert code == 2
    assert err == "alignkit: no/such is not a folder; make it first, or name another file\n"
    assert not (here / "f.txt").exists()


def test_a_format_that_nobody_reads_is_no_finding(alignkit, here):
    (here / "mine.txt").write_text("Who built it?\n")
    refused(alignkit("datasets", "check", "--data", "files:mine.txt"),
            "mine.txt is no file that alignkit reads; give one ending in .csv")  # fmt: skip
    refused(alignkit("datasets", "check", "--data", "mteb:mine.txt"),
            "mine.txt is no file that 'mteb' reads; give one ending in .jsonl")  # fmt: skip
    assert not (here / "findings.csv").exists()


def test_nothing_read_is_not_clean(alignkit, faulty, here):
    rows = [{"sentence1": "Hallo", "sentence2": "Hello"}]
    (here / "de-en.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for data, options, words in (
        (faulty, ("--split", "tset"), "no text of the split 'tset'; its splits are 'test'"),
        (faulty, ("--languages", "de"), "has no 'de'; it has 'en', 'ru'"),
        (faulty, ("--languages", "en,de"), "has no 'de'; it has 'en', 'ru'"),
        ("mteb:de-en.jsonl", ("--languages", "de"), "no text of the split 'test' in 'de'"),
        ("mteb:de-en.jsonl", ("--languages", "de,en,fr"), "has no 'fr'; it has 'de', 'en'"),
    ):  # fmt: skip
        refused(alignkit("datasets", "check", "--data", data, "--strict", *options), words)
    assert not (here / "findings.csv").exists()
    assert alignkit("datasets", "check", "--data", faulty, "--languages", "en", "--strict")[0] == 0


@pytest.mark.parametrize(("out", "mark"), [("f.csv", "\\ud83d"), ("f.jsonl", "\\\\ud83d")])
def test_half_of_a_surrogate_pair_is_a_finding(alignkit, here, out, mark):
    row = {"query_id": "q1", "language": "en", "query": "Who \ud83d?", "passage_id": "p\ud83d",
           "passage": "Anna."}  # fmt: skip
    (here / "mine.jsonl").write_text(json.dumps(row))  # escaped: the file itself is whole
    code, shown, err = alignkit("datasets", "check", "--data", "files:mine.jsonl", "--out", out)
    assert (code, err) == (0, "")
    assert "2 half-character: half of a surrogate pair" in shown
    lines = [line for line in (here / out).read_text("utf-8").splitlines() if "half-" in line]
    assert ["q1" in line for line in lines] == [True, False]
    assert f"p{mark}" in lines[1]


@pytest.mark.parametrize("name", ["notes.csv", "notes.jsonl"])
def test_a_file_that_holds_no_findings_is_replaced_by_force_alone(alignkit, faulty, here, name):
    for content in ("mine,and,yours\n", '{"mine": 1}\n', "[1]\n", "7\n", "\xff\n"):
        (here / name).write_text(content, "latin-1")
        check = ("datasets", "check", "--data", faulty, "--out", name)
        refused(alignkit(*check), f"{name} exists", "--force")
        assert (here / name).read_text("latin-1") == content

        assert alignkit(*check, "--force")[0] == 0
        assert "untranslated" in (here / name).read_text("utf-8")


@pytest.mark.parametrize("name", ["findings.csv", "f.jsonl"])
def test_earlier_findings_are_replaced_unless_someone_added_to_them(alignkit, faulty, here, name):
    check = ("datasets", "check", "--out", name, "--data")
    assert alignkit(*check, faulty)[0] == 0
    assert alignkit(*check, "sample")[0] == 0  # which has no findings
    assert "untranslated" not in (here / name).read_text("utf-8")
    assert alignkit(*check, faulty)[0] == 0
    found = (here / name).read_text("utf-8")
    assert "untranslated" in found

    noted = found.replace("detail\n", "detail,noted\n").replace('"detail"', '"noted": 1, "detail"')
    (here / name).write_text(noted, "utf-8")
    refused(alignkit(*check, faulty), f"{name} exists", "--force")
    assert (here / name).read_text("utf-8") == noted


def test_the_data_are_never_written_over(alignkit, faulty, here):
    before = (here / "mine.csv").read_bytes()
    (here / "also.csv").symlink_to(here / "mine.csv")
    for name in ("mine.csv", "also.csv", "../" + here.name + "/mine.csv"):
        refused(alignkit("datasets", "check", "--data", faulty, "--out", name, "--force"),
                "is of the data that are checked")  # fmt: skip
    corpus = here / "mteb" / "corpus.jsonl"
    corpus.parent.mkdir()
    corpus.write_text('{"_id": "p1", "text": "one"}\n', "utf-8")
    refused(alignkit("datasets", "check", "--data", "mteb:mteb", "--out", corpus, "--force"),
            "is of the data that are checked")  # fmt: skip
    assert (here / "mine.csv").read_bytes() == before
    assert "one" in corpus.read_text("utf-8")


def test_settings_of_check_come_from_a_file(alignkit, faulty, here):
    (here / "alignkit.toml").write_text(
        f"data = {json.dumps([faulty])}\nbootstrap = 20\n[datasets.check]\nstrict = true\n", "utf-8"
    )
    code, out, err = alignkit("datasets", "check")
    assert (code, err) == (1, "")
    assert f"{faulty}: 4 texts, 2 findings" in out
    assert alignkit("datasets", "xquad-r")[0] == 0

    (here / "alignkit.toml").write_text("[datasets.check]\nstrikt = true\n", "utf-8")
    code, _, err = alignkit("datasets", "check")
    assert code == 2
    assert "alignkit.toml, [datasets.check]: no option is called 'strikt'; did you mean" in err
