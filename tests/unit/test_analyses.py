"""The scripts of analyses/: what they take from alignkit is there.

They run for minutes, so no test runs most of them; a name that moved would show at the next study.
"""

import ast
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "analyses"
SCRIPTS = sorted(ROOT.rglob("*.py"))


def taken(script):
    """Give module and name of everything that a script takes from alignkit, in functions too."""
    for node in ast.walk(ast.parse(script.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "alignkit":
            yield from ((node.module, alias.name) for alias in node.names)


def has(module, name):
    if hasattr(import_module(module), name):
        return True
    try:
        import_module(f"{module}.{name}")
    except ImportError:
        return False
    return True


@pytest.mark.parametrize("script", SCRIPTS, ids=[str(one.relative_to(ROOT)) for one in SCRIPTS])
def test_what_a_script_imports_exists(script):
    assert [f"{module}.{name}" for module, name in taken(script) if not has(module, name)] == []


def test_scripts_are_found():
    assert len(SCRIPTS) > 10
