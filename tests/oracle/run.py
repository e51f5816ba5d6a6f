#!/usr/bin/env python3
"""Runs random scenarios against a quell binary and compares every answer with the model.

    python3 tests/oracle/run.py --quell target/release/quell --rounds 2000 --seed 7

Prints the seed. On a difference it leaves out steps and rows as long as the difference stays, writes what is left to a
directory (`reproduce.sh`, the input files, what was expected and what came), and exits 1.
"""

from __future__ import annotations

import argparse
import copy
import csv
import datetime
import hashlib
import io
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import model  # noqa: E402
import scenario as steps_of  # noqa: E402

#: No command of a scenario comes near this; one that does hangs.
TIMEOUT_SECONDS = 120


class Difference(Exception):
    """The binary and the model disagree."""


def expect(what: str, expected, actual) -> None:
    """Raises when two values differ, naming both."""
    if expected != actual:
        raise Difference(f"{what}\n  expected: {shorten(expected)}\n  actual:   {shorten(actual)}")


def shorten(value) -> str:
    """A value as one readable line; for long byte strings only the text around the first 2,000 bytes."""
    text = repr(value)
    return text if len(text) < 4000 else f"{text[:4000]}… ({len(text)} characters)"


def first_difference(a: bytes, b: bytes) -> str:
    """Where two byte strings part, with some text around it."""
    place = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    low = max(0, place - 80)
    return f"at byte {place} of {len(a)} and {len(b)}: {a[low:place + 80]!r} against {b[low:place + 80]!r}"


