#!/usr/bin/env python3
"""quell against the ways people do the same today, in one run, on one machine, over the same files.

    python3 benches/compare/run.py --quell target/release/quell                  everything, 10 M rows, 10 M suppressed
    python3 benches/compare/run.py --suite filter --quoting all --rounds 5       one part
    python3 benches/compare/run.py --suite sizes --sizes 1M 10M 100M             the long list too: 8 GB of disk

Sets up the rivals in `.bench/venv` and the workload in `.bench/data` on first use, runs all contenders in turns, checks
that they keep the same rows, and writes the evidence to `benches/runs/<date>-<machine>/`.
"""

from __future__ import annotations

import argparse
import functools
from pathlib import Path

import chart
import contenders
import evidence
import floors
import machine
import service
import sizes
import stores
import table
import work
import workload
from rounds import Rounds

SUITES = ("filter", "rivals", "sizes", "digests", "floors", "service", "report")
MEASURED = (
    "quell, the copy and the command-line tools are measured from process start to exit; the engines and databases with "
    "their process up and the list loaded and normalised, so start and load are left out. Absolute seconds mean little on "
    "a shared machine; the ratios come from one run."
)


class Runner:
    """What the suites share."""

    def __init__(self, options):
        self.options = options
        self.place = machine.ROOT / "benches/runs" / machine.name(options.machine)

    @functools.cached_property
    def python(self) -> str:
        """The rivals' Python: not needed to draw a report."""
        return machine.venv_python()

    def files(self, rows: int, suppressed: int, quoting: str) -> contenders.Files:
        options, data = self.options, machine.BENCH / "data"
        return contenders.Files(
            workload.suppressed_file(data, suppressed, options.seed),
            workload.recipients_file(data, rows, suppressed, options.hits, quoting, options.seed),
        )

    def part(self, name: str, facts: dict, raw: list[dict]) -> None:
        part = evidence.Part(self.place, name, facts | self.facts, raw)
        part.save()
        self.draw(part)

    def draw(self, part: evidence.Part) -> None:
        """Chart and table of one part, and the tables of all."""
        if part.facts["kind"] in ("filter", "digests"):
            rates = {name: part.facts["rows"] / part.median(name, "wall") for name in part.names()}
            chart.save(part.path("svg"), chart.bars(part.facts["title"], rates), self.options.png)
        elif part.facts["kind"] == "sizes":
            series: dict[str, dict[float, float]] = {}
            for name in part.names():
                contender, size = sizes.split(name)
                series.setdefault(contender, {})[size] = part.median(name, "wall")
            chart.save(part.path("svg"), chart.lines(part.facts["title"], series, part.facts["rows"]), self.options.png)
        part.path("md").write_text(table.markdown(part))
        parts = list(evidence.parts(self.place))
        (self.place / "floors.md").write_text(floors.markdown(parts))
        (self.place / "README.md").write_text(table.contents(self.place.name, parts))
        print(f"\n{part.path('md').read_text()}\nwritten to {part.path('md').relative_to(machine.ROOT)}\n", flush=True)

    def begin(self, title: str) -> None:
        """The load average is of the moment before a part: the parts before it must not count as noise from elsewhere."""
        print(title, flush=True)
        self.facts = machine.facts(self.options.quell)

    def chosen(self, field: list[contenders.Contender]) -> list[contenders.Contender]:
        words = [word.lower() for word in self.options.only or [""]]
        return [
            one
            for one in field
            if one.name.startswith(contenders.REFERENCE) or any(word in one.name.lower() for word in words)
        ]

    def rounds(self, field: list[contenders.Contender]) -> Rounds:
        rounds = Rounds(self.chosen(field), self.python, self.options.slow)
        rounds.measure(self.options.rounds)
        return rounds

    # Suites.

    def filter(self, rows: int, suppressed: int, quoting: str, everybody: bool) -> None:
        options = self.options
        title = f"Filter: {rows:,} rows against {suppressed:,} suppressed addresses, quoting {quoting}"
        files = self.files(rows, suppressed, quoting)
        quell = stores.prepared(options.quell, files.suppressed, suppressed, options.keep_index)
        field = contenders.quell_modes(quell, files) + contenders.engines(self.python, files, options.threads, options.limit)
        missing = []
        if quoting == options.quoting[0] or everybody:
            field += contenders.programs(files, options.limit)
            missing = contenders.missing(everybody)
        else:
            field = [one for one in field if one.name in contenders.CORE]
        if everybody:
            field += contenders.text_tools(files, options.limit)
            field += contenders.look_ups(self.python, files, options.limit)
        field.append(contenders.copy(files))
        self.begin(title)
        rounds = self.rounds(field)
        rounds.notes += missing
        size = files.recipients.stat().st_size
        text = (
            f"{size / 1e6:,.0f} MB, {size / rows:.0f} bytes a row, quoting `{quoting}`, {options.hits:.0%} hits, seed "
            f"{options.seed}, {rounds.kept_rows:,} rows kept, {options.rounds} interleaved rounds after one that is not "
            f"counted, {options.threads} threads for each engine. {MEASURED}"
        )
        facts = {"kind": "filter", "title": title, "rows": rows, "suppressed": suppressed, "quoting": quoting}
        name = f"filter-{rows}-of-{suppressed}-{quoting}" + ("-all-rivals" if everybody else "")
        self.part(name, facts | {"text": text, "notes": rounds.notes}, rounds.raw)

    def sizes(self) -> None:
        options = self.options
        title = f"Filter: {options.rows:,} rows against lists of different lengths"
        sized = []
        for size in sorted(options.sizes):
            files = self.files(options.rows, size, "some")
            sized.append((size, stores.prepared(options.quell, files.suppressed, size, options.keep_index), files))
        self.begin(title)
        rounds = self.rounds(sizes.contenders(sized, self.python, options))
        text = (
            f"Quoting `some`, {options.hits:.0%} hits, {options.rounds} interleaved rounds after one that is not counted. "
            f"{MEASURED}"
        )
        facts = {"kind": "sizes", "title": title, "rows": options.rows, "suppressed": max(options.sizes), "text": text}
        reference = f"{contenders.REFERENCE}{sizes.AT}{sizes.short(min(options.sizes))}"
        self.part(f"sizes-{options.rows}", facts | {"reference": reference, "notes": rounds.notes}, rounds.raw)

    def digests(self) -> None:
        options = self.options
        title = f"Filter: {options.rows:,} rows against {options.suppressed:,} addresses, and against their MD5 digests"
        files = self.files(options.rows, options.suppressed, "some")
        listed = workload.digests_file(machine.BENCH / "data", options.suppressed, options.seed, "md5")
        addresses = stores.prepared(options.quell, files.suppressed, options.suppressed, options.keep_index)
        digests = stores.prepared(options.quell, listed, options.suppressed, options.keep_index, "digests")
        self.begin(title)
        rounds = self.rounds([*contenders.hashed(addresses, digests, files), contenders.copy(files)])
        text = (
            f"The digests are those of the addresses in lower case; one row in five is written with capitals and so has two "
            f"digests. {options.hits:.0%} hits, {rounds.kept_rows:,} rows kept, {options.rounds} interleaved rounds after one "
            f"that is not counted. {MEASURED}"
        )
        facts = {"kind": "digests", "title": title, "rows": options.rows, "suppressed": options.suppressed, "text": text}
        self.part(f"digests-{options.rows}-of-{options.suppressed}", facts | {"notes": rounds.notes}, rounds.raw)

    def floors(self) -> None:
        options = self.options
        title = f"Import, compile, start and memory: {options.suppressed:,} suppressed addresses"
        rows = sorted(set(options.memory_rows or (options.rows // 10, options.rows)))
        batches = {one: self.files(one, options.suppressed, "some").recipients for one in rows}
        suppressed = self.files(rows[0], options.suppressed, "some").suppressed
        self.begin(title)
        measured = work.Work(options, suppressed, batches)
        measured.measure(options.floor_rounds)
        text = (
            f"{options.floor_rounds} rounds, each with a new store: import, both indexes, {work.STARTS} starts and "
            f"{work.CHANGES} changes of one address after one of each that is not counted. An import is one process: the "
            "ledger and the index. Memory beyond the index is the peak of the process less the bytes of an index without "
            "dictionary. Amounts: rows/s for an import, bytes for an entry, MiB for memory."
        )
        facts = {"kind": "work", "title": title, "suppressed": options.suppressed, "text": text}
        self.part(f"work-{options.suppressed}", facts, measured.raw)

    def service(self) -> None:
        options = self.options
        title = f"Service: {options.suppressed:,} suppressed addresses, over loopback"
        files = self.files(options.rows, options.suppressed, "some")
        quell = stores.prepared(options.quell, files.suppressed, options.suppressed, options.keep_index)
        self.begin(title)
        raw = service.measure(
            quell.binary, quell.store, files.suppressed, files.recipients, options.rounds, options.seconds, options.import_rows
        )
        text = (
            f"{options.rounds} interleaved rounds of {options.seconds} s after one that is not counted; one address in ten is "
            "suppressed and explained by the ledger. The time is the 99th percentile of a request (of a file: all of it), the "
            "amount addresses (of a file: bytes) a second. Client and server share the machine's processors."
        )
        self.part(f"service-{options.suppressed}", {"kind": "service", "title": title, "suppressed": options.suppressed, "text": text}, raw)

    def report(self) -> None:
        for part in evidence.parts(self.place):
            self.draw(part)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--suite", nargs="+", choices=("all", *SUITES), default=["all"], help="`report` draws tables and charts again")
    add("--quell", default=str(machine.ROOT / "target/release/quell"))
    add("--rows", type=workload.count, default=10_000_000)
    add("--suppressed", type=workload.count, default=10_000_000)
    add("--rounds", type=int, default=3)
    add("--quoting", nargs="+", choices=workload.QUOTINGS, default=["some", "none", "all"], help="all rivals in the first")
    add("--small", type=workload.count, default=1_000_000, help="rows and suppressed addresses for the slow rivals")
    add("--sizes", nargs="+", type=workload.count, default=[1_000_000, 10_000_000], help="lengths of the list")
    add("--engines-up-to", type=workload.count, default=10_000_000, help="longest list for DuckDB and Polars in `sizes`")
    add("--seconds", type=int, default=10, help="how long each load on the service lasts")
    add("--import-rows", type=workload.count, default=1_000_000, help="rows imported under load")
    add("--floor-rounds", type=int, default=3, help="rounds of import and compile")
    add("--memory-rows", nargs="+", type=workload.count, help="rows for peak memory (default: a tenth of --rows, and --rows)")
    add("--hits", type=float, default=0.08, help="share of rows that are suppressed")
    add("--threads", type=int, default=2, help="threads of the rivals")
    add("--seed", type=int, default=1)
    add("--slow", type=float, default=120, help="seconds beyond which a contender has one counted round only")
    add("--limit", type=float, default=900, help="seconds after which a rival is stopped and left out")
    add("--keep-index", action="store_true", help="use an index that another binary made, if this one can read it")
    add("--machine", help="name of the evidence directory (default: from the CPU)")
    add("--png", action="store_true", help="charts as PNG too, if there is an rsvg-convert")
    add("--only", nargs="+", help="contenders whose name holds one of these words, and the reference")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if not Path(options.quell).exists():
        raise SystemExit(f"no binary at {options.quell}: build it with `cargo build --release --bin quell`")
    wanted = SUITES[:-1] if "all" in options.suite else options.suite
    with machine.alone():
        measure(options, wanted)


def measure(options: argparse.Namespace, wanted: list[str]) -> None:
    runner = Runner(options)
    if "filter" in wanted:
        for quoting in options.quoting:
            runner.filter(options.rows, options.suppressed, quoting, everybody=False)
    if "rivals" in wanted:
        runner.filter(options.small, options.small, "none", everybody=True)
    if "sizes" in wanted:
        runner.sizes()
    if "digests" in wanted:
        runner.digests()
    if "floors" in wanted:
        runner.floors()
    if "service" in wanted:
        runner.service()
    if "report" in wanted:
        runner.report()


if __name__ == "__main__":
    main()
