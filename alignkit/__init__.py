"""Measure whether embedding checkpoints align languages, and whether they are fair to them.

The public names, loaded when they are used: `import alignkit` costs nothing.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "AlignkitError": "alignkit.errors",
    "compare": "alignkit.run",
    "embed": "alignkit.embed",
    "load_checkpoint": "alignkit.checkpoints",
    "load_dataset": "alignkit.datasets",
    "measure": "alignkit.measure",
    "project": "alignkit.project",
    "write_report": "alignkit.report",
}
__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604  the names of _HOMES are strings


def __getattr__(name: str) -> Any:  # noqa: ANN401  module attributes are of any type
    if name not in _HOMES:
        raise AttributeError(f"module 'alignkit' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
