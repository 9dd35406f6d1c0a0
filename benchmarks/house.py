"""`python -m benchmarks.house`: how this code reads, as figures, held against limits.

Measures the length of files and functions, the names, the docstrings and the comments of core and
dashboard, prints a line a measure, and exits with 1 where one is beyond its limit in house.json.
`--tighten` moves each limit to today's figure where that is better, at most to its target. Reads
source text; imports none of it.
"""

import argparse
import ast
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMITS = Path(__file__).with_suffix(".json")
FOLDERS = ("core", "dashboard")
LINE = 100  # columns
# Names that say nothing of what they hold.
VAGUE = frozenset({
    "found", "said", "one", "other", "shown", "known", "kept", "some", "chosen", "there", "made",
    "given", "wanted", "own", "each", "rest", "more", "asked", "read", "seen", "listed", "earlier",
    "whole", "now", "at", "of",
})  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 if a measure is beyond its limit, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.house", description=__doc__)
    parser.add_argument("--tighten", action="store_true", help="write better limits to house.json")
    options = parser.parse_args(arguments)
    limits = json.loads(LIMITS.read_text(encoding="utf-8"))
    measures = measure_code(ROOT, FOLDERS)
    broken = [name for name, limit in limits.items() if not within(measures[name], limit)]
    print(f"{'measure':32} {'here':>8}  {'limit':18} target")
    for name, value in measures.items():
        limit = limits.get(name, {})
        ends = [f"at {end} {limit[end]:g}" for end in ("least", "most") if end in limit]
        targets = [f"{limit['target']:g}"] if limit else []
        marks = ["<- beyond its limit"] if name in broken else []
        print(f"{name:32} {value:8g}", *(f" {text:16}" for text in ends + targets + marks))
    for kind, places in outliers(ROOT, FOLDERS).items():
        print(f"{kind}: {places}")
    if options.tighten:
        LIMITS.write_text(json.dumps(tighten(limits, measures), indent=1) + "\n", encoding="utf-8")
    return 1 if broken else 0


def within(value: float, limit: dict[str, float]) -> bool:
    """Return whether a measure is at most limit["most"], or at least limit["least"]."""
    return limit.get("least", value) <= value <= limit.get("most", value)


def tighten(limits: dict[str, dict], measures: dict[str, float]) -> dict[str, dict]:
    """Return the limits moved to better measures, not past their targets; none gets looser."""
    tighter = {}
    for name, limit in limits.items():
        target, value = limit["target"], measures[name]
        if "most" in limit:
            tighter[name] = limit | {"most": min(limit["most"], max(target, value))}
        else:
            tighter[name] = limit | {"least": max(limit["least"], min(target, value))}
    return tighter


def measure_code(root: Path, folders: tuple[str, ...]) -> dict[str, float]:
    """Return the measures of the .py files under `folders`: lengths in lines, shares in [0, 1]."""
    files = dict(parsed_files(root, folders))
    rows = [row for text, _ in files.values() for row in text.splitlines()]
    lengths = sorted(node.end_lineno - node.lineno + 1 for _, node in functions(files))
    sizes = [n for n in (len(text.splitlines()) for text, _ in files.values()) if n > 3]
    public = list(public_definitions(files))
    modules = places((node.name, path) for path, node in public)
    constants = places(public_constants(files))
    bindings = list(bound_names(files))
    arguments = [
        argument
        for _, node in functions(files)
        for argument in (*node.args.args, *node.args.kwonlyargs)
        if argument.arg not in ("self", "cls")
    ]
    return {
        "files": len(sizes),
        "lines": len(rows),
        "file_lines_median": statistics.median(sizes),
        "file_lines_max": max(sizes),
        "functions": len(lengths),
        "function_lines_median": statistics.median(lengths),
        "function_lines_p90": lengths[int(0.9 * len(lengths))],
        "function_lines_max": lengths[-1],
        "names_in_two_modules": repeated_share(modules),
        "constants_in_two_modules": repeated_share(constants),
        "one_word_names": share(sum(map(is_one_word, modules)), len(modules)),
        "vague_bindings": share(
            sum(name.lower() in VAGUE for _, name, _ in bindings), len(bindings)
        ),
        "public_documented": share(
            sum(ast.get_docstring(node) is not None for _, node in public), len(public)
        ),
        "arguments_annotated": share(
            sum(argument.annotation is not None for argument in arguments), len(arguments)
        ),
        "comment_lines": share(sum(row.lstrip().startswith("#") for row in rows), len(rows)),
        "lines_over_100": share(sum(len(row) > LINE for row in rows), len(rows)),
        "docstring_examples": sum(text.count(">>> ") for text, _ in files.values()),
    }


def outliers(root: Path, folders: tuple[str, ...], most: int = 8) -> dict[str, str]:
    """Return where to look first: the longest functions and the first vague names, as text."""
    files = dict(parsed_files(root, folders))
    by_length = sorted(
        (
            (node.end_lineno - node.lineno + 1, f"{path}:{node.lineno} {node.name}")
            for path, node in functions(files)
        ),
        reverse=True,
    )
    vague = [
        f"{path}:{line} {name}" for path, name, line in bound_names(files) if name.lower() in VAGUE
    ]
    return {
        "longest functions": "; ".join(f"{place} ({n})" for n, place in by_length[:most]),
        "vague names": "; ".join(vague[:most]) or "none",
    }


def parsed_files(
    root: Path, folders: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ast.Module]]]:
    """Yield (path, (text, tree)) of every .py file, in the order of their paths."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            yield str(path.relative_to(root)), (text, ast.parse(text))


def functions(files: dict) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield (path, node) of every function and method."""
    for path, (_, tree) in files.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def public_definitions(files: dict) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Yield (path, node) of every function and class at the top of a module without a leading _."""
    for path, (_, tree) in files.items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield path, node


def public_constants(files: dict) -> Iterator[tuple[str, str]]:
    """Yield (name, path) of every name of two letters or more that the top of a module assigns."""
    for path, (_, tree) in files.items():
        for node in tree.body:
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            names = {
                name.id for t in filter(None, targets) for name in ast.walk(t) if is_bound(name)
            }
            yield from ((name, path) for name in names if len(name) > 1 and name[0] != "_")


def is_bound(node: ast.AST) -> bool:
    """Return whether a node is a plain name that is assigned."""
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def places(definitions: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Return {name: paths} of (name, path) pairs."""
    paths = defaultdict(set)
    for name, path in definitions:
        paths[name].add(path)
    return paths


def repeated_share(paths: dict[str, set[str]]) -> float:
    """Return the share of definitions whose name another module defines too."""
    repeated = sum(len(each) for each in paths.values() if len(each) > 1)
    return share(repeated, sum(map(len, paths.values())))


def bound_names(files: dict) -> Iterator[tuple[str, str, int]]:
    """Yield (path, name, line) of every assignment to a plain name and of every parameter."""
    for path, (_, tree) in files.items():
        for node in ast.walk(tree):
            if is_bound(node):
                yield path, node.id, node.lineno
            elif isinstance(node, ast.arg):
                yield path, node.arg, node.lineno


def is_one_word(name: str) -> bool:
    """Return whether a name has no second word: neither an underscore nor a later capital."""
    return "_" not in name and (name.islower() or name[1:].islower())


def share(part: int, whole: int) -> float:
    """Return part / whole, rounded to four places; 0 of nothing."""
    return round(part / max(1, whole), 4)


if __name__ == "__main__":
    sys.exit(main())
