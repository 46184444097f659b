"""Stub: codes, names, scripts and direction of languages; replaced at the merge."""

_NAMES = {
    "ar": ("Arabic", "Arab"), "bn": ("Bengali", "Beng"), "de": ("German", "Latn"),
    "el": ("Greek", "Grek"), "en": ("English", "Latn"), "es": ("Spanish", "Latn"),
    "fi": ("Finnish", "Latn"), "fr": ("French", "Latn"), "he": ("Hebrew", "Hebr"),
    "hi": ("Hindi", "Deva"), "ja": ("Japanese", "Jpan"), "ru": ("Russian", "Cyrl"),
    "sw": ("Swahili", "Latn"), "th": ("Thai", "Thai"), "tr": ("Turkish", "Latn"),
    "vi": ("Vietnamese", "Latn"), "zh": ("Chinese", "Hans"),
}  # fmt: skip


def name(code: str) -> str:
    """English name of a language."""
    return _NAMES.get(code, (code, ""))[0]


def script(code: str) -> str:
    """Name the script by its ISO 15924 code."""
    return _NAMES.get(code, ("", "Latn"))[1]


def is_right_to_left(code: str) -> bool:
    """Whether the language is written from right to left."""
    return script(code) in {"Arab", "Hebr"}


def display_order(codes: list[str]) -> list[str]:
    """Order codes by script, then code."""
    return sorted(codes, key=lambda code: (script(code) != "Latn", script(code), code))
