"""The user's own file: four formats, one meaning, and every fault named by its line."""

import csv
import json

import pandas as pd
import pytest

from alignkit.datasets import load_dataset, sources_of, splits_of
from alignkit.datasets.files import COLUMNS
from alignkit.errors import AlignkitError

ROWS = [
    ("1", "eng_Latn", 'Who said "no"?', "a", "She,\ndid."),
    ("1", "deu", "Wer sagte „nein“?", "a", "Sie."),
    ("1", "de", "Wer sagte „nein“?", "b", "Die Frau."),
    ("2", "de", "Und der Tab\there?", "a", "Sie."),
    ("", "de", "", "9", "Niemand fragt danach."),
]


def write(path, rows=ROWS, columns=COLUMNS):
    frame = pd.DataFrame(rows, columns=columns)
    if path.suffix == ".jsonl":
        lines = [json.dumps(row) for row in frame.to_dict("records")]
        path.write_text("\n".join(lines) + "\n", "utf-8")
    elif path.suffix == ".parquet":
        frame.replace("", None).to_parquet(path)
    else:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writerows([columns, *rows])
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".tsv", ".parquet"])
def test_all_formats_give_the_same_dataset(tmp_path, suffix):
    dataset = load_dataset(f"files:{write(tmp_path / f'My data (1){suffix}')}")
    assert dataset.name == "My-data-1"
    assert dataset.card.languages == ("de", "en")
    assert dataset.queries.frame.to_numpy().tolist() == [
        ["de:1", "de", "1", "Wer sagte „nein“?"],
        ["de:2", "de", "2", "Und der Tab\there?"],
        ["en:1", "en", "1", 'Who said "no"?'],
    ]
    assert dataset.passages.frame[["id", "text"]].to_numpy().tolist() == [
        ["de:9", "Niemand fragt danach."],
        ["de:a", "Sie."],
        ["de:b", "Die Frau."],
        ["en:a", "She,\ndid."],
    ]
    assert dataset.qrels.to_numpy().tolist() == [
        ["de:1", "de:a", 1],
        ["de:1", "de:b", 1],
        ["de:2", "de:a", 1],
        ["en:1", "en:a", 1],
    ]
    assert dataset.notes == ()


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_text_may_be_long_and_the_limit_of_the_process_stays(tmp_path, suffix):
    long = "Ich, \nund du. " * 20_000
    file = write(tmp_path / f"a{suffix}", [("1", "de", "Wer?", "a", long)] * 2)
    before = csv.field_size_limit(1000)
    try:
        dataset = load_dataset(f"files:{file}")
        assert csv.field_size_limit() == 1000
    finally:
        csv.field_size_limit(before)
    assert dataset.passages.frame["text"].tolist() == [long]


def test_whole_number_ids_are_the_same_in_all_formats(tmp_path):
    rows = [(7, "de", "Wer?", 8, "Ich.")]
    checksums = {
        load_dataset(f"files:{write(tmp_path / f'n{suffix}', rows)}").checksum
        for suffix in (".jsonl", ".csv", ".parquet")
    }
    assert len(checksums) == 1


def test_only_the_wanted_languages_are_kept(tmp_path):
    dataset = load_dataset(f"files:{write(tmp_path / 'a.csv')}", languages=["en"])
    assert dataset.passages.frame["id"].tolist() == ["en:a"]


def test_queries_alone_allow_question_alignment_only(tmp_path):
    rows = [("1", "de", "Wer?", "", ""), ("1", "en", "Who?", "", "")]
    dataset = load_dataset(f"files:{write(tmp_path / 'a.csv', rows)}")
    assert [task.name for task in dataset.tasks] == ["question-alignment"]


def test_unused_columns_and_repeated_rows_are_noted(tmp_path):
    rows = [("1", "de", "Wer?", "a", "Ich.", "x")] * 3
    file = write(tmp_path / "a.csv", rows, [*COLUMNS, "topic"])
    assert load_dataset(f"files:{file}").notes == (
        "columns not used: topic",
        "rows that repeat earlier ones: 2",
    )


def test_a_name_without_latin_letters_becomes_files(tmp_path):
    assert load_dataset(f"files:{write(tmp_path / 'данные.csv')}").name == "files"


def test_languages_that_the_file_lacks_are_named_with_those_it_has(tmp_path):
    with pytest.raises(AlignkitError) as error:
        load_dataset(f"files:{write(tmp_path / 'a.csv')}", languages=["en", "fr"])
    assert str(error.value) == "the dataset 'a' has no 'fr'; it has 'de', 'en'"


