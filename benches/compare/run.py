#!/usr/bin/env python3
"""quell against the ways people do the same today, in one run, on one machine, over the same files.

    python3 benches/compare/run.py --quell target/release/quell --rows 10000000 --suppressed 10000000 --rounds 5

Sets up `.bench/venv` (DuckDB and Polars at fixed versions) and the workload in `.bench/data` on first use, then runs all
contenders in turns, checks that they keep the same rows, and writes the evidence to `benches/runs/<date>-<machine>/`.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import hashlib
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import workload

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / ".bench"
PACKAGES = ("duckdb==2.0.0", "polars==2.1.0")
RIVAL = Path(__file__).with_name("rival.py")
#: The contender whose time the others are divided by.
REFERENCE = "quell, 2 threads"


def venv_python() -> str:
    """The Python of the rivals' environment, made on first use."""
    python = BENCH / "venv/bin/python"
    marker = BENCH / "venv/installed.txt"
    wanted = "\n".join(PACKAGES)
    if not marker.exists() or marker.read_text() != wanted:
        print(f"setting up {python.parent.parent} with {', '.join(PACKAGES)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", BENCH / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        marker.write_text(wanted)
    return str(python)


def run_process(arguments: list[str], stdin=None, stdout=None, environment=None) -> dict:
    """Runs a command from start to exit. Wall, CPU (user + system) and peak memory of that process alone."""
    started = time.perf_counter()
    child = subprocess.Popen(arguments, stdin=stdin, stdout=stdout, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(map(str, arguments))} ended with {child.returncode}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_rss": usage.ru_maxrss * 1024}


class Comparison:
    """The contenders over one pair of files."""

    def __init__(self, options, python: str, suppressed: Path, recipients: Path):
        self.options = options
        self.python = python
        self.suppressed = suppressed
        self.recipients = recipients
        self.store = BENCH / f"store-{suppressed.stem}"
        self.quell = str(Path(options.quell).resolve())
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("QUELL_")}
        self.environment["QUELL_STORE"] = str(self.store)
        self.preparation: list[tuple[str, dict]] = []
        self.contenders = {
            REFERENCE: lambda out: self.quell_files(out, 2),
            "quell, 1 thread": lambda out: self.quell_files(out, 1),
            "quell, pipe to pipe": self.quell_pipes,
            "DuckDB, in order": lambda out: self.rival("duckdb", out),
            "DuckDB, any order": lambda out: self.rival("duckdb-unordered", out),
            "Polars, streaming": lambda out: self.rival("polars", out),
            "copy in 1 MiB blocks": self.copy,
        }
        if options.only:
            self.contenders = {
                name: run
                for name, run in self.contenders.items()
                if name == REFERENCE or any(word.lower() in name.lower() for word in options.only)
            }

    def prepare_store(self) -> None:
        """The suppressed list in a store of its own, made anew: another build may have another format."""
        shutil.rmtree(self.store, ignore_errors=True)
        for arguments in (["init"], ["import", "unsubscribes", str(self.suppressed)], ["compile"]):
            figures = run_process(
                [self.quell, "--quiet", *arguments], stdout=subprocess.DEVNULL, environment=self.environment
            )
            self.preparation.append((f"quell {arguments[0]}", figures))
            print(f"  {f'quell {arguments[0]}':<24} {figures['wall']:8.2f} s  cpu {figures['cpu']:.2f} s", flush=True)

    # Contenders.

    def quell_files(self, out: Path, threads: int) -> dict:
        return run_process(
            [self.quell, "--quiet", "filter", str(self.recipients), "-o", str(out), "--threads", str(threads)],
            environment=self.environment,
        )

    def quell_pipes(self, out: Path) -> dict:
        """`cat IN | quell filter | cat > OUT`: both ends are pipes. CPU and memory are quell's own."""
        with open(out, "wb") as file:
            feed = subprocess.Popen(["cat", str(self.recipients)], stdout=subprocess.PIPE)
            drain = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file)
            figures = run_process(
                [self.quell, "--quiet", "filter", "--threads", "2"],
                stdin=feed.stdout,
                stdout=drain.stdin,
                environment=self.environment,
            )
            started = time.perf_counter()
            feed.stdout.close()
            drain.stdin.close()
            if feed.wait() or drain.wait():
                sys.exit("a pipe broke")
            figures["wall"] += time.perf_counter() - started
        return figures

    def rival(self, name: str, out: Path) -> dict:
        done = subprocess.run(
            [self.python, RIVAL, name, self.suppressed, self.recipients, out, str(self.options.threads)],
            check=True,
            capture_output=True,
        )
        return json.loads(done.stdout.splitlines()[-1])

    def copy(self, out: Path) -> dict:
        return run_process(["dd", f"if={self.recipients}", f"of={out}", "bs=1M", "status=none"])

    # Rounds.

    def measure(self) -> list[dict]:
        """All contenders in turns; each round begins with another one."""
        raw = []
        names = list(self.contenders)
        digests: dict[str, dict] = {}
        kept_bytes: dict[str, str] = {}
        for number in range(self.options.rounds + 1):
            # Round 0 warms the page cache and checks the results; it is not counted.
            shift = number % len(names)
            for name in names[shift:] + names[:shift]:
                out = BENCH / "out" / (re.sub(r"\W+", "-", name) + ".csv")
                out.parent.mkdir(parents=True, exist_ok=True)
                out.unlink(missing_ok=True)
                # What the last contender wrote must not be flushed on this one's time.
                os.sync()
                figures = self.contenders[name](out)
                print(f"  round {number}: {name:<24} {figures['wall']:8.2f} s  cpu {figures['cpu']:.2f} s", flush=True)
                if number:
                    raw.append({"round": number, "contender": name, **figures})
                elif not name.startswith("copy"):
                    digests[name] = self.digest(out)
                    if name.startswith("quell"):
                        with open(out, "rb") as file:
                            kept_bytes[name] = hashlib.file_digest(file, "sha256").hexdigest()
                out.unlink()
        self.agree(digests, kept_bytes)
        return raw

    def digest(self, path: Path) -> dict:
        done = subprocess.run([self.python, RIVAL, "digest", path], check=True, capture_output=True)
        return json.loads(done.stdout)

    def agree(self, digests: dict[str, dict], kept_bytes: dict[str, str]) -> None:
        if len({json.dumps(d) for d in digests.values()}) != 1:
            sys.exit(f"the contenders do not keep the same rows: {json.dumps(digests, indent=1)}")
        if len(set(kept_bytes.values())) != 1:
            sys.exit(f"quell's own outputs differ: {kept_bytes}")
        self.kept_rows = next(iter(digests.values()))["rows"]
        print(f"  every contender keeps the same {self.kept_rows:,} rows", flush=True)


