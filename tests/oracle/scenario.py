"""Random scenarios: what a sender does to a store, step by step, as plain values.

A scenario is data, so that a difference can be made small by leaving out steps and rows and running the rest again.
"""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass, field

import model
from people import ASCII_DOMAINS, IDN_DOMAINS, INVALID_CELLS, Person, make_people, spell, write

LISTS = ("news", "offers", "events")
CLASSES = ("bulk", "transactional", "all")
ALLOW_WORDS = ("Allow", "true", "1")
DENY_WORDS = ("Do Not Allow", "false", "0")
#: The formats contract section 4 accepts, all well before any run.
TIMES = (
    "2024-03-01T09:30:00Z", "2024-03-01T09:30:00+02:00", "2024-03-01", "2024-03-01 09:30", "2024-03-01 09:30:15",
    "Fri, 01 Mar 2024 09:30:00 +0000", "1709285400", "",
)
PAST_TIMES = ("2001-01-31T00:00:00Z", "2011-05-05", "1300000000")
FUTURE_TIMES = ("2999-12-31T23:59:59Z", "2950-01-01", "Mon, 01 Jan 2970 00:00:00 +0000")
KINDS = ("contacts", "unsubscribes", "preferences", "suppressions", "domains", "digests")
MAILBOX_REASONS = ("bounce", "complaint", "invalid", "manual")


@dataclass
class Import:
    """`quell import KIND FILE`: the header, and each row's cells with the value the model takes."""

    kind: str
    header: list[str]
    rows: list[tuple[list[str], object]]
    #: Rows that can't be understood, and whether the run allows them.
    rejects: list[list[str]] = field(default_factory=list)
    allow_rejects: int | None = None
    delimiter: str = ","


@dataclass
class Unsubscribe:
    """`quell unsubscribe`."""

    address: str
    key: str
    list_name: str
    send_class: str | None


@dataclass
class Resubscribe:
    """`quell resubscribe`, with or without permission."""

    text: str
    address: model.Address
    lists: tuple[str, ...]
    all_lists: bool
    include: tuple[str, ...]
    permitted: bool


@dataclass
class Check:
    """`quell check --json`."""

    addresses: list[tuple[str, model.Address | None]]
    lists: tuple[str, ...]
    send_class: str | None
    contact_id: str | None


@dataclass
class Maintain:
    """A command that must change no answer."""

    arguments: tuple[str, ...]


@dataclass
class Filter:
    """`quell filter`."""

    preamble: bytes
    rows: list[model.Row]
    arguments: list[str]
    lists: tuple[str, ...]
    send_class: str | None
    invalid: str
    dedupe: bool
    delimiter: str
    threads: int
    input_pipe: bool
    output_pipe: bool
    #: The rows of a `--suppress` file: no store is used then.
    suppress: list[tuple[str, str, str]] | None = None
    suppress_plain: bool = False


def csv_cell(rng: random.Random, text: str, delimiter: str, quote_rate: float = 0.1) -> bytes:
    """A cell's bytes, quoted when it must be and sometimes when it need not."""
    if any(c in text for c in (delimiter, '"', "\n", "\r")) or rng.random() < quote_rate:
        return b'"' + text.replace('"', '""').encode() + b'"'
    return text.encode()