HEADER = ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.csv", HEADER.replace("query_id", "queryid") + "1,de,Wer?,a,Ich.\n",
         "{}, line 2: no 'query_id'; rename 'queryid'"),
        ("a.csv", "id;text\n1;Wer?\n", "{}, line 2: no 'query_id'; it has 'id;text'"),
        ("a.csv", HEADER + "1,germn,Wer?,a,Ich.\n",
         "{}, line 2: 'germn' is no language code. Did you mean 'de' (German)?"),
        ("a.csv", HEADER + '1,de,Wer?,a,"Ich\nbin."\n2,,Wo?,b,Da.\n',
         "{}, line 4: no language; write a code such as 'de'"),
        ("a.csv", HEADER + "1,de,Wer?,a,Ich.\n1,en,Who?,a,I.\n1,deu,Wer da?,a,Ich.\n",
         "{}, line 4: query_id '1' has another text in 'de' than in line 2; give each text an id "
         "of its own"),
        ("a.csv", HEADER + "1,de,Wer?,a,Ich.\n2,de,Wo?,a,Da.\n",
         "{}, line 3: passage_id 'a' has another text in 'de' than in line 2; give each text an id "
         "of its own"),
        ("a.csv", HEADER + "1,de,,a,Ich.\n",
         "{}, line 2: a query_id without a query; write both or neither"),
        ("a.csv", HEADER + "1,de,Wer?,,Ich.\n",
         "{}, line 2: a passage without a passage_id; write both or neither"),
        ("a.csv", HEADER + ",de,,,\n",
         "{}, line 2: neither a query nor a passage; write one or remove the row"),
        ("a.csv", HEADER + "1,de,Wer, wo?,a,Ich.\n",
         "{}, line 2: 6 fields under a header of 5; quote a text that holds the separator"),
        ("a.csv", HEADER + '1,de,"Wer" da?,a,Ich.\n',
         "{}, line 2: ',' expected after '\"'; quote a text that holds a quote, and double its "
         "quotes"),
        ("a.tsv", "query\tquery\n", "{}: two columns are called 'query'; rename one"),
        ("a.csv", HEADER, "{} has no rows; write one a query and language"),
        ("a.jsonl", "", "{} has no rows; write one a query and language"),
        ("a.csv", HEADER.replace("\n", ",relevance\n") + "1,de,Wer?,a,Ich.,0\n1,de,Wer?,a,Ich.,1\n",
         "a: 'de:a' is judged to answer 'de:1' and not to answer it; leave one judgement out"),
        ("a.csv", HEADER + ",de,,a,Ich.\n", "the dataset 'a' has no queries; give at least one"),
        ("a.jsonl", '{"query_id": "1",\n',
         "{}, line 1, column 18: broken JSON (Expecting property name enclosed in double quotes); "
         "mend or fetch it again"),
        ("a.jsonl", "[1]\n", "{}, line 1: not a JSON object; write one a line"),
        ("a.jsonl",
         '\n{"query_id": 1.5, "language": "de", "query": "?", "passage_id": "", "passage": ""}\n',
         "{}, line 2: query_id is 1.5, not a text; write it as a text"),
        ("a.xlsx", "?",
         "{} is no file that alignkit reads; give one ending in .csv, .jsonl, .parquet, .tsv"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_its_line(tmp_path, name, content, text):
    file = tmp_path / name
    file.write_text(content, "utf-8")
    with pytest.raises(AlignkitError) as error:
        load_dataset(f"files:{file}")
    assert str(error.value) == text.format(file)


@pytest.mark.parametrize("word", ["dev", "Train", "tset", " "])
def test_a_row_of_an_unknown_split_does_not_vanish(tmp_path, word):
    rows = [(*ROWS[0], "train"), (*ROWS[1], ""), (*ROWS[2], word)]
    file = write(tmp_path / "a.csv", rows, [*COLUMNS, "split"])
    text = f"{file}, line 5: the split is {word!r}; write 'train', 'validation' or 'test'"
    for read in (
        lambda: load_dataset(f"files:{file}"),
        lambda: load_dataset(f"files:{file}", split=word),
        lambda: splits_of(f"files:{file}"),
        lambda: list(next(iter(sources_of(f"files:{file}"))).texts),
    ):
        with pytest.raises(AlignkitError) as error:
            read()
        assert str(error.value) == text


def test_another_encoding_is_named_by_its_line(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes((HEADER + "1,de,Wer?,a,Für.\n").encode("latin-1"))
    with pytest.raises(AlignkitError) as error:
        load_dataset(f"files:{file}")
    assert str(error.value) == f"{file}, line 2: not UTF-8; save the file as UTF-8"


def test_a_broken_parquet_file_is_one_line(tmp_path):
    file = tmp_path / "a.parquet"
    file.write_bytes(b"no parquet")
    with pytest.raises(AlignkitError, match=r"a\.parquet is no readable Parquet file: ") as error:
        load_dataset(f"files:{file}")
    assert "\n" not in str(error.value)


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path):
    row = dict(zip(COLUMNS, ("1", "de", "Wer\u2028da?", "", ""), strict=True))
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(row, ensure_ascii=False), "utf-8")
    dataset = load_dataset(f"files:{file}")
    assert dataset.queries.frame["text"].tolist() == ["Wer\u2028da?"]
