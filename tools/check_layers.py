#!/usr/bin/env python3
"""Checks every include against the layer table in ARCHITECTURE.md.

A folder may include itself, what its row names, and what the rows of those folders name. The rows
must name lower ranks only, every folder of the tree must have a row, and no two headers may include
each other, however long the way round.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<(weir/[^>]+)>)')
ROW = re.compile(r"^\|\s*(\d+)\s*\|([^|]+)\|([^|]+)\|\s*$")
SOURCES = {".h", ".cc", ".inc", ".cpp", ".hpp"}
TOP_FOLDERS = ("python", "bench")  # Beside src/, and layers like those in it.


@dataclass
class Row:
    rank: int
    names: list  # Folders, or single headers.


def read_table(text):
    """The rows of the layer table by folder."""
    rows = {}
    for line in text.splitlines():
        if match := ROW.match(line):
            names = [n.strip().rstrip("/") for n in match[3].split(",") if n.strip()]
            for folder in match[2].split(","):
                rows[folder.strip()] = Row(int(match[1]), names)
    return rows


def row_of(folder, rows):
    """A sub-folder with a row of its own kind (`kv/*`) uses that; others use their parent's."""
    if folder in rows or folder.endswith(".h"):
        return rows.get(folder)
    parent = folder.split("/")[0]
    return rows.get(f"{parent}/*") if "/" in folder else None


def allowed(folder, rows):
    """All that `folder` may include: folders and single headers."""
    found, todo = set(), [folder]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        row = row_of(name, rows)
        todo += row.names if row else []
    return found


def folder_of(path, rows):
    """The layer of a path relative to src/, or to the root for python/ and bench/."""
    parts = path.split("/")[:-1]
    if len(parts) > 1 and f"{parts[0]}/*" in rows:
        return "/".join(parts[:2])
    return parts[0] if parts else ""


def sources(root):
    """(path from the root, name as includes write it) of every source file."""
    for top in ("src", "include", *TOP_FOLDERS):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                base = root / top if top in ("src", "include") else root
                yield path, path.relative_to(base).as_posix()


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1] or match[2]


def check_rows(rows):
    for folder, row in rows.items():
        for name in row.names:
            if name == "weir" or name.startswith("weir/"):
                continue
            target = rows.get(name) or rows.get(name.split("/")[0])
            if target is None:
                yield f"ARCHITECTURE.md: {folder} may include {name}, which has no row"
            elif target.rank > row.rank or (target.rank == row.rank and folder != f"{name}/*"):
                yield f"ARCHITECTURE.md: {folder} (rank {row.rank}) may not name {name}"


def check_includes(root, rows):
    """Complaints about includes, and the graph of includes for the search for cycles."""
    complaints, graph = [], {}
    known = {name: path for path, name in sources(root)}
    for name, path in known.items():
        folder = folder_of(name, rows)
        if folder != "weir" and row_of(folder, rows) is None:
            complaints.append(f"{path}: folder {folder} has no row in ARCHITECTURE.md")
            continue
        may = allowed(folder, rows) if folder != "weir" else {"weir"}
        for line, target in includes(path):
            beside = (Path(name).parent / target).as_posix()
            target = target if target in known or beside not in known else beside
            graph.setdefault(name, []).append(target)
            if target not in may and folder_of(target, rows) not in may:
                complaints.append(f"{path}:{line}: {folder} may not include {target}")
    return complaints, graph


def cycles(graph):
    """Rings of includes, each once."""
    state = {}

    def visit(name, trail):
        state[name] = "open"
        for target in graph.get(name, []):
            if state.get(target) == "open":
                ring = [*trail[trail.index(target):], target]
                yield "includes in a ring: " + " -> ".join(ring)
            elif target not in state:
                yield from visit(target, [*trail, target])
        state[name] = "done"

    for name in sorted(graph):
        if name not in state:
            yield from visit(name, [name])


def check(root):
    page = root / "ARCHITECTURE.md"
    rows = read_table(page.read_text(encoding="utf-8")) if page.exists() else {}
    if not rows:
        return ["ARCHITECTURE.md: no layer table (| rank | folder | may include |)"]
    complaints, graph = check_includes(root, rows)
    return [*check_rows(rows), *complaints, *cycles(graph)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    complaints = check(parser.parse_args().root)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"layers: {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
