"""What is measured besides the filter's rate: import, compile, start, memory, and the change of one address."""

from __future__ import annotations

import shutil
from pathlib import Path

import machine
import workload
from rounds import turn
from stores import Quell

STARTS, CHANGES = 20, 10
#: Names in the evidence; the floors are looked up by them.
IMPORT, FULL, BARE = "import, whole command", "compile --full, with dictionary", "compile --full, without dictionary"
START, RESUBSCRIBE = "filter of 10 rows", "resubscribe + check, two processes"
ENTRY, BARE_ENTRY = "bytes an entry, with dictionary", "bytes an entry, table only"
LEDGER = "import less compile --full, an estimate of the ledger's part"
MEMORY = "filter's memory beyond the index, MiB"


class Work:
    """A store of its own, made and thrown away: what is done to it must not reach the others."""

    def __init__(self, options, suppressed: Path, batches: dict[int, Path]):
        self.options = options
        self.suppressed = suppressed
        self.batches = batches
        self.quell = Quell(options.quell, machine.BENCH / "store-trial")
        self.raw: list[dict] = []

    def add(self, number: int, name: str, figures: dict, amount: float | str = "") -> None:
        self.raw.append({"round": number, "contender": name, "list": "", **figures, "amount": amount})

    def measure(self, rounds: int) -> None:
        try:
            for number in range(1, rounds + 1):
                self.one_round(number)
        finally:
            shutil.rmtree(self.quell.store, ignore_errors=True)

    def one_round(self, number: int) -> None:
        """Import into an empty store, both indexes, and what is asked of each."""
        shutil.rmtree(self.quell.store, ignore_errors=True)
        self.quell.run("init")
        figures = self.timed(number, IMPORT, "import", "unsubscribes", self.suppressed)
        self.add(number, IMPORT, figures, self.options.suppressed / figures["wall"])
        imported = figures["wall"]

        self.add(number, BARE, self.timed(number, BARE, "compile", "--full", "--no-dictionary"))
        entries, size = self.quell.entries_and_bytes()
        self.add(number, BARE_ENTRY, blank(), size / entries)
        for rows, batch in self.batches.items():
            self.memory(number, rows, batch, size)

        figures = self.timed(number, FULL, "compile", "--full")
        self.add(number, FULL, figures)
        if imported > figures["wall"]:
            self.add(number, LEDGER, blank(), self.options.suppressed / (imported - figures["wall"]))
        entries, size = self.quell.entries_and_bytes()
        self.add(number, ENTRY, blank(), size / entries)
        self.starts(number)
        self.changes(number)

    def timed(self, number: int, name: str, *arguments) -> dict:
        return turn(name, number, lambda: self.quell.run(*arguments))

    def memory(self, number: int, rows: int, batch: Path, index: int) -> None:
        out = machine.BENCH / "out/memory.csv"
        out.parent.mkdir(parents=True, exist_ok=True)
        name = f"{MEMORY}, {rows:,} rows"
        figures = self.timed(number, name, "filter", batch, "-o", out, "--threads", 2)
        out.unlink()
        self.add(number, name, figures, (figures["peak_rss"] - index) / 2**20)

    def starts(self, number: int) -> None:
        """Ten rows: what is left is starting, opening the index and ending."""
        batch, out = machine.BENCH / "data/ten.csv", machine.BENCH / "out/ten.csv"
        with open(next(iter(self.batches.values())), "rb") as source:
            batch.write_bytes(b"".join(source.readline() for _ in range(11)))
        for start in range(STARTS + 1):
            figures = self.quell.run("filter", batch, "-o", out)
            if start:
                self.add(number, START, figures)
        out.unlink()

    def changes(self, number: int) -> None:
        """A suppressed address is made reachable, and asked for; each word is a process."""
        for change in range(CHANGES + 1):
            address = workload.address(change * 7 % self.options.suppressed)
            permission = ("--permission", "phone", "--evidence", "measured", "--by", "benches")
            both = [self.quell.run("resubscribe", address, *permission), self.quell.run("check", address)]
            summed = {key: sum(one[key] for one in both) for key in ("wall", "cpu")}
            if change:
                self.add(number, RESUBSCRIBE, summed | {"peak_rss": max(one["peak_rss"] for one in both)})
        # An address left alone is still withheld: exit code 1.
        self.quell.run("check", workload.address(self.options.suppressed - 1), codes=(1,))


def blank() -> dict:
    """A line that measures no time."""
    return {"wall": "", "cpu": "", "peak_rss": ""}
