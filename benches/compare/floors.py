"""The targets, and what this machine measured of them: drawn from the parts of one evidence directory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sizes
import work
from contenders import COPY, DUCKDB, MD5, POLARS, REFERENCE
from evidence import Part

#: The length of the list the bounds are given for. A shorter one is no judgement.
MEANT = 10_000_000


@dataclass(frozen=True)
class Target:
    what: str
    #: The part it is measured in, and the figure from that part; nothing if the part lacks it.
    part: Callable[[list[Part]], Part | None]
    figure: Callable[[Part], float | None]
    floor: float
    aim: float
    #: `{:.1f}×` and the like.
    form: str
    more_is_better: bool = True
    suppressed: int = MEANT

    def verdict(self, value: float, part: Part) -> str:
        if part.facts["suppressed"] < self.suppressed:
            return "list too short to say"
        reached = (lambda bound: value >= bound) if self.more_is_better else (lambda bound: value <= bound)
        return "yes, and the aim" if reached(self.aim) else "yes, the floor" if reached(self.floor) else "**no**"


def largest(kind: str, quoting: str | None = None) -> Callable[[list[Part]], Part | None]:
    """The part of a kind with the largest list: the small ones are for the slow rivals."""

    def pick(parts: list[Part]) -> Part | None:
        found = [part for part in parts if part.facts["kind"] == kind and quoting in (None, part.facts.get("quoting"))]
        return max(found, key=lambda part: (part.facts["suppressed"], part.facts.get("rows", 0)), default=None)

    return pick


def ratio(over: str, under: str, of: str = "wall") -> Callable[[Part], float | None]:
    """One contender's median time over another's."""

    def figure(part: Part) -> float | None:
        a, b = part.median(over, of), part.median(under, of)
        return a / b if a and b else None

    return figure


def wall(name: str, factor: float = 1) -> Callable[[Part], float | None]:
    return lambda part: None if (value := part.median(name, "wall")) is None else value * factor


def amount(name: str) -> Callable[[Part], float | None]:
    return lambda part: part.median(name, "amount")


def percent(over: str, under: str) -> Callable[[Part], float | None]:
    figure = ratio(over, under)
    return lambda part: None if (value := figure(part)) is None else 100 * value


def ten_times_larger(part: Part) -> float | None:
    """The rate against the largest index, in percent of the rate against one of a tenth."""
    measured = {size: name for name, size in map(named_size, part.names()) if name.startswith(REFERENCE)}
    top = max(measured, default=0)
    if top // 10 not in measured:
        return None
    return 100 * part.median(measured[top // 10], "wall") / part.median(measured[top], "wall")


def named_size(name: str) -> tuple[str, int]:
    return name, sizes.split(name)[1]


def most_memory(part: Part) -> float | None:
    """The largest of the row counts: it must not grow with them."""
    found = [part.median(name, "amount") for name in part.names() if name.startswith(work.MEMORY)]
    return max(found, default=None)


SOME, ALL = largest("filter", "some"), largest("filter", "all")
SIZES, WORK, DIGESTS = largest("sizes"), largest("work"), largest("digests")
TARGETS = (
    Target("filter, some fields quoted, against DuckDB in order", SOME, ratio(DUCKDB, REFERENCE), 10, 15, "{:.1f}×"),
    Target("the same against Polars, streaming", SOME, ratio(POLARS, REFERENCE), 10, 20, "{:.1f}×"),
    Target("its time against the copy", SOME, ratio(REFERENCE, COPY), 3, 1.5, "{:.2f}×", False),
    Target("every field quoted, against DuckDB in order", ALL, ratio(DUCKDB, REFERENCE), 6, 10, "{:.1f}×"),
    Target("from a pipe, rate against file to file", SOME, percent(REFERENCE, "quell, from a pipe"), 60, 85, "{:.0f} %"),
    Target("two threads against one", SOME, ratio("quell, 1 thread", REFERENCE), 1.8, 1.95, "{:.2f}×"),
    Target("rate against a list ten times as long", SIZES, ten_times_larger, 60, 80, "{:.0f} %", suppressed=10 * MEANT),
    Target("CPU of a list of MD5 digests against addresses", DIGESTS, ratio(REFERENCE + MD5, REFERENCE, "cpu"), 2, 1.5, "{:.2f}×", False),
    Target("start: a filter of 10 rows", WORK, wall(work.START, 1e3), 150, 40, "{:.1f} ms", False),
    Target("bytes an entry, table", WORK, amount(work.BARE_ENTRY), 14, 12, "{:.1f}", False),
    Target("bytes an entry, with dictionary", WORK, amount(work.ENTRY), 30, 22, "{:.1f}", False),
    Target("filter's memory beyond the index", WORK, most_memory, 256, 64, "{:.0f} MiB", False),
    Target("`import` of unsubscribes, rows/s", WORK, amount(work.IMPORT), 250_000, 1_000_000, "{:,.0f}"),
    Target("`compile --full` with dictionary", WORK, wall(work.FULL), 60, 20, "{:.1f} s", False),
    Target("`compile --full` without dictionary", WORK, wall(work.BARE), 10, 3, "{:.1f} s", False),
    Target(
        "`resubscribe` + `check` against a full compile", WORK, ratio(work.FULL, work.RESUBSCRIBE), 200, 2_000, "{:,.0f}×"
    ),
)


def bare(form: str, bound: float) -> str:
    """A bound in its target's unit, with no more digits than it has."""
    return re.sub(r"\{.*?\}", f"{bound:,.2f}".rstrip("0").rstrip("."), form)


def markdown(parts: Iterable[Part]) -> str:
    parts = list(parts)
    lines = [
        "# The targets",
        "",
        "Medians of the interleaved rounds; ratios are within one part. Bounds are for 10 M rows against 10 M suppressed",
        "addresses (the longer list: 100 M) on two cores; `measured in` says what was measured here.",
        "",
        "| target | floor | aim | measured | met? | measured in |",
        "| --- | ---: | ---: | ---: | --- | --- |",
    ]
    used: dict[str, Part] = {}
    for target in TARGETS:
        sign = "≥ " if target.more_is_better else "≤ "
        bounds = " | ".join(sign + bare(target.form, bound) for bound in (target.floor, target.aim))
        part = target.part(parts)
        value = target.figure(part) if part else None
        if value is None:
            lines.append(f"| {target.what} | {bounds} | not measured | | |")
            continue
        used[part.name] = part
        told = f"{target.form.format(value)} | {target.verdict(value, part)} | [{part.name}]({part.name}.md)"
        lines.append(f"| {target.what} | {bounds} | {told} |")
    lines += [
        "",
        "A single look-up with the key in hand is measured in its own process by `cargo bench --bench look_up`.",
        "",
        "To measure them again:",
        "",
        "```",
        *dict.fromkeys(part.facts["command"] for part in used.values()),
        "```",
        "",
    ]
    return "\n".join(lines)
