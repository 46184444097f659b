"""`alignkit analyze`."""

from typing import Any

import click

from alignkit.cli._options import Asked, measuring


@click.command(
    "analyze", epilog="Example: alignkit analyze runs/hybrid --data xquad-r --languages en,de,ar"
)
@click.argument("checkpoint", metavar="CKPT")
@measuring
def command(checkpoint: str, **options: Any) -> None:  # noqa: ANN401  click's keywords
    """Measure one checkpoint: what `compare` does, without a comparison.

    Given the folder of a training, with checkpoint-N in it, every step is measured, each as the
    keys behind the folder's name say: one figure and one table show alignment and bias against
    training steps, and the verdict says after which step cross-lingual alignment begins to fall.
    """
    from alignkit.cli._measuring import measure_and_print, measure_steps_and_print
    from alignkit.trajectory import is_training

    if is_training(checkpoint):
        measure_steps_and_print(checkpoint, Asked(options))
    else:
        measure_and_print((checkpoint,), None, Asked(options))