class Run:
    """One scenario against one fresh store."""

    def __init__(self, quell: str, directory: Path):
        self.quell = quell
        self.directory = directory
        self.store = directory / "store"
        self.world = model.World()
        self.transcript: list[str] = []
        self.number = 0
        # Questions with the time after them and what was answered: the same must be answered as of then.
        self.asked: list[tuple[list[str], str, int, object]] = []

    def command(
        self, arguments: list[str], stdin: bytes | None = None, stdin_name: str | None = None, store: bool = True
    ):
        """Runs quell and notes the command for the reproduction."""
        if store:
            arguments = ["--store", str(self.store), *arguments]
        line = " ".join(["quell", *map(shlex.quote, map(self._short, arguments))])
        self.transcript.append(f"{line} < {stdin_name}" if stdin_name else line)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("QUELL_")}
        return subprocess.run(
            [self.quell, *arguments],
            input=stdin if stdin is not None else b"",
            capture_output=True,
            cwd=self.directory,
            env=environment,
            timeout=TIMEOUT_SECONDS,
        )

    def _short(self, argument: str) -> str:
        return argument.replace(f"{self.directory}/", "")

    def expect_exit(self, code: int, done) -> None:
        if done.returncode != code:
            raise Difference(
                f"exit code of `{self.transcript[-1]}`\n  expected: {code}\n  actual:   {done.returncode}\n"
                f"  stderr:   {done.stderr.decode(errors='replace')[:2000]}"
            )

    def play(self, steps: list) -> None:
        """Runs every step; raises Difference at the first answer the model would not give."""
        self.expect_exit(0, self.command(["init"]))
        for step in steps:
            self.number += 1
            getattr(self, "do_" + type(step).__name__.lower())(step)
        for arguments, moment, code, answers in self.asked:
            done = self.command([*arguments, "--as-of", moment])
            self.expect_exit(code, done)
            expect(f"as of {moment}, `{self.transcript[-1]}`", answers, self._json(done))

    # Changes.

    def do_import(self, step: steps_of.Import) -> None:
        path = self.directory / f"{self.number:02}-{step.kind}.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if step.header:
                writer.writerow(step.header)
            writer.writerows([cells for cells, _ in step.rows])
            writer.writerows(step.rejects)
        arguments = ["import", step.kind, str(path), "--json"]
        rejects = self.directory / f"{self.number:02}-rejects.csv"
        if step.rejects:
            arguments += ["--rejects", str(rejects)]
        if step.allow_rejects is not None:
            arguments += ["--allow-rejects", str(step.allow_rejects)]
        done = self.command(arguments)
        if len(step.rejects) > (step.allow_rejects or 0):
            self.expect_exit(3, done)
            if not rejects.exists():
                raise Difference("the rejects file is missing")
            return
        self.expect_exit(0, done)
        before = copy.deepcopy(self.world)
        outcomes = [self._take_in(step.kind, value) for _, value in step.rows]
        counts = self._json(done)
        expect("import read", len(step.rows) + len(step.rejects), counts["read"])
        expect("import rejected", len(step.rejects), counts["rejected"])
        expect("import kind", step.kind, counts["kind"])
        expect("import counts sum", len(step.rows), counts["added"] + counts["unchanged"] + counts["held"])
        for name in ("added", "unchanged", "held"):
            low = sum(outcome == {name} for outcome in outcomes)
            high = sum(name in outcome for outcome in outcomes)
            if not low <= counts[name] <= high:
                raise Difference(f"import {name}: expected {low} to {high}, actual {counts[name]}")
        # Another spelling or state of an unsubscribe is a record of its own, which the model does not tell apart.
        if step.kind != "unsubscribes" and before == self.world and counts["added"]:
            raise Difference(f"an import that changes nothing added {counts['added']}")

    def _take_in(self, kind: str, value) -> set[str]:
        match kind:
            case "contacts":
                return self.world.import_contact(value)
            case "unsubscribes":
                return self.world.import_unsubscribe(value)
            case "preferences":
                return self.world.import_preference(*value)
            case "domains":
                return self.world.import_rule(*value)
            case "digests":
                return self.world.import_digest(*value)
            case _:
                return self.world.import_suppression(value)

    def do_unsubscribe(self, step: steps_of.Unsubscribe) -> None:
        arguments = ["unsubscribe", step.address]
        if step.list_name:
            arguments += ["--list", step.list_name]
        if step.send_class:
            arguments += ["--class", step.send_class]
        self.expect_exit(0, self.command(arguments))
        self.world.unsubscribe(step.key, step.list_name, step.send_class)

    def do_resubscribe(self, step: steps_of.Resubscribe) -> None:
        arguments = ["resubscribe", step.text, "--json"]
        for name in step.lists:
            arguments += ["--list", name]
        if step.all_lists:
            arguments.append("--all-lists")
        if step.include:
            arguments += ["--include", ",".join(step.include)]
        if not step.permitted:
            self.expect_exit(5, self.command(arguments))
            return
        arguments += ["--permission", "phone", "--evidence", "call 17, minute 2", "--by", "desk"]
        done = self.command(arguments)
        self.expect_exit(0, done)
        key = step.address.key
        self.world.resubscribe(key, step.lists, step.all_lists, step.include)
        answer = self._json(done)
        expect("resubscribe key", key, answer["key"])
        named = {
            (entry if isinstance(entry, str) else entry["reason"]).split(":")[0]
            for entry in answer["still_blocked_by"]
        }
        missing = set(self.world.judge([step.address])) - named
        if missing:
            raise Difference(f"resubscribe does not say that {sorted(missing)} still blocks: {answer}")

    def do_maintain(self, step: steps_of.Maintain) -> None:
        self.expect_exit(0, self.command(list(step.arguments)))

    # Questions.

    def do_check(self, step: steps_of.Check) -> None:
        arguments = ["check", "--json", *[text for text, _ in step.addresses]]
        for name in step.lists:
            arguments += ["--list", name]
        if step.send_class:
            arguments += ["--class", step.send_class]
        if step.contact_id:
            arguments += ["--contact", step.contact_id]
        done = self.command(arguments)
        expected = []
        for text, address in step.addresses:
            key = address.key if address else None
            reasons = self.world.judge([address], step.contact_id, set(step.lists), step.send_class or "bulk")
            verdict = "invalid" if key is None else "suppressed" if reasons else "clear"
            expected.append((text, key, verdict, reasons))
        self.expect_exit(int(any(v != "clear" for _, _, v, _ in expected)), done)
        answers = self._json(done)
        expect("check: number of answers", len(expected), len(answers))
        for (text, key, verdict, reasons), answer in zip(expected, answers):
            about = f"check {text!r}"
            expect(f"{about} address", text, answer["address"])
            if key is not None:
                expect(f"{about} key", key, answer["key"])
            expect(f"{about} verdict", verdict, answer["verdict"])
            named = [self._reason_word(entry) for entry in answer["reasons"]]
            self._compare_reasons(about, reasons, list(dict.fromkeys(named)), set())
        now = datetime.datetime.now(datetime.timezone.utc)
        self.asked.append((arguments, now.isoformat(), done.returncode, answers))

    @staticmethod
    def _reason_word(entry: dict) -> str:
        if entry["reason"] == "opted_out":
            return "opted_out:" + entry["scope"].removeprefix("list:")
        return entry["reason"]

    @staticmethod
    def _compare_reasons(about: str, expected: list[str], actual: list[str], silent: set[str]) -> None:
        """Order matters, but for list opt-outs among themselves; `silent` ones may be there or not."""
        actual = [word for word in actual if word not in silent or word in expected]
        plain = lambda words: [word.split(":")[0] for word in words]
        expect(f"{about} reasons", (plain(expected), set(expected)), (plain(actual), set(actual)))

    def do_filter(self, step: steps_of.Filter) -> None:
        name = f"{self.number:02}-recipients.csv"
        data = step.preamble + b"".join(row.raw + row.line_end for row in step.rows)
        (self.directory / name).write_bytes(data)
        output = self.directory / f"{self.number:02}-kept.csv"
        suppressed = self.directory / f"{self.number:02}-suppressed.csv"
        report = self.directory / f"{self.number:02}-report.json"

        arguments = ["filter", *([] if step.input_pipe else [str(self.directory / name)]), *step.arguments]
        for list_name in step.lists:
            arguments += ["--list", list_name]
        if step.send_class:
            arguments += ["--class", step.send_class]
        if step.invalid != "withhold":
            arguments += ["--invalid", step.invalid]
        if step.dedupe:
            arguments.append("--dedupe")
        if step.delimiter != ",":
            arguments += ["--delimiter", step.delimiter]
        if not step.output_pipe:
            arguments += ["-o", str(output)]
        arguments += ["--threads", str(step.threads), "--suppressed", str(suppressed), "--report", str(report)]
        world = self.world
        if step.suppress is not None:
            world = self._suppress_world(step, arguments)
        done = self.command(
            arguments, data if step.input_pipe else None, name if step.input_pipe else None, step.suppress is None
        )
        self.expect_exit(0, done)

        wanted = model.filter_rows(
            world, step.preamble, step.rows, set(step.lists), step.send_class or "bulk", step.invalid, step.dedupe
        )
        kept = done.stdout if step.output_pipe else output.read_bytes()
        if not step.output_pipe:
            expect("standard output of a filter into a file", b"", done.stdout)
        if kept != wanted.kept:
            raise Difference(f"kept rows, expected against actual, {first_difference(wanted.kept, kept)}")
        self._compare_suppressed(step, wanted, suppressed.read_bytes())
        self._compare_report(step, wanted, json.loads(report.read_bytes()), data, kept)

    def _suppress_world(self, step: steps_of.Filter, arguments: list[str]) -> model.World:
        path = self.directory / f"{self.number:02}-suppress.csv"
        world = model.World()
        text = io.StringIO()
        if step.suppress_plain:
            text.writelines(f"{address}\n" for address, _, _ in step.suppress)
        else:
            writer = csv.writer(text)
            writer.writerow(("email", "list"))
            writer.writerows((address, name) for address, _, name in step.suppress)
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        for _, key, name in step.suppress:
            if name:
                world.unsubscribes.add(model.Unsubscribe(key, name, "bulk"))
            else:
                world.suppressions.add(model.Suppression(key, "manual", "all"))
        arguments += ["--suppress", str(path)]
        return world

    def _compare_suppressed(self, step: steps_of.Filter, wanted: model.Outcome, actual: bytes) -> None:
        """Each withheld row verbatim, two more fields, its own line end; the header gains two names."""
        delimiter = step.delimiter.encode()
        place = 0
        if "--no-header" not in step.arguments:
            header = step.preamble
            bare = header.rstrip(b"\r\n")
            wanted_header = bare + delimiter + b"quell_reason" + delimiter + b"quell_reasons" + header[len(bare):]
            got = actual[: len(wanted_header)]
            expect("suppressed: header", wanted_header, got)
            place = len(wanted_header)
        elif actual.startswith(b"\xef\xbb\xbf"):
            # Without a header the byte-order mark stands before the first row, wherever that row goes.
            place = 3
        for row, first, reasons, silent in wanted.withheld:
            start = row.raw + delimiter
            if not actual.startswith(start, place):
                raise Difference(
                    f"suppressed: row {row.raw!r}\n  actual: {actual[place:place + len(start) + 200]!r}"
                )
            place += len(start)
            stop = actual.find(b"\n", place)
            stop = len(actual) if stop < 0 else stop + 1
            line = actual[place:stop]
            place = stop
            cells, end = line.rstrip(b"\r\n"), line[len(line.rstrip(b"\r\n")):]
            expect(f"suppressed: line end of {row.raw!r}", row.line_end, end)
            parsed = next(csv.reader([cells.decode()], delimiter=step.delimiter))
            if len(parsed) != 2:
                raise Difference(f"suppressed: {row.raw!r} has {len(parsed)} more fields: {cells!r}")
            expect(f"suppressed: reason of {row.raw!r}", first, parsed[0])
            self._compare_reasons(f"suppressed: {row.raw!r}", reasons, parsed[1].split(";"), silent)
        expect("suppressed: bytes after the last row", b"", actual[place:])

    @staticmethod
    def _compare_report(step: steps_of.Filter, wanted: model.Outcome, report: dict, data: bytes, kept: bytes) -> None:
        expect("report schema", 1, report["schema"])
        expect("report read", wanted.read, report["read"])
        expect("report withheld", len(wanted.withheld), report["withheld"])
        expect("report kept", wanted.read - len(wanted.withheld), report["kept"])
        expect("report by_reason", wanted.by_reason, {k: v for k, v in report["by_reason"].items() if v})
        expect("report class", step.send_class or "bulk", report["class"])
        expect("report lists", sorted(step.lists), sorted(report["lists"]))
        for side, content in (("input", data), ("output", kept)):
            expect(f"report {side} bytes", len(content), report[side]["bytes"])
            expect(f"report {side} sha256", hashlib.sha256(content).hexdigest(), report[side]["sha256"])

    def _json(self, done):
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            raise Difference(f"`{self.transcript[-1]}` printed no JSON ({error}): {done.stdout[:500]!r}") from error


