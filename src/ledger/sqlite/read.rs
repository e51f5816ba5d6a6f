//! One consistent read transaction.

use super::codes::unsigned;
use super::connection::Pooled;
use super::entry::state_of;
use super::erase::table;
use super::erase::{self, Erasures};
use super::fault::damaged;
use super::feed::End;
use super::rows::{current_of, digests_of, key, of_key, select_all, stored};
use super::scan::Contacts;
use super::{chain, check, feed, history, outside, permissions, scan, search, tallies};
use crate::address::redact;
use crate::error::{Error, Result};
use crate::ledger::erase::{ErasedEntry, Erasure, Pseudonym, Pseudonyms, stand_in};
use crate::ledger::{
    ChainHead, Change, Changes, Counts, Cursor, Day, DigestEntries, HistoryEntry, ImportCounts,
    ImportRow, KeyEntries, Permitted, Position, RecentEvent, StoredRecord, Tallies, Trail, View,
    state,
};
use crate::record::{
    Algorithm, Blocks, Contact, DigestValue, DomainBlocks, KeyState, Kind, Timestamp,
};
use rusqlite::{Connection, OptionalExtension};
use std::cell::Cell;

/// A view of a [`SqliteLedger`](super::SqliteLedger): a read transaction on its own connection.
pub(super) struct SqliteView<'l> {
    connection: Pooled<'l>,
    position: Position,
    end: End,
    /// What the current contacts of the table come to, once it was read.
    contacts: Cell<Option<Contacts>>,
    erasures: Erasures<'l>,
}

impl<'l> SqliteView<'l> {
    pub(super) fn begin(
        connection: Pooled<'l>,
        pseudonyms: Option<&'l dyn Pseudonyms>,
    ) -> Result<Self> {
        connection.execute_batch("BEGIN")?;
        // The first read, not BEGIN, is what fixes the state the transaction sees.
        let (position, end) = feed::position(&connection)?;
        let erasures = Erasures::of(&connection, pseudonyms)?;
        Ok(Self { connection, position, end, contacts: Cell::default(), erasures })
    }
}

/// The mark of a generation; 0 for the empty ledger's.
fn mark_of(connection: &Connection, generation: u64) -> Result<Option<i64>> {
    if generation == 0 {
        return Ok(Some(0));
    }
    let Ok(generation) = i64::try_from(generation) else { return Ok(None) };
    let mut statement = connection.prepare_cached("SELECT mark FROM generation WHERE id = ?1")?;
    Ok(statement.query_row([generation], |row| row.get(0)).optional()?)
}

/// How many records of each kind the ledger says it holds.
pub(super) fn counts(connection: &Connection) -> Result<Counts> {
    let mut statement = connection.prepare_cached("SELECT records FROM tally WHERE kind = ?1")?;
    let mut of = |kind: Kind| -> Result<u64> {
        let records: Option<i64> =
            statement.query_row([kind.as_str()], |row| row.get(0)).optional()?;
        unsigned(records.ok_or_else(|| damaged("a kind without its count"))?)
    };
    Ok(Counts {
        contacts: of(Kind::Contacts)?,
        unsubscribes: of(Kind::Unsubscribes)?,
        preferences: of(Kind::Preferences)?,
        suppressions: of(Kind::Suppressions)?,
        domains: of(Kind::Domains)?,
        digests: of(Kind::Digests)?,
    })
}

impl SqliteView<'_> {
    /// The erasure by which an address was erased at a generation, if it was.
    ///
    /// # Errors
    ///
    /// Untrusted when it was erased later, for what was recorded before is gone.
    fn erased_at(&self, key: &[u8], generation: u64) -> Result<Option<Erasure>> {
        if let Err(blind) = self.erasures.pseudonyms()
            && history::last_erasure(&self.connection)?.is_some()
        {
            return Err(blind);
        }
        let erasures = self.erasures.history(&self.connection, key)?;
        if let Some(later) = erasures.iter().find(|erasure| erasure.generation > generation) {
            return Err(Error::untrusted(format!(
                "what was recorded of {} at generation {generation} can't be told: the address was erased at {}",
                redact(&String::from_utf8_lossy(key)),
                later.at
            ))
            .with_hint("ask for that time or a later one"));
        }
        let was = |erasure: &Erasure| erasure.lifted.is_none_or(|lifted| lifted > generation);
        Ok(erasures.into_iter().rev().find(was))
    }

    /// Says whether a contact that is not found at a generation may have had an address then that was erased.
    ///
    /// Then it is kept as erased; or it was released since, so it was seen since; or what tells that it was
    /// deleted since is blank.
    fn may_have_been_erased(&self, contact_id: &str, generation: u64) -> Result<bool> {
        let Some(erased) = history::last_erasure(&self.connection)? else { return Ok(false) };
        Ok(erased > generation
            || self.erasures.of_contact(&self.connection, contact_id)?.is_some()
            || history::is_seen_since(&self.connection, contact_id, generation)?)
    }
}

