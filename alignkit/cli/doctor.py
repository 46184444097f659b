"""`alignkit doctor`."""

import json
from typing import Any

import click

from alignkit.cli._options import AS_JSON


@click.command("doctor", epilog="Example: alignkit doctor --json")
@AS_JSON
def command(as_json: bool) -> None:
    """Print versions, device, threads, cache place, and what would be slow or missing."""
    import torch  # so that the device shows; seconds, but here it is what was asked for

    from alignkit.cache_folder import cache_folder
    from alignkit.kernels.ranking import cpus
    from alignkit.provenance import environment

    found: dict[str, Any] = {
        **environment(),
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "threads": {"torch": torch.get_num_threads(), "ranking": cpus()},
        "cache": str(cache_folder()),
    }
    found["advice"] = _advice(found)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        if name != "advice":
            click.echo(f"{name:22} {_plain(value)}")
    for line in found["advice"] or ["nothing is missing"]:
        click.echo(f"- {line}")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return str(value)


def _advice(found: dict[str, Any]) -> list[str]:
    import os

    from matplotlib import font_manager

    advice: list[str] = []
    if not (found["cuda"] or found["mps"]):
        advice.append("no GPU: embedding runs on the CPU, some hundred short texts a second")
    cache = found["cache"]
    if os.path.exists(cache) and not os.access(cache, os.W_OK):  # noqa: PTH110  one check of two
        advice.append(f"{cache} is not writable: set ALIGNKIT_CACHE to a place that is")
    if not any("Noto" in font.name for font in font_manager.fontManager.ttflist):
        advice.append("no Noto fonts: figures that show texts may lack scripts (fonts-noto)")
    return advice
