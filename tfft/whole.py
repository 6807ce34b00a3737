"""`tfft cp --whole`: a page that contains the code it shares with other pages."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

from tfft.pages import Page

SHARED = ("pictures", "texts", "workflow")
"""Modules whose code is copied into the page."""


def whole_page(page: Page) -> str:
    """The source of a page with the code of the shared modules instead of their imports.

    A shared name that the page uses too is prefixed with its module: `pictures.load_data` becomes
    `pictures_load_data`, `pictures.Config` becomes `PicturesConfig`.
    """
    source = page.path.read_text(encoding="utf-8")
    docstring, imports, checked, body = _parts(source)
    modules = [name for name in SHARED if re.search(rf"(?<![\w.]){name}\.", body)]
    taken = set(_names(ast.parse(source)))
    renamed: dict[str, dict[str, str]] = {}
    shared = []
    for module in modules:
        text = (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
        names = _names(ast.parse(text))
        renamed[module] = {name: _prefixed(module, name) if name in taken else name for name in names}
        taken |= set(renamed[module].values())
        _, more, also, code = _parts(text)
        imports, checked = imports | more, checked | also
        shared.append(f"# From tfft/{module}.py\n\n\n{_rename(code, renamed[module]).strip()}\n")
    for module, names in renamed.items():
        # a name that the module only imports is imported by the page, too
        body = re.sub(rf"(?<![\w.]){module}\.(\w+)", lambda found: names.get(found[1], found[1]), body)  # noqa: B023 (called at once)
    lines = _import_lines(imports, without=set(modules))
    guarded = "".join(f"    {line}\n" for line in _import_lines(checked, without=set()))
    alias = "    Backbone = str | keras.Model\n" if "pictures" in modules else "    Backbone = str | Encoder\n"
    head = [docstring, "from __future__ import annotations", "\n".join(lines), f"if TYPE_CHECKING:\n{guarded}"]
    light = "else:\n    Backbone = str  # on the command line; TensorFlow is not imported to answer --help"
    return "\n\n".join(head) + f"\n{alias}{light}\n\n\n" + "\n\n".join([*shared, f"# The page\n\n\n{body.strip()}\n"])


Import = tuple[str, str]
"""A module and a name imported from it, empty for the module itself."""


def _parts(source: str) -> tuple[str, set[Import], set[Import], str]:
    """Docstring, imports, type-checking imports, and the code below them."""
    tree, lines = ast.parse(source), source.splitlines()
    imports: set[Import] = set()
    checked: set[Import] = set()
    end = tree.body[0].end_lineno
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports |= _imported(node)
        elif isinstance(node, ast.If):  # if TYPE_CHECKING
            checked |= {pair for inner in node.body for pair in _imported(inner)}
        elif not isinstance(node, ast.Expr):
            break
        end = node.end_lineno
    return "\n".join(lines[: tree.body[0].end_lineno]), imports, checked, "\n".join(lines[end:])


def _imported(node: ast.stmt) -> set[Import]:
    if isinstance(node, ast.Import):
        return {(f"{alias.name} as {alias.asname}" if alias.asname else alias.name, "") for alias in node.names}
    return {(node.module, alias.name) for alias in node.names} if isinstance(node, ast.ImportFrom) else set()


def _import_lines(imports: set[Import], without: set[str]) -> list[str]:
    """One line for each module, the standard library first."""
    by_module: dict[str, list[str]] = {}
    for module, name in sorted(imports):
        if module != "__future__" and (module, name) not in {("tfft", shared) for shared in without}:
            by_module.setdefault(module, []).append(name)
    order = sorted(by_module, key=lambda module: (module.startswith("tfft"), module in ("keras", "numpy"), module))
    return [
        f"from {module} import {', '.join(by_module[module])}" if any(by_module[module]) else f"import {module}"
        for module in order
    ]


def _names(tree: ast.Module) -> list[str]:
    """Names that a module defines."""
    found = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.append(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [target.id for target in targets if isinstance(target, ast.Name)]
    return found


def _prefixed(module: str, name: str) -> str:
    if name.isupper():
        return f"{module.upper()}_{name}"
    return f"{module.capitalize()}{name}" if name[0].isupper() else f"{module}_{name}"


def _rename(code: str, names: dict[str, str]) -> str:
    """Renames what the code defines; attributes and argument names stay."""
    made, before = [], ""
    tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    for place, token in enumerate(tokens):
        text = token.string
        follows = tokens[place + 1].string if place + 1 < len(tokens) else ""
        argument = follows == "=" and before in ("(", ",")
        if token.type == tokenize.NAME and text in names and before != "." and not argument:
            text = names[text]
        made.append((token.start, token.end, text))
        before = token.string
    lines = code.splitlines(keepends=True)
    for (row, start), (_, end), text in reversed(made):
        line = lines[row - 1] if row <= len(lines) else ""
        if text != line[start:end] and "\n" not in text and text in names.values():
            lines[row - 1] = line[:start] + text + line[end:]
    return "".join(lines)