/// The state of a key with these records; of one that is erased since an instant, with what stands for them.
pub(super) fn with_stand_in(
    key: &[u8],
    erased: Option<Timestamp>,
    records: Vec<StoredRecord>,
) -> KeyState {
    let mut state = state(records);
    if let Some(at) = erased {
        state.suppressions.insert(0, stand_in(key, at));
    }
    state
}

impl View for SqliteView<'_> {
    fn position(&self) -> Position {
        self.position
    }

    fn mark_of(&self, generation: u64) -> Result<Option<i64>> {
        mark_of(&self.connection, generation)
    }

    fn changes_after(
        &self,
        cursor: Cursor,
        each: &mut dyn FnMut(Change<'_>, &Trail) -> Result<()>,
    ) -> Result<Changes> {
        feed::changes_after(&self.connection, (self.position, self.end), cursor, each)
    }

    fn change_count_after(&self, cursor: Cursor, limit: u64) -> Result<u64> {
        feed::count_after(&self.connection, self.position, cursor, limit)
    }

    fn state_of(&self, key: &[u8]) -> Result<KeyState> {
        state_of(&self.connection, &self.erasures, key)
    }

    fn records_of(&self, key: &[u8]) -> Result<Vec<StoredRecord>> {
        history::of_address(&self.connection, key)
    }

    fn rules_covering(&self, domain: &[u8]) -> Result<Vec<StoredRecord>> {
        outside::rules_covering(&self.connection, domain)
    }

    fn rule_of(&self, domain: &[u8]) -> Result<Option<StoredRecord>> {
        Ok(of_key(&self.connection, Kind::Domains, domain)?.pop())
    }

    fn rules_like(&self, pattern: &[u8]) -> Result<Vec<StoredRecord>> {
        outside::rules_like(&self.connection, pattern)
    }

    fn digests_of(&self, digest: &DigestValue) -> Result<Vec<StoredRecord>> {
        digests_of(&self.connection, digest)
    }

    fn has_rules(&self) -> Result<bool> {
        outside::has_rules(&self.connection)
    }

    fn has_digests(&self, algorithm: Algorithm) -> Result<bool> {
        outside::has_digests(&self.connection, algorithm)
    }

    fn contact_flags(&self, contact_id: &str) -> Result<Option<Contact>> {
        let contact = current_of(&self.connection, contact_id)?.map(|row| row.contact);
        let kept = self.erasures.of_contact(&self.connection, contact_id)?;
        Ok(erase::contacts::united(contact_id, contact, kept))
    }

    fn counts(&self) -> Result<Counts> {
        counts(&self.connection)
    }

    fn tallies(&self, first: Day, now: Timestamp) -> Result<Tallies> {
        tallies::tallies(&self.connection, first, now)
    }

    fn chain_head(&self) -> Result<ChainHead> {
        chain::head(&self.connection)
    }

    fn chain_at(&self, events: u64) -> Result<Option<ChainHead>> {
        chain::at(&self.connection, events)
    }

    fn history(&self, key: &[u8]) -> Result<Vec<HistoryEntry>> {
        let mut entries = history::history(&self.connection, self.records_of(key)?, key)?;
        entries.extend(self.erasures.events(&self.connection, key)?);
        entries.sort_by_key(|entry| entry.generation);
        Ok(entries)
    }

    fn recent_events(&self, before: Option<u64>, limit: usize) -> Result<Vec<RecentEvent>> {
        history::recent(&self.connection, before, limit)
    }

    fn erasures_of(&self, key: &[u8]) -> Result<Vec<Erasure>> {
        self.erasures.history(&self.connection, key)
    }

    fn erased_since(&self, key: &[u8]) -> Result<Option<Timestamp>> {
        let row = self.erasures.of_address(&self.connection, key)?;
        Ok(row.map(|row| Timestamp::from_micros(row.at)))
    }

    fn erased_count(&self) -> Result<u64> {
        unsigned(table::count(&self.connection)?)
    }

    fn erased_entry(&self, pseudonym: &Pseudonym) -> Result<Option<ErasedEntry>> {
        erase::entry(&self.connection, pseudonym)
    }

    fn for_each_erased(
        &self,
        each: &mut dyn FnMut(&Pseudonym, ErasedEntry) -> Result<()>,
    ) -> Result<()> {
        table::for_each(&self.connection, &mut |row| each(&row.hash, row.entry()))
    }

    fn history_of_rule(&self, domain: &[u8]) -> Result<Vec<HistoryEntry>> {
        let records = of_key(&self.connection, Kind::Domains, domain)?;
        history::history(&self.connection, records, domain)
    }

    fn history_of_digest(&self, digest: &DigestValue) -> Result<Vec<HistoryEntry>> {
        let records = digests_of(&self.connection, digest)?;
        history::history(&self.connection, records, digest.name().as_bytes())
    }

    fn generation_at(&self, at: Timestamp) -> Result<u64> {
        history::generation_at(&self.connection, at)
    }

    fn records_at(&self, key: &[u8], generation: u64) -> Result<Vec<StoredRecord>> {
        if self.erased_at(key, generation)?.is_some() {
            return Ok(Vec::new());
        }
        history::records_at(&self.connection, self.records_of(key)?, key, generation)
    }

    fn state_at(&self, key: &[u8], generation: u64) -> Result<KeyState> {
        let erased = self.erased_at(key, generation)?;
        let records = self.records_at(key, generation)?;
        Ok(with_stand_in(key, erased.map(|erasure| erasure.at), records))
    }

    fn rule_at(&self, domain: &[u8], generation: u64) -> Result<Option<StoredRecord>> {
        let records = of_key(&self.connection, Kind::Domains, domain)?;
        Ok(history::records_at(&self.connection, records, domain, generation)?.pop())
    }

    fn digests_at(&self, digest: &DigestValue, generation: u64) -> Result<Vec<StoredRecord>> {
        let (records, name) = (digests_of(&self.connection, digest)?, digest.name());
        history::records_at(&self.connection, records, name.as_bytes(), generation)
    }

    fn contact_at(&self, contact_id: &str, generation: u64) -> Result<Option<Contact>> {
        if generation == self.position.generation {
            return self.contact_flags(contact_id);
        }
        let found = history::contact_at(&self.connection, contact_id, generation)?;
        if found.is_none() && self.may_have_been_erased(contact_id, generation)? {
            return Err(Error::untrusted(format!(
                "what was known of this contact at generation {generation} can't be told: the address it had may \
                 have been erased"
            )));
        }
        Ok(found)
    }

    fn for_each_permission(&self, each: &mut dyn FnMut(&Permitted) -> Result<()>) -> Result<()> {
        permissions::for_each(&self.connection, each)
    }

    fn knows_list(&self, list: &str) -> Result<bool> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM list WHERE name = ?1")?;
        Ok(statement.exists([list])?)
    }

    fn lists(&self) -> Result<Vec<String>> {
        let mut statement =
            self.connection.prepare_cached("SELECT name FROM list ORDER BY name")?;
        let names = statement.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    fn keys_like(&self, pattern: &[u8], limit: usize) -> Result<Vec<Vec<u8>>> {
        search::keys_like(&self.connection, pattern, limit)
    }

    fn spellings(&self, records: u64, limit: usize) -> Result<Vec<String>> {
        search::spellings(&self.connection, records, limit)
    }

    fn imports(&self) -> Result<Vec<ImportRow>> {
        let sql = "SELECT id, at, read, added, unchanged, held, rejected, generation, kind, format, \
                   name, sha256 FROM import ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let mut imports = Vec::new();
        while let Some(row) = rows.next()? {
            let count = |column: usize| unsigned(row.get(column)?);
            imports.push(ImportRow {
                id: count(0)?,
                at: Timestamp::from_micros(row.get(1)?),
                counts: ImportCounts {
                    read: count(2)?,
                    added: count(3)?,
                    unchanged: count(4)?,
                    held: count(5)?,
                    rejected: count(6)?,
                    generation: count(7)?,
                },
                kind: row.get(8)?,
                format: row.get(9)?,
                name: row.get(10)?,
                sha256: row.get(11)?,
            });
        }
        Ok(imports)
    }

    fn for_each_key(&self, each: &mut dyn FnMut(&KeyEntries<'_>) -> Result<()>) -> Result<()> {
        self.contacts.set(Some(scan::for_each_key(&self.connection, each)?));
        Ok(())
    }

    fn for_each_contact(&self, each: &mut dyn FnMut(&str, Blocks) -> Result<()>) -> Result<()> {
        let table = match self.contacts.get() {
            Some(table) => table,
            None => scan::for_each_key(&self.connection, &mut |_| Ok(()))?,
        };
        scan::for_each_contact(&self.connection, table, each)
    }

    fn for_each_rule(&self, each: &mut dyn FnMut(&[u8], DomainBlocks) -> Result<()>) -> Result<()> {
        outside::for_each_rule(&self.connection, each)
    }

    fn for_each_digest(
        &self,
        each: &mut dyn FnMut(&DigestEntries<'_>) -> Result<()>,
    ) -> Result<()> {
        outside::for_each_digest(&self.connection, each)
    }

    fn export(
        &self,
        kind: Kind,
        each: &mut dyn FnMut(&[u8], &StoredRecord) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare_cached(select_all(kind))?;
        let mut rows = statement.query([])?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            each(key(row)?, &stored(kind, row)?)?;
            read += 1;
        }
        scan::all_read(kind, read, &self.counts()?)
    }

    fn integrity_check(&self) -> Result<Vec<String>> {
        Ok(check::integrity_check(&self.connection))
    }
}
