//! The store of record: the truth that every index is compiled from.
//!
//! A [`Ledger`] holds contacts, unsubscribes, preferences and suppressions by key, domain rules by domain,
//! digests by their bytes, an append-only history, and the feed of touched index keys. Each change is one transaction that holds all three,
//! so the feed can't miss a change and the history can't lose one. [`SqliteLedger`] is the one
//! implementation; nothing of SQL shows through the traits, so another store can stand in.
//!
//! Keys arrive as bytes made elsewhere: this layer knows no e-mail, no index and no clock. The time of
//! a change is the caller's.
//!
//! What always holds:
//! - A change is durable and visible to every later view when its call returns.
//! - Only [`Ledger::resubscribe`] and [`ImportSession::sync`] lift a block, each with a stored permission; imports
//!   only add and tighten.
//! - A contact has at most one current row; its flags are the contact's. A row of an address it left
//!   keeps the flags it had there, until a resubscribe of that address.
//! - A generation is made exactly by a transaction that changed a record.

pub mod access;
pub mod chain;
pub mod changes;
pub mod entries;
pub mod erase;
pub mod history;
pub mod import;
pub mod mutation;
pub mod position;
mod sort;
mod spool;
pub mod sqlite;
pub mod stored;
pub mod sync;
pub mod tallies;

pub use access::{AccessToken, AccessTokens, Role};
pub use chain::ChainHead;
pub use changes::{Change, Changes, Step, Trail, Withheld};
pub use entries::{Counts, DigestEntries, KeyEntries, ListEntry};
pub use erase::{EraseRequest, Erased, ErasedEntry, Erasure, Pseudonym, Pseudonyms};
pub use history::{EventKind, HistoryEntry, Permitted, RecentEvent};
pub use import::{ImportCounts, ImportRow, ImportSession, ImportSource};
pub use mutation::{Applied, FlagsChanged, ResubscribeRequest, Resubscribed, Transition, basis};
pub use position::{Cursor, Position};
pub use spool::Spool;
pub use sqlite::{SqliteLedger, StagedRows};
pub use stored::{Record, StoredRecord};
pub use sync::{Brake, Limit, Removal, SyncFile, SyncRequest, Synced};
pub use tallies::{Day, Tallies};

use crate::error::Result;
use crate::record::{
    Algorithm, Blocks, Contact, DigestValue, DomainBlocks, KeyState, Kind, Timestamp, Unsubscribe,
};

/// What a ledger was created with and is bound to for life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The normalisation policy its keys were made by.
    pub policy: String,
    /// The id of the secret its indexes are keyed with.
    pub key_id: String,
}

/// A store of record. Shared by threads; every method may be called while views are open.
///
/// # Errors
///
/// Each method fails with [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when the store is
/// damaged, locked for longer than a minute, or can't be written. A failed change changed nothing.
pub trait Ledger: Send + Sync {
    /// What the ledger was created with.
    fn identity(&self) -> &Identity;

    /// The random id that tells this ledger from every other: 32 hex digits.
    fn ledger_id(&self) -> &str;

    /// When the ledger was created.
    fn created_at(&self) -> Timestamp;

    /// One consistent state of everything, until the view is dropped. Changes made meanwhile don't
    /// show in it, and it holds up no writer.
    fn view(&self) -> Result<Box<dyn View + '_>>;

    /// Records one unsubscribe; a repetition changes nothing.
    ///
    /// When it is global and covers bulk mail, *Bulk Email* of every contact with the key becomes Do
    /// Not Allow as well; contacts that left the address stay as they are. `by` is who recorded it, for the history. Cost: the key's records, and one
    /// synchronous write.
    fn unsubscribe(
        &self,
        key: &[u8],
        record: &Unsubscribe,
        now: Timestamp,
        by: Option<&str>,
    ) -> Result<Applied>;

    /// Records several unsubscribes in one transaction, each as [`Ledger::unsubscribe`] would: all of them or none.
    ///
    /// Cost: the keys' records, and one synchronous write.
    fn unsubscribe_all(
        &self,
        changes: &[(&[u8], &Unsubscribe)],
        now: Timestamp,
        by: Option<&str>,
    ) -> Result<Applied>;

