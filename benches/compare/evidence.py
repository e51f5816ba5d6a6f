"""The evidence directory: for each part of a run every measurement as CSV, and what it was measured with as JSON.

Tables, charts and the floors are drawn from these files alone, so that parts can be measured one by one.
"""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FIELDS = ("round", "contender", "list", "wall", "cpu", "peak_rss", "amount")


@dataclass(frozen=True)
class Part:
    """One interleaved measurement: its raw lines, and facts about workload, machine and versions."""

    directory: Path
    name: str
    facts: dict
    raw: list[dict]

    def path(self, ending: str) -> Path:
        return self.directory / f"{self.name}.{ending}"

    def save(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.path("json").write_text(json.dumps(self.facts, indent=1, ensure_ascii=False) + "\n")
        with open(self.path("csv"), "w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.raw)

    def names(self) -> list[str]:
        return list(dict.fromkeys(line["contender"] for line in self.raw))

    def values(self, contender: str, what: str) -> list[float]:
        return [float(line[what]) for line in self.raw if line["contender"] == contender and line[what] not in ("", None)]

    def median(self, contender: str, what: str) -> float | None:
        values = self.values(contender, what)
        return statistics.median(values) if values else None


def load(directory: Path, name: str) -> Part | None:
    facts = directory / f"{name}.json"
    if not facts.exists():
        return None
    with open(directory / f"{name}.csv", newline="") as file:
        return Part(directory, name, json.loads(facts.read_text()), list(csv.DictReader(file)))


def parts(directory: Path) -> Iterator[Part]:
    for path in sorted(directory.glob("*.json")):
        if part := load(directory, path.stem):
            yield part
