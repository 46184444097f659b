"""`alignkit compare`."""

from typing import Any

import click

from alignkit.cli._options import Asked, measuring
from alignkit.errors import AlignkitError


@click.command(
    "compare", epilog="Example: alignkit compare mono=runs/mono hybrid=runs/hybrid --data xquad-r"
)
@click.argument("checkpoints", nargs=-1, metavar="CKPT CKPT [CKPT …]")
@click.option("--baseline", metavar="LABEL", help="Compare with this one.  [default: the first]")
@measuring
def command(checkpoints: tuple[str, ...], baseline: str | None, **options: Any) -> None:  # noqa: ANN401
    """Compare checkpoints: alignment, retrieval and language bias, with paired tests.

    A checkpoint is `[label=]LOCATION[@REVISION][,key=value…]`: a sentence-transformers or
    transformers folder, a hub name, or vectors made elsewhere (.npz, .parquet). The keys
    truncate-dim, pooling, query-prompt, passage-prompt, dtype and store-dtype hold for that
    checkpoint only.
    `label=RUN,RUN,RUN` names several runs of one strategy: their mean is compared, and how much
    they differ is in its interval.
    """
    if len(checkpoints) < 2:
        raise AlignkitError(
            f"compare takes two checkpoints or more, {len(checkpoints)} given; "
            "for one, use `alignkit analyze CKPT`"
        )
    from alignkit.cli._measuring import measure_and_print

    measure_and_print(checkpoints, baseline, Asked(options))
