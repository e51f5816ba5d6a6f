"""People and their addresses, with the key of every spelling known by construction.

Only spellings whose key design section 5 settles beyond doubt are made here; the cases people argue about belong to
the golden table of the address layer.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass

from model import Address

#: (as people write it, its A-label form), worked out by hand from RFC 3492 and UTS 46.
IDN_DOMAINS = (
    ("bücher.example", "xn--bcher-kva.example"),
    ("müller.example", "xn--mller-kva.example"),
    ("münchen.example", "xn--mnchen-3ya.example"),
    ("café.example", "xn--caf-dma.example"),
)
ASCII_DOMAINS = (
    "example.com",
    "example.org",
    "example.net",
    "mail.example.com",
    "shop.test",
    "a-b.shop.test",
)
ASCII_LOCALS = (
    "ann", "bob.stone", "c_d", "dora+news", "e-e", "f'oo", "g.h.i", "x1", "1", "o!o", "k{k}", "zz%top", "sales", "info",
)
UNICODE_LOCALS = ("zoë", "jürgen", "andré")

#: Cells that hold no address under any reading.
INVALID_CELLS = (
    "", " ", "\u00a0", "n/a", "-", "no-at-sign", "@example.com", "ann@", "ann at example.com", "ann@example..com",
    "unknown", "null",
)


@dataclass(frozen=True)
class Person:
    """Someone who can be written to: a key, and the many ways of writing it."""

    local: str
    domain: str
    #: The same domain as people write it, when that differs.
    written_domain: str

    @property
    def key(self) -> str:
        """The normalised address."""
        return f"{self.local}@{self.domain}"


def make_people(rng: random.Random, count: int) -> list[Person]:
    """Distinct people; several share a local part or a domain."""
    people: dict[str, Person] = {}
    while len(people) < count:
        local = rng.choice(UNICODE_LOCALS if rng.random() < 0.1 else ASCII_LOCALS)
        if rng.random() < 0.5:
            local += str(rng.randrange(40))
        if rng.random() < 0.15:
            written, domain = rng.choice(IDN_DOMAINS)
        else:
            written = domain = rng.choice(ASCII_DOMAINS)
        person = Person(local, domain, written)
        people[person.key] = person
    return list(people.values())


def _mixed_case(rng: random.Random, text: str) -> str:
    return "".join(c.upper() if rng.random() < 0.5 else c for c in text)


def spell(rng: random.Random, person: Person, plain: bool = False) -> str:
    """One way of writing a person's address. Every result has the person's key."""
    return write(rng, person, plain)[0]


def write(rng: random.Random, person: Person, plain: bool = False) -> tuple[str, Address]:
    """One way of writing a person's address, and what is known of it."""
    text, bare = _written(rng, person, plain)
    return text, Address(person.key, (bare.lower(), bare, text, person.key))


def _written(rng: random.Random, person: Person, plain: bool) -> tuple[str, str]:
    """The address with everything around it, and without."""
    local, domain = person.local, person.domain
    if plain or rng.random() < 0.35:
        return f"{local}@{domain}", f"{local}@{domain}"
    if person.written_domain != domain and rng.random() < 0.6:
        domain = person.written_domain
    if rng.random() < 0.5:
        local = rng.choice((str.upper, str.title, lambda t: _mixed_case(rng, t)))(local)
        # str.title and str.upper keep the length for every letter used here, so lower() undoes them.
    if rng.random() < 0.4:
        domain = _mixed_case(rng, domain)
    if not local.isascii() and rng.random() < 0.5:
        local = unicodedata.normalize("NFD", local)
    if rng.random() < 0.1:
        domain += "."
    if rng.random() < 0.1:
        local = f'"{local}"'
    address = bare = f"{local}@{domain}"
    match rng.randrange(8):
        case 0:
            address = rng.choice(("mailto:", "MAILTO:", "Mailto:")) + address
        case 1:
            address = f"{rng.choice(('Ann', 'The Sales Team', 'Zoë B.'))} <{address}>"
        case 2:
            address = f'"{rng.choice(("Stone, B.", "Desk"))}" <{address}>'
        case 3:
            address = f"<{address}>"
    blank = (" ", "\t", "\u00a0", "\u2003", "  ")
    if rng.random() < 0.2:
        address = rng.choice(blank) + address
    if rng.random() < 0.2:
        address = address + rng.choice(blank)
    return address, bare
