"""An independent model of what quell promises: contract sections 2 and 4.

Slow and obvious on purpose. It stores every record ever taken in as a plain value and decides by reading all of
them, one rule after the other. It never parses an address or a CSV file: whoever builds a test knows the key of
every address and the bytes of every field by construction, so the model shares no code and no idea with the
program it judges.

Only the standard library is used.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field, replace

#: The reasons of contract section 2, in their order. `duplicate` comes after all the others.
REASONS = (
    "invalid_address",
    "email_denied",
    "complaint",
    "bounce",
    "invalid",
    "manual",
    "domain",
    "bulk_email_denied",
    "unsubscribed",
    "opted_out",
    "digest",
    "duplicate",
)

#: Which class of send a record counts for when it names none: the two columns of the table.
DEFAULT_CLASS = {
    "complaint": "all",
    "bounce": "all",
    "invalid": "all",
    "manual": "all",
    "unsubscribed": "bulk",
    "opted_out": "bulk",
    "digest": "bulk",
}

#: The run happens after every "past" expiry and before every "future" one; generators keep the two far apart.
PAST, FUTURE = "past", "future"


#: What third parties digest addresses with.
ALGORITHMS = ("md5", "sha1", "sha256", "sha512")


@functools.cache
def digest_of(algorithm: str, text: str) -> tuple[str, str]:
    """The algorithm and the digest of a text, in hex."""
    return algorithm, hashlib.new(algorithm, text.encode()).hexdigest()


@dataclass(frozen=True)
class Contact:
    """A contact as the ledger has it: where it can be reached, and its two flags."""

    key: str
    bulk_denied: bool = False
    email_denied: bool = False


@dataclass(frozen=True)
class ContactRow:
    """One row of a contacts import. A flag is True (Allow), False (Do Not Allow) or None (leave as it is)."""

    contact_id: str
    key: str
    bulk_allowed: bool | None = None
    email_allowed: bool | None = None


@dataclass(frozen=True)
class Unsubscribe:
    """An unsubscribe record. `list_name` is empty for a global one; the state changes nothing, so it is absent."""

    key: str
    list_name: str
    send_class: str


@dataclass(frozen=True)
class Suppression:
    """A bounce, complaint, invalid mailbox or manual entry, with when it stops counting (None: never)."""

    key: str
    reason: str
    send_class: str
    expires: str | None = None


@dataclass(frozen=True)
class Address:
    """An address as a cell has it: its key, and every text a third party may have digested, known by construction."""

    key: str
    forms: tuple[str, ...]

    @property
    def domain(self) -> str:
        """What stands behind the `@` of the key."""
        return self.key.rpartition("@")[2]


def counts_for(record_class: str, send_class: str) -> bool:
    """Whether a record of one class counts for a send of another."""
    return record_class == "all" or record_class == send_class


@dataclass
class World:
    """Every record of a sender, and the rules that read them."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    #: (key, flag) a denied contact left behind at an address it had before: an import never lifts a block.
    former: set[tuple[str, str]] = field(default_factory=set)
    unsubscribes: set[Unsubscribe] = field(default_factory=set)
    preferences: dict[tuple[str, str], str] = field(default_factory=dict)
    suppressions: set[Suppression] = field(default_factory=set)
    #: Whether the rule of a domain covers its subdomains.
    rules: dict[str, bool] = field(default_factory=dict)
    #: The kinds of send that a digest withholds, by (algorithm, hex, list); the list is empty for everywhere.
    digests: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)

    # What changes the records.

    def import_rule(self, domain: str, subdomains: bool) -> set[str]:
        """Takes a domain rule in. It may gain its subdomains, never lose them."""
        old = self.rules.get(domain)
        self.rules[domain] = bool(old) or subdomains
        if old is None or subdomains and not old:
            return {"added"}
        return {"unchanged"} if old == subdomains else {"held"}

    def import_digest(self, algorithm: str, digest: str, list_name: str, send_class: str) -> set[str]:
        """Takes a digest in. It may withhold more than before, never less."""
        said = {"bulk", "transactional"} if send_class == "all" else {send_class}
        known = self.digests.setdefault((algorithm, digest, list_name), set())
        if not said <= known:
            known |= said
            return {"added"}
        return {"unchanged"} if said == known else {"held"}

    def import_contact(self, row: ContactRow) -> set[str]:
        """Takes a contact in. Returns the outcomes the import may count the row as."""
        old = self.contacts.get(row.contact_id)
        if old is None:
            self.contacts[row.contact_id] = Contact(
                row.key, row.bulk_allowed is False, row.email_allowed is False
            )
            return {"added"}
        held = (old.bulk_denied and row.bulk_allowed is True) or (
            old.email_denied and row.email_allowed is True
        )
        new = Contact(
            row.key,
            old.bulk_denied or row.bulk_allowed is False,
            old.email_denied or row.email_allowed is False,
        )
        if old.key != row.key:
            if old.bulk_denied:
                self.former.add((old.key, "bulk_email_denied"))
            if old.email_denied:
                self.former.add((old.key, "email_denied"))
        self.contacts[row.contact_id] = new
        if new != old:
            return {"added", "held"} if held else {"added"}
        return {"held"} if held else {"unchanged"}

    def import_unsubscribe(self, record: Unsubscribe) -> set[str]:
        """Takes an unsubscribe record in."""
        same_scope = [
            known
            for known in self.unsubscribes
            if (known.key, known.list_name) == (record.key, record.list_name)
        ]
        known = record in self.unsubscribes
        self.unsubscribes.add(record)
        if not same_scope:
            return {"added"}
        # Whether a second record of another state, class or time is a new record or the same one is the
        # ledger's business: the verdict is the same either way.
        return {"added", "unchanged", "held"} if known or same_scope else {"added"}

    def import_preference(self, key: str, list_name: str, preference: str) -> set[str]:
        """Takes a preference in. An In never replaces an Out."""
        old = self.preferences.get((key, list_name))
        if old == preference:
            return {"unchanged"}
        if old == "Out":
            return {"held"}
        self.preferences[(key, list_name)] = preference
        return {"added"}

    def import_suppression(self, record: Suppression) -> set[str]:
        """Takes a bounce, complaint, invalid mailbox or manual entry in."""
        same = [s for s in self.suppressions if (s.key, s.reason) == (record.key, record.reason)]
        self.suppressions.add(record)
        return {"added", "unchanged", "held"} if same else {"added"}

    def unsubscribe(self, key: str, list_name: str, send_class: str | None) -> None:
        """`quell unsubscribe`: a record, and for a global one Bulk Email = Do Not Allow on every contact."""
        self.unsubscribes.add(Unsubscribe(key, list_name, send_class or "bulk"))
        # A record about transactional mail alone says nothing of a contact's bulk mail.
        if not list_name and send_class != "transactional":
            for contact_id, contact in self.contacts.items():
                if contact.key == key:
                    self.contacts[contact_id] = replace(contact, bulk_denied=True)

    def resubscribe(
        self, key: str, lists: tuple[str, ...], all_lists: bool, include: tuple[str, ...]
    ) -> None:
        """`quell resubscribe` with permission: everything asked for is gone afterwards."""
        if not lists or all_lists:
            for contact_id, contact in self.contacts.items():
                if contact.key == key:
                    self.contacts[contact_id] = Contact(key)
            self.former = {(k, flag) for k, flag in self.former if k != key}
            self.unsubscribes = {
                u for u in self.unsubscribes if u.key != key or (u.list_name and not all_lists)
            }
        if all_lists:
            self.preferences = {k: v for k, v in self.preferences.items() if k[0] != key}
        for list_name in lists:
            self.preferences.pop((key, list_name), None)
            self.unsubscribes = {
                u for u in self.unsubscribes if (u.key, u.list_name) != (key, list_name)
            }
        self.suppressions = {
            s for s in self.suppressions if s.key != key or s.reason not in include
        }

    # What reads them.

    def opted_out_lists(self, key: str, lists: set[str], send_class: str) -> set[str]:
        """The lists, of those named, that the key has left."""
        out = {
            u.list_name
            for u in self.unsubscribes
            if u.key == key and u.list_name in lists and counts_for(u.send_class, send_class)
        }
        if send_class == "bulk":
            out |= {name for name in lists if self.preferences.get((key, name)) == "Out"}
        return out

    def is_covered(self, domain: str) -> bool:
        """Whether a rule covers a domain: its own, or one of a parent that covers subdomains."""
        if domain in self.rules:
            return True
        labels = domain.split(".")
        parents = [] if domain.startswith("[") else [".".join(labels[n:]) for n in range(1, len(labels))]
        return any(self.rules.get(parent) for parent in parents)

    def is_digested(self, forms: tuple[str, ...], lists: set[str], send_class: str) -> bool:
        """Whether a hashed list holds one of these texts, everywhere or for one of the lists."""
        texts = {digest_of(algorithm, form) for algorithm in ALGORITHMS for form in forms}
        return any(
            send_class in classes and (algorithm, digest) in texts and (not list_name or list_name in lists)
            for (algorithm, digest, list_name), classes in self.digests.items()
        )

    def judge(
        self,
        addresses: list[Address | None],
        contact_id: str | None = None,
        lists: set[str] = frozenset(),
        send_class: str = "bulk",
    ) -> list[str]:
        """All reasons to withhold a row with these addresses (None: unusable), in the contract's order.

        A list opt-out is named `opted_out:LIST`.
        """
        reasons: set[str] = set()
        out_of: set[str] = set()
        own = self.contacts.get(contact_id) if contact_id else None
        if own is not None:
            reasons |= self._flags(own)
        for address in addresses:
            if address is None:
                reasons.add("invalid_address")
                continue
            key = address.key
            if self.is_covered(address.domain):
                reasons.add("domain")
            if self.digests and self.is_digested(address.forms, lists, send_class):
                reasons.add("digest")
            for contact in self.contacts.values():
                if contact.key == key:
                    reasons |= self._flags(contact)
            reasons |= {flag for k, flag in self.former if k == key}
            for s in self.suppressions:
                if s.key == key and s.expires != PAST and counts_for(s.send_class, send_class):
                    reasons.add(s.reason)
            for u in self.unsubscribes:
                if u.key == key and not u.list_name and counts_for(u.send_class, send_class):
                    reasons.add("unsubscribed")
            out_of |= self.opted_out_lists(key, lists, send_class)
        if send_class == "transactional":
            reasons.discard("bulk_email_denied")
        ordered: list[str] = []
        for reason in REASONS:
            if reason == "opted_out":
                ordered += [f"opted_out:{name}" for name in sorted(out_of)]
            elif reason in reasons:
                ordered.append(reason)
        return ordered

    @staticmethod
    def _flags(contact: Contact) -> set[str]:
        flags = set()
        if contact.bulk_denied:
            flags.add("bulk_email_denied")
        if contact.email_denied:
            flags.add("email_denied")
        return flags


