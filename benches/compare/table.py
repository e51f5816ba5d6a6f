"""Parts as Markdown."""

from __future__ import annotations

from contenders import REFERENCE
from evidence import Part

#: Facts that are said in the text of a part; the rest are listed below its table.
SAID = {"kind", "title", "rows", "suppressed", "quoting", "text", "notes", "bytes", "reference"}


def markdown(part: Part) -> str:
    lines = [f"# {part.facts['title']}", "", part.facts["text"], ""]
    lines += rates(part) if "rows" in part.facts else times(part)
    if part.path("svg").exists():
        lines += ["", f"![{part.facts['title']}]({part.path('svg').name})"]
    lines += ["", *(f"- {note}" for note in part.facts.get("notes", []))]
    lines += [f"- {what}: {f'`{fact}`' if what == 'command' else fact}" for what, fact in part.facts.items() if what not in SAID]
    lines += [f"- every measurement: [{part.path('csv').name}]({part.path('csv').name})", ""]
    return "\n".join(lines)


def contents(name: str, parts: list[Part]) -> str:
    """What an evidence directory holds."""
    lines = [f"# Measured: {name}", "", "[The targets, and what was reached of them](floors.md)", ""]
    lines += [f"- [{part.facts['title']}]({part.path('md').name}), load before {part.facts['load before']}" for part in parts]
    return "\n".join([*lines, ""])


def rates(part: Part) -> list[str]:
    """Contenders by median wall time, against the reference of the same run."""
    reference = part.facts.get("reference", REFERENCE)
    base = {what: part.median(reference, what) for what in ("wall", "cpu")}
    lines = [
        "| contender | wall, median (min–max) | rows/s | time against quell | CPU | CPU against quell | peak memory | suppressed list |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    listed = {line["contender"]: line["list"] for line in part.raw}
    for name in sorted(part.names(), key=lambda name: part.median(name, "wall")):
        wall, cpu = part.median(name, "wall"), part.median(name, "cpu")
        lines.append(
            f"| {name} | {spread(part, name)} | {part.facts['rows'] / wall:,.0f} | {wall / base['wall']:.2f}× "
            f"| {cpu:.2f} s | {cpu / base['cpu']:.2f}× | {part.median(name, 'peak_rss') / 2**20:,.0f} MiB | {listed[name]} |"
        )
    return lines


def times(part: Part) -> list[str]:
    """Steps by the order they were taken in; some measure an amount and no time, some both."""
    lines = ["| what | wall, median (min–max) | CPU | peak memory | amount |", "| --- | ---: | ---: | ---: | ---: |"]
    for name in part.names():
        amount, peak = part.median(name, "amount"), part.median(name, "peak_rss")
        cells = [
            name,
            spread(part, name),
            "" if peak is None else f"{part.median(name, 'cpu'):.3f} s",
            "" if peak is None else f"{peak / 2**20:,.0f} MiB",
            "" if amount is None else f"{amount:,.{0 if amount >= 1_000 else 2}f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def spread(part: Part, name: str) -> str:
    walls = part.values(name, "wall")
    if not walls:
        return ""
    middle = part.median(name, "wall")
    digits = 2 if middle >= 1 else 3 if middle >= 0.1 else 4
    return f"{middle:.{digits}f} s ({min(walls):.{digits}f}–{max(walls):.{digits}f})"
