"""The workload: a suppressed list and a recipients file, the same bytes for the same seed and sizes.

An identity is a number; its address is a function of it, so the hits are known without a set in memory and any size
streams to disk. Domains follow Zipf's law over a few hundred names. Every address lies in a reserved domain.
"""

from __future__ import annotations

import random
import time
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
ROWS_PER_WRITE = 50_000
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


def write_suppressed(path: Path, count: int, seed: int) -> None:
    """Identities 0 to count, in an order that is neither theirs nor sorted, with one in ten in other letters."""
    rng = random.Random(seed)
    # A full-period linear congruence visits every number below 2^bits once.
    bits = max(4, (count - 1).bit_length())
    mask = (1 << bits) - 1
    at, step = rng.getrandbits(bits), (rng.getrandbits(bits) & ~7 | 5) & mask
    lines = ["email"]
    with open(path, "w", encoding="ascii", buffering=1 << 20) as file:
        for turn in range(1 << bits):
            at = (at * step + 12_345) & mask
            if at < count:
                text = address(at)
                lines.append(text if turn % 10 else text.upper())
            if len(lines) >= ROWS_PER_WRITE:
                file.write("\n".join(lines) + "\n")
                lines.clear()
        file.write("".join(line + "\n" for line in lines))


def write_recipients(path: Path, rows: int, suppressed: int, hit_rate: float, quoting: str, seed: int) -> int:
    """Rows of about 72 bytes. Returns how many of them are hits."""
    rng = random.Random(seed + 1)
    hits = 0
    with open(path, "w", encoding="ascii", buffering=1 << 20) as file:
        file.write((HEADER if quoting != "all" else ",".join(f'"{name}"' for name in HEADER.split(","))) + "\n")
        for start in range(0, rows, ROWS_PER_WRITE):
            lines = []
            for number in range(start, min(start + ROWS_PER_WRITE, rows)):
                roll = rng.random()
                if roll < hit_rate:
                    identity = int(roll / hit_rate * suppressed)
                    hits += 1
                else:
                    identity = suppressed + number
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
            file.write("\n".join(lines) + "\n")
    return hits


def prepare(directory: Path, rows: int, suppressed: int, hit_rate: float, quoting: str, seed: int) -> tuple[Path, Path]:
    """Makes the two files unless they are there already."""
    directory.mkdir(parents=True, exist_ok=True)
    listed = directory / f"suppressed-{suppressed}-s{seed}.csv"
    batch = directory / f"recipients-{rows}-of-{suppressed}-{quoting}-h{hit_rate}-s{seed}.csv"
    for path, write in (
        (listed, lambda p: write_suppressed(p, suppressed, seed)),
        (batch, lambda p: write_recipients(p, rows, suppressed, hit_rate, quoting, seed)),
    ):
        if path.exists():
            continue
        started = time.monotonic()
        # Under another name until it is whole: an interrupted run must not leave half a workload behind.
        unfinished = path.with_suffix(".unfinished")
        write(unfinished)
        unfinished.rename(path)
        print(f"generated {path.name}: {path.stat().st_size / 1e6:.0f} MB in {time.monotonic() - started:.0f} s", flush=True)
    return listed, batch