def attempt(quell: str, steps: list, directory: Path) -> tuple[str | None, Run]:
    """Plays a scenario in an empty directory. Returns the difference, if any."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    run = Run(quell, directory)
    try:
        run.play(steps)
        return None, run
    except Difference as difference:
        return str(difference), run
    except subprocess.TimeoutExpired as slow:
        return f"no answer within {slow.timeout} s: {run.transcript[-1]}", run
    except (KeyError, TypeError, UnicodeDecodeError, FileNotFoundError) as error:
        return f"an answer of another shape: {type(error).__name__}: {error} after {run.transcript[-1]}", run


def shrink(quell: str, steps: list, directory: Path, seconds: float) -> list:
    """Leaves out steps, then rows, as long as some difference stays."""
    deadline = time.monotonic() + seconds

    def fails(candidate: list) -> bool:
        return time.monotonic() < deadline and attempt(quell, candidate, directory)[0] is not None

    def smaller(items: list, rebuild) -> list:
        size = max(1, len(items) // 2)
        while size and time.monotonic() < deadline:
            place = 0
            while place < len(items):
                rest = items[:place] + items[place + size:]
                if fails(rebuild(rest)):
                    items = rest
                else:
                    place += size
            size //= 2
        return items

    steps = smaller(steps, lambda rest: rest)
    for index, step in enumerate(steps):
        if not getattr(step, "rows", None):
            continue

        def with_rows(rows, index=index, step=step):
            return [*steps[:index], type(step)(**{**vars(step), "rows": rows}), *steps[index + 1:]]

        steps = with_rows(smaller(step.rows, with_rows))
    return steps


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quell", required=True, help="the binary to judge")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seconds", type=float, help="stop after this long, whatever --rounds says")
    parser.add_argument("--seed", type=int, default=None, help="default: from the clock; printed")
    parser.add_argument("--work", type=Path, default=None, help="where to work (default: a temporary directory)")
    parser.add_argument("--keep-going", action="store_true", help="count differences instead of stopping at the first")
    options = parser.parse_args()

    seed = options.seed if options.seed is not None else time.time_ns() % 2**32
    quell = str(Path(options.quell).resolve())
    work = options.work or Path(tempfile.mkdtemp(prefix="quell-oracle-"))
    print(f"oracle: seed {seed}, {options.rounds} rounds, {quell}", flush=True)
    started = time.monotonic()
    differences = 0
    rounds = 0
    for number in range(options.rounds):
        if options.seconds and time.monotonic() - started > options.seconds:
            break
        rounds += 1
        # One seed a round, so that a round can be run alone: --seed (seed + number) --rounds 1.
        steps = steps_of.Maker(seed + number).scenario()
        difference, _ = attempt(quell, steps, work / "round")
        if difference is None:
            continue
        differences += 1
        place = Path(tempfile.gettempdir()) / f"quell-difference-{seed + number}"
        print(f"\noracle: difference with --seed {seed + number} --rounds 1\n{difference}", flush=True)
        steps = shrink(quell, steps, place, 60)
        difference, run = attempt(quell, steps, place)
        (place / "difference.txt").write_text(f"{difference}\n")
        shutil.rmtree(place / "store", ignore_errors=True)
        (place / "reproduce.sh").write_text(
            "#!/bin/sh\n# Run with quell on the PATH.\ncd \"$(dirname \"$0\")\" && rm -rf store\n"
            + "\n".join(run.transcript) + "\n"
        )
        print(f"oracle: made small in {place}:\n{difference}\n  " + "\n  ".join(run.transcript), flush=True)
        if not options.keep_going:
            return 1
    if options.work is None:
        shutil.rmtree(work, ignore_errors=True)
    print(f"oracle: {rounds} rounds, {differences} differences, {time.monotonic() - started:.1f} s", flush=True)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
