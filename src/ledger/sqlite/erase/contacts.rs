//! Contacts whose current row was at an erased address: the flags stay under the contact's pseudonym, and withhold
//! by the contact's id as they did.
//!
//! When the erasure is lifted, the rows come back under an alias, for nobody knows the id any more. The flags of
//! such a row and those under the pseudonym are the same flags.

use super::parked;
use super::table::{self, ErasedRow, Space};
use crate::error::Result;
use crate::ledger::Change;
use crate::ledger::erase::{Pseudonym, from_hex, hex};
use crate::ledger::sqlite::codes::signed;
use crate::ledger::sqlite::flags::Flags;
use crate::ledger::sqlite::rows::{ContactAt, current_of};
use crate::ledger::sqlite::write::Writer;
use crate::record::Contact;

/// What the alias of a contact begins with.
const ALIAS: &str = "erased:";

/// The id of a row that came back without its contact's id.
pub(super) fn alias(pseudonym: &Pseudonym) -> String {
    format!("{ALIAS}{}", hex(pseudonym))
}

/// The pseudonym that an alias is of.
pub(super) fn of_alias(id: &str) -> Option<Pseudonym> {
    from_hex(id.strip_prefix(ALIAS)?)
}

/// Keeps the flags of a contact whose current row is at `home`, an erased address; says whether the flags that
/// are kept are other ones than before.
pub(in crate::ledger::sqlite) fn keep(
    writer: &Writer<'_>,
    pseudonym: &Pseudonym,
    home: &Pseudonym,
    flags: Flags,
) -> Result<bool> {
    let before = table::get(writer.connection(), Space::Contact, pseudonym)?;
    let row = ErasedRow {
        space: Space::Contact,
        hash: *pseudonym,
        at: before.as_ref().map_or(writer.now().as_micros(), |row| row.at),
        generation: before.as_ref().map_or(signed(writer.last_generation())?, |row| row.generation),
        flags,
        home: Some(*home),
        blocks: Vec::new(),
    };
    if before.as_ref() != Some(&row) {
        table::put(writer.connection(), &row)?;
    }
    Ok(before.map_or(Flags::ALLOW, |row| row.flags) != flags)
}

/// A contact with its current row and what is kept of it, as far as there is either.
pub(in crate::ledger::sqlite) fn united(
    id: &str,
    current: Option<Contact>,
    kept: Option<ErasedRow>,
) -> Option<Contact> {
    let Some(kept) = kept else { return current };
    // Its address is not known any more.
    let current = current.unwrap_or_else(|| kept.flags.of_contact(id, kept.at));
    let Flags { bulk_email, email_allowed } = Flags::of(&current).union(kept.flags);
    Some(Contact { bulk_email, email_allowed, ..current })
}

/// Brings the flags under a pseudonym to those of its row, when `id` is an alias.
pub(in crate::ledger::sqlite) fn mirror(writer: &Writer<'_>, id: &str, flags: Flags) -> Result<()> {
    let Some(pseudonym) = of_alias(id) else { return Ok(()) };
    match table::get(writer.connection(), Space::Contact, &pseudonym)? {
        Some(kept) if kept.flags != flags => {
            table::put(writer.connection(), &ErasedRow { flags, ..kept })?;
            writer.touch(Change::Hashed(pseudonym))
        }
        _ => Ok(()),
    }
}

/// Lets go of what is kept of a contact that has another address now: what it had at the erased one becomes what
/// it left there. Gives the row that has come back meanwhile, for the caller to make a former one.
///
/// The caller tells the feed of the contact by its id.
pub(in crate::ledger::sqlite) fn release(
    writer: &Writer<'_>,
    kept: &ErasedRow,
) -> Result<Option<ContactAt>> {
    let row = leave_home(writer, kept)?;
    table::delete(writer.connection(), kept)?;
    Ok(row)
}

/// Makes the row that a contact has at its home one that it left. Gives it instead when it has come back meanwhile,
/// because the erasure was lifted.
pub(in crate::ledger::sqlite) fn leave_home(
    writer: &Writer<'_>,
    kept: &ErasedRow,
) -> Result<Option<ContactAt>> {
    let connection = writer.connection();
    if let Some(home) = &kept.home
        && let Some(mut row) = table::get(connection, Space::Address, home)?
        && parked::leave(&mut row.blocks, &kept.hash)?
    {
        table::put(connection, &row)?;
    }
    current_of(connection, &alias(&kept.hash))
}
