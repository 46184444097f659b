"""Measure whether embedding checkpoints align languages, and whether they are fair to them.

The public names, loaded when they are used: `import alignkit` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alignkit.checkpoints import load_checkpoint
    from alignkit.datasets import load_dataset
    from alignkit.embedding import embed
    from alignkit.errors import AlignkitError
    from alignkit.measures import measure
    from alignkit.projection import project
    from alignkit.report import write_report
    from alignkit.run import compare

__version__ = "0.1.0"

__all__ = [
    "AlignkitError",
    "__version__",
    "compare",
    "embed",
    "load_checkpoint",
    "load_dataset",
    "measure",
    "project",
    "write_report",
]

_HOMES = {
    "AlignkitError": "alignkit.errors",
    "compare": "alignkit.run",
    "embed": "alignkit.embedding",
    "load_checkpoint": "alignkit.checkpoints",
    "load_dataset": "alignkit.datasets",
    "measure": "alignkit.measures",
    "project": "alignkit.projection",
    "write_report": "alignkit.report",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  attributes of a module
    if name not in _HOMES:
        raise AttributeError(f"module 'alignkit' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
