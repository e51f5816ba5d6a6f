//! The scan of the whole ledger: four clustered tables read side by side, one key at a time.
//!
//! A page of the file that is damaged may hide rows, or show one twice. So the scan fails unless the keys ascend, no
//! row comes twice, and the rows are as many as the ledger counts of their kind.
//!
//! It hands on only the columns that withhold, borrows them where SQLite has them, and feeds them to
//! [`EntryState`] through [`Blocks::of`], as [`KeyState`](crate::record::KeyState) does.

use super::codes::{Coded, instant};
use super::fault::damaged;
use super::read::counts;
use super::sums::{self, is_sound, table_name};
use crate::error::Result;
use crate::ledger::{Counts, KeyEntries, ListEntry};
use crate::record::state::EntryState;
use crate::record::{Blocks, Choice, Contact, Flag, Kind, Reason, RecordClass, SuppressionReason};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Rows};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A table in key order: where it stands, and what its rows add to a key.
struct Stream<'s> {
    kind: Kind,
    rows: Rows<'s>,
    add: fn(&mut Entries, &Row<'_>) -> Result<()>,
    /// Rows read.
    read: u64,
    /// The sums of the rows of the key at hand.
    sums: Vec<i64>,
}

/// The entries of the key at hand; its buffers serve every key.
#[derive(Default)]
struct Entries {
    address: EntryState,
    lists: Vec<ListEntry>,
    /// Every current contact so far, whatever their order.
    contacts: Contacts,
    /// List entries of keys before, for their allocations.
    spare: Vec<ListEntry>,
}

/// Rows of a table in key order: the key, whether the row is as it was written, its sum, and what withholds.
macro_rules! in_key_order {
    ($table:ident, $columns:literal) => {
        concat!(
            "SELECT key, ",
            is_sound!($table),
            ", sum, ",
            $columns,
            " FROM ",
            stringify!($table),
            " ORDER BY key"
        )
    };
}

const CONTACTS: &str = in_key_order!(contact, "bulk_email, email_allowed, former, contact_id");
const UNSUBSCRIBES: &str = in_key_order!(unsubscribe, "list, class");
const PREFERENCES: &str = in_key_order!(preference, "list, choice");
const SUPPRESSIONS: &str = in_key_order!(suppression, "reason, class, expires_at");

/// What contacts come to, in whatever order they are read: their table and its index must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Contacts {
    count: u64,
    sum: u64,
}

/// Hands out every key with its entries, in key order. Returns what the current contacts come to.
pub(super) fn for_each_key(
    connection: &Connection,
    each: &mut dyn FnMut(&KeyEntries<'_>) -> Result<()>,
) -> Result<Contacts> {
    let counts = counts(connection)?;
    let mut contacts = connection.prepare_cached(CONTACTS)?;
    let mut unsubscribes = connection.prepare_cached(UNSUBSCRIBES)?;
    let mut preferences = connection.prepare_cached(PREFERENCES)?;
    let mut suppressions = connection.prepare_cached(SUPPRESSIONS)?;
    let mut streams = Vec::with_capacity(4);
    let add_contact: fn(&mut Entries, &Row<'_>) -> Result<()> = Entries::add_contact;
    for (kind, rows, add) in [
        (Kind::Contacts, contacts.query([])?, add_contact),
        (Kind::Unsubscribes, unsubscribes.query([])?, Entries::add_unsubscribe),
        (Kind::Preferences, preferences.query([])?, Entries::add_preference),
        (Kind::Suppressions, suppressions.query([])?, Entries::add_suppression),
    ] {
        let mut stream = Stream { kind, rows, add, read: 0, sums: Vec::new() };
        if stream.advance()? {
            streams.push(stream);
        } else {
            stream.end(&counts)?;
        }
    }
    let mut entries = Entries::default();
    let mut key = Vec::new();
    let mut is_first = true;
    // A table that is read to its end leaves; a ledger of one kind is a loop over one table.
    while !streams.is_empty() {
        let least = least_key(&streams)?;
        if !is_first && least <= key.as_slice() {
            return Err(damaged("its keys are out of order"));
        }
        is_first = false;
        key.clear();
        key.extend_from_slice(least);
        entries.clear();
        let mut next = 0;
        while let Some(stream) = streams.get_mut(next) {
            if stream.take(&key, &mut entries)? {
                next += 1;
            } else {
                streams.swap_remove(next).end(&counts)?;
            }
        }
        each(&entries.of(&key))?;
    }
    Ok(entries.contacts)
}

/// Hands out every contact id with what its flags withhold, and sees that these are the contacts of the table.
///
/// The index that it reads has no sums. `table` is what [`for_each_key`] returned.
pub(super) fn for_each_contact(
    connection: &Connection,
    table: Contacts,
    each: &mut dyn FnMut(&str, Blocks) -> Result<()>,
) -> Result<()> {
    let mut contacts = Contacts::default();
    let sql = "SELECT contact_id, bulk_email, email_allowed FROM contact WHERE former = 0 \
               ORDER BY contact_id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = text(row, 0)?;
        let blocks = flags(row, 1)?;
        contacts.add(id, blocks);
        each(id, blocks)?;
    }
    if contacts == table { Ok(()) } else { Err(damaged("index contact_by_id is not of its table")) }
}

impl Contacts {
    fn add(&mut self, id: &str, blocks: Blocks) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(xxh3_64_with_seed(id.as_bytes(), blocks.to_bits().into()));
    }
}

