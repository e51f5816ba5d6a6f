"""Interleaved rounds, and the proof that all contenders did the same work."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import machine
import process
from contenders import RIVAL, SURE, Contender


class Rounds:
    """Contenders take turns; each round begins with another one.

    Round 0 warms the page cache and compares the kept rows; it is not counted. A rival that fails is left out from then on
    and named in the evidence; quell failing ends the run.
    """

    def __init__(self, contenders: list[Contender], python: str, slow: float):
        self.contenders = contenders
        self.python = python
        #: Whoever takes longer than this in round 0 runs once more and then no longer: it is far behind anyway.
        self.slow = slow
        self.raw: list[dict] = []
        self.notes: list[str] = []
        self.kept_rows = 0

    def measure(self, rounds: int) -> None:
        digests: dict[str, dict] = {}
        kept_bytes: dict[str, str] = {}
        running = list(self.contenders)
        slow: set[str] = set()
        for number in range(rounds + 1):
            shift = number % len(running)
            for contender in running[shift:] + running[:shift]:
                if number > 1 and contender.name in slow:
                    continue
                out = self.place(contender)
                try:
                    figures = turn(contender.name, number, lambda: contender.run(out))
                except process.Failed as error:
                    if contender.name.startswith("quell"):
                        raise
                    self.note(f"{contender.name}: left out, {error}")
                    running.remove(contender)
                    out.unlink(missing_ok=True)
                    continue
                if number:
                    self.raw.append({"round": number, "contender": contender.name, "list": contender.listed, **figures})
                elif contender.writes_rows:
                    digests[contender.name] = self.digest(out)
                    if contender.name.startswith("quell"):
                        kept_bytes[contender.name] = machine.digest_of(out)
                if not number and figures["wall"] > self.slow and not contender.name.startswith("quell"):
                    slow.add(contender.name)
                out.unlink()
            if not number:
                for group in dict.fromkeys(contender.group for contender in self.contenders):
                    self.agree([one for one in self.contenders if one.group == group], digests, kept_bytes)
        if slow:
            self.note(f"one counted round only, being slower than {self.slow:g} s: {', '.join(sorted(slow))}")

    def note(self, text: str) -> None:
        print(f"  {text}", flush=True)
        self.notes.append(text)

    def place(self, contender: Contender) -> Path:
        out = machine.BENCH / "out" / (re.sub(r"\W+", "-", contender.name) + ".csv")
        out.parent.mkdir(parents=True, exist_ok=True)
        out.unlink(missing_ok=True)
        return out

    def digest(self, path: Path) -> dict:
        done = subprocess.run([self.python, RIVAL, "digest", path], capture_output=True, text=True)
        # What can't be read as the seven columns is other rows too.
        return json.loads(done.stdout) if done.returncode == 0 else {"rows": -1, "sum": "", "lower": ""}

    def agree(self, group: list[Contender], digests: dict[str, dict], kept_bytes: dict[str, str]) -> None:
        """quell and the engines must keep the same values, quell's modes the same bytes; others are named."""
        present = [one for one in group if one.name in digests]
        sure = {one.name: digests[one.name] for one in present if one.name.startswith(SURE)}
        if len({json.dumps(digest) for digest in sure.values()}) > 1:
            sys.exit(f"the contenders do not keep the same rows: {json.dumps(sure, indent=1)}")
        if len({kept_bytes[name] for name in sure if name in kept_bytes}) > 1:
            sys.exit(f"quell's own outputs differ: {kept_bytes}")
        expected = next(iter(sure.values()))
        self.kept_rows = expected["rows"]
        same = 0
        for one in present:
            digest = digests[one.name]
            if all(digest[key] == expected[key] for key in ("rows", "lower" if one.lower else "sum")):
                same += 1
            else:
                rows = f"{digest['rows']:,}" if digest["rows"] >= 0 else "an unreadable number"
                self.note(f"{one.name}: keeps other rows ({rows} instead of {self.kept_rows:,})")
        where = f" at {group[0].group}" if group[0].group else ""
        self.note(
            f"{same} of {len(present)} contenders{where} keep the same {self.kept_rows:,} rows; quell's modes the same bytes"
        )


def turn(name: str, number: int, run: Callable[[], dict]) -> dict:
    """One measurement. What the last one wrote must not be flushed on this one's time."""
    os.sync()
    figures = run()
    print(f"  round {number}: {name:<34} {figures['wall']:8.3f} s  cpu {figures['cpu']:.3f} s", flush=True)
    return figures
