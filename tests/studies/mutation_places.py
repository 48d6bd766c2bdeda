"""Where `mutation.py` changes the package: a random sample of places and of changes."""

import ast
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import parso
from cosmic_ray.mutating import mutate_code
from mutation_operators import BY_NODE, OPERATORS, ast_nodes

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("engines", "recovery", "replica", "analysis", "spec", "inputs")


@dataclass(frozen=True)
class Mutant:
    """One change of one line (or of the lines from `line` to `last`)."""

    file: str
    line: int
    last: int
    operator: str
    before: str
    after: str

    @property
    def shown(self) -> tuple[str, str]:
        """The first line that differs, before and after."""
        old, new = self.before.splitlines(), self.after.splitlines()
        return next(
            ((a.strip(), b.strip()) for a, b in zip(old, new, strict=False) if a != b), ("", "")
        )

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from others, also when lines above it have moved."""
        return (self.file, self.operator, *self.shown)


def places(file: Path) -> dict[tuple[int, int], list[tuple[str, int]]]:
    """Where a file can be changed: position -> operators and their occurrence."""
    text = file.read_text(encoding="utf-8")
    spans = list(_annotations(text))
    counts: dict[str, int] = defaultdict(int)
    found: dict[tuple[int, int], list[tuple[str, int]]] = defaultdict(list)
    for node in ast_nodes(parso.parse(text)):
        for name in BY_NODE.get(node.type, ()):
            for start, _ in OPERATORS[name].mutation_positions(node):
                if not any(first <= start < last for first, last in spans):
                    found[start].append((name, counts[name]))
                counts[name] += 1
    return found


def _annotations(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Spans of what computes nothing: types, imports for them, flags of dataclasses."""
    lines = text.splitlines()

    def column(line: int, offset: int) -> int:
        return len(lines[line - 1].encode()[:offset].decode())

    for node in ast.walk(ast.parse(text)):
        types = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.ClassDef):  # flags of dataclasses guard what is computed elsewhere
            types += [each for each in node.decorator_list if isinstance(each, ast.Call)]
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            types.append(node)
        for part in [*types, node if isinstance(node, ast.TypeAlias) else None]:
            if isinstance(part, ast.AST):
                first, last = (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)
                yield (first[0], column(*first)), (last[0], column(*last))


def mutants(n: int, seed: int, pattern: str) -> list[Mutant]:
    """Random mutants: a place is drawn among all places, then one of the changes it allows.

    Parameters
    ----------
    n : int
        Number of mutants.
    seed : int
        Seed of the sample.
    pattern : str
        Part of the names of the files; "" for all of the rooms.
    """
    files = sorted(
        path for room in ROOMS for path in (ROOT / "bayes_sf" / room).rglob("*.py")
        if pattern in str(path.relative_to(ROOT))
    )  # fmt: skip
    everywhere = [(file, *one) for file in files for one in sorted(places(file).items())]
    rng = random.Random(seed)
    rng.shuffle(everywhere)
    found: list[Mutant] = []
    for file, (line, _), changes in everywhere:
        if len(found) == n:
            break
        name, occurrence = rng.choice(changes)
        text = file.read_text(encoding="utf-8")
        changed = mutate_code(text, OPERATORS[name], occurrence)
        if changed and changed != text and _compiles(changed):
            statement = _statement(text, line)
            found.append(Mutant(str(file.relative_to(ROOT)), line, statement, name, text, changed))
    return found


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _statement(text: str, line: int) -> int:
    """Last line of the smallest statement that has this line."""
    ends = [
        (node.end_lineno - node.lineno, node.end_lineno)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno
    ]
    return min(ends)[1] if ends else line
