"""Belebele: 900 questions on 488 passages, parallel in 122 variants of languages."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from alignkit.datasets import Request, choose_languages, dataset
from alignkit.datasets.assemble import Answer, TextRow, assemble
from alignkit.datasets.download import address, keep
from alignkit.datasets.packed import read_objects, text_of
from alignkit.datasets.placed import PlacedText, Source
from alignkit.errors import AlignkitError
from alignkit.languages import normalise
from alignkit.tables import Dataset, DatasetCard

FOLDER = (
    "https://huggingface.co/datasets/facebook/belebele/resolve/"
    "c25c4d7bfbc5de244583947ba230fc4ee93d4a89/data"
)
QUESTIONS, PASSAGES = 900, 488
# FLORES-200 codes: two scripts of one language are two variants.
CODES = """
acm_Arab afr_Latn als_Latn amh_Ethi apc_Arab arb_Arab arb_Latn ars_Arab ary_Arab arz_Arab asm_Beng
azj_Latn bam_Latn ben_Beng ben_Latn bod_Tibt bul_Cyrl cat_Latn ceb_Latn ces_Latn ckb_Arab dan_Latn
deu_Latn ell_Grek eng_Latn est_Latn eus_Latn fin_Latn fra_Latn fuv_Latn gaz_Latn grn_Latn guj_Gujr
hat_Latn hau_Latn heb_Hebr hin_Deva hin_Latn hrv_Latn hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn
isl_Latn ita_Latn jav_Latn jpn_Jpan kac_Latn kan_Knda kat_Geor kaz_Cyrl kea_Latn khk_Cyrl khm_Khmr
kin_Latn kir_Cyrl kor_Hang lao_Laoo lin_Latn lit_Latn lug_Latn luo_Latn lvs_Latn mal_Mlym mar_Deva
mkd_Cyrl mlt_Latn mri_Latn mya_Mymr nld_Latn nob_Latn npi_Deva npi_Latn nso_Latn nya_Latn ory_Orya
pan_Guru pbt_Arab pes_Arab plt_Latn pol_Latn por_Latn ron_Latn rus_Cyrl shn_Mymr sin_Latn sin_Sinh
slk_Latn slv_Latn sna_Latn snd_Arab som_Latn sot_Latn spa_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn
swh_Latn tam_Taml tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi tsn_Latn tso_Latn tur_Latn ukr_Cyrl
urd_Arab urd_Latn uzn_Latn vie_Latn war_Latn wol_Latn xho_Latn yor_Latn zho_Hans zho_Hant zsm_Latn
zul_Latn
""".split()  # noqa: SIM905  122 quoted codes are not to be read
LANGUAGES = {normalise(code): code for code in CODES}
assert len(LANGUAGES) == len(CODES), "two variants under one code"

CARD = DatasetCard(
    name="belebele",
    title="Belebele",
    languages=tuple(sorted(LANGUAGES)),
    licence="CC BY-SA 4.0",
    source="Bandarkar et al. 2024, arXiv 2308.16884; huggingface.co/datasets/facebook/belebele",
    description=(
        "Questions on passages of FLORES-200, parallel in all variants, each with the passage it "
        "is asked of; the four choices are left out. Codes are FLORES-200's or shorter: eng_Latn "
        "is en, zho_Hant zh-Hant, hin_Latn hi-Latn, arb_Arab arb (Standard Arabic). A download is "
        "verified by its numbers of questions and passages, later reads by the checksum seen then."
    ),
)


class _Row(NamedTuple):
    """A question and its passage, which many questions may share."""

    line: int
    query_id: str
    query: str
    passage_id: str
    passage: str


def _sources(path: Path | None, request: Request) -> Iterator[Source]:
    for language, file in _files(path, request).items():
        yield Source(file, _placed(file, language))


def _placed(file: Path, language: str) -> Iterator[PlacedText]:
    seen: set[str] = set()
    for row in _rows(file):
        yield PlacedText("query", language, row.query_id, row.query_id, row.query, row.line)
        if row.passage_id not in seen:
            seen.add(row.passage_id)
            own_id = row.passage_id
            yield PlacedText("passage", language, own_id, own_id, row.passage, row.line)


@dataset(CARD, sources=_sources)
def load(path: Path | None, request: Request) -> Dataset:
    """Read `{code}.jsonl` of each variant; a passage's id is its link, a question's adds a number.

    In every variant the same link means the same passage.
    """
    queries: list[TextRow] = []
    passages: dict[TextRow, None] = {}
    answers: list[Answer] = []
    for language, file in _files(path, request).items():
        for row in _rows(file):
            queries.append(TextRow(language, row.query_id, row.query))
            passages[TextRow(language, row.passage_id, row.passage)] = None
            answers.append(Answer(language, row.query_id, row.passage_id))
    return assemble(CARD, queries, passages, answers)


def _rows(file: Path) -> Iterator[_Row]:
    for line, row in read_objects(file):
        place = f"{file}, line {line}"
        link, query, passage = (
            text_of(row, name, place) for name in ("link", "question", "flores_passage")
        )
        number = row.get("question_number")
        if number is None:
            raise AlignkitError(f"{place}: no 'question_number'; give Belebele's own files")
        yield _Row(line, f"{link}#{number}", query, link, passage)


def _files(path: Path | None, request: Request) -> dict[str, Path]:
    """File of each language wanted."""
    if path is None:
        folder = request.cache_folder / "datasets" / CARD.name
        languages = choose_languages(CARD.name, LANGUAGES, request)
        for language in languages:
            name = f"{LANGUAGES[language]}.jsonl"
            keep(
                address(FOLDER, name, dataset=CARD.name), folder / name, sha256=None, check=_check,
                offline=request.offline, reporter=request.reporter,
            )  # fmt: skip
    else:
        folder = path / "data" if (path / "data").is_dir() else path
        there = {
            one: code for one, code in LANGUAGES.items() if (folder / f"{code}.jsonl").is_file()
        }
        if not there:
            raise AlignkitError(
                f"{folder} has no eng_Latn.jsonl or another variant of Belebele; put them there "
                f"from {FOLDER}"
            )
        languages = choose_languages(CARD.name, there, request)
    return {language: folder / f"{LANGUAGES[language]}.jsonl" for language in languages}


def _check(file: Path) -> None:
    rows = list(_rows(file))
    found = len({row.query_id for row in rows}), len({row.passage_id for row in rows})
    if found != (QUESTIONS, PASSAGES):
        raise AlignkitError(
            f"{file} is not the published file: it has {found[0]} questions and {found[1]} "
            f"passages, published were {QUESTIONS} and {PASSAGES}; download it again, or check the "
            "mirror"
        )
