"""Draw the figures of arXiv 2408.10536 and LAReQA from stored runs, a file each.

    python analyses/paper_figures/run.py RUN [RUN …] --out FOLDER

takes the runs of `alignkit compare`, and the sweep of alpha from reports/hybrid_study; README.md
beside this file says how to make them.
"""

import argparse
import sys
from pathlib import Path

import alpha_sweep
import preference_heat_map
import rank_distance_bars
import settings_table
import umap
from matplotlib.figure import Figure

from alignkit import AlignkitError
from alignkit.figures import FORMATS, check_formats
from alignkit.figures.lettering import lettering_for
from alignkit.figures.page import STYLES, page_of
from alignkit.figures.style import drawing, save
from alignkit.report.formats import comma_separated, latex, markdown
from alignkit.run_folder import read_results
from alignkit.tables import Results

STUDY = Path(__file__).parents[2] / "reports" / "hybrid_study"
PICTURES = {
    "rank-distance-bars": rank_distance_bars.draw,
    "preference-heat-map": preference_heat_map.draw,
    "umap": umap.draw,
}
TABLES = {"tex": latex, "md": markdown, "csv": comma_separated}


def main() -> None:
    """Draw all that the runs and the study have."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN")
    parser.add_argument("--out", type=Path, default=Path("reports/paper_figures"))
    parser.add_argument("--study", type=Path, default=STUDY, help="folder of the sweep's CSV")
    parser.add_argument("--style", choices=STYLES, default="paper")
    parser.add_argument("--column-width", metavar="WIDTH", help="as of `alignkit report`")
    parser.add_argument("--format", default="pdf", help=f"of {', '.join(FORMATS)}, with commas")
    options = parser.parse_args()
    try:
        draw_all(options)
    except AlignkitError as error:
        sys.exit(f"{parser.prog}: {error}")


def draw_all(options: argparse.Namespace) -> None:
    """Write every figure and table to the folder `out`, and say which."""
    page = page_of(options.style, options.column_width)
    formats = options.format.split(",")
    check_formats(formats)
    runs = {folder: read_results(folder) for folder in options.runs}
    sweeps = sorted(options.study.glob("*.csv"))
    options.out.mkdir(parents=True, exist_ok=True)
    for folder, results in runs.items():
        lettering = lettering_for(results.checkpoints)
        print(lettering.advice, end="\n" if lettering.advice else "")
        stem = f"{folder.resolve().name}-" if len(runs) > 1 else ""
        with drawing(page, lettering):
            draw_run(results, options.out, stem, formats)
    with drawing(page):
        for path in sweeps:
            write(alpha_sweep.draw(path), options.out / f"alpha-sweep-{path.stem}", formats)


def draw_run(results: Results, out: Path, stem: str, formats: list[str]) -> None:
    """Write what a run has, dataset by dataset."""
    for dataset in results.datasets:
        table = settings_table.table(results, dataset)
        for suffix, form in TABLES.items():
            path = out / f"{stem}{dataset}-settings.{suffix}"
            path.write_text(form(table), encoding="utf-8", newline="\n")
            print(path)
        for name, draw in PICTURES.items():
            picture = draw(results, dataset)
            if picture is None:
                print(f"{dataset} has no {name}: the run lacks what it shows")
            else:
                write(picture, out / f"{stem}{dataset}-{name}", formats)


def write(picture: Figure, stem: Path, formats: list[str]) -> None:
    """Save a figure in every format."""
    paths = {name: stem.with_name(f"{stem.name}.{name}") for name in formats}
    save(picture, paths)
    print(*paths.values(), sep="\n")


if __name__ == "__main__":
    main()
