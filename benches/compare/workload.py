"""The workload: a suppressed list and a recipients file, the same bytes for the same seed and sizes.

An identity is a number; its address is a function of it, so the hits are known without a set in memory and any size
streams to disk. Domains follow Zipf's law over a few hundred names. Every address lies in a reserved domain.

The bytes are a function of seed and sizes alone, not of how many processes write them: each part of a file starts from
numbers that its place in the file gives.

    python3 benches/compare/workload.py --suppressed 100000000 --directory .bench/data       (the list alone)
    python3 benches/compare/workload.py --suppressed 10000000 --rows 10000000 --quoting all
"""

from __future__ import annotations

import argparse
import array
import hashlib
import multiprocessing
import os
import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

GIVEN = (
    "ann", "bob", "cem", "dora", "eve", "finn", "gus", "hana", "ivo", "jana", "kim", "lea", "max", "nora", "oda", "pia",
    "quinn", "rosa", "sam", "tara", "udo", "vera", "wim", "xenia", "yara", "zoe",
)
FAMILY = (
    "stone", "brook", "field", "hill", "wood", "lake", "marsh", "ford", "mill", "lane", "dale", "moor", "bridge", "green",
)
#: Cities with a comma have to be quoted; one in three rows.
CITIES = ("Springfield", "Rivertown", '"Haverbrook, North"', "Ogdenville", '"Elm, ""Upper"""', "Lakeside")
QUOTINGS = ("some", "none", "all")
ROWS_PER_PART = 50_000
HEADER = "id,email,given,family,city,country,spent"


def domain_table(size: int = 4096, names: int = 300) -> list[str]:
    """Domains repeated by Zipf's law: the first has a share of about a sixth, the last almost none."""
    endings = ("example.com", "example.org", "example.net", "test", "example")
    domains = ["example.com", "example.org", "example.net", "mail.example", "post.test"]
    domains += [f"{FAMILY[n % 14]}{n}.{endings[n % 5]}" for n in range(names - len(domains))]
    weights = [1 / (rank + 1) for rank in range(names)]
    total = sum(weights)
    table: list[str] = []
    for domain, weight in zip(domains, weights):
        table += [domain] * max(1, round(size * weight / total))
    return table[:size] + domains[:1] * (size - len(table))


_DOMAINS = domain_table()


def address(identity: int) -> str:
    """The address of an identity; two identities never share one."""
    scrambled = identity * 2_654_435_761 & 0xFFFF_FFFF
    return f"{GIVEN[scrambled % 26]}.{identity:x}@{_DOMAINS[scrambled >> 20]}"


# The suppressed list: identities 0 to count, in an order that is neither theirs nor sorted.


class Congruence:
    """at -> at * step + 12,345 (mod 2^bits): visits every number below 2^bits once, and can jump ahead."""

    def __init__(self, count: int, seed: int):
        rng = random.Random(seed)
        self.bits = max(4, (count - 1).bit_length())
        self.mask = (1 << self.bits) - 1
        self.start, self.step = rng.getrandbits(self.bits), (rng.getrandbits(self.bits) & ~7 | 5) & self.mask

    def after(self, turns: int) -> int:
        """Where it is after so many turns: the turn is squared and multiplied up, as powers are."""
        factor, added, by, plus = 1, 0, self.step, 12_345
        while turns:
            if turns & 1:
                factor, added = factor * by & self.mask, (added * by + plus) & self.mask
            by, plus = by * by & self.mask, (plus * by + plus) & self.mask
            turns >>= 1
        return (self.start * factor + added) & self.mask


def suppressed_part(task: tuple[int, int, int]) -> bytes:
    """The lines of some turns of the congruence; one turn in ten writes other letters."""
    count, seed, first_turn = task
    congruence = Congruence(count, seed)
    at, step, mask = congruence.after(first_turn), congruence.step, congruence.mask
    lines = []
    for turn in range(first_turn, min(first_turn + ROWS_PER_PART, mask + 1)):
        at = (at * step + 12_345) & mask
        if at < count:
            text = address(at)
            lines.append(text if turn % 10 else text.upper())
    return "".join(line + "\n" for line in lines).encode("ascii")


def suppressed_tasks(count: int, seed: int) -> Iterator[tuple[int, int, int]]:
    turns = 1 << Congruence(count, seed).bits
    return ((count, seed, first) for first in range(0, turns, ROWS_PER_PART))


def digests_part(task: tuple[int, int, int, str]) -> bytes:
    """The digests of `suppressed_part`'s addresses in lower case, as hashed lists are made."""
    *turns, algorithm = task
    lines = suppressed_part(tuple(turns)).lower().split(b"\n")[:-1]
    return b"".join(hashlib.new(algorithm, line).hexdigest().encode("ascii") + b"\n" for line in lines)


