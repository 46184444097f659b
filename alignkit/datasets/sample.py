"""The bundled sample: small, parallel in eleven languages, there without a network."""

from pathlib import Path

from alignkit.datasets import Request, choose_languages, dataset
from alignkit.datasets.assemble import Answer, TextRow, assemble
from alignkit.datasets.reading import check_columns, read_json_lines
from alignkit.errors import AlignkitError
from alignkit.tables import Dataset, DatasetCard

FOLDER = Path(__file__).parent / "sample"  # texts only; the folder is no package

CARD = DatasetCard(
    name="sample",
    title="alignkit's sample",
    languages=("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"),
    licence="CC0-1.0",
    source="written for alignkit, bundled with it",
    description=(
        "Short questions, each with the passage that answers it, parallel in all languages. For "
        "trying alignkit out: too small to say which of two good models is better."
    ),
    splits=("train", "test"),
)


@dataset(CARD)
def load(path: Path | None, request: Request) -> Dataset:
    """Read `{split}/{language}.jsonl`, one question and its passage a line, under one id."""
    if path is not None:
        raise AlignkitError("the dataset 'sample' is bundled and takes no path; write 'sample'")
    queries: list[TextRow] = []
    passages: list[TextRow] = []
    for language in choose_languages(CARD.name, CARD.languages, request):
        file = FOLDER / request.split / f"{language}.jsonl"
        for line, row in read_json_lines(file):
            check_columns(row, ["query_id", "query", "passage"], f"{file}, line {line}")
            queries.append(TextRow(language, row["query_id"], row["query"]))
            passages.append(TextRow(language, row["query_id"], row["passage"]))
    answers = [Answer(query.language, query.own_id, query.own_id) for query in queries]
    return assemble(CARD, queries, passages, answers)
