//! Contacts of an import: first contact by contact, to settle the flags; then key by key, to insert.

use super::encoding::{Decoder, put_text, put_time};
use super::staged::StagedContact;
use super::{Import, Outcome};
use crate::error::Result;
use crate::ledger::Change;
use crate::ledger::sort::{Sorted, Sorter};
use crate::ledger::sqlite::codes::{Coded, instant};
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::flags::{Flags, set_flags};
use crate::ledger::sqlite::read::counts;
use crate::record::{Flag, Kind, Timestamp};
use rusqlite::Connection;
use std::collections::HashSet;

/// A contact while its rows of the import go by.
#[derive(Default)]
struct Contact {
    id: String,
    /// The keys it has, in the ledger or through an earlier row.
    keys: HashSet<Vec<u8>>,
    is_new: bool,
    flags: Flags,
    /// The time of the row that last changed the flags of a contact in the ledger, once one has.
    changed_at: Option<Option<Timestamp>>,
    /// Rows to insert, once the flags they carry are settled.
    inserts: Vec<(Vec<u8>, String, Option<Timestamp>)>,
}

/// Applies contact rows that come sorted by contact id.
pub(super) fn apply(
    import: &mut Import<'_>,
    mut rows: Sorted,
    len: u64,
    mut by_key: Sorter,
) -> Result<()> {
    let there = counts(import.writer.connection())?.contacts;
    let mut contact = Contact::default();
    let mut payload_out = Vec::new();
    while let Some((id, payload)) = rows.next()? {
        if contact.id.as_bytes() != id {
            settle(import, &mut contact, &mut by_key, &mut payload_out)?;
            let id = std::str::from_utf8(id).map_err(|_| damaged("a contact id"))?;
            contact.begin(import.writer.connection(), id, there > 0)?;
        }
        let outcome = contact.take(&StagedContact::decode(payload)?);
        import.count(outcome);
    }
    settle(import, &mut contact, &mut by_key, &mut payload_out)?;
    // Contact ids come in no order of the keys: where most rows are new, one sort of the index is
    // cheaper than placing each.
    let rebuild = import.is_huge && len >= there;
    if rebuild {
        import.writer.connection().execute_batch("DROP INDEX contact_by_id")?;
    }
    insert(import, by_key)?;
    if rebuild {
        import.writer.connection().execute_batch(
            "CREATE INDEX contact_by_id ON contact (contact_id, bulk_email, email_allowed)",
        )?;
    }
    Ok(())
}

impl Contact {
    /// Turns to the next contact, and reads what the ledger has of it.
    fn begin(&mut self, connection: &Connection, id: &str, may_exist: bool) -> Result<()> {
        id.clone_into(&mut self.id);
        self.keys.clear();
        self.inserts.clear();
        self.flags = Flags::ALLOW;
        self.is_new = true;
        self.changed_at = None;
        if !may_exist {
            return Ok(());
        }
        let sql = "SELECT key, bulk_email, email_allowed FROM contact WHERE contact_id = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            self.keys.insert(row.get(0)?);
            self.is_new = false;
            self.flags = Flags {
                bulk_email: Flag::from_code(row.get(1)?)?,
                email_allowed: Flag::from_code(row.get(2)?)?,
            };
        }
        Ok(())
    }

    /// Takes one row in: a flag is denied or left as it is, an address is added.
    fn take(&mut self, row: &StagedContact<'_>) -> Outcome {
        let (mut tightened, mut held) = (false, false);
        let said = [
            (&mut self.flags.bulk_email, row.bulk_email),
            (&mut self.flags.email_allowed, row.email_allowed),
        ];
        for (flag, said) in said {
            match said {
                Some(Flag::DoNotAllow) if *flag == Flag::Allow => {
                    *flag = Flag::DoNotAllow;
                    tightened = true;
                }
                Some(Flag::Allow) if *flag == Flag::DoNotAllow => held = true,
                _ => {}
            }
        }
        if tightened {
            self.changed_at = Some(instant(row.at));
        }
        let has_key = self.keys.contains(row.key);
        if !has_key {
            self.keys.insert(row.key.to_vec());
            self.inserts.push((row.key.to_vec(), row.address.to_owned(), instant(row.at)));
        }
        match (tightened || !has_key, held) {
            (true, _) => Outcome::Added,
            (false, true) => Outcome::Held,
            (false, false) => Outcome::Unchanged,
        }
    }
}

/// Writes a contact's settled flags to the rows it has, and passes its new rows on, sorted by key.
fn settle(
    import: &Import<'_>,
    contact: &mut Contact,
    by_key: &mut Sorter,
    payload: &mut Vec<u8>,
) -> Result<()> {
    if let Some(at) = contact.changed_at
        && !contact.is_new
    {
        let cause = import.cause();
        for change in set_flags(import.writer, &contact.id, contact.flags, at)? {
            change.write_event(import.writer, &cause)?;
        }
    }
    for (key, address, at) in contact.inserts.drain(..) {
        payload.clear();
        put_text(payload, &contact.id);
        put_text(payload, &address);
        payload.push(u8::from(contact.flags.bulk_email.is_denied()));
        payload.push(u8::from(contact.flags.email_allowed.is_denied()));
        // A row that says "denied" since when is worth more than one that says when it was seen.
        put_time(payload, contact.changed_at.unwrap_or(at));
        by_key.push(&key, payload)?;
    }
    Ok(())
}

/// Inserts the rows, which no row of the ledger or of each other equals, in key order.
fn insert(import: &Import<'_>, by_key: Sorter) -> Result<()> {
    let writer = import.writer;
    let sql = "INSERT INTO contact (contact_id, key, address, bulk_email, email_allowed, at, \
               import_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert = writer.connection().prepare_cached(sql)?;
    insert.raw_bind_parameter(7, import.id)?;
    let mut added = 0;
    let mut rows = by_key.finish()?;
    while let Some((key, payload)) = rows.next()? {
        let mut row = Decoder::new(payload);
        let id = row.text()?;
        insert.raw_bind_parameter(1, id)?;
        insert.raw_bind_parameter(2, key)?;
        insert.raw_bind_parameter(3, row.text()?)?;
        insert.raw_bind_parameter(4, row.byte()?)?;
        insert.raw_bind_parameter(5, row.byte()?)?;
        insert.raw_bind_parameter(6, row.time()?)?;
        insert.raw_execute()?;
        added += 1;
        writer.touch(Change::Contact(id))?;
        writer.touch(Change::Address(key))?;
    }
    if added > 0 {
        writer.count(Kind::Contacts, added)?;
    }
    Ok(())
}
