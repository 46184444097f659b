"""Does a real TeX compile what we write?"""

import re
import shutil
import subprocess
from dataclasses import replace

import pandas as pd
import pytest

from alignkit.published import published_rows
from alignkit.report.formats import escape_latex, markdown
from alignkit.report.tables import build_tables, write_tables
from alignkit.tables import VARIANT_COLUMNS

pytestmark = pytest.mark.tex

HOSTILE = (
    r"a_b%&#$1",
    r"{x}\y^~",
    "[2pt]*--`'|<>",
    "模型-ไทย-نموذج",
    "Việt naïve Łø",
    "line\nend\t\x07",
)
DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs}
\usepackage[paperwidth=160cm,paperheight=80cm,margin=1cm]{geometry}
\begin{document}
\input{macros}
%s
\end{document}
"""


@pytest.fixture(scope="module", params=["pdflatex", "lualatex"])
def compiled(request):
    """Compile a document in a folder; returns the program's name."""
    program = shutil.which(request.param)
    if program is None or shutil.which("kpsewhich") is None:
        pytest.skip(f"no {request.param} here; on Debian: texlive-latex-base")
    for package in ("booktabs.sty", "geometry.sty"):
        found = subprocess.run(["kpsewhich", package], capture_output=True, check=False)
        if found.returncode:
            pytest.skip(f"TeX has no {package}; on Debian, texlive-latex-recommended")
    if request.param == "lualatex":
        found = subprocess.run(["kpsewhich", "luaotfload.sty"], capture_output=True, check=False)
        if found.returncode:
            pytest.skip("LuaLaTeX has no luaotfload; on Debian, texlive-luatex")

    def compile_in(folder, body):
        (folder / "all.tex").write_text(DOCUMENT % body, "utf-8")
        done = subprocess.run(
            [program, "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
            cwd=folder, capture_output=True, check=False,
        )  # fmt: skip
        log = done.stdout.decode("utf-8", "replace")
        assert done.returncode == 0, log[-2000:]
        return request.param

    return compile_in


@pytest.fixture(scope="module")
def hostile(make_results):
    """Results with all tables, and labels full of what TeX takes for commands."""
    results = make_results(HOSTILE, ("ar", "de", "zh"), datasets=("xquad-r",), undefined=("mrr",))
    rows = results.metrics.assign(
        as_is=results.metrics["value"], delta=0.01, p_value=0.01, p_adjusted=0.02, effect_size=0.1,
        mdd=0.1,
    )  # fmt: skip
    variants = [(rows.assign(kind="repair", variant="lir:1")),
                (rows.assign(kind="compression", variant="int8"))]  # fmt: skip
    return replace(
        results,
        variants=pd.concat(variants, ignore_index=True)[VARIANT_COLUMNS],
        published=published_rows(("2408.10536", "2004.05484")),
    )


def test_every_table_and_macro_of_a_run_compiles(hostile, compiled, tmp_path):
    written = write_tables(hostile, tmp_path)
    kinds = {re.split(r"-(?=[^a-z])", one.table.name)[0] for one in written}
    assert {"summary", "map", "rank-distance", "what-if", "compression", "published"} <= kinds
    names = re.findall(r"newcommand\{(\\\w+)\}", (tmp_path / "macros.tex").read_text("utf-8"))
    for i, one in enumerate(written):  # TeX reads no path with % or # in it
        one.paths["tex"].rename(tmp_path / f"table{i}.tex")
    body = "\n".join(rf"\input{{table{i}}}\clearpage" for i in range(len(written)))

    program = compiled(tmp_path, body + "\n" + r"\par ".join(names))

    if program == "pdflatex" and shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", "-layout", "all.pdf", "-"], cwd=tmp_path, check=True,
                              capture_output=True, text=True).stdout  # fmt: skip
        for label in ("b%&#$1", "[2pt]*--", "U+6A21 U+578B", "line end U+0007"):
            assert label in text, label


def test_steps_of_a_training_compile(make_results, compiled, tmp_path):
    steps = make_results(("step-1", "step-2"), ("de", "en"))
    provenance = {**steps.provenance, "trajectory": {"folder": "a_b", "steps": [1, 2]}}
    (written,) = write_tables(replace(steps, provenance=provenance), tmp_path)
    compiled(tmp_path, rf"\input{{{written.paths['tex'].stem}}}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("--", "-{}-"), ("[a]", "{[}a{]}"), ("ế", r"\'{\^{e}}"), ("a\n\nb", "a b"),
     ("x–y", r"x\textendash{}y")],
)  # fmt: skip
def test_text_that_tex_would_take_for_something_else(text, expected):
    assert escape_latex(text) == expected


def test_labels_stay_in_their_cells_in_markdown(hostile):
    table = next(one for one in build_tables(hostile) if one.name == "map")
    lines = markdown(table).splitlines()
    cells = [len(re.split(r"(?<!\\)\|", line)) for line in lines[: 2 + len(table.rows)]]
    assert set(cells) == {len(table.columns) + 3}
    assert r"\[2pt]\*--\`'\|<>" in lines[0]
