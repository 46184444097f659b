"""Is what stands on the terminal whole, aligned and plain where it must be?"""

import pytest
from rich.console import Console

from alignkit.cli._terminal import Lines, print_lines

FAST = ("--no-umap", "--format", "png", "--bootstrap", "50")
TABLE = Lines(
    "data", "measure", ["a [dim](95 % CI)[/dim]", "b [dim](95 % CI)[/dim]", "best"],
    [("mAP, monolingual", [".278  .241 to .318", ".227* .196 to .264", "1.00"]),
     ("same-language lift@10, multilingual", ["10.2  10.0 to 10.4", "9.78* 9.58 to 9.95", "1"])],
    spare=1,
)  # fmt: skip


def printed(width, lines=TABLE):
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        print_lines(console, lines)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_wide_terminal_has_every_column():
    assert printed(120) == [
        "data",
        "measure                                     a (95 % CI)         b (95 % CI)  best",
        "mAP, monolingual                     .278  .241 to .318  .227* .196 to .264  1.00",
        "same-language lift@10, multilingual  10.2  10.0 to 10.4  9.78* 9.58 to 9.95     1",
    ]


@pytest.mark.parametrize("width", [120, 80, 72, 60, 40, 30])
def test_nothing_is_cut_at_any_width(width):
    lines = printed(width)
    text = " ".join(" ".join(lines).split())
    assert "…" not in text
    assert max(map(len, lines)) <= width
    for value in (".278 .241 to .318", ".227* .196 to .264", "9.78* 9.58 to 9.95"):
        assert value in text, (width, text)
    assert "lift@10," in text


def test_a_narrow_terminal_has_a_line_a_checkpoint():
    assert printed(40)[1:4] == [
        "mAP, monolingual",
        "  a (95 % CI)  .278  .241 to .318",
        "  b (95 % CI)  .227* .196 to .264",
    ]


@pytest.mark.parametrize("width", ["40", "80"])
def test_key_table_and_verdict_fit_the_terminal(alignkit, data, vectors, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    code, out, err = alignkit("compare", vectors("a.npz"), vectors("b.npz", seed=1), "--data", data,
                              "--out", "[b]", *FAST)  # fmt: skip
    assert code == 0, err
    assert max(map(len, out.splitlines())) <= int(width)
    assert "…" not in out
    assert "\x1b" not in out  # no colour where nobody looks
    assert "rank distance" in out
    assert "Open [b]/report.html" in out  # and is not taken for markup
