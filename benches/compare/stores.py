"""quell's stores: one a size, made once and used again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import machine
import process


class Quell:
    """The binary that is measured, and a store."""

    def __init__(self, binary: str, store: Path):
        self.binary = str(Path(binary).resolve())
        self.store = store
        # Settings of whoever starts the run must not reach the measured processes.
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("QUELL_")}
        self.environment["QUELL_STORE"] = str(store)

    def command(self, *arguments) -> list[str]:
        return [self.binary, "--quiet", *map(str, arguments)]

    def run(self, *arguments, codes=(0,)) -> dict:
        return process.run(
            self.command(*arguments), stdout=subprocess.DEVNULL, environment=self.environment, codes=codes
        )

    def status(self) -> dict:
        command = [self.binary, "status", "--json"]
        return json.loads(subprocess.run(command, capture_output=True, env=self.environment, check=True).stdout)

    def entries_and_bytes(self) -> tuple[int, int]:
        """How many entries the index has, and how many bytes of files."""
        index = self.status()["index"]
        return index["entries"], index["bytes"]


def prepared(binary: str, suppressed: Path, entries: int, keep_index: bool, kind: str = "unsubscribes") -> Quell:
    """A store that holds exactly the list of so many entries, with an index by this binary.

    The ledger is kept between runs. The index is made anew when another binary made it (`keep_index`: only when this one
    can't read it), everything when the ledger can't be read or holds anything else.
    """
    quell = Quell(binary, machine.BENCH / f"store-{suppressed.stem}")
    # Which binary made the index; beside the store, because a store has no room for strangers.
    marker = quell.store.with_suffix(".made")
    by = machine.digest_of(Path(quell.binary))
    if holds(quell, entries, kind):
        made = marker.read_text() if marker.exists() else ""
        if (made == by or keep_index) and current(quell):
            return quell
        try:
            figures = quell.run("compile", "--full")
            marker.write_text(by)
            print(f"  {quell.store.name}: index made anew in {figures['wall']:.1f} s", flush=True)
            return quell
        except process.Failed as error:
            print(f"  {quell.store.name}: {error}", flush=True)
    shutil.rmtree(quell.store, ignore_errors=True)
    marker.unlink(missing_ok=True)
    quell.run("init")
    figures = quell.run("import", kind, suppressed)
    quell.run("compile")
    if not holds(quell, entries, kind):
        raise process.Failed(f"{quell.store} does not hold {entries:,} {kind} after the import of {suppressed}")
    marker.write_text(by)
    print(f"  {quell.store.name}: imported in {figures['wall']:.1f} s", flush=True)
    return quell


def holds(quell: Quell, entries: int, wanted: str) -> bool:
    """Whether the ledger can be read and has the list's records and no others: a change of one deletes it."""
    try:
        records = quell.status()["records"]
    except (OSError, subprocess.CalledProcessError):
        return False
    return records == {kind: entries if kind == wanted else 0 for kind in records}


def current(quell: Quell) -> bool:
    """Whether the index answers."""
    try:
        quell.run("check", "nobody@unlisted.test")
    except process.Failed:
        return False
    return True
