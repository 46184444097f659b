"""MIRACL's layout on small made files, and its published topics and judgements."""

import gzip

import pytest
from miracl_layout import write_corpus, write_judged

from alignkit.datasets import download, load_dataset
from alignkit.errors import AlignkitError

SW = [
    [("32589#0", "Kenya", "Nchi ya Afrika."), ("32589#1", "Kenya", "Bandari ni Mombasa.")],
    [("7#0", "Mombasa", "Mji wa bandari."), ("8#0", "", "Bila kichwa.")],
]
TOPICS = "6\tBandari kubwa iko wapi?\n8\tMji mkuu ni gani?\n"
QRELS = "6\tQ0\t32589#1\t1\n6\tQ0\t7#0\t2\n6\tQ0\t32589#0\t0\n8\tQ0\t8#0\t1\n"


@pytest.fixture
def folder(tmp_path):
    write_judged(tmp_path / "m", "sw", TOPICS, QRELS)
    write_corpus(tmp_path / "m", "sw", SW)
    return tmp_path / "m"


def refused(spec, **options):
    with pytest.raises(AlignkitError) as error:
        load_dataset(spec, **options)
    text = str(error.value)
    assert "\n" not in text
    return text


def test_ids_are_its_own_and_the_title_comes_first(folder):
    dataset = load_dataset(f"miracl:{folder}", split="dev")
    assert dataset.queries.frame["id"].tolist() == ["sw:6", "sw:8"]
    passages = dataset.passages.frame.set_index("id")["text"]
    assert passages["sw:32589#1"] == "Kenya Bandari ni Mombasa."
    assert passages["sw:8#0"] == "Bila kichwa."
    assert passages.index.tolist() == ["sw:32589#0", "sw:32589#1", "sw:7#0", "sw:8#0"]


def test_grades_are_kept_and_zeros_are_negatives(folder):
    dataset = load_dataset(f"miracl:{folder}")
    assert dataset.qrels.to_numpy().tolist() == [
        ["sw:6", "sw:32589#1", 1], ["sw:6", "sw:7#0", 2], ["sw:8", "sw:8#0", 1],
    ]  # fmt: skip
    assert dataset.negatives.to_numpy().tolist() == [["sw:6", "sw:32589#0"]]
    assert [task.name for task in dataset.tasks] == ["answer-retrieval"]
    assert dataset.notes == ("corpus of sw: 4 passages, published were 131,924",)


def test_topics_and_judgements_are_found_flat_and_in_their_repositories(folder, tmp_path):
    nested = load_dataset(f"miracl:{folder}")
    write_judged(tmp_path / "flat", "sw", TOPICS, QRELS, flat=True)
    write_corpus(tmp_path / "flat", "sw", SW)
    write_judged(tmp_path / "clones" / "miracl", "sw", TOPICS, QRELS)
    write_corpus(tmp_path / "clones" / "miracl-corpus", "sw", SW)
    for name in ("flat", "clones"):
        assert load_dataset(f"miracl:{tmp_path / name}").checksum == nested.checksum


def test_the_split_train_is_another_file(folder):
    write_judged(folder, "sw", "1\tSwali?\n", "1\tQ0\t7#0\t1\n", split="train")
    assert load_dataset(f"miracl:{folder}", split="train").queries.frame["id"].tolist() == ["sw:1"]


def test_several_languages_are_several_pools(folder):
    write_judged(folder, "yo", "6\tIbo?\n", "6\tQ0\t7#0\t1\n")
    write_corpus(folder, "yo", [[("7#0", "Eko", "Ilu.")]])
    dataset = load_dataset(f"miracl:{folder}")
    assert dataset.passages.languages == ["sw", "yo"]
    parallel = dataset.queries.frame["parallel_id"]
    assert len(set(parallel)) == 3  # sw:6 and yo:6 are different questions
    assert load_dataset(f"miracl:{folder}", languages=["yo"]).queries.languages == ["yo"]


def test_a_judged_passage_that_the_corpus_lacks_is_counted_and_named(folder):
    write_judged(folder, "sw", TOPICS, QRELS + "8\tQ0\t99#9\t1\n8\tQ0\t98#9\t0\n")
    dataset = load_dataset(f"miracl:{folder}")
    assert dataset.unfindable.to_numpy().tolist() == [["sw:8", "sw:99#9", 1]]
    assert dataset.notes[1:] == (
        "relevant passages that are not in the corpus, counted as not found: 1 (sw:99#9)",
        "passages judged not relevant that are not in the corpus: 1 (sw:98#9)",
    )


def test_a_corpus_that_breaks_off_is_named_with_its_line(folder):
    file = folder / "miracl-corpus-v1.0-sw" / "docs-1.jsonl.gz"
    # Numbers that don't compress, so that whole lines stand before the break.
    with gzip.open(file, "wt") as out:
        for i in range(3000):
            out.write(f'{{"docid": "{i}#0", "title": "t", "text": "{hash((i, "x"))}"}}\n')
    file.write_bytes(file.read_bytes()[:-2000])
    text = refused(f"miracl:{folder}")
    assert text.startswith(f"{file} is damaged after line ")
    assert text.endswith("; fetch the file again")
    file.write_bytes(b"no gzip")
    assert refused(f"miracl:{folder}").startswith(f"{file} is damaged after line 0")


