//! Contacts of an import: first contact by contact, to settle address and flags; then key by key, to
//! insert.
//!
//! The last address that a file gives a contact is its current one. Addresses that the file gives it
//! before are former ones, with the flags that the contact ends with: so the same file again finds
//! everything as it says. An address that the contact had and the file does not name keeps the flags
//! as they were.

use super::bulk::{Binder, Inserter};
use super::encoding::{Decoder, put_text, put_time};
use super::staged::{StagedContact, part_of};
use super::sync::{BULK_EMAIL, EMAIL_ALLOWED};
use super::{Import, Outcome, Rows, moves};
use crate::error::Result;
use crate::ledger::Change;
use crate::ledger::erase::Pseudonym;
use crate::ledger::sort::Sorter;
use crate::ledger::sqlite::claims::{Claim, NOBODY, Sub};
use crate::ledger::sqlite::codes::{Coded, instant};
use crate::ledger::sqlite::erase::table::ErasedRow;
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::flags::{Flags, set_flags};
use crate::ledger::sqlite::read::counts;
use crate::ledger::sqlite::rows::{current_of, former_of};
use crate::record::{Flag, Kind, Timestamp};
use std::collections::BTreeMap;

/// A contact while its rows of the import go by.
#[derive(Default)]
struct Contact {
    id: String,
    /// The ledger may have something of it.
    may_exist: bool,
    /// Its current key in the ledger, with the flags there.
    stored: Option<(Vec<u8>, Flags)>,
    /// What is kept of it, when its current address is an erased one.
    kept: Option<ErasedRow>,
    flags: Flags,
    /// The time of the row that last tightened the flags, once one has.
    changed_at: Option<Option<Timestamp>>,
    /// The addresses the rows give it, by key.
    places: BTreeMap<Vec<u8>, Place>,
    /// The key of the last row.
    last: Option<Vec<u8>>,
    /// Addresses that rows say it left, by key.
    left: BTreeMap<Vec<u8>, Left>,
    /// Flags that rows deny, as a claim keeps them.
    denied: i64,
    /// What became of each row.
    outcomes: Vec<Outcome>,
    /// The row of several records that each is of.
    parts: Vec<Option<u32>>,
}

/// An address in the rows of a contact.
struct Place {
    address: String,
    at: Option<Timestamp>,
    /// The first row that has it.
    row: usize,
}

/// An address that a contact left, with the flags to freeze there.
struct Left {
    place: Place,
    flags: Flags,
}

/// Where rows to insert go, to come back sorted by key.
struct Inserts {
    by_key: Sorter,
    payload: Vec<u8>,
}

/// Applies contact rows that come sorted by contact id.
pub(super) fn apply(
    import: &mut Import<'_>,
    mut rows: impl Rows,
    len: u64,
    by_key: Sorter,
) -> Result<()> {
    let there = counts(import.writer.connection())?.contacts;
    let mut contact = Contact::default();
    let mut inserts = Inserts { by_key, payload: Vec::new() };
    while let Some((id, payload)) = rows.next()? {
        if contact.id.as_bytes() != id {
            contact.settle(import, &mut inserts)?;
            let id = std::str::from_utf8(id).map_err(|_| damaged("a contact id"))?;
            contact.begin(import, id, there > 0)?;
        }
        contact.parts.push(part_of(payload)?);
        let row = StagedContact::decode(payload)?;
        contact.take(&row, import.erased(Kind::Contacts, row.key).is_some());
    }
    contact.settle(import, &mut inserts)?;
    // Contact ids come in no order of the keys: where most rows are new, one sort of the index is
    // cheaper than placing each.
    let rebuild = import.is_huge && len >= there;
    if rebuild {
        import.writer.connection().execute_batch("DROP INDEX contact_by_id")?;
    }
    insert(import, inserts.by_key)?;
    if rebuild {
        import.writer.connection().execute_batch(
            "CREATE INDEX contact_by_id ON contact (contact_id, bulk_email, email_allowed) \
             WHERE former = 0",
        )?;
    }
    Ok(())
}

impl Contact {
    /// Turns to the next contact, and reads what the ledger has of it.
    fn begin(&mut self, import: &Import<'_>, id: &str, may_exist: bool) -> Result<()> {
        id.clone_into(&mut self.id);
        self.may_exist = may_exist;
        self.stored = None;
        self.flags = Flags::ALLOW;
        self.changed_at = None;
        self.places.clear();
        self.last = None;
        self.left.clear();
        self.denied = 0;
        self.outcomes.clear();
        self.parts.clear();
        self.kept = import.kept(id)?;
        if let Some(kept) = &self.kept {
            self.flags = kept.flags;
        }
        if !may_exist {
            return Ok(());
        }
        let sql = "SELECT key, bulk_email, email_allowed FROM contact \
                   WHERE contact_id = ?1 AND former = 0";
        let mut statement = import.writer.connection().prepare_cached(sql)?;
        let mut rows = statement.query([id])?;
        if let Some(row) = rows.next()? {
            let flags = Flags {
                bulk_email: Flag::from_code(row.get(1)?)?,
                email_allowed: Flag::from_code(row.get(2)?)?,
            };
            self.flags = self.flags.union(flags);
            self.stored = Some((row.get(0)?, flags));
        }
        Ok(())
    }