def machine() -> dict:
    """What the figures depend on."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor() or platform.machine(),
    )
    memory = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line)
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**20, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": os.getloadavg(),
    }


def table(comparison: Comparison, raw: list[dict]) -> list[str]:
    """The Markdown table, by median wall time."""
    by_name: dict[str, list[dict]] = {}
    for line in raw:
        by_name.setdefault(line["contender"], []).append(line)
    median = lambda name, what: statistics.median(line[what] for line in by_name[name])
    reference = {what: median(REFERENCE, what) for what in ("wall", "cpu")}
    lines = [
        "| contender | wall, median (min–max) | rows/s | time against quell | CPU | CPU against quell | peak memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in sorted(by_name, key=lambda name: median(name, "wall")):
        walls = [line["wall"] for line in by_name[name]]
        wall, cpu = median(name, "wall"), median(name, "cpu")
        lines.append(
            f"| {name} | {wall:.2f} s ({min(walls):.2f}–{max(walls):.2f}) | {comparison.options.rows / wall:,.0f} "
            f"| {wall / reference['wall']:.2f}× | {cpu:.2f} s | {cpu / reference['cpu']:.2f}× "
            f"| {median(name, 'peak_rss') / 2**20:,.0f} MiB |"
        )
    return lines


def write_evidence(comparison: Comparison, raw: list[dict], facts: dict) -> Path:
    options = comparison.options
    name = options.machine or f"{facts['cores']}x-" + re.sub(r"[^a-z0-9]+", "-", facts["cpu"].lower()).strip("-")[:40]
    place = ROOT / "benches/runs" / f"{datetime.date.today()}-{name}"
    place.mkdir(parents=True, exist_ok=True)
    config = f"filter-{options.rows}-of-{options.suppressed}-{options.quoting}"
    with open(place / f"{config}.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ("round", "contender", "wall", "cpu", "peak_rss"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(raw)
    version = subprocess.run([comparison.quell, "--version"], capture_output=True, text=True).stdout.strip()
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    batch = comparison.recipients.stat().st_size
    preparation = [
        f"| {what} | {figures['wall']:.2f} s | {figures['cpu']:.2f} s | {figures['peak_rss'] / 2**20:,.0f} MiB |"
        for what, figures in comparison.preparation
    ]
    text = [
        f"# Filter: {options.rows:,} rows against {options.suppressed:,} suppressed addresses",
        "",
        f"{batch / 1e6:,.0f} MB, {batch / options.rows:.0f} bytes a row, quoting `{options.quoting}`, "
        f"{options.hits:.0%} hits, {comparison.kept_rows:,} rows kept by every contender, seed {options.seed}, "
        f"{options.rounds} interleaved rounds after one that is not counted.",
        "",
        *table(comparison, raw),
        "",
        "quell and the copy are measured from process start to exit. DuckDB and Polars are measured with their process up and "
        "the suppressed list loaded, normalised and in memory, so their start and load are left out. Absolute seconds mean "
        "little on a shared machine; the ratios come from one run.",
        "",
        "| preparation | wall | CPU | peak memory |",
        "| --- | ---: | ---: | ---: |",
        *preparation,
        "",
        f"- quell: {version}, commit {commit}",
        f"- rivals: {', '.join(PACKAGES)}, {options.threads} threads each",
        f"- machine: {facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, Linux {facts['kernel']}, "
        f"Python {facts['python']}, load before the run {facts['load_before'][0]:.2f}",
        f"- command: `python3 benches/compare/run.py {' '.join(sys.argv[1:])}`",
        "",
    ]
    (place / f"{config}.md").write_text("\n".join(text))
    return place / f"{config}.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quell", default=str(ROOT / "target/release/quell"))
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--suppressed", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quoting", choices=("some", "none", "all"), default="some")
    parser.add_argument("--hits", type=float, default=0.08, help="share of rows that are suppressed")
    parser.add_argument("--threads", type=int, default=2, help="threads of the rivals")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--machine", help="name of the evidence directory (default: from the CPU)")
    parser.add_argument("--only", nargs="+", help="contenders whose name holds one of these words, and the reference")
    options = parser.parse_args()

    facts = machine()
    python = venv_python()
    suppressed, recipients = workload.prepare(
        BENCH / "data", options.rows, options.suppressed, options.hits, options.quoting, options.seed
    )
    comparison = Comparison(options, python, suppressed, recipients)
    comparison.prepare_store()
    raw = comparison.measure()
    evidence = write_evidence(comparison, raw, facts)
    print(evidence.read_text())
    print(f"written to {evidence.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