    /// Lifts what the request names, in one transaction, and stores the permission with the full
    /// content of everything deleted and changed. No other key changes. Stored even when nothing was there to lift; that
    /// alone makes no generation. Suppressions that the request does not name stay.
    ///
    /// Cost: the key's records, and one synchronous write.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for an empty list name;
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) for an erased address, unless the request includes what
    /// is suppressed by hand. Then the erasure is lifted first: what was blocked before is blocked again, and
    /// the request lifts of it what it names.
    fn resubscribe(
        &self,
        key: &[u8],
        address: &str,
        request: &ResubscribeRequest,
        now: Timestamp,
    ) -> Result<Resubscribed>;

    /// [`Ledger::resubscribe`] as long as what is recorded of the address still has this [`basis`]: who looked at it
    /// before would otherwise lift what came since, an opt-out of a moment ago. When it has not, nothing is given,
    /// changed or stored.
    ///
    /// # Errors
    ///
    /// As [`Ledger::resubscribe`].
    fn resubscribe_if(
        &self,
        basis: &str,
        key: &[u8],
        address: &str,
        request: &ResubscribeRequest,
        now: Timestamp,
    ) -> Result<Option<Resubscribed>>;

    /// Erases an address, in one transaction: its records are deleted and its events blanked; what stays is its
    /// pseudonym, under which it is suppressed by hand, and its blocks without any text. `address` is how it was
    /// given. The feed then says *everything*. An address that is erased stays so, and nothing changes.
    ///
    /// The text is gone from what is stored; the caller rebuilds the index and empties the log. What is said of
    /// the address from then on, by imports or an unsubscribe, is kept as blocks, and no text is written.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) when the request's words hold the address;
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) for a ledger without [`Pseudonyms`].
    fn erase(
        &self,
        key: &[u8],
        address: &str,
        request: &EraseRequest,
        now: Timestamp,
    ) -> Result<Erased>;

    /// Begins an import of a file of `kind`. Takes no lock before it is applied.
    fn import_session(
        &self,
        kind: Kind,
        source: ImportSource,
        now: Timestamp,
    ) -> Result<Box<dyn ImportSession + '_>>;
}

/// One consistent state of a ledger.
///
/// # Errors
///
/// Each method fails with [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when the store is
/// damaged, and with whatever error a callback returns, at once.
pub trait View {
    /// Where this state stands. Free.
    fn position(&self) -> Position;

    /// The mark of a generation, `None` when this ledger has no such generation.
    ///
    /// # Errors
    ///
    /// As the store says.
    fn mark_of(&self, generation: u64) -> Result<Option<i64>>;

