"""Fonts for labels in any script: found through fontconfig, or named to be installed."""

import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

OURS = "DejaVu Sans"  # comes with matplotlib: the same everywhere
_ROWS = "%{file}\t%{family[0]}\t%{style[0]}\t%{fontformat}\n"


@dataclass(frozen=True)
class Lettering:
    """How labels are written: fonts beside our own, and what stands for labels that none can write.

    `type42` says whether the fonts can be embedded as TrueType; those with PostScript outlines can
    only be drawn into a PDF glyph by glyph (Type 3).
    """

    families: tuple[str, ...] = ()
    codes: dict[str, str] = field(default_factory=dict)
    advice: str = ""
    type42: bool = True


@dataclass(frozen=True)
class Font:
    """A font that the machine has."""

    path: str
    family: str
    style: str
    is_truetype: bool

    @property
    def merit(self) -> tuple[bool, ...]:
        """Sort upright sans-serif faces first, of those the ones that a PDF can hold."""
        return (
            self.is_truetype, self.style in ("Regular", "Book"), "Sans" in self.family,
            "Mono" not in self.family, "Noto" in self.family,
        )  # fmt: skip


Find = Callable[[str], list[Font]]


def with_fontconfig(character: str) -> list[Font]:
    """List the fonts that have a character; none where fontconfig is not installed."""
    program = shutil.which("fc-list")
    if program is None:
        return []
    query = f":charset={ord(character):x}"
    found = subprocess.run(  # noqa: S603  the query is a number
        [program, query, "-f", _ROWS], capture_output=True, text=True, check=False
    )
    rows = [line.split("\t") for line in found.stdout.splitlines()]
    return [
        Font(path, family, style, kind == "TrueType")
        for path, family, style, kind in (row for row in rows if len(row) == 4)
    ]


def lettering_for(labels: Sequence[str], find: Find = with_fontconfig) -> Lettering:
    """Choose the fonts for labels; one that no font can write is called by its place.

    Costs nothing where all are ASCII.
    """
    if all(label.isascii() for label in labels):
        return Lettering()
    fonts: list[Font] = []
    missing: dict[str, list[str]] = {}
    for label in labels:
        left = _unwritten(label, fonts)
        while left:
            best = max(find(left[0]), key=lambda font: (*font.merit, font.path), default=None)
            if best is None or left[0] in _unwritten(left[0], [best]):
                missing[label] = left
                break
            fonts.append(best)
            left = _unwritten(label, fonts)
    codes = {label: f"checkpoint {labels.index(label) + 1}" for label in missing}
    return Lettering(
        tuple(dict.fromkeys(_registered(font) for font in fonts)), codes,
        _advice(missing, codes), all(font.is_truetype for font in fonts),
    )  # fmt: skip


def _unwritten(text: str, fonts: Sequence[Font]) -> list[str]:
    """Characters that neither our font nor these have; marks of formatting need no glyph."""
    from matplotlib.font_manager import findfont, get_font

    paths = [findfont(OURS), *(font.path for font in fonts)]
    known = {code for path in paths for code in get_font(path).get_charmap()}
    visible = [c for c in dict.fromkeys(text) if unicodedata.category(c) not in ("Cf", "Zs", "Mn")]
    marks = [c for c in dict.fromkeys(text) if unicodedata.category(c) == "Mn"]
    return [c for c in (*visible, *marks) if ord(c) not in known]


def _registered(font: Font) -> str:
    """Make a font known to matplotlib; returns the family that it goes by there."""
    from matplotlib.font_manager import fontManager

    def families() -> list[str]:
        return [entry.name for entry in fontManager.ttflist if entry.fname == font.path]

    if not families():  # installed since matplotlib last looked
        fontManager.addfont(font.path)
    return font.family if font.family in families() else families()[0]


def _advice(missing: dict[str, list[str]], codes: dict[str, str]) -> str:
    if not missing:
        return ""
    characters = [c for left in missing.values() for c in left]
    is_east_asian = any(
        unicodedata.name(c, "").startswith(("CJK", "HANGUL", "HIRAGANA", "KATAKANA"))
        for c in characters
    )
    package = "fonts-noto-cjk" if is_east_asian else "fonts-noto-core"
    if shutil.which("fc-list") is None:
        package = f"fontconfig {package}"
    called = ", ".join(f"{label} is called {code!r}" for label, code in codes.items())
    return (
        f"no font here has {characters[0]!r}: in figures {called}; on Debian, "
        f"`apt-get install {package}`, then draw again with `alignkit report RUN`"
    )
