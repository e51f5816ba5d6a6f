"""The guard of the hot path: instructions that `quell filter --threads 1` spends on a row, against recorded figures.

Time says little on a shared machine; instructions are counted by callgrind and hardly differ from run to run. A small
store is made anew (its secret key is random), and each case filters two files that differ in length only. The
difference, divided by the difference in rows, is what a row costs: start-up and the check of the index cancel out.

    make guard                       measures, and fails when a case is over its limit
    make guard GUARD=--update        records what is measured now, when a change is meant; commit limits.json
    make guard GUARD='--rounds 5'    new stores each round, and how far the rounds are apart

A count depends on the compiler and on the processor: byte search (memchr) and the C library choose their code by what the
processor can do. The figures hold for x86-64 with AVX2 and for the compiler they were taken with. Elsewhere, and with
another compiler, everything is measured and printed, and nothing fails.

It needs Python 3.10, nothing else of Python's, and valgrind.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "compare"))

import workload  # noqa: E402

LIMITS = HERE / "limits.json"
SUPPRESSED, HIT_RATE, SEED = 50_000, 0.08, 1
#: Both are several chunks long, so that a chunk's own cost belongs to the rows.
ROWS = (20_000, 120_000)
#: The store that every case but one asks, and the one that holds MD5 digests and domain rules beside the addresses.
ADDRESSES, EVERYTHING = "store", "store-of-everything"
#: Name: the store, how cells are quoted, and further options of `filter`.
CASES = {
    "some quoted": (ADDRESSES, "some", []),
    "all quoted": (ADDRESSES, "all", []),
    "contact column, withheld rows written": (
        ADDRESSES,
        "some",
        ["--contact-column", "id", "--suppressed", "withheld.csv"],
    ),
    "domain rules and MD5 digests": (EVERYTHING, "some", []),
}
ROUNDS_RECORDED = 3
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("QUELL_")}


def run(command: list[str], directory: Path) -> str:
    """Its standard error; ends everything when the command fails."""
    done = subprocess.run(command, cwd=directory, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"guard: exit code {done.returncode}: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stderr


def instructions(quell: Path, store: str, recipients: Path, options: list[str], directory: Path) -> int:
    """All that one run of `filter` executes, start to end."""
    counts = directory / "callgrind.out"
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}"]
    command = [str(quell), "--store", store, "filter", "--threads", "1", str(recipients), "-o", "kept.csv", *options]
    said = run(valgrind + command, directory)
    found = re.search(r"Collected : (\d+)", said)
    if found is None:
        sys.exit(f"guard: callgrind gave no count:\n{said}")
    return int(found[1])


def measure(quell: Path, data: Path) -> dict[str, float]:
    """Instructions a row of each case, with a store of its own."""
    with tempfile.TemporaryDirectory(prefix="quell-guard-") as temporary:
        directory = Path(temporary)
        suppressed = workload.suppressed_file(data, SUPPRESSED, SEED)
        digests = workload.digests_file(data, SUPPRESSED, SEED, "md5")
        # A rule that covers nobody: the answer of a domain costs the same.
        (directory / "domains.csv").write_text("domain,subdomains\nblocked.example,true\n")
        imports = {
            ADDRESSES: {"unsubscribes": suppressed},
            EVERYTHING: {"unsubscribes": suppressed, "digests": digests, "domains": Path("domains.csv")},
        }
        for store, files in imports.items():
            run([str(quell), "--store", store, "init"], directory)
            for kind, file in files.items():
                run([str(quell), "--store", store, "import", kind, str(file)], directory)
        a_row = {}
        for name, (store, quoting, options) in CASES.items():
            files = [workload.recipients_file(data, rows, SUPPRESSED, HIT_RATE, quoting, SEED) for rows in ROWS]
            fewer, more = (instructions(quell, store, file, options, directory) for file in files)
            a_row[name] = round((more - fewer) / (ROWS[1] - ROWS[0]), 1)
        return a_row


def compiler(quell: Path) -> str:
    """The compiler that made the binary, as it says itself in the file; else the one at hand."""
    found = re.search(rb"rustc version ([0-9][^\0]{0,80})\0", quell.read_bytes())
    if found:
        return f"rustc {found[1].decode('ascii', 'replace')}"
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def processor() -> str:
    """What the choice of code depends on."""
    machine = platform.machine()
    if machine != "x86_64":
        return machine
    try:
        flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        flags = None
    return "x86-64 with AVX2" if flags and "avx2" in flags[1].split() else "x86-64 without AVX2"


def judge(measured: dict[str, float], recorded: dict, here: dict[str, str]) -> int:
    """Prints each case beside its limit, and gives the exit code."""
    tolerance, over = recorded["tolerance"], []
    for name, count in measured.items():
        before = recorded["instructions_per_row"].get(name)
        if before is None:
            over.append(name)
            print(f"guard: {name}: {count:.1f} instructions a row, and nothing is recorded for it")
            continue
        limit, change = before * (1 + tolerance), count / before - 1
        print(f"guard: {name}: {count:.1f} instructions a row, limit {limit:.1f} ({change:+.1%} of {before:.1f} recorded)")
        if count > limit:
            over.append(name)
        elif change < -tolerance:
            print("       fewer than recorded: hold the gain with `make guard GUARD=--update`")
    enforced = True
    for what in ("processor", "compiler"):
        if here[what] != recorded[what]:
            enforced = False
            print(f"guard: not enforced: the limits were recorded with {recorded[what]}, this is {here[what]}")
    if not over:
        return 0
    print(f"guard: over the limit: {'; '.join(over)}", file=sys.stderr)
    if not enforced:
        return 0
    print(
        "hint: find the cause with `callgrind_annotate`, or, if the change is meant, record it with "
        "`make guard GUARD=--update`, commit benches/guard/limits.json and say why in the commit",
        file=sys.stderr,
    )
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quell", type=Path, required=True, help="a release build")
    parser.add_argument("--update", action="store_true", help=f"record the median of {ROUNDS_RECORDED} rounds")
    parser.add_argument("--rounds", type=int, help="more than one: each with a new store, the median counts")
    options = parser.parse_args()
    quell = options.quell.resolve()
    here = {"processor": processor(), "compiler": compiler(quell), "c_library": " ".join(platform.libc_ver())}
    recorded = json.loads(LIMITS.read_text())
    rounds = []
    with tempfile.TemporaryDirectory(prefix="quell-guard-") as data:
        for _ in range(options.rounds or (ROUNDS_RECORDED if options.update else 1)):
            rounds.append(measure(quell, Path(data)))
    measured = {}
    for name in CASES:
        counts = [counts[name] for counts in rounds]
        measured[name] = statistics.median(counts)
        if len(counts) > 1:
            spread = (max(counts) - min(counts)) / measured[name]
            print(f"guard: {name}: {' '.join(map(str, counts))}, spread {spread:.2%}")
    if options.update:
        new = {**here, "tolerance": recorded["tolerance"], "instructions_per_row": measured}
        LIMITS.write_text(json.dumps(new, indent=2) + "\n")
        print(f"guard: recorded in {LIMITS}")
        return 0
    return judge(measured, recorded, here)


if __name__ == "__main__":
    sys.exit(main())