class Maker:
    """Makes one scenario from one seed."""

    def __init__(self, seed: int, size: float = 1.0):
        self.rng = random.Random(seed)
        self.size = size
        self.people: list[Person] = make_people(self.rng, self.rng.choice((2, 5, 12, 40)))
        self.contact_ids = [f"C{n:03}" for n in range(1, max(2, len(self.people) * 3 // 2))]
        #: Where each contact lives, so that most rows about it agree and a few say it moved.
        self.home = {c: self.rng.choice(self.people) for c in self.contact_ids}

    def scenario(self) -> list:
        rng = self.rng
        steps: list = []
        for kind in rng.sample(KINDS, k=rng.randint(1, 5)):
            steps.append(self.import_step(kind))
        steps.append(self.filter_step())
        for _ in range(rng.randint(0, 6)):
            match rng.choices(
                ("import", "again", "unsubscribe", "resubscribe", "check", "maintain", "filter"),
                (3, 1, 3, 4, 3, 1.5, 3),
            )[0]:
                case "import":
                    steps.append(self.import_step(rng.choice(KINDS)))
                case "again":
                    steps.append(rng.choice([s for s in steps if isinstance(s, Import)]))
                case "unsubscribe":
                    person = rng.choice(self.people)
                    list_name = rng.choice(("", "", *LISTS))
                    send_class = rng.choice((None, None, "bulk", "all")) if not list_name else rng.choice((None, *CLASSES))
                    steps.append(Unsubscribe(spell(rng, person), person.key, list_name, send_class))
                case "resubscribe":
                    steps.append(self.resubscribe_step())
                case "check":
                    steps.append(self.check_step())
                case "maintain":
                    steps.append(
                        Maintain(
                            rng.choice(
                                (("compile",), ("compile", "--full"), ("compile", "--full", "--no-dictionary"),
                                 ("verify",), ("status",))
                            )
                        )
                    )
                case "filter":
                    steps.append(self.filter_step())
        steps.append(self.check_step())
        steps.append(self.filter_step())
        return steps

    # Imports.

    def import_step(self, kind: str) -> Import:
        rng = self.rng
        count = rng.choice((0, 1, 4, 15, 40))
        delimiter = ","
        make = {
            "contacts": self.contact_rows,
            "unsubscribes": self.unsubscribe_rows,
            "preferences": self.preference_rows,
            "suppressions": self.suppression_rows,
            "domains": self.domain_rows,
            "digests": self.digest_rows,
        }[kind]
        if kind == "digests" and count and rng.random() < 0.25:
            # A list of digests alone has no header.
            return Import(kind, [], [self.digest_alone() for _ in range(count)])
        header, rows, bad = make(count)
        step = Import(kind, header, rows, delimiter=delimiter)
        if rng.random() < 0.1:
            step.rejects = bad
            step.allow_rejects = rng.choice((None, None, 0, len(bad), 100))
        return self._shuffle_columns(step)

    def _shuffle_columns(self, step: Import) -> Import:
        """Column order is free and extra columns are ignored."""
        order = list(range(len(step.header)))
        self.rng.shuffle(order)
        extra = self.rng.random() < 0.3
        pick = lambda cells: [cells[i] for i in order] + (["anything, really"] if extra else [])
        step.header = [step.header[i] for i in order] + (["note"] if extra else [])
        step.rows = [(pick(cells), value) for cells, value in step.rows]
        step.rejects = [pick(cells) for cells in step.rejects]
        return step

    def _flag(self) -> tuple[str, bool | None]:
        roll = self.rng.random()
        if roll < 0.45:
            return self.rng.choice(ALLOW_WORDS), True
        if roll < 0.75:
            return self.rng.choice(DENY_WORDS), False
        return "", None

    def contact_rows(self, count: int):
        rng = self.rng
        rows = []
        # A contact stands once in a file, or several times at one address: which of two addresses in one file
        # is the newer one is not the contract's business.
        for contact_id in rng.sample(self.contact_ids, k=min(count, len(self.contact_ids))):
            if rng.random() < 0.05:
                self.home[contact_id] = rng.choice(self.people)
            person = self.home[contact_id]
            for _ in range(rng.choice((1, 1, 1, 1, 2))):
                bulk_word, bulk = self._flag()
                email_word, email = self._flag()
                rows.append(
                    (
                        [contact_id, spell(rng, person), bulk_word, email_word, rng.choice(TIMES)],
                        model.ContactRow(contact_id, person.key, bulk, email),
                    )
                )
        bad = [
            [rng.choice(self.contact_ids), spell(rng, rng.choice(self.people)), "perhaps", "", ""],
            [rng.choice(self.contact_ids), "no-at-sign", "Do Not Allow", "", ""],
        ]
        return ["contact_id", "email", "bulk_email", "email_allowed", "at"], rows, bad

    def _class_word(self, reason: str) -> tuple[str, str]:
        if self.rng.random() < 0.6:
            return "", model.DEFAULT_CLASS[reason]
        word = self.rng.choice(CLASSES)
        return word, word

    def unsubscribe_rows(self, count: int):
        rng = self.rng
        rows = []
        for _ in range(count):
            person = rng.choice(self.people)
            list_name = rng.choice(("", "", *LISTS))
            word, send_class = self._class_word("opted_out" if list_name else "unsubscribed")
            state = rng.choice(("active", "inactive", ""))
            rows.append(
                (
                    [spell(rng, person), list_name, state, word, rng.choice(TIMES), rng.choice(("", "form"))],
                    model.Unsubscribe(person.key, list_name, send_class),
                )
            )
        bad = [
            ["@example.com", "", "active", "", "", ""],
            [spell(rng, rng.choice(self.people)), "", "sleeping", "", "", ""],
            [spell(rng, rng.choice(self.people)), "", "", "", "the other day", ""],
        ]
        return ["email", "list", "state", "class", "at", "source"], rows, bad

    def preference_rows(self, count: int):
        rng = self.rng
        rows = []
        for _ in range(count):
            person, name, word = rng.choice(self.people), rng.choice(LISTS), rng.choice(("In", "Out"))
            rows.append(
                ([spell(rng, person), name, word, rng.choice(TIMES), ""], (person.key, name, word))
            )
        bad = [[spell(rng, rng.choice(self.people)), rng.choice(LISTS), "Maybe", "", ""]]
        return ["email", "list", "preference", "at", "source"], rows, bad

    def suppression_rows(self, count: int):
        rng = self.rng
        rows = []
        for _ in range(count):
            person, reason = rng.choice(self.people), rng.choice(MAILBOX_REASONS)
            word, send_class = self._class_word(reason)
            expires, when = rng.choice(
                ((None, ""), (None, ""), (model.PAST, rng.choice(PAST_TIMES)), (model.FUTURE, rng.choice(FUTURE_TIMES)))
            )
            rows.append(
                (
                    [spell(rng, person), reason, word, rng.choice(TIMES), when, ""],
                    model.Suppression(person.key, reason, send_class, expires),
                )
            )
        bad = [[spell(rng, rng.choice(self.people)), "annoyed", "", "", "", ""]]
        return ["email", "reason", "class", "at", "expires_at", "source"], rows, bad

    def domain_rows(self, count: int):
        rng = self.rng
        rows = []
        for _ in range(min(count, rng.choice((1, 2, 6)))):
            written, domain = rng.choice((*((name, name) for name in ASCII_DOMAINS), *IDN_DOMAINS))
            word, subdomains = rng.choice((("", False), ("false", False), ("0", False), ("true", True), ("1", True)))
            text = rng.choice((written, written.title(), domain.upper(), f"@{domain}", f"{written}.", f" {domain}\t"))
            rows.append(([text, word, rng.choice(TIMES), rng.choice(("", "legal"))], (domain, subdomains)))
        bad = [
            ["*.example.com", "", "", ""], ["com", "true", "", ""], ["test", "", "", ""],
            ["ann@example.com", "", "", ""], ["example.com", "perhaps", "", ""], ["", "", "", ""],
        ]
        return ["domain", "subdomains", "at", "source"], rows, bad

    def _digest(self) -> tuple[str, str, str]:
        """A digest as a list may write it, its algorithm and its hex: of a form of somebody, or of nobody."""
        rng = self.rng
        _, address = write(rng, rng.choice(self.people))
        form = rng.choice((*address.forms, address.key, address.key.title(), f"{address.key}\n", "nobody@example.net"))
        algorithm, digest = model.digest_of(rng.choice(model.ALGORITHMS), form)
        plain = base64.b64encode(bytes.fromhex(digest)).decode()
        safe = base64.urlsafe_b64encode(bytes.fromhex(digest)).decode()
        text = rng.choice(
            (digest, digest, digest.upper(), f" {digest}", f"{algorithm}:{digest}", f"0x{digest}", plain, safe,
             plain.rstrip("="), f"{{{algorithm.upper()}}}{plain}")
        )
        return text, algorithm, digest

    def digest_alone(self):
        text, algorithm, digest = self._digest()
        return [text], (algorithm, digest, "", "bulk")

    def digest_rows(self, count: int):
        rng = self.rng
        rows = []
        for _ in range(count):
            text, algorithm, digest = self._digest()
            list_name = rng.choice(("", "", *LISTS))
            word, send_class = self._class_word("digest")
            named = rng.choice(("", algorithm, algorithm.upper(), algorithm.replace("sha", "sha-")))
            rows.append(
                ([text, named, list_name, word, rng.choice(("", "partner"))], (algorithm, digest, list_name, send_class))
            )
        md5 = model.digest_of("md5", "x")[1]
        bad = [
            ["ann@example.com", "", "", "", ""], ["d41d8cd98f00b204e9800998ecf8427e", "", "", "", ""],
            [md5, "sha1", "", "", ""], [md5, "crc", "", "", ""], [md5, "", "", "some", ""], [md5[:-1], "", "", "", ""],
            ["", "md5", "", "", ""],
        ]
        return ["digest", "algorithm", "list", "class", "source"], rows, bad

    # Single changes and questions.

    def resubscribe_step(self) -> Resubscribe:
        rng = self.rng
        text, address = write(rng, rng.choice(self.people))
        lists: tuple[str, ...] = ()
        all_lists = False
        roll = rng.random()
        if roll < 0.3:
            lists = tuple(rng.sample(LISTS, k=rng.randint(1, 2)))
        elif roll < 0.5:
            all_lists = True
        include = tuple(rng.sample(MAILBOX_REASONS, k=rng.randint(1, 4))) if not lists and rng.random() < 0.3 else ()
        return Resubscribe(text, address, lists, all_lists, include, rng.random() < 0.85)

    def check_step(self) -> Check:
        rng = self.rng
        addresses: list[tuple[str, model.Address | None]] = []
        contact_id = rng.choice(self.contact_ids) if rng.random() < 0.2 else None
        for _ in range(1 if contact_id else rng.randint(1, 8)):
            if rng.random() < 0.1:
                addresses.append((rng.choice(("no-at-sign", "@example.com", "ann@")), None))
            else:
                addresses.append(write(rng, rng.choice(self.people)))
        return Check(
            addresses,
            tuple(rng.sample(LISTS, k=rng.choice((0, 0, 1, 2)))),
            rng.choice((None, None, "bulk", "transactional")),
            contact_id,
        )

    # Batches.

    def filter_step(self) -> Filter:
        rng = self.rng
        delimiter = rng.choice((",", ",", ",", ";", "\t"))
        email_columns = rng.choice((1, 1, 1, 1, 2, 3))
        has_contact = rng.random() < 0.5
        has_list = rng.random() < 0.4
        no_header = rng.random() < 0.12
        columns = [f"email {n}" if n else "email" for n in range(email_columns)]
        if has_contact:
            columns.append("contact_id")
        if has_list:
            columns.append("for lists")
        columns += rng.sample(("name", "city", "note", "amount", "größe"), k=rng.choice((0, 1, 2, 4)))
        rng.shuffle(columns)

        arguments: list[str] = []
        named_header = list(columns)
        if no_header:
            place = lambda name: str(columns.index(name) + 1)
        else:
            place = lambda name: name
        if email_columns > 1 or no_header or rng.random() < 0.3:
            for n in range(email_columns):
                arguments += ["--email-column", place(columns[columns.index(f"email {n}" if n else "email")])]
        else:
            # The one header that means an address is found without being named, whatever its case.
            word = rng.choice(
                ("email", "E-Mail", "email_address", "EmailAddress", "emailaddress1", "MAIL", "recipient", " Address ")
            )
            named_header[columns.index("email")] = word
        if has_contact:
            arguments += ["--contact-column", place("contact_id")]
        if has_list:
            arguments += ["--list-column", place("for lists")]
        if no_header:
            arguments.append("--no-header")

        default_end = rng.choice((b"\n", b"\n", b"\r\n"))
        mixed = rng.random() < 0.15
        end = lambda: rng.choice((b"\n", b"\r\n")) if mixed else default_end
        quote_rate = rng.choice((0.0, 0.1, 0.5, 1.0))

        preamble = b""
        if rng.random() < 0.15:
            preamble += b"\xef\xbb\xbf"
        if not no_header:
            cells = [csv_cell(rng, name, delimiter, quote_rate) for name in named_header]
            preamble += delimiter.encode().join(cells) + end()

        rows: list[model.Row] = []
        for _ in range(rng.choice((0, 1, 3, 20, 60))):
            # A column that no row has is an error where no header names it.
            whole = no_header and not rows
            rows.append(self.recipient(columns, delimiter, quote_rate, end(), whole))
        # Several chunks' worth now and then, so that chunk seams fall inside quoted line ends too.
        if rows and self.rng.random() < 0.04 * self.size:
            width = sum(len(r.raw) + 2 for r in rows)
            rows = rows * (12_000_000 // max(width, 1))
        if rows and rng.random() < 0.25:
            last = rows[-1]
            rows[-1] = model.Row(last.raw, b"", last.addresses, last.contact_id, last.lists)
            if last.addresses is None and last.raw == b"":
                rows.pop()
        elif not rows and rng.random() < 0.25 and preamble.endswith(b"\n"):
            preamble = preamble.rstrip(b"\r\n")

        if no_header and not rows:
            # A mark alone is neither an empty file nor one with a row.
            preamble = b""

        step = Filter(
            preamble,
            rows,
            arguments,
            tuple(rng.sample(LISTS, k=rng.choice((0, 0, 1, 1, 2)))),
            rng.choice((None, None, None, "bulk", "transactional")),
            rng.choice(("withhold", "withhold", "withhold", "keep")),
            rng.random() < 0.25,
            delimiter,
            rng.choice((1, 2, 8)),
            rng.random() < 0.4,
            rng.random() < 0.4,
        )
        if rng.random() < 0.08:
            self._suppress_file(step)
        return step

    def _suppress_file(self, step: Filter) -> None:
        rng = self.rng
        step.suppress_plain = rng.random() < 0.4
        step.suppress = []
        for _ in range(rng.randint(0, 12)):
            person = rng.choice(self.people)
            text = spell(rng, person, plain=step.suppress_plain)
            step.suppress.append((text, person.key, "" if step.suppress_plain else rng.choice(("", *LISTS))))

    def recipient(
        self, columns: list[str], delimiter: str, quote_rate: float, line_end: bytes, whole: bool
    ) -> model.Row:
        rng = self.rng
        if rng.random() < 0.02 and not whole:
            return model.Row(b"", line_end, None)
        cells: list[bytes] = []
        addresses: list[model.Address | None] = []
        contact_id: str | None = None
        lists: frozenset[str] = frozenset()
        # A ragged row: some cells at the end are missing, or there are some too many.
        present = len(columns)
        if len(columns) > 1 and rng.random() < 0.03 and not whole:
            present = rng.randint(1, len(columns) - 1)
        for index, name in enumerate(columns):
            missing = index >= present
            if name.startswith("email"):
                if missing:
                    addresses.append(None)
                elif rng.random() < 0.06:
                    addresses.append(None)
                    cells.append(csv_cell(rng, rng.choice(INVALID_CELLS), delimiter, quote_rate))
                else:
                    person = rng.choice(self.people)
                    if rng.random() < 0.3:
                        person = Person("nobody" + str(rng.randrange(1000)), "example.org", "example.org")
                    text, address = write(rng, person)
                    addresses.append(address)
                    cells.append(csv_cell(rng, text, delimiter, quote_rate))
            elif missing:
                continue
            elif name == "contact_id":
                contact_id = rng.choice((*self.contact_ids, "", "unknown"))
                cells.append(csv_cell(rng, contact_id, delimiter, quote_rate))
            elif name == "for lists":
                wanted = rng.sample(LISTS, k=rng.choice((0, 1, 1, 2)))
                lists = frozenset(wanted)
                cells.append(csv_cell(rng, ";".join(wanted), delimiter, quote_rate))
            else:
                cells.append(self.other_cell(delimiter, quote_rate))
        if rng.random() < 0.02:
            cells.append(b"one too many")
        raw = delimiter.encode().join(cells)
        if raw == b"":
            # A row whose only cell is empty would be a blank line: quoted, it is a row.
            raw = b'""'
        return model.Row(raw, line_end, tuple(addresses), contact_id, lists)

    def other_cell(self, delimiter: str, quote_rate: float) -> bytes:
        """A cell quell must not touch: anything real exports hold, in bytes whose reading is settled."""
        rng = self.rng
        odd = delimiter.encode()
        return rng.choice(
            (
                lambda: b"",
                lambda: b'""',
                lambda: b"plain",
                lambda: str(rng.randrange(10**6)).encode(),
                lambda: b'"two\nlines"',
                lambda: b'"two\r\nlines, and a quote "" in it"',
                lambda: b'"lone\rreturn"',
                lambda: b'"' + odd * rng.randint(1, 3) + b'"',
                lambda: b'5" pipe',
                lambda: b'"a"b',
                lambda: b'"""all"""',
                lambda: b"caf\xe9 in latin-1",
                lambda: b"nul\x00byte",
                lambda: "größe ☃".encode(),
                lambda: b"  spaces  ",
                lambda: b"x" * rng.randrange(300),
                lambda: csv_cell(rng, "someone@example.com", delimiter, quote_rate),
            )
        )()