def test_a_shard_in_the_middle_must_not_be_missing(folder):
    (folder / "miracl-corpus-v1.0-sw" / "docs-0.jsonl.gz").unlink()
    assert refused(f"miracl:{folder}") == (
        f"{folder / 'miracl-corpus-v1.0-sw'} has no docs-0.jsonl.gz; fetch it again"
    )


def test_topics_without_a_corpus_say_how_to_get_it(tmp_path):
    write_judged(tmp_path, "sw", TOPICS, QRELS, flat=True)
    assert refused(f"miracl:{tmp_path}") == (
        f"{tmp_path} has topics and qrels, but no corpus of 'sw': put "
        "miracl-corpus-v1.0-sw/docs-*.jsonl.gz there from "
        "https://huggingface.co/datasets/miracl/miracl-corpus, or write 'miracl' without a path to "
        "download it; `alignkit datasets check` reads the topics alone"
    )


@pytest.mark.parametrize(
    ("topics", "qrels", "text"),
    [
        (
            TOPICS + "9\tNini?\n", QRELS,
            "{topics}, line 3: the topic '9' has no judgement in {qrels}; add one there, or remove "
            "the topic",
        ),
        (
            TOPICS, QRELS + "9\tQ0\t7#0\t1\n",
            "{qrels} judges the topic '9', which is not in {topics}; add the topic, or remove its "
            "judgements",
        ),
        (
            TOPICS, QRELS + "8\tQ0\t7#0\tyes\n",
            "{qrels}, line 5: '8\\tQ0\\t7#0\\tyes' is no judgement; write topic, Q0, passage and "
            "relevance (0 or higher), with tabs",
        ),
        (
            TOPICS, QRELS + "8\tQ0\t99#9\t0\n8\tQ0\t99#9\t1\n",
            "miracl: 'sw:99#9' is judged to answer 'sw:8' and not to answer it; leave one "
            "judgement out",
        ),
        (
            "6 Bandari\n", QRELS,
            "{topics}, line 1: no tab between a topic's id and its text",
        ),
    ],
)  # fmt: skip
def test_broken_topics_and_judgements_are_refused_with_their_place(folder, topics, qrels, text):
    files = write_judged(folder, "sw", topics, qrels)
    assert refused(f"miracl:{folder}") == text.format(topics=files[0], qrels=files[1])


@pytest.mark.usefixtures("cache")
def test_a_folder_without_the_split_and_a_download_of_everything_are_refused(folder):
    assert "has no miracl-v1.0-sw/topics/topics.miracl-v1.0-sw-train.tsv" in refused(
        f"miracl:{folder}", split="train"
    )
    assert refused("miracl") == (
        "all 18 corpora of MIRACL have 106,332,152 passages; name the languages to download, as in "
        "--languages sw,yo"
    )
    assert "--offline forbids" in refused("miracl", languages=["yo"], offline=True)


def test_downloads_are_of_the_stated_commits_and_kept_with_checksums(folder, cache, monkeypatch):
    asked = []

    def copy(url, destination, *, sha256, **_):
        asked.append((url.partition("miracl/")[2], sha256))
        destination.parent.mkdir(parents=True, exist_ok=True)
        below = destination.relative_to(cache / "datasets" / "miracl")
        destination.write_bytes((folder / below).read_bytes())

    monkeypatch.setattr(download, "fetch", copy)
    monkeypatch.setattr("alignkit.datasets.miracl_files.PASSAGES", {"sw": 4})
    monkeypatch.setattr("alignkit.datasets.miracl_files.IN_A_FILE", 2)
    write_judged(folder, "sw", TOPICS, QRELS, split="train")

    first = load_dataset("miracl", languages=["sw"], split="train")
    second = load_dataset("miracl", languages=["sw"], split="train", offline=True)

    assert first.checksum == second.checksum == load_dataset(f"miracl:{folder}").checksum
    assert len(asked) == 4
    topics, corpus = (
        "miracl/resolve/5be20db9509754dadad47689368639fcec739c00/miracl-v1.0-sw/topics/",
        "miracl-corpus/resolve/d921ec7e349ce0d28daf30b2da9da5ee698bef0d/miracl-corpus-v1.0-sw/",
    )
    assert asked[0] == (f"{topics}topics.miracl-v1.0-sw-train.tsv", None)
    assert asked[3] == (f"{corpus}docs-1.jsonl.gz", None)
    shard = cache / "datasets" / "miracl" / "miracl-corpus-v1.0-sw" / "docs-1.jsonl.gz"
    shard.write_bytes(shard.read_bytes() + b"more")
    assert refused("miracl", languages=["sw"], split="train") == (
        f"{shard} changed since it was downloaded; delete it, and it is downloaded again"
    )


def test_a_mirror_has_the_files_below_the_dataset(monkeypatch):
    monkeypatch.setenv("ALIGNKIT_DATA_URL", "http://here/")
    assert download.address("https://hub/x", "a/b.gz", dataset="miracl") == (
        "http://here/miracl/a/b.gz"
    )
    monkeypatch.delenv("ALIGNKIT_DATA_URL")
    assert download.address("https://hub/x", "a/b.gz", dataset="miracl") == "https://hub/x/a/b.gz"


def test_the_published_judgements_are_known_by_their_checksums(shared_data):
    from alignkit.datasets.miracl_files import CHECKSUMS, PASSAGES

    lines = [line.split() for line in CHECKSUMS.read_text().splitlines()]
    assert len(lines) == 2 * len(PASSAGES)
    for checksum, name in lines:
        assert download.sha256_of(shared_data("miracl") / name) == checksum
