"""What a text is written in: its script, and whether its words are English."""

import re
import unicodedata
from functools import lru_cache

FEW = 4  # letters that say nothing of a script: "Na+", "DNA"
# First words of Unicode's names of letters, by ISO 15924.
_LETTERS = {
    "Arab": ("ARABIC",), "Armn": ("ARMENIAN",), "Beng": ("BENGALI",), "Cyrl": ("CYRILLIC",),
    "Deva": ("DEVANAGARI",), "Ethi": ("ETHIOPIC",), "Geor": ("GEORGIAN",), "Grek": ("GREEK",),
    "Gujr": ("GUJARATI",), "Guru": ("GURMUKHI",), "Hans": ("CJK",), "Hant": ("CJK",),
    "Hebr": ("HEBREW",), "Jpan": ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"),
    "Khmr": ("KHMER",), "Knda": ("KANNADA",), "Kore": ("HANGUL", "CJK"), "Laoo": ("LAO",),
    "Latn": ("LATIN",), "Mlym": ("MALAYALAM",), "Mymr": ("MYANMAR",), "Orya": ("ORIYA",),
    "Sinh": ("SINHALA",), "Taml": ("TAMIL",), "Telu": ("TELUGU",), "Thai": ("THAI",),
    "Tibt": ("TIBETAN",),
}  # fmt: skip
# Frequent in English, and no frequent words of another language in Latin script.
_ENGLISH = frozenset(
    {
        "the", "and", "were", "are", "what", "which", "who", "whose", "how", "when", "where",
        "why", "did", "does", "that", "this", "these", "those", "with", "from", "by", "has", "had",
        "have", "been", "their", "there", "would", "could", "they", "you", "your", "his", "her",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")


def n_words(text: str) -> int:
    """Count words of letters; a text without blanks counts a letter as a word."""
    words = _WORD.findall(text)
    return max(len(words), len(words[0]) // 4) if words else 0


def is_in_script(text: str, script: str) -> bool:
    """Whether a quarter of the letters or more are of a script; True where it has no table.

    Names in Latin letters make half of many a short question in Arabic or Hindi.
    """
    known = _LETTERS.get(script)
    if known is None:
        return True
    written = [_first_word(letter) for letter in text if letter.isalpha()]
    return len(written) < FEW or 4 * sum(word in known for word in written) >= len(written)


def is_english(text: str) -> bool:
    """Whether three words in ten, two different ones at least, are English function words."""
    words = [word.lower() for word in _WORD.findall(text)]
    found = [word for word in words if word in _ENGLISH]
    return len(set(found)) >= 2 and len(found) >= 0.3 * len(words)


@lru_cache(maxsize=1 << 16)
def _first_word(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