fn least_key<'r>(streams: &'r [Stream<'_>]) -> Result<&'r [u8]> {
    let mut least = None;
    for stream in streams {
        let key = stream.key()?;
        if least.is_none_or(|least| key < least) {
            least = Some(key);
        }
    }
    Ok(least.unwrap_or_default())
}

impl Stream<'_> {
    /// Goes to the next row; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        self.rows.advance()?;
        Ok(self.rows.get().is_some())
    }

    fn key(&self) -> Result<&[u8]> {
        let row = self.rows.get().ok_or_else(|| damaged("a scan beyond its end"))?;
        row.get_ref(0)?.as_blob().map_err(|_| damaged("a key"))
    }

    /// Adds the rows of `key`, if the stream stands at it; `false` when the stream has ended.
    fn take(&mut self, key: &[u8], entries: &mut Entries) -> Result<bool> {
        self.sums.clear();
        let goes_on = loop {
            let Some(row) = self.rows.get() else { break false };
            if row.get_ref(0)?.as_blob().map_err(|_| damaged("a key"))? != key {
                break true;
            }
            sums::check(row, 1, self.kind, key)?;
            self.sums.push(row.get(2)?);
            (self.add)(entries, row)?;
            self.read += 1;
            self.rows.advance()?;
        };
        self.sums.sort_unstable();
        if self.sums.windows(2).any(|two| two[0] == two[1]) {
            return Err(damaged(&format!("a row of table {} comes twice", table_name(self.kind))));
        }
        Ok(goes_on)
    }

    /// Sees that every row was read.
    fn end(self, counts: &Counts) -> Result<()> {
        all_read(self.kind, self.read, counts)
    }
}

/// Fails unless as many rows of a kind were read as the ledger counts.
pub(super) fn all_read(kind: Kind, read: u64, counts: &Counts) -> Result<()> {
    let counted = counts.of(kind);
    if read == counted {
        return Ok(());
    }
    let table = table_name(kind);
    Err(damaged(&format!("table {table} holds {read} rows, its count says {counted}")))
}

impl Entries {
    fn clear(&mut self) {
        self.address.blocks = Blocks::NONE;
        self.address.expiries.clear();
        self.spare.append(&mut self.lists);
    }

    fn of<'e>(&'e self, key: &'e [u8]) -> KeyEntries<'e> {
        KeyEntries { key, address: &self.address, lists: &self.lists }
    }

    fn add_contact(&mut self, row: &Row<'_>) -> Result<()> {
        let blocks = flags(row, 3)?;
        self.address.add(blocks, None);
        if !row.get::<_, bool>(5)? {
            self.contacts.add(text(row, 6)?, blocks);
        }
        Ok(())
    }

    fn add_unsubscribe(&mut self, row: &Row<'_>) -> Result<()> {
        let class = RecordClass::from_code(row.get(4)?)?;
        let list = text(row, 3)?;
        if list.is_empty() {
            self.address.add(Blocks::of(Reason::Unsubscribed, Some(class)), None);
        } else {
            self.add_opt_out(list, Some(class));
        }
        Ok(())
    }

    fn add_preference(&mut self, row: &Row<'_>) -> Result<()> {
        if Choice::from_code(row.get(4)?)? == Choice::Out {
            self.add_opt_out(text(row, 3)?, None);
        }
        Ok(())
    }

    fn add_suppression(&mut self, row: &Row<'_>) -> Result<()> {
        let reason = SuppressionReason::from_code(row.get(3)?)?.reason();
        let class = RecordClass::from_code(row.get(4)?)?;
        self.address.add(Blocks::of(reason, Some(class)), instant(row.get(5)?));
        Ok(())
    }

    fn add_opt_out(&mut self, list: &str, class: Option<RecordClass>) {
        self.address.add(Blocks::HAS_LISTS, None);
        let at = match self.lists.binary_search_by(|entry| entry.list.as_str().cmp(list)) {
            Ok(at) => at,
            Err(at) => {
                let mut entry = self.spare.pop().unwrap_or_default();
                entry.list.clear();
                entry.list.push_str(list);
                entry.entry.blocks = Blocks::NONE;
                entry.entry.expiries.clear();
                self.lists.insert(at, entry);
                at
            }
        };
        self.lists[at].entry.add(Blocks::of(Reason::OptedOut, class), None);
    }
}

/// What two columns of flags withhold.
fn flags(row: &Row<'_>, first: usize) -> Result<Blocks> {
    let flag = |column| -> Result<Flag> { Flag::from_code(row.get(column)?) };
    let (bulk_email, email_allowed) = (flag(first)?, flag(first + 1)?);
    if bulk_email == Flag::Allow && email_allowed == Flag::Allow {
        return Ok(Blocks::NONE);
    }
    // Empty strings don't allocate.
    let contact = Contact {
        contact_id: String::new(),
        address: String::new(),
        bulk_email,
        email_allowed,
        at: None,
        former: false,
    };
    Ok(contact.blocks())
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str> {
    match row.get_ref(column)? {
        ValueRef::Text(text) => std::str::from_utf8(text).map_err(|_| damaged("a text")),
        _ => Err(damaged("a text")),
    }
}
