"""MKQA, Belebele, Tatoeba and data of MTEB, on small made files in their published layouts."""

import gzip
import json

import pandas as pd
import pytest

from alignkit.datasets import load_dataset, sources_of
from alignkit.datasets.belebele import CODES, LANGUAGES
from alignkit.errors import AlignkitError
from alignkit.languages import normalise


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def refused(spec, **options):
    with pytest.raises(AlignkitError) as error:
        load_dataset(spec, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def ids(texts):
    return texts.frame["id"].tolist()


# Tatoeba


@pytest.fixture
def pairs(tmp_path):
    for code, lines, english in (
        ("deu", "Hallo.\nDanke.\n", "Hello.\nThank you.\n"),
        ("fra", "Merci.\nOui.\n", "Thank you.\nYes.\n"),
    ):
        (tmp_path / f"tatoeba.{code}-eng.{code}").write_text(lines, "utf-8")
        (tmp_path / f"tatoeba.{code}-eng.eng").write_text(english, "utf-8")
    return tmp_path


def test_only_lines_of_one_pair_are_translations(pairs):
    dataset = load_dataset(f"tatoeba:{pairs}")
    task = dataset.question_alignment()
    names = dataset.queries.frame["id"]
    found = {
        (names[q], names[p]) for q, p in zip(task.qrels.queries, task.qrels.passages, strict=True)
    }
    assert ("de:deu-1", "en:deu-1") in found
    assert len(found) == 8
    assert not any(q.startswith("de") and p.startswith("fr") for q, p in found)
    assert dataset.notes == ("English sentences that repeat one of another pair: 1",)
    assert [one.name for one in dataset.tasks] == ["question-alignment"]


def test_one_pair_has_its_own_english_pool(pairs):
    dataset = load_dataset(f"tatoeba:{pairs}", languages=["de", "en"])
    assert ids(dataset.queries) == ["de:deu-1", "de:deu-2", "en:deu-1", "en:deu-2"]


def test_pairs_that_are_not_whole_are_refused(pairs):
    assert "every pair of 'tatoeba' is with English" in refused(
        f"tatoeba:{pairs}", languages=["de", "fr"]
    )
    (pairs / "tatoeba.deu-eng.deu").write_text("Hallo.\n", "utf-8")
    assert refused(f"tatoeba:{pairs}") == (
        "the lines of a pair are translations, but tatoeba.deu-eng.deu 1 and tatoeba.deu-eng.eng 2 "
        "differ in number; fetch both files again"
    )
    (pairs / "tatoeba.deu-eng.deu").unlink()
    assert "but no tatoeba.deu-eng.deu" in refused(f"tatoeba:{pairs}")


def test_laser_s_own_files_are_read(shared_data):
    dataset = load_dataset(f"tatoeba:{shared_data('tatoeba')}", languages=["th", "en"])
    assert len(dataset.queries) == 2 * 548
    frame = dataset.queries.frame.set_index("id")["text"]
    assert frame["en:tha-1"] == "How many hours left till arrival?"


# MKQA


def test_mkqa_keeps_three_chinese_texts_apart(tmp_path):
    texts = {code: f"{code}?" for code in ("en", "de", "zh_cn", "zh_hk", "zh_tw")}
    rows = [{"query": "en?", "example_id": -5, "queries": texts, "answers": {}}]
    write_lines(tmp_path / "mkqa.jsonl.gz", rows)
    wanted = ["en", "zh", "zh-Hant", "zh-Hant-HK"]
    dataset = load_dataset(f"mkqa:{tmp_path}", languages=wanted)
    assert ids(dataset.queries) == ["en:-5", "zh-Hant-HK:-5", "zh-Hant:-5", "zh:-5"]
    assert dataset.queries.frame["text"].tolist() == ["en?", "zh_hk?", "zh_tw?", "zh_cn?"]
    assert [task.name for task in dataset.tasks] == ["question-alignment"]
    text = refused(f"mkqa:{tmp_path}", languages=["fi"])
    assert text.endswith("line 1: no question in 'fi'; fetch the file again")


def test_a_mkqa_download_of_another_size_is_refused(tmp_path, cache, monkeypatch):
    row = {"example_id": 1, "queries": {"en": "Who?"}}
    monkeypatch.setattr(
        "alignkit.datasets.download.fetch", lambda _, file, **__: write_lines(file, [row])
    )
    text = refused("mkqa", languages=["en"])
    assert "it has 1 questions, published were 10,000" in text
    assert not (cache / "datasets" / "mkqa" / "mkqa.jsonl.gz").exists()
    assert "has no mkqa.jsonl.gz" in refused(f"mkqa:{tmp_path}")


# Belebele


def belebele_row(link, number, code):
    return {"link": link, "question_number": number, "flores_passage": f"{code} of {link}",
            "question": f"{code} {link} {number}?", "mc_answer1": "a", "dialect": code}  # fmt: skip


def test_every_variant_of_belebele_has_a_code_of_its_own(tmp_path):
    assert len(CODES) == len(LANGUAGES) == 122
    for code in ("zho_Hans", "zho_Hant", "hin_Deva", "hin_Latn", "arb_Arab", "arb_Latn"):
        rows = [
            belebele_row("l1", 1, code),
            belebele_row("l1", 2, code),
            belebele_row("l2", 1, code),
        ]
        write_lines(tmp_path / "data" / f"{code}.jsonl", rows)
    dataset = load_dataset(f"belebele:{tmp_path}")
    assert dataset.queries.languages == ["arb", "arb-Latn", "hi", "hi-Latn", "zh", "zh-Hant"]
    assert len(dataset.queries) == 6 * 3
    assert len(dataset.passages) == 6 * 2
    assert len(dataset.answer_retrieval().qrels) == 6 * 6 * 3
    passages = dataset.passages.frame.set_index("id")["text"]
    assert passages["zh-Hant:l1"] == "zho_Hant of l1"
    one = load_dataset(f"belebele:{tmp_path}", languages=["zho_Hant", "zh"])
    assert one.queries.languages == ["zh", "zh-Hant"]
    assert "the dataset 'belebele' has no 'de'" in refused(f"belebele:{tmp_path}", languages=["de"])


# MTEB

CORPUS = [{"_id": "p1", "title": "T", "text": "one"}, {"_id": "p2", "title": "", "text": "two"}]
QUERIES = [{"_id": "q1", "text": "who?"}, {"_id": "q2", "text": "what?"}]
QRELS = "query-id\tcorpus-id\tscore\nq1\tp1\t2\nq1\tp2\t0\n"


def write_beir(folder, suffix=".jsonl"):
    write_lines(folder / f"corpus{suffix}", CORPUS)
    write_lines(folder / f"queries{suffix}", QUERIES)
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text(QRELS)
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq2\tp2\t1\n")
    return folder


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_beir_s_layout_is_read_with_its_splits(tmp_path, suffix):
    folder = write_beir(tmp_path / "fiqa", suffix)
    dataset = load_dataset(f"mteb:{folder}", languages=["en"])
    assert dataset.name == "fiqa"
    assert ids(dataset.queries) == ["en:q1"]
    assert dataset.passages.frame["text"].tolist() == ["T one", "two"]
    assert dataset.qrels.to_numpy().tolist() == [["en:q1", "en:p1", 2]]
    assert dataset.negatives.to_numpy().tolist() == [["en:q1", "en:p2"]]
    assert dataset.notes == ("queries without a judgement in this split, left out: 1",)
    assert ids(load_dataset(f"mteb:{folder}", languages=["en"], split="dev").queries) == ["en:q2"]
    assert "name it, as in --languages de" in refused(f"mteb:{folder}")
    assert "no qrels of the split 'train'; it has dev, test" in refused(
        f"mteb:{folder}", languages=["en"], split="train"
    )


@pytest.mark.parametrize(
    ("table", "row", "fault"),
    [
        ("queries", {"_id": "q1", "query": "who?"}, "'text' is None, not a text; it has '_id', 'q"),
        ("queries", {"_id": "q1", "text": None}, "'text' is None, not a text"),
        ("corpus", {"_id": "p1", "title": "", "text": 7}, "'text' is 7, not a text"),
        ("corpus", {"_id": "p1", "title": 7, "text": "one"}, "'title' is 7, not a text"),
    ],
)
def test_a_row_without_a_text_is_refused_with_its_line(tmp_path, table, row, fault):
    folder = write_beir(tmp_path / "fiqa")
    rows = {"corpus": CORPUS, "queries": QUERIES}[table]
    file = write_lines(folder / f"{table}.jsonl", [rows[1], row])
    assert f"{file}, line 2: {fault}" in refused(f"mteb:{folder}", languages=["en"])


def test_judgements_need_their_grades(tmp_path):
    folder = write_beir(tmp_path / "fiqa")
    file = folder / "qrels" / "test.tsv"
    file.write_text(QRELS.replace("score", "relevance"))
    assert refused(f"mteb:{folder}", languages=["en"]) == (
        f"{file}, line 2: no 'score'; it has 'query-id', 'corpus-id', 'relevance'"
    )


@pytest.mark.parametrize("prefix", ["", "en-"])
def test_qrels_may_be_one_file(tmp_path, prefix):
    for name, rows in (("corpus", CORPUS), ("queries", QUERIES)):
        write_lines(tmp_path / f"{prefix}{name}" / "all.jsonl", rows)
    (tmp_path / f"{prefix}qrels.tsv").write_text(QRELS)
    for split in ("test", "train"):
        dataset = load_dataset(f"mteb:{tmp_path}", languages=["en"], split=split)
        assert dataset.qrels["passage_id"].tolist() == ["en:p1"]

    write_lines(tmp_path / f"{prefix}qrels" / "dev.jsonl",
                [{"query-id": "q2", "corpus-id": "p2", "score": 1}])  # fmt: skip
    dataset = load_dataset(f"mteb:{tmp_path}", languages=["en"], split="dev")
    assert dataset.qrels["passage_id"].tolist() == ["en:p2"]
    assert f"no {prefix}qrels of the split 'test'; it has dev; put" in refused(
        f"mteb:{tmp_path}", languages=["en"]
    )


def test_beir_s_judgements_both_ways_are_refused(tmp_path):
    folder = write_beir(tmp_path / "fiqa")
    (folder / "qrels" / "test.tsv").write_text(QRELS + "q1\tp1\t0\n")
    assert refused(f"mteb:{folder}", languages=["en"]) == (
        "fiqa: 'en:p1' is judged to answer 'en:q1' and not to answer it; leave one judgement out"
    )


def test_parquet_folders_of_several_languages_are_several_pools(tmp_path):
    for language in ("de", "sw"):
        for name, rows in (
            ("corpus", CORPUS), ("queries", QUERIES),
            ("qrels", [{"query-id": "q1", "corpus-id": "p2", "score": 1.0}]),
        ):  # fmt: skip
            folder = tmp_path / f"{language}-{name}"
            folder.mkdir()
            pd.DataFrame(rows).to_parquet(folder / "test-00000-of-00001.parquet")
    dataset = load_dataset(f"mteb:{tmp_path}")
    assert ids(dataset.passages) == ["de:p1", "de:p2", "sw:p1", "sw:p2"]
    assert dataset.qrels["passage_id"].tolist() == ["de:p2", "sw:p2"]
    assert [task.name for task in dataset.tasks] == ["answer-retrieval"]


def test_a_folder_a_language_is_read(tmp_path):
    write_beir(tmp_path / "deu")
    write_beir(tmp_path / "yor")
    assert load_dataset(f"mteb:{tmp_path}").queries.languages == ["de", "yo"]
    assert load_dataset(f"mteb:{tmp_path}", languages=["yo"]).queries.languages == ["yo"]


def test_bitext_takes_its_languages_from_rows_names_or_the_request(tmp_path):
    rows = [{"sentence1": "Hallo", "sentence2": "Hello"}, {"sentence1": "Ja", "sentence2": "Yes"}]
    named = write_lines(tmp_path / "named" / "deu-eng.jsonl", rows)
    said = [row | {"lang": "deu_Latn-eng_Latn"} for row in rows]
    in_rows = write_lines(tmp_path / "rows" / "test.jsonl.gz", said)
    bare = write_lines(tmp_path / "bare" / "test.jsonl", rows)
    pd.DataFrame(said).to_parquet(tmp_path / "test.parquet")
    expected = ["de:de-en-1", "de:de-en-2", "en:de-en-1", "en:de-en-2"]
    for path in (named, named.parent, in_rows.parent, tmp_path / "test.parquet"):
        assert ids(load_dataset(f"mteb:{path}").queries) == expected
    dataset = load_dataset(f"mteb:{bare}", languages=["de", "en"])
    assert ids(dataset.queries) == expected
    assert [task.name for task in dataset.tasks] == ["question-alignment"]
    assert len(dataset.question_alignment().qrels) == 4
    assert "name both, as in --languages de,en" in refused(f"mteb:{bare}")
    assert refused("mteb") == "'mteb' needs data on disk; write mteb:PATH"


def test_bitext_of_another_split_is_not_taken(tmp_path):
    rows = [{"sentence1": "Hallo", "sentence2": "Hello", "lang": "de-en"}]
    write_lines(tmp_path / "one" / "train.jsonl", rows)
    write_lines(tmp_path / "two" / "dev" / "fr" / "de-en.jsonl", rows)
    write_lines(tmp_path / "two" / "train" / "fr" / "de-en.jsonl", rows)
    for folder, split, has in (
        ("one", "test", "train"), ("one", "nonsense", "train"), ("two", "test", "dev, train"),
    ):  # fmt: skip
        assert refused(f"mteb:{tmp_path / folder}", split=split) == (
            f"{tmp_path / folder} has no sentence pairs of the split {split!r}; it has {has}"
        )
    for folder in ("one", "two"):
        dataset = load_dataset(f"mteb:{tmp_path / folder}", split="train")
        assert ids(dataset.queries) == ["de:de-en-1", "en:de-en-1"]


def test_shards_of_bitext_are_one_data_set(tmp_path):
    def rows(first, last, lang):
        return [
            {"sentence1": f"Satz {i}", "sentence2": f"sentence {i}", "lang": lang}
            for i in range(first, last + 1)
        ]

    write_lines(
        tmp_path / "test-00000-of-00002.jsonl", [*rows(1, 2, "de-en"), *rows(1, 1, "de-fr")]
    )
    second = [*rows(3, 4, "de-en"), *rows(2, 2, "de-fr")]
    write_lines(tmp_path / "test-00001-of-00002.jsonl", second)
    dataset = load_dataset(f"mteb:{tmp_path}", languages=["de", "en"])
    assert dataset.queries.frame.set_index("id")["text"].to_dict() == {
        **{f"de:de-en-{i}": f"Satz {i}" for i in range(1, 5)},
        **{f"en:de-en-{i}": f"sentence {i}" for i in range(1, 5)},
    }
    assert "fr:de-fr-2" in ids(load_dataset(f"mteb:{tmp_path}").queries)
    placed = [text for source in sources_of(f"mteb:{tmp_path}") for text in source.texts]
    assert [one.own_id for one in placed if one.language == "en"][-1] == "de-en-4"

    pd.DataFrame(second).to_parquet(tmp_path / "test-00001-of-00002.parquet")
    assert "test-00001-of-00002.jsonl have one name; remove one" in refused(f"mteb:{tmp_path}")


def test_hong_kong_s_chinese_is_not_taiwan_s():
    assert [normalise(code) for code in ("zh-HK", "zh-TW", "zh", "pt-BR")] == [
        "zh-Hant-HK", "zh-Hant", "zh", "pt",
    ]  # fmt: skip