    /// Hands out each key touched after `cursor`, once, in no particular order, with what the feed says of
    /// its entry. Hands out none and says [`Changes::Everything`] when the feed can't name them.
    ///
    /// Cost: one index look-up when nothing changed, else in proportion to the changes.
    fn changes_after(
        &self,
        cursor: Cursor,
        each: &mut dyn FnMut(Change<'_>, &Trail) -> Result<()>,
    ) -> Result<Changes>;

    /// How many rows the feed has after `cursor`, counted up to `limit`; `limit` when only a rebuild
    /// helps. An upper bound for the keys [`View::changes_after`] hands out.
    fn change_count_after(&self, cursor: Cursor, limit: u64) -> Result<u64>;

    /// Every record of `key`; for an erased address the one suppression that stands for them.
    ///
    /// Cost: one look-up in each of four tables, and one more when anything is erased.
    fn state_of(&self, key: &[u8]) -> Result<KeyState>;

    /// Every record of `key` with its provenance, contacts first.
    fn records_of(&self, key: &[u8]) -> Result<Vec<StoredRecord>>;

    /// The rules that cover addresses at `domain`, which is as in a key; the nearest domain's first.
    ///
    /// Cost: one look-up a label.
    fn rules_covering(&self, domain: &[u8]) -> Result<Vec<StoredRecord>>;

    /// The rule of `domain` itself.
    fn rule_of(&self, domain: &[u8]) -> Result<Option<StoredRecord>>;

    /// The rules whose domain, with an `@` before it, matches `pattern`, in which `*` stands for any bytes.
    ///
    /// Cost: all rules.
    fn rules_like(&self, pattern: &[u8]) -> Result<Vec<StoredRecord>>;

    /// The records of a digest, for lists and for everywhere.
    fn digests_of(&self, digest: &DigestValue) -> Result<Vec<StoredRecord>>;

    /// Says whether there is any domain rule. Cost: one look-up.
    fn has_rules(&self) -> Result<bool>;

    /// Says whether there is any digest of `algorithm`. Cost: one look-up.
    fn has_digests(&self, algorithm: Algorithm) -> Result<bool>;

    /// The contact of this id with its current address; when that is erased, without an address.
    fn contact_flags(&self, contact_id: &str) -> Result<Option<Contact>>;

    /// How many records there are. Free of counting.
    fn counts(&self) -> Result<Counts>;

    /// How many records withhold mail at `now`, those of the days from `first` on by day as well.
    ///
    /// Cost: reads every record, but neither its address nor its sum; some seconds for ten millions.
    fn tallies(&self, first: Day, now: Timestamp) -> Result<Tallies>;

    /// The end of the chain of events. Cost: one look-up.
    fn chain_head(&self) -> Result<ChainHead>;

    /// What the end of the chain was when it had so many events; `None` when it never had. Cost: one look-up.
    fn chain_at(&self, events: u64) -> Result<Option<ChainHead>>;

    /// Everything that ever happened to `key`, oldest first. Of what was before an erasure only kind and time are
    /// known: its detail is null.
    fn history(&self, key: &[u8]) -> Result<Vec<HistoryEntry>>;

    /// The last `limit` events, newest first: of all, or of those before the one with a number. What imports added has
    /// no event of its own; their files have.
    ///
    /// Cost: the events handed out.
    fn recent_events(&self, before: Option<u64>, limit: usize) -> Result<Vec<RecentEvent>>;

    /// Every erasure that an address had, oldest first, those that were lifted too.
    fn erasures_of(&self, key: &[u8]) -> Result<Vec<Erasure>>;

    /// Since when an address is erased; none for one that is not, or not any more.
    fn erased_since(&self, key: &[u8]) -> Result<Option<Timestamp>>;

    /// How many addresses are erased.
    fn erased_count(&self) -> Result<u64>;

    /// What is erased under a pseudonym.
    fn erased_entry(&self, pseudonym: &Pseudonym) -> Result<Option<ErasedEntry>>;

    /// Hands out the pseudonym of everything that is erased with the index entry that stays, each once: addresses,
    /// and contacts whose address is erased, in the order of their pseudonyms.
    fn for_each_erased(
        &self,
        each: &mut dyn FnMut(&Pseudonym, ErasedEntry) -> Result<()>,
    ) -> Result<()>;

    /// Everything that ever happened to the rule of `domain`, oldest first.
    fn history_of_rule(&self, domain: &[u8]) -> Result<Vec<HistoryEntry>>;

    /// Everything that ever happened to a digest, oldest first.
    fn history_of_digest(&self, digest: &DigestValue) -> Result<Vec<HistoryEntry>>;

    /// The last generation that was made at `at` or before; 0 when none was.
    ///
    /// Of a clock that went back, the later generation counts, and with it all before it.
    fn generation_at(&self, at: Timestamp) -> Result<u64>;

    /// Every record that `key` had at a generation, as [`View::records_of`] gave them then.
    ///
    /// Cost: the key's records and events.
    fn records_at(&self, key: &[u8], generation: u64) -> Result<Vec<StoredRecord>>;

    /// Every record that `key` had at a generation, as [`View::state_of`] gave them then.
    fn state_at(&self, key: &[u8], generation: u64) -> Result<KeyState> {
        Ok(state(self.records_at(key, generation)?))
    }

    /// The rule that `domain` had at a generation.
    fn rule_at(&self, domain: &[u8], generation: u64) -> Result<Option<StoredRecord>>;

    /// The records that a digest had at a generation.
    fn digests_at(&self, digest: &DigestValue, generation: u64) -> Result<Vec<StoredRecord>>;

    /// The contact that had this id at a generation, with the address it had then.
    ///
    /// Cost: every event since that generation.
    fn contact_at(&self, contact_id: &str, generation: u64) -> Result<Option<Contact>>;

    /// Hands out every event that lifted something or that a permission was kept with, oldest first.
    ///
    /// Cost: reads every event; memory for one.
    fn for_each_permission(&self, each: &mut dyn FnMut(&Permitted) -> Result<()>) -> Result<()>;

    /// Says whether any record ever named `list`.
    fn knows_list(&self, list: &str) -> Result<bool>;

    /// Every list a record ever named, sorted.
    fn lists(&self) -> Result<Vec<String>>;

    /// The first `limit` keys, sorted, that match `pattern`, in which `*` stands for any bytes.
    ///
    /// Cost: the keys that share what stands before the first `*`; with nothing there, all keys.
    fn keys_like(&self, pattern: &[u8], limit: usize) -> Result<Vec<Vec<u8>>>;

    /// Addresses as they were received that are no key byte for byte, each spelling once: at most `limit`,
    /// from the first `records` records of each kind.
    fn spellings(&self, records: u64, limit: usize) -> Result<Vec<String>>;

    /// Every import, oldest first.
    fn imports(&self) -> Result<Vec<ImportRow>>;

    /// Who set a record: its source, else the file of the import that added it; `None` when neither is known.
    ///
    /// Cost: nothing for a record with a source, else [`View::imports`].
    fn set_by(&self, stored: &StoredRecord) -> Result<Option<String>> {
        if let Some(source) = stored.record.source() {
            return Ok(Some(source.to_owned()));
        }
        let Some(import) = stored.import else { return Ok(None) };
        let file = self.imports()?.into_iter().find(|known| known.id == import);
        Ok(file.map(|file| file.name))
    }

    /// Hands out every key with its index entries, in key order, each once. The entries equal
    /// [`KeyState::address_entry`] and [`KeyState::list_entry`] of [`View::state_of`].
    ///
    /// Memory is bounded by the key with most lists.
    fn for_each_key(&self, each: &mut dyn FnMut(&KeyEntries<'_>) -> Result<()>) -> Result<()>;

    /// Hands out every contact id with what its flags withhold, in the order of the ids, each once.
    fn for_each_contact(&self, each: &mut dyn FnMut(&str, Blocks) -> Result<()>) -> Result<()>;

    /// Hands out every domain with a rule and its entry, in the order of the domains, each once.
    fn for_each_rule(&self, each: &mut dyn FnMut(&[u8], DomainBlocks) -> Result<()>) -> Result<()>;

    /// Hands out every digest with its entries, in the order of algorithm and digest, each once.
    ///
    /// Memory is bounded by the digest with most lists.
    fn for_each_digest(&self, each: &mut dyn FnMut(&DigestEntries<'_>) -> Result<()>)
    -> Result<()>;

    /// Hands out every record of `kind`, in key order; digests in the order of their algorithms first.
    fn export(
        &self,
        kind: Kind,
        each: &mut dyn FnMut(&[u8], &StoredRecord) -> Result<()>,
    ) -> Result<()>;

    /// Reads the whole store and names what is wrong with it; empty when it is sound.
    fn integrity_check(&self) -> Result<Vec<String>>;
}

/// Records of one key as one state; what is of no address is left out.
pub(crate) fn state(records: Vec<StoredRecord>) -> KeyState {
    let mut state = KeyState::default();
    for stored in records {
        match stored.record {
            Record::Contact(record) => state.contacts.push(record),
            Record::Unsubscribe(record) => state.unsubscribes.push(record),
            Record::Preference(record) => state.preferences.push(record),
            Record::Suppression(record) => state.suppressions.push(record),
            Record::Domain(_) | Record::Digest(_) => {}
        }
    }
    state
}