@dataclass(frozen=True)
class Row:
    """A recipients row: its exact bytes without the line end, and what a reader must find in it.

    A blank line has no `addresses` at all (None): it is copied through and is not a row.
    """

    raw: bytes
    line_end: bytes
    addresses: tuple[Address | None, ...] | None
    contact_id: str | None = None
    lists: frozenset[str] = frozenset()


@dataclass
class Outcome:
    """What a filter run must produce."""

    kept: bytes = b""
    #: (row, first reason, all reasons, reasons that may or may not be named besides)
    withheld: list[tuple[Row, str, list[str], set[str]]] = field(default_factory=list)
    read: int = 0
    by_reason: dict[str, int] = field(default_factory=dict)


def first_reason(reasons: list[str]) -> str:
    """The reason a row is counted under; a list opt-out without its list."""
    return reasons[0].split(":")[0]


def filter_rows(
    world: World,
    preamble: bytes,
    rows: list[Row],
    lists: set[str],
    send_class: str,
    invalid: str = "withhold",
    dedupe: bool = False,
) -> Outcome:
    """Applies a world to a batch. `preamble` is what stands before the first row: mark, blank lines, header."""
    outcome = Outcome(kept=preamble)
    kept = [preamble]
    kept_keys: set[str] = set()
    judged: dict[tuple, list[str]] = {}
    for row in rows:
        if row.addresses is None:
            kept.append(row.raw + row.line_end)
            continue
        outcome.read += 1
        # Big batches repeat a few people many times; the world does not change while a batch runs.
        question = (row.addresses, row.contact_id, row.lists)
        if question not in judged:
            judged[question] = world.judge(
                list(row.addresses), row.contact_id, lists | row.lists, send_class
            )
        reasons = list(judged[question])
        # The contract is silent on whether `reasons` names what would not withhold the row by itself.
        silent: set[str] = set()
        if invalid == "keep" and "invalid_address" in reasons:
            reasons.remove("invalid_address")
            silent.add("invalid_address")
        usable = {address.key for address in row.addresses if address is not None}
        if dedupe and usable & kept_keys:
            if reasons:
                silent.add("duplicate")
            else:
                reasons = ["duplicate"]
        if reasons:
            first = first_reason(reasons)
            outcome.withheld.append((row, first, reasons, silent))
            outcome.by_reason[first] = outcome.by_reason.get(first, 0) + 1
        else:
            kept.append(row.raw + row.line_end)
            if dedupe:
                kept_keys |= usable
    outcome.kept = b"".join(kept)
    return outcome
