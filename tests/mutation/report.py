"""What became of the mutants: kept from run to run, and told in `docs/mutation.md`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutation.mutants import Mutant
from tests.mutation.running import KILLED, SURVIVED, TIMED_OUT

__all__ = ["Results", "Row", "known_survivors"]

_KNOWN = Path(__file__).with_name("survivors")


@dataclass(frozen=True)
class Row:
    """What became of one mutant.

    Attributes:
        function: where it is in its module.
        line: the number of the first line that is changed.
        before: what was changed.
        after: into what.
        verdict: killed, survived or timed out.
        test: the test that failed, if one did.
    """

    function: str
    line: int
    before: str
    after: str
    verdict: str
    test: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it in its module."""
        return self.function, self.before, self.after


def known_survivors() -> dict[tuple[str, str, str, str], str]:
    """The reason why each survivor that is known survives, by module, function, before and after."""
    return {
        (module, one["function"], one["before"], one["after"]): one["reason"]
        for file in sorted(_KNOWN.glob("*.json"))
        for module, entries in json.loads(file.read_text(encoding="utf-8")).items()
        for one in entries
    }


class Results:
    """The rows of every module that was run, and how many mutants each has."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: dict[str, list[Row]] = {}
        self.sizes: dict[str, int] = {}
        self._digests: dict[str, str] = {}
        if path.exists():
            stored = json.loads(path.read_text(encoding="utf-8"))
            self.rows = {module: [Row(**one) for one in rows] for module, rows in stored["rows"].items()}
            self.sizes = stored["sizes"]
            self._digests = stored["digests"]

    def begin(self, module: str, size: int) -> set[tuple[str, str, str]]:
        """Make ready for rows of a module, and tell the keys of those that are there.

        Those of another version of the module are forgotten.
        """
        digest = _digest(module)
        if self._digests.get(module) != digest:
            self.rows[module] = []
        self._digests[module] = digest
        self.sizes[module] = size
        return {row.key for row in self.rows[module]}

    def are_whole(self, modules: Iterable[str]) -> bool:
        """Whether every mutant of these modules, as they are, has been run."""
        return all(
            self._digests.get(one) == _digest(one) and len(self.rows[one]) == self.sizes[one]
            for one in modules
        )

    def add(self, mutant: Mutant, verdict: str, test: str) -> None:
        """Keep what became of a mutant, in the place of what was known of it."""
        row = Row(mutant.function, mutant.line, mutant.before, mutant.after, verdict, test)
        rows = [one for one in self.rows[mutant.module] if one.key != row.key]
        self.rows[mutant.module] = sorted([*rows, row], key=lambda one: one.line)

    def survivors(self, module: str) -> set[tuple[str, str, str]]:
        """The keys of a module's survivors."""
        return {row.key for row in self.rows.get(module, ()) if row.verdict == SURVIVED}

    def write(self) -> None:
        """Keep it for the next run."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        rows = {module: [asdict(row) for row in rows] for module, rows in self.rows.items()}
        text = json.dumps({"rows": rows, "sizes": self.sizes, "digests": self._digests})
        self._path.write_text(text, encoding="utf-8")

    def document(self, head: str) -> str:
        """The document: a table of the modules, and the survivors with their reasons."""
        known = known_survivors()
        lines = [head, "", "| module | mutants | run | killed | timed out | survived | of these explained |"]
        lines.append("|---|---:|---:|---:|---:|---:|---:|")
        whole: Counter[str] = Counter()
        sampled: Counter[str] = Counter()
        survivors: dict[str, list[str]] = defaultdict(list)
        for module, rows in sorted(self.rows.items()):
            if not rows:
                continue
            counts = Counter(row.verdict for row in rows)
            counts["mutants"], counts["run"] = self.sizes[module], len(rows)
            for row in rows:
                if row.verdict != SURVIVED:
                    continue
                reason = known.get((module, *row.key))
                counts["explained"] += reason is not None
                survivors[module].append(_survivor(row, reason))
            (whole if 2 * counts["run"] > counts["mutants"] else sampled).update(counts)
            lines.append(_table_row(f"`{module}`", counts))
        for name, total in (("run by the most part" if sampled else "all", whole), ("sampled", sampled)):
            if total:
                lines.append(_table_row(name, total))
        lines += [""]
        of_whole = "modules run whole or by the most part" if sampled else "all modules"
        for name, total in ((of_whole, whole), ("modules of which a sample was run", sampled)):
            if total:
                dead = total[KILLED] + total[TIMED_OUT]
                lines.append(f"- Of {name}: {dead} of {total['run']} are killed, {dead / total['run']:.1%}.")
        lines += ["", "## Survivors"]
        for module, texts in survivors.items():
            lines += ["", f"### `{module}`", "", *texts]
        return "\n".join(lines) + "\n"


def _digest(module: str) -> str:
    return hashlib.sha256(Path(module).read_bytes()).hexdigest()


def _table_row(name: str, counts: Counter[str]) -> str:
    numbers = (counts[one] for one in ("mutants", "run", KILLED, TIMED_OUT, SURVIVED, "explained"))
    return f"| {name} | {' | '.join(map(str, numbers))} |"


def _survivor(row: Row, reason: str | None) -> str:
    place = f"line {row.line}" + (f", `{row.function}`" if row.function else "")
    return f"- {place}: {_code(row.before)} becomes {_code(row.after)}. {reason or 'No reason is known.'}"


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"
