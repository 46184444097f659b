"""Language codes, names, scripts and families: the only place that converts them.

A code is ISO 639-1 where one exists, else ISO 639-3, with a script only where the text is not in
the language's usual one: `de`, `yue`, `zh-Hant`, `sr-Latn`.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from alignkit.errors import AlignkitError

if TYPE_CHECKING:  # langcodes takes 40 ms to import, more than a command's help should wait
    from langcodes import Language

UNKNOWN_SCRIPT = "Zzzz"  # ISO 15924 for "uncoded": better than a guess

# Top-level families of Glottolog 5 (glottolog.org) for the commonest languages.
_FAMILIES = {
    "Afro-Asiatic": "am ar ha he mt om so ti",
    "Atlantic-Congo": "ig lg ln ny rn rw sn st sw tn wo xh yo zu",
    "Austroasiatic": "km vi",
    "Austronesian": "ceb fil id jv mg mi ms su tl",
    "Basque": "eu",
    "Dravidian": "kn ml ta te",
    "Indo-European": (
        "af as be bg bn bs ca cs cy da de el en es fa fr ga gl gu hi hr hy is it ku lt lv mk mr nb "
        "ne nl nn no or pa pl ps pt ro ru sd si sk sl sq sr sv tg uk ur yi"
    ),
    "Japonic": "ja",
    "Kartvelian": "ka",
    "Koreanic": "ko",
    "Mongolic-Khitan": "mn",
    "Quechuan": "qu",
    "Sino-Tibetan": "bo my yue zh",
    "Tai-Kadai": "lo th",
    "Turkic": "az kk ky tr tt ug uz",
    "Uralic": "et fi hu",
}
_FAMILY_OF = {code: family for family, codes in _FAMILIES.items() for code in codes.split()}

# What CLDR's likely subtags leave out, of the languages in FLORES-200.
_USUAL_SCRIPTS = {
    "acm": "Arab", "acq": "Arab", "ajp": "Arab", "azb": "Arab", "pbt": "Arab", "prs": "Arab",
    "cjk": "Latn", "lus": "Latn",
}  # fmt: skip
# Written for the same script: FLORES has kor_Hang where CLDR has ko-Kore.
_SAME_SCRIPT = {"Hang": "Kore", "Aran": "Arab"}
_RIGHT_TO_LEFT = {"Adlm", "Arab", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"}

# langcodes would also turn tl into fil, prs into fa-AF and swc into sw-CD: other languages, or
# macrolanguages. Only these withdrawn codes are the same language under a new name.
_WITHDRAWN = {"iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro", "mol": "ro"}
_NOT_A_LANGUAGE = {"mis", "mul", "und", "zxx"}
# Written for these regions alike in script, and not in words: neither stands for the other.
_REGIONS = {("zh", "HK")}
# Country codes that are taken for language codes.
_COUNTRIES = {"cn": "zh", "cz": "cs", "dk": "da", "gr": "el", "jp": "ja", "ua": "uk", "vn": "vi"}


@lru_cache(maxsize=4096)
def normalise(code: str) -> str:
    """Find the one code that stands for `code`'s language in every table.

    Takes ISO 639-1 and 639-3, BCP-47 (`pt-BR`) and FLORES (`eng_Latn`). A region is dropped once it
    has said the script (`zh-TW` is `zh-Hant`), but for Hong Kong's Chinese (`zh-Hant-HK`), which
    data have beside Taiwan's. A language stays itself: `arb` (Standard Arabic)
    does not become the macrolanguage `ar`, nor `cmn` `zh`; data that mix them must choose.

    Raises
    ------
    AlignkitError
        If there is no such language; the text offers the nearest.

    Examples
    --------
    >>> [normalise(code) for code in ("deu", "eng_Latn", "zho_Hant", "pt-BR", "arz_Arab")]
    ['de', 'en', 'zh-Hant', 'pt', 'arz']
    """
    tag = _parse(code)
    if tag is None:
        raise AlignkitError(f"{code!r} is no language code. {_advice(code)}")
    language = _short(tag.extlangs[0] if tag.extlangs else tag.language or "")
    written = _SAME_SCRIPT.get(tag.script or "", tag.script)
    usual = _usual_script(language)
    if written is None and tag.territory and usual is not None:
        written = _likely_script(language, tag.territory)
    code = language if written in (None, usual) else f"{language}-{written}"
    return f"{code}-{tag.territory}" if (language, tag.territory) in _REGIONS else code


def name(code: str) -> str:
    """Name a language in English: `Chinese (Traditional)` for `zh-Hant`."""
    from langcodes import Language

    return Language.get(normalise(code), normalize=False).display_name("en")


def script(code: str) -> str:
    """Find the script of texts of `code`, in ISO 15924; `Zzzz` where no table knows."""
    language, _, further = normalise(code).partition("-")
    written = further.partition("-")[0]
    return written or _usual_script(language) or UNKNOWN_SCRIPT


def is_right_to_left(code: str) -> bool:
    """Whether texts of `code` run from right to left."""
    return script(code) in _RIGHT_TO_LEFT


def family(code: str) -> str:
    """Find the top-level family after Glottolog, "other" for languages beyond the commonest.

    A language without an entry has that of its macrolanguage: `arz` that of `ar`.
    """
    from langcodes.data_dicts import MACROLANGUAGES

    language = normalise(code).partition("-")[0]
    return _FAMILY_OF.get(language) or _FAMILY_OF.get(MACROLANGUAGES.get(language, ""), "other")


def display_order(codes: Iterable[str]) -> list[str]:
    """Sort codes by script, then family, then code: the one order used in every figure."""
    return sorted(codes, key=lambda code: (script(code), family(code), code))


def _parse(code: str) -> "Language | None":
    """Take a code apart; None if there is no such language or script."""
    from langcodes import Language
    from langcodes.tag_parser import LanguageTagError

    try:
        tag = Language.get(code.strip().replace("_", "-"), normalize=False)
    except LanguageTagError:
        return None
    language = _short(tag.extlangs[0] if tag.extlangs else tag.language or "")
    if not language.isalpha() or language in _NOT_A_LANGUAGE:  # "x-mine" is a private tag
        return None
    known = Language.make(language=language, script=tag.script, territory=tag.territory).is_valid()
    return tag if known else None


def _short(language: str) -> str:
    """ISO 639-1 for an ISO 639-2 or 639-3 code that has one."""
    return _WITHDRAWN.get(language) or _two_letters().get(language, language)


@lru_cache(maxsize=1)
def _two_letters() -> dict[str, str]:
    from langcodes.data_dicts import LANGUAGE_ALPHA3, LANGUAGE_ALPHA3_BIBLIOGRAPHIC

    pairs = [*LANGUAGE_ALPHA3.items(), *LANGUAGE_ALPHA3_BIBLIOGRAPHIC.items()]
    # The table also has withdrawn codes and tags with a script or region ("sr-Latn", "fa-AF").
    return {three: two for two, three in pairs if "-" not in two and two not in _WITHDRAWN}


@lru_cache(maxsize=4096)
def _usual_script(language: str) -> str | None:
    from langcodes.data_dicts import LIKELY_SUBTAGS, NORMALIZED_MACROLANGUAGES

    # langcodes answers "Latn" for languages that CLDR says nothing about, so look first. The
    # members of a macrolanguage are taken to share its script.
    for known in (language, NORMALIZED_MACROLANGUAGES.get(language)):
        if known in LIKELY_SUBTAGS:
            return _likely_script(known)
    return _USUAL_SCRIPTS.get(language)


def _likely_script(language: str, territory: str | None = None) -> str | None:
    from langcodes import Language

    return Language.make(language=language, territory=territory).maximize().script


def _advice(code: str) -> str:
    near = _nearest(code.strip().lower().replace("_", "-"))
    if near is None:
        return "Write an ISO 639 code such as 'de' or 'yue'."
    return f"Did you mean {near!r} ({name(near)})?"


def _nearest(code: str) -> str | None:
    language = code.partition("-")[0]
    if language in _COUNTRIES:
        return _COUNTRIES[language]
    if language != code and _parse(language):  # the fault is behind the language: "en-Xxxx"
        return normalise(language)
    own_name = _of_name(code)
    if own_name:
        return own_name
    names = {name(known).lower(): known for known in _FAMILY_OF}
    for known in (names, _FAMILY_OF):
        for near in get_close_matches(code, known, n=1, cutoff=0.8):
            return names.get(near, near)
    return None


def _of_name(word: str) -> str | None:
    """Code of a language called by its English or its own name: "german", "deutsch"."""
    import langcodes

    # Short words are codes mistyped, and hit the names of small languages. language_data's trie
    # fails with a SystemError at a NUL, so only letters go there.
    if len(word) < 4 or not word.replace(" ", "").isalpha():
        return None
    try:
        return normalise(langcodes.find(word).to_tag())
    except LookupError:
        return None