# The recipients: rows of about 72 bytes.


def recipients_part(task: tuple[int, int, float, str, bytes]) -> bytes:
    """The rows from one number on; what was rolled for them comes along, because a roll can't be jumped to."""
    start, suppressed, hit_rate, quoting, rolled = task
    rolls = array.array("d", rolled)
    lines = []
    for number, roll in enumerate(rolls, start):
        identity = int(roll / hit_rate * suppressed) if roll < hit_rate else suppressed + number
        email = address(identity)
        kind = number % 10
        if kind < 2:
            email = email.title() if kind else email.upper()
        dice = identity ^ number
        given, family, city = GIVEN[dice % 26].title(), FAMILY[dice % 14].title(), CITIES[dice % 6]
        if quoting == "all":
            city = city if city[0] == '"' else f'"{city}"'
            lines.append(f'"{number:08}","{email}","{given}","{family}",{city},"DE","{dice % 10_000 / 100:.2f}"')
        else:
            if quoting == "none":
                city = "Springfield"
            lines.append(f"{number:08},{email},{given},{family},{city},DE,{dice % 10_000 / 100:.2f}")
    return ("\n".join(lines) + "\n").encode("ascii")


def recipients_tasks(
    rows: int, suppressed: int, hit_rate: float, quoting: str, seed: int
) -> Iterator[tuple[int, int, float, str, bytes]]:
    roll = random.Random(seed + 1).random
    for start in range(0, rows, ROWS_PER_PART):
        rolls = array.array("d", (roll() for _ in range(min(ROWS_PER_PART, rows - start))))
        yield start, suppressed, hit_rate, quoting, rolls.tobytes()


# Files.


def write(path: Path, header: str, part, tasks: Iterable) -> None:
    """Makes a file of parts that all processors work on, in their order."""
    started = time.monotonic()
    # Under another name until it is whole: an interrupted run must not leave half a workload behind.
    unfinished = path.with_suffix(".unfinished")
    with multiprocessing.Pool(len(os.sched_getaffinity(0))) as pool, open(unfinished, "wb") as file:
        file.write(header.encode("ascii") + b"\n")
        for data in pool.imap(part, tasks):
            file.write(data)
    unfinished.rename(path)
    print(f"generated {path.name}: {path.stat().st_size / 1e6:.0f} MB in {time.monotonic() - started:.0f} s", flush=True)


def suppressed_file(directory: Path, count: int, seed: int) -> Path:
    """The list of so many suppressed addresses, made unless it is there already."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"suppressed-{count}-s{seed}.csv"
    if not path.exists():
        write(path, "email", suppressed_part, suppressed_tasks(count, seed))
    return path


def digests_file(directory: Path, count: int, seed: int, algorithm: str) -> Path:
    """The same list as a third party's digests, made unless it is there already."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{algorithm}-of-suppressed-{count}-s{seed}.csv"
    if not path.exists():
        tasks = ((*task, algorithm) for task in suppressed_tasks(count, seed))
        write(path, "digest", digests_part, tasks)
    return path


def recipients_file(directory: Path, rows: int, suppressed: int, hit_rate: float, quoting: str, seed: int) -> Path:
    """So many recipients, of whom a share of `hit_rate` is on the list; made unless they are there already."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"recipients-{rows}-of-{suppressed}-{quoting}-h{hit_rate}-s{seed}.csv"
    if not path.exists():
        header = ",".join(f'"{name}"' for name in HEADER.split(",")) if quoting == "all" else HEADER
        write(path, header, recipients_part, recipients_tasks(rows, suppressed, hit_rate, quoting, seed))
    return path


def count(words: str) -> int:
    """`10M`, `200k` or plain digits."""
    factor = {"M": 1_000_000, "k": 1_000}.get(words[-1:], 1)
    return int(float(words.rstrip("Mk")) * factor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suppressed", type=count, required=True)
    parser.add_argument("--rows", type=count, help="recipients too, so many")
    parser.add_argument("--quoting", choices=QUOTINGS, default="some")
    parser.add_argument("--hits", type=float, default=0.08)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory", type=Path, default=Path(__file__).resolve().parents[2] / ".bench/data")
    options = parser.parse_args()
    print(suppressed_file(options.directory, options.suppressed, options.seed))
    if options.rows:
        print(
            recipients_file(
                options.directory, options.rows, options.suppressed, options.hits, options.quoting, options.seed
            )
        )


if __name__ == "__main__":
    main()