    /// Takes one row in: a flag is denied or left as it is, an address becomes the current one. A row of an erased
    /// address tells nobody that something is held.
    fn take(&mut self, row: &StagedContact<'_>, is_erased: bool) {
        let place = || Place {
            address: row.address.to_owned(),
            at: instant(row.at),
            row: self.outcomes.len(),
        };
        if row.former {
            let flags = Flags {
                bulk_email: row.bulk_email.unwrap_or_default(),
                email_allowed: row.email_allowed.unwrap_or_default(),
            };
            add_left(&mut self.left, row.key.to_vec(), place(), flags);
            self.outcomes.push(Outcome::Unchanged);
            return;
        }
        if !self.places.contains_key(row.key) {
            self.places.insert(row.key.to_vec(), place());
        }
        if self.last.as_deref() != Some(row.key) {
            self.last = Some(row.key.to_vec());
        }
        let outcome = match self.say(row) {
            Outcome::Held if is_erased => Outcome::Unchanged,
            outcome => outcome,
        };
        self.outcomes.push(outcome);
    }

    /// Takes the flags of one row in.
    fn say(&mut self, row: &StagedContact<'_>) -> Outcome {
        let bit = |flag: Option<Flag>, bit| if flag.is_some_and(Flag::is_denied) { bit } else { 0 };
        self.denied |= bit(row.bulk_email, BULK_EMAIL) | bit(row.email_allowed, EMAIL_ALLOWED);
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
        match (tightened, held) {
            (true, _) => Outcome::Added,
            (false, true) => Outcome::Held,
            (false, false) => Outcome::Unchanged,
        }
    }

    /// Brings the ledger's rows of the contact to what its rows of the import come to, passes its new
    /// ones on, and counts.
    fn settle(&mut self, import: &mut Import<'_>, inserts: &mut Inserts) -> Result<()> {
        if import.remembers && self.stored.is_some() && self.last.is_some() {
            let (key, sub) = (self.id.as_bytes(), &Sub::default());
            let claim = Claim { kind: Kind::Contacts, key, sub, source: NOBODY };
            claim.remember(import.writer.connection(), self.denied, ("", 0))?;
        }
        let current = self.last.take().and_then(|key| self.places.remove_entry(&key));
        for (key, place) in std::mem::take(&mut self.places) {
            add_left(&mut self.left, key, place, self.flags);
        }
        if let Some((key, place)) = current {
            self.settle_current(import, inserts, &key, &place)?;
        }
        for (key, left) in std::mem::take(&mut self.left) {
            self.settle_left(import, inserts, &key, &left)?;
        }
        for (outcome, part) in self.outcomes.iter().zip(&self.parts) {
            import.count(*part, *outcome)?;
        }
        Ok(())
    }

    /// Makes `key` the contact's current one, with its settled flags.
    fn settle_current(
        &mut self,
        import: &Import<'_>,
        inserts: &mut Inserts,
        key: &[u8],
        place: &Place,
    ) -> Result<()> {
        if let Some(home) = import.erased(Kind::Contacts, key) {
            return self.settle_erased(import, &home, place);
        }
        let were = self.stored.as_ref().map(|(_, flags)| *flags);
        let was_kept = self.kept.take();
        if let Some(kept) = &was_kept {
            import.release_contact(&self.id, kept)?;
        }
        if let Some((stored, _)) = &self.stored {
            let stays = stored == key;
            if stays && were == Some(self.flags) {
                return Ok(());
            }
            let row = current_of(import.writer.connection(), &self.id)?
                .ok_or_else(|| damaged("a contact that is there and is not"))?;
            if stays {
                let at = self.changed_at.unwrap_or(place.at);
                if let Some(change) = set_flags(import.writer, row, self.flags, at)? {
                    change.write_event(import.writer, &import.cause())?;
                }
                return Ok(());
            }
            let said = self.left.remove(stored).map_or(Flags::ALLOW, |left| left.flags);
            moves::leave(import, row, said)?;
        }
        self.mark_added(place.row);
        let row = NewRow {
            id: &self.id,
            address: &place.address,
            flags: self.flags,
            former: false,
            is_news: were != Some(self.flags),
            // A row that says "denied" since when is worth more than one that says when it was seen.
            at: self.changed_at.unwrap_or(place.at),
        };
        inserts.push(key, &row)
    }

