"""One batch against indexes of several sizes, in the same rounds: how the time grows with the index."""

from __future__ import annotations

import re

from contenders import DUCKDB, POLARS, REFERENCE, Contender, Files, engines, quell_modes

#: Between the contender's name and its index's size.
AT = " at "


def short(count: int) -> str:
    """1,000,000 as `1 M`, 200,000 as `200 k`."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= unit:
            return f"{count / unit:g} {letter}"
    return str(count)


def split(name: str) -> tuple[str, int]:
    """The contender and the size of its index again."""
    contender, size = name.rsplit(AT, 1)
    number, letter = re.fullmatch(r"([\d.]+) ?([Mk]?)", size).groups()
    return contender, round(float(number) * {"M": 1_000_000, "k": 1_000, "": 1}[letter])


def contenders(sized: list[tuple[int, object, Files]], python: str, options) -> list[Contender]:
    """quell with two threads at every size; the engines up to `--engines-up-to`."""
    found = []
    for count, quell, files in sized:
        here = [mode for mode in quell_modes(quell, files) if mode.name == REFERENCE]
        if count <= options.engines_up_to:
            here += [one for one in engines(python, files, options.threads, options.limit) if one.name in (DUCKDB, POLARS)]
        found += [Contender(f"{one.name}{AT}{short(count)}", one.run, one.listed, group=short(count)) for one in here]
    return found
