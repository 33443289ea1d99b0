"""The product's own source, for tests about it: parsed once in each process, which takes seconds."""

from __future__ import annotations

import ast
from functools import cache

from tests.tools import ROOT


@cache
def modules() -> dict[str, ast.Module]:
    """By the place of the file from the root (``tracker/errors.py``)."""
    paths = sorted((ROOT / "tracker").rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


@cache
def calls() -> tuple[tuple[str, str, ast.Call], ...]:
    """Every call: what is called as it is written (``csv.writer``), the file, and the call itself."""
    return tuple(
        (ast.unparse(node.func), file, node)
        for file, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    )
