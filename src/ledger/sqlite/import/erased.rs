//! Rows of an import whose address is erased: their blocks are parked, and no text of them is written.

use super::staged::{StagedPreference, StagedSuppression, StagedUnsubscribe};
use super::{Import, moves};
use crate::error::Result;
use crate::ledger::Change;
use crate::ledger::erase::{Pseudonym, Pseudonyms, hex};
use crate::ledger::sqlite::codes::micros;
use crate::ledger::sqlite::erase;
use crate::ledger::sqlite::erase::contacts;
use crate::ledger::sqlite::erase::parked::{self, Parked};
use crate::ledger::sqlite::erase::table::{self, ErasedRow, Space};
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::flags::Flags;
use crate::ledger::sqlite::write::Writer;
use crate::record::{Kind, Timestamp};
use std::collections::HashSet;

/// The erased addresses and contacts, in memory: about 40 bytes each, and the blocks of one address.
pub(super) struct Erased<'l> {
    /// None while nothing is erased: then no row costs anything.
    pseudonyms: Option<&'l dyn Pseudonyms>,
    addresses: HashSet<Pseudonym>,
    contacts: HashSet<Pseudonym>,
    /// The address at hand, which rows come sorted by, and whether it has blocks that are not written yet.
    parking: Option<(ErasedRow, bool)>,
}

impl<'l> Erased<'l> {
    /// Reads what is erased.
    pub(super) fn load(writer: &Writer<'l>) -> Result<Self> {
        let mut erased = Self {
            pseudonyms: None,
            addresses: HashSet::new(),
            contacts: HashSet::new(),
            parking: None,
        };
        if !writer.erasures().are_any() {
            return Ok(erased);
        }
        erased.pseudonyms = Some(writer.erasures().pseudonyms()?);
        table::for_each(writer.connection(), &mut |row| {
            match row.space {
                Space::Address => erased.addresses.insert(row.hash),
                Space::Contact => erased.contacts.insert(row.hash),
            };
            Ok(())
        })?;
        Ok(erased)
    }

    /// The pseudonym of an address that is erased.
    #[inline]
    pub(super) fn address(&self, key: &[u8]) -> Option<Pseudonym> {
        let hash = self.pseudonyms?.of_address(key);
        self.addresses.contains(&hash).then_some(hash)
    }

    /// The pseudonym of a contact whose address is erased.
    pub(super) fn contact(&self, id: &str) -> Option<Pseudonym> {
        let hash = self.pseudonyms?.of_contact(id);
        self.contacts.contains(&hash).then_some(hash)
    }
}

impl Import<'_> {
    /// The pseudonym of an address of this import that is erased.
    pub(super) fn erased(&self, kind: Kind, key: &[u8]) -> Option<Pseudonym> {
        // What most stores have is seen first: that nothing is erased.
        self.erased.pseudonyms?;
        if Kind::OF_ADDRESSES.contains(&kind) { self.erased.address(key) } else { None }
    }

    /// Parks what a spooled row of an erased address says, and nothing of its text. Written when another address
    /// comes, or by [`Import::write_parked`]: an address may be on ten thousand lists.
    pub(super) fn park(&mut self, kind: Kind, address: &Pseudonym, payload: &[u8]) -> Result<()> {
        let recorded_at = self.writer.now().as_micros();
        let block = match kind {
            Kind::Unsubscribes => {
                let StagedUnsubscribe { list, state, class, at, .. } =
                    StagedUnsubscribe::decode(payload)?;
                Parked::Unsubscribe { list: list.to_owned(), state, class, at, recorded_at }
            }
            Kind::Preferences => {
                let StagedPreference { list, choice, at, .. } = StagedPreference::decode(payload)?;
                Parked::Preference { list: list.to_owned(), choice, at, recorded_at }
            }
            Kind::Suppressions => {
                let StagedSuppression { reason, class, at, expires_at, .. } =
                    StagedSuppression::decode(payload)?;
                Parked::Suppression { reason, class, at, expires_at, recorded_at }
            }
            Kind::Contacts | Kind::Domains | Kind::Digests => {
                return Err(damaged("a row that can't be parked"));
            }
        };
        if self.erased.parking.as_ref().is_none_or(|(row, _)| row.hash != *address) {
            self.write_parked()?;
            self.erased.parking = Some((self.row_of(address)?, false));
        }
        if let Some((row, is_news)) = &mut self.erased.parking {
            *is_news |= parked::add(&mut row.blocks, block)?;
        }
        Ok(())
    }

    /// Writes what was parked of the last address.
    pub(super) fn write_parked(&mut self) -> Result<()> {
        match self.erased.parking.take() {
            Some((row, true)) => table::put(self.writer.connection(), &row),
            _ => Ok(()),
        }
    }

    fn row_of(&self, address: &Pseudonym) -> Result<ErasedRow> {
        table::get(self.writer.connection(), Space::Address, address)?
            .ok_or_else(|| damaged("an erasure that is there and is not"))
    }

    /// Parks a row of a contact at an erased address.
    pub(super) fn park_contact(
        &self,
        address: &Pseudonym,
        contact: &Pseudonym,
        (former, flags): (bool, Flags),
        at: Option<Timestamp>,
    ) -> Result<()> {
        let block = Parked::Contact {
            contact: hex(contact),
            former,
            flags: flags.bits(),
            at: micros(at),
            recorded_at: self.writer.now().as_micros(),
        };
        erase::park(self.writer, &mut self.row_of(address)?, block).map(|_| ())
    }

    /// What is kept of a contact whose address is erased.
    pub(super) fn kept(&self, id: &str) -> Result<Option<ErasedRow>> {
        match self.erased.contact(id) {
            Some(hash) => table::get(self.writer.connection(), Space::Contact, &hash),
            None => Ok(None),
        }
    }

    /// Lets go of what is kept of a contact that has an address now.
    pub(super) fn release_contact(&self, id: &str, kept: &ErasedRow) -> Result<()> {
        let row = contacts::release(self.writer, kept)?;
        self.writer.touch_openly(Change::Contact(id))?;
        row.map_or(Ok(()), |row| moves::leave(self, row, Flags::ALLOW))
    }

    /// Makes an erased address the current one of a contact, which has these flags now and had others before; says
    /// whether an answer changed.
    pub(super) fn keep_contact(
        &self,
        id: &str,
        home: &Pseudonym,
        (before, flags): (Flags, Flags),
        (kept, at): (Option<&ErasedRow>, Option<Timestamp>),
    ) -> Result<bool> {
        let contact = self.writer.erasures().pseudonyms()?.of_contact(id);
        if let Some(kept) = kept.filter(|kept| kept.home != Some(*home)) {
            let row = contacts::leave_home(self.writer, kept)?;
            row.map_or(Ok(()), |row| moves::leave(self, row, Flags::ALLOW))?;
        }
        contacts::keep(self.writer, &contact, home, flags)?;
        self.park_contact(home, &contact, (false, flags), at)?;
        if before != flags {
            self.writer.touch(Change::Hashed(contact))?;
        }
        Ok(before != flags)
    }
}