    /// Makes an erased address the contact's current one: nothing is written but its flags, under its pseudonym.
    fn settle_erased(
        &mut self,
        import: &Import<'_>,
        home: &Pseudonym,
        place: &Place,
    ) -> Result<()> {
        let mut before = self.kept.as_ref().map_or(Flags::ALLOW, |kept| kept.flags);
        let mut changed = false;
        if let Some((stored, flags)) = &self.stored {
            let row = current_of(import.writer.connection(), &self.id)?
                .ok_or_else(|| damaged("a contact that is there and is not"))?;
            let said = self.left.remove(stored).map_or(Flags::ALLOW, |left| left.flags);
            moves::leave(import, row, said)?;
            import.writer.touch_openly(Change::Contact(&self.id))?;
            (before, changed) = (before.union(*flags), true);
        }
        let at = self.changed_at.unwrap_or(place.at);
        let kept = (self.kept.as_ref(), at);
        changed |= import.keep_contact(&self.id, home, (before, self.flags), kept)?;
        if changed {
            self.mark_added(place.row);
        }
        Ok(())
    }

    /// Sees to it that `key`, which the contact left, keeps at least the flags of `left`.
    fn settle_left(
        &mut self,
        import: &Import<'_>,
        inserts: &mut Inserts,
        key: &[u8],
        left: &Left,
    ) -> Result<()> {
        if let Some(address) = import.erased(Kind::Contacts, key) {
            let contact = import.writer.erasures().pseudonyms()?.of_contact(&self.id);
            return import.park_contact(&address, &contact, (true, left.flags), left.place.at);
        }
        let connection = import.writer.connection();
        let there = if self.may_exist { former_of(connection, key, &self.id)? } else { None };
        let Left { place, flags } = left;
        if let Some(there) = there {
            if moves::tighten(import, there, *flags, place.at)? {
                self.mark_added(place.row);
            }
            return Ok(());
        }
        self.mark_added(place.row);
        let (id, address) = (&self.id, &place.address);
        let row = NewRow { id, address, flags: *flags, former: true, is_news: false, at: place.at };
        inserts.push(key, &row)
    }

    fn mark_added(&mut self, row: usize) {
        if let Some(outcome) = self.outcomes.get_mut(row) {
            *outcome = Outcome::Added;
        }
    }
}

/// Adds an address that a contact left; the first row of a key names it, each adds its flags.
fn add_left(left: &mut BTreeMap<Vec<u8>, Left>, key: Vec<u8>, place: Place, flags: Flags) {
    let known = left.entry(key).or_insert(Left { place, flags });
    known.flags = known.flags.union(flags);
}

/// A row to insert.
struct NewRow<'r> {
    id: &'r str,
    address: &'r str,
    flags: Flags,
    former: bool,
    /// The contact's own flags are other ones than before.
    is_news: bool,
    at: Option<Timestamp>,
}

impl Inserts {
    fn push(&mut self, key: &[u8], row: &NewRow<'_>) -> Result<()> {
        let payload = &mut self.payload;
        payload.clear();
        put_text(payload, row.id);
        put_text(payload, row.address);
        payload.push(u8::from(row.flags.bulk_email.is_denied()));
        payload.push(u8::from(row.flags.email_allowed.is_denied()));
        payload.push(u8::from(row.former));
        payload.push(u8::from(row.is_news));
        put_time(payload, row.at);
        self.by_key.push(key, payload)
    }
}

/// A row as it is inserted.
struct InsertedRow<'p> {
    key: &'p [u8],
    id: &'p str,
    address: &'p str,
    bulk_email: u8,
    email_allowed: u8,
    former: u8,
    is_news: bool,
    at: Option<i64>,
}

impl<'p> InsertedRow<'p> {
    fn decode((key, payload): (&'p [u8], &'p [u8])) -> Result<Self> {
        let mut row = Decoder::new(payload);
        Ok(Self {
            key,
            id: row.text()?,
            address: row.text()?,
            bulk_email: row.byte()?,
            email_allowed: row.byte()?,
            former: row.byte()?,
            is_news: row.byte()? != 0,
            at: row.time()?,
        })
    }

    fn bind(&self, source: Option<&str>, to: &mut Binder<'_, '_>) -> rusqlite::Result<()> {
        to.put(self.key)?;
        to.put(self.id)?;
        to.put(self.former)?;
        to.put(self.address)?;
        to.put(self.bulk_email)?;
        to.put(self.email_allowed)?;
        to.put(self.at)?;
        to.put(source)
    }
}

/// Inserts the rows, which no row of the ledger or of each other equals, in key order.
fn insert(import: &Import<'_>, by_key: Sorter) -> Result<()> {
    let writer = import.writer;
    let sql = "INSERT INTO contact (import_id, key, contact_id, former, address, bulk_email, \
               email_allowed, at, source, sum) VALUES";
    let mut inserter = Inserter::new(import, Kind::Contacts, sql, 8, "")?;
    let mut added = 0;
    let mut sorted = by_key.finish()?;
    while let Some(block) = sorted.next_block()? {
        let rows: Vec<InsertedRow<'_>> =
            block.rows().map(InsertedRow::decode).collect::<Result<_>>()?;
        added += inserter.insert(&rows, |row, to| row.bind(import.owner, to))?;
        for row in rows {
            if row.is_news {
                writer.touch(Change::Contact(row.id))?;
            }
            writer.touch(Change::Address(row.key))?;
        }
    }
    if added > 0 {
        writer.count(Kind::Contacts, i64::try_from(added).unwrap_or(i64::MAX))?;
    }
    Ok(())
}
