//! Contacts of a file beside those that are there, both in the order of their ids.

use super::super::contacts;
use super::super::staged::StagedContact;
use super::super::{Import, Rows, Sorters};
use super::claims::{self, Claimed, Claims};
use super::lost::{Fate, Lost};
use super::plan::{BULK_EMAIL, EMAIL_ALLOWED};
use super::{Found, Job, Whose, write};
use crate::error::Result;
use crate::ledger::sort::{Sorted, Sorter};
use crate::ledger::sqlite::claims::{Claim, Sub, weaker};
use crate::ledger::sqlite::codes::Coded;
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::sums::{self, is_sound};
use crate::record::{Flag, Kind};

/// Imports the contacts, and spools what the source lost.
pub(super) fn compare(
    import: &mut Import<'_>,
    job: &Job<'_>,
    (rows, len): (Sorted, u64),
    sorters: &Sorters,
    lost: &mut Sorter,
) -> Result<Found> {
    let mut claims = claims::prepare(job.before)?;
    let mut comparison = Comparison {
        job,
        known: Known::read(job, sorters.another())?,
        claims: Claims::new(job, &mut claims)?,
        lost,
        adopted: sorters.another(),
        contact: Contact::default(),
        found: Found::default(),
    };
    let watched = Watched { rows, comparison: &mut comparison };
    contacts::apply(import, watched, len, sorters.another())?;
    let Comparison { mut found, adopted, .. } = comparison;
    found.adopted = adopt(job, adopted.finish()?)?;
    // The import held them, for it knows of no source.
    found.lifted = found.lifted.min(import.counts.held);
    import.counts.held -= found.lifted;
    Ok(found)
}

/// Takes over the rows whose contacts the file named, in the order of their keys.
fn adopt(job: &Job<'_>, mut adopted: Sorted) -> Result<u64> {
    let mut count = 0;
    while let Some((key, id)) = adopted.next()? {
        let name = std::str::from_utf8(id).map_err(|_| damaged("a contact id"))?.to_owned();
        // The import may have made it a former one.
        for code in [0, 1] {
            count += write::adopt(job, key, &Sub { code, name: name.clone() })?;
        }
    }
    Ok(count)
}

/// The rows of a file on their way into the import.
struct Watched<'w, 'c> {
    rows: Sorted,
    comparison: &'w mut Comparison<'c>,
}

impl Rows for Watched<'_, '_> {
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        match self.rows.next()? {
            Some((id, payload)) => {
                self.comparison.take(id, payload)?;
                Ok(Some((id, payload)))
            }
            None => {
                self.comparison.finish()?;
                Ok(None)
            }
        }
    }
}

/// The rows of contacts as they were, by id.
struct Known {
    rows: Sorted,
    /// The row at hand: its id and the rest.
    id: Vec<u8>,
    row: Option<There>,
}

/// A row of a contact.
#[derive(Debug, Clone)]
struct There {
    key: Vec<u8>,
    former: bool,
    bulk_email: Flag,
    email_allowed: Flag,
    whose: Whose,
}

impl Known {
    fn read(job: &Job<'_>, mut sorter: Sorter) -> Result<Self> {
        let sql = concat!(
            "SELECT contact_id, key, former, bulk_email, email_allowed, source, ",
            is_sound!(contact),
            " FROM contact ORDER BY key"
        );
        let mut statement = job.before.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut payload = Vec::new();
        while let Some(row) = rows.next()? {
            let id = row.get_ref(0)?.as_str().map_err(|_| damaged("a contact id"))?;
            let key = row.get_ref(1)?.as_blob().map_err(|_| damaged("a key"))?;
            sums::check(row, 6, Kind::Contacts, key)?;
            let source = row.get_ref(5)?.as_str_or_null().map_err(|_| damaged("a source"))?;
            let whose = match Whose::of(source, job.source) {
                Whose::Ours => 0,
                Whose::Nobodys => 1,
                Whose::Others => 2,
            };
            let is_denied = |column| -> Result<u8> {
                Ok(Flag::from_code(row.get(column)?)?.is_denied().into())
            };
            payload.clear();
            let former = u8::from(row.get::<_, bool>(2)?);
            payload.extend_from_slice(&[former, is_denied(3)?, is_denied(4)?, whose]);
            payload.extend_from_slice(key);
            sorter.push(id.as_bytes(), &payload)?;
        }
        let mut known = Self { rows: sorter.finish()?, id: Vec::new(), row: None };
        known.advance()?;
        Ok(known)
    }

    fn advance(&mut self) -> Result<()> {
        self.row = None;
        let Some((id, payload)) = self.rows.next()? else { return Ok(()) };
        let (head, key) =
            payload.split_first_chunk::<4>().ok_or_else(|| damaged("a spooled contact"))?;
        let flag = |byte: u8| if byte == 0 { Flag::Allow } else { Flag::DoNotAllow };
        let whose = [Whose::Ours, Whose::Nobodys, Whose::Others];
        self.id.clear();
        self.id.extend_from_slice(id);
        self.row = Some(There {
            key: key.to_vec(),
            former: head[0] != 0,
            bulk_email: flag(head[1]),
            email_allowed: flag(head[2]),
            whose: whose.get(usize::from(head[3])).copied().unwrap_or(Whose::Others),
        });
        Ok(())
    }

    fn id(&self) -> Option<&[u8]> {
        self.row.as_ref().map(|_| self.id.as_slice())
    }
}

/// A contact: what was recorded of it, and what the file says.
#[derive(Default)]
struct Contact {
    id: Option<Vec<u8>>,
    rows: Vec<There>,
    /// Who claims it.
    claimed: Claimed,
    said: Vec<SaidRow>,
}

/// A row of the file.
struct SaidRow {
    key: Vec<u8>,
    bulk_email: Option<Flag>,
    email_allowed: Option<Flag>,
    former: bool,
}

struct Comparison<'c> {
    job: &'c Job<'c>,
    known: Known,
    claims: Claims<'c>,
    lost: &'c mut Sorter,
    /// Keys and ids of rows to take over.
    adopted: Sorter,
    contact: Contact,
    found: Found,
}

impl Comparison<'_> {
    fn take(&mut self, id: &[u8], payload: &[u8]) -> Result<()> {
        if self.contact.id.as_deref() != Some(id) {
            self.turn(id)?;
        }
        let row = StagedContact::decode(payload)?;
        self.contact.said.push(SaidRow {
            key: row.key.to_vec(),
            bulk_email: row.bulk_email,
            email_allowed: row.email_allowed,
            former: row.former,
        });
        Ok(())
    }

    /// Goes on to `id`: what is recorded before it, the file does not name.
    fn turn(&mut self, id: &[u8]) -> Result<()> {
        self.settle()?;
        while let Some(before) = self.next_recorded()?.filter(|before| *before < id) {
            let before = before.to_vec();
            self.load(&before)?;
            self.settle()?;
        }
        self.load(id)
    }

    fn finish(&mut self) -> Result<()> {
        self.settle()?;
        while let Some(id) = self.next_recorded()? {
            let id = id.to_vec();
            self.load(&id)?;
            self.settle()?;
        }
        Ok(())
    }

    fn next_recorded(&self) -> Result<Option<&[u8]>> {
        Ok(self.known.id().into_iter().chain(self.claims.key()?).min())
    }

    fn load(&mut self, id: &[u8]) -> Result<()> {
        self.contact = Contact { id: Some(id.to_vec()), ..Contact::default() };
        while self.known.id() == Some(id) {
            self.contact.rows.extend(self.known.row.take());
            self.known.advance()?;
        }
        let contact = &mut self.contact;
        self.claims.take(id, |_, put| put(&mut contact.claimed))
    }

    fn settle(&mut self) -> Result<()> {
        let contact = std::mem::take(&mut self.contact);
        let Some(id) = &contact.id else { return Ok(()) };
        self.found.owned += u64::from(contact.is_owned());
        if contact.said.is_empty() {
            self.settle_lost(id, &contact)
        } else {
            self.settle_named(id, &contact)
        }
    }

    /// The file does not name the contact.
    fn settle_lost(&mut self, id: &[u8], contact: &Contact) -> Result<()> {
        self.settle_claim(id, contact, None, false)?;
        if !contact.is_owned() || self.pass_on(id, contact)? {
            return Ok(());
        }
        self.found.removed += 1;
        let name = text(id)?;
        // What it left behind goes with it, unless the contact is by now somebody else's.
        let goes_whole = contact.current().is_none_or(|current| current.whose == Whose::Ours);
        for row in &contact.rows {
            let goes = match row.whose {
                Whose::Ours => true,
                Whose::Nobodys => row.former && goes_whole,
                Whose::Others => false,
            };
            if goes {
                let sub = Sub { code: u8::from(row.former), name: name.clone() };
                Lost { sub, fate: Fate::Delete }.spool(&row.key, self.lost)?;
            }
        }
        Ok(())
    }

    /// The file names the contact.
    fn settle_named(&mut self, id: &[u8], contact: &Contact) -> Result<()> {
        // Where there is none, the import adds it as the source's.
        let Some(current) = contact.current() else {
            return self.settle_claim(id, contact, None, true);
        };
        let allowed = contact.allowed(current);
        match current.whose {
            Whose::Others => return self.settle_claim(id, contact, Some(contact.denied()), false),
            Whose::Nobodys if allowed == 0 => self.adopted.push(&current.key, id)?,
            Whose::Ours if allowed != 0 => self.weaken(id, contact, current, allowed)?,
            Whose::Nobodys | Whose::Ours => {}
        }
        self.settle_claim(id, contact, None, current.whose == Whose::Ours)
    }

    /// Sees to it that the source claims the contact and denies so much, or does not claim it; and takes over what is
    /// nobody's where its file says as much.
    fn settle_claim(
        &self,
        id: &[u8],
        contact: &Contact,
        denied: Option<i64>,
        is_ours: bool,
    ) -> Result<()> {
        let claimed = contact.claimed;
        let is_as_much = |says| !weaker(Kind::Contacts, says, contact.denied());
        let takes_over = is_ours && claimed.by_nobody.is_some_and(is_as_much);
        claims::settle(self.job, id, &Sub::default(), claimed, denied, takes_over)
    }

    /// The source allows what its contact is recorded not to.
    fn weaken(
        &mut self,
        id: &[u8],
        contact: &Contact,
        current: &There,
        allowed: i64,
    ) -> Result<()> {
        let key = contact.key().unwrap_or(&current.key);
        // Denied by an unsubscribe that is recorded: the flag goes when that does.
        let mut mask = allowed;
        if mask & BULK_EMAIL != 0 && self.is_unsubscribed(key)? {
            mask &= !BULK_EMAIL;
        }
        mask &= !self.claims.said_by_others(self.job, id, &Sub::default())?.unwrap_or(0);
        if mask == 0 {
            return Ok(());
        }
        self.found.removed += 1;
        if contact.said.iter().all(|row| row.former || row.key == current.key) {
            self.found.lifted +=
                contact.said.iter().filter(|row| row.is_held(current, mask)).count() as u64;
        }
        let sub = Sub { code: 0, name: text(id)? };
        Lost { sub, fate: Fate::Weaken(mask) }.spool(key, self.lost)
    }

    fn is_unsubscribed(&self, key: &[u8]) -> Result<bool> {
        let sql = "SELECT 1 FROM unsubscribe WHERE key = ?1 AND list = '' LIMIT 1";
        Ok(self.job.writer.connection().prepare_cached(sql)?.exists([key])?)
    }

    /// Hands the contact to another source that claims it, if there is one.
    fn pass_on(&mut self, id: &[u8], contact: &Contact) -> Result<bool> {
        let claim = Sub::default();
        let Some(claimant) = self.claims.of_another(self.job, id, &claim)? else {
            return Ok(false);
        };
        for row in contact.rows.iter().filter(|row| row.whose == Whose::Ours) {
            let sub = Sub { code: u8::from(row.former), name: text(id)? };
            write::pass_on(self.job, &row.key, &sub, &claimant)?;
        }
        let claim = Claim { kind: Kind::Contacts, key: id, sub: &claim, source: &claimant };
        claim.drop(self.job.writer.connection())?;
        self.found.passed_on += 1;
        Ok(true)
    }
}

impl Contact {
    fn current(&self) -> Option<&There> {
        self.rows.iter().find(|row| !row.former)
    }

    fn is_owned(&self) -> bool {
        self.rows.iter().any(|row| row.whose == Whose::Ours)
    }

    /// The key that the contact has after the import.
    fn key(&self) -> Option<&[u8]> {
        self.said.iter().rfind(|row| !row.former).map(|row| row.key.as_slice())
    }

    /// The flags that are denied and that the file says are allowed, and denies nowhere.
    fn allowed(&self, current: &There) -> i64 {
        let rows = || self.said.iter().filter(|row| !row.former);
        let is_allowed = |denied: Flag, said: fn(&SaidRow) -> Option<Flag>| {
            denied.is_denied()
                && rows().any(|row| said(row) == Some(Flag::Allow))
                && rows().all(|row| said(row) != Some(Flag::DoNotAllow))
        };
        let bulk_email = is_allowed(current.bulk_email, |row| row.bulk_email);
        let email_allowed = is_allowed(current.email_allowed, |row| row.email_allowed);
        i64::from(bulk_email) * BULK_EMAIL + i64::from(email_allowed) * EMAIL_ALLOWED
    }

    /// The flags that the file denies.
    fn denied(&self) -> i64 {
        let rows = || self.said.iter().filter(|row| !row.former);
        let bulk_email = rows().any(|row| row.bulk_email == Some(Flag::DoNotAllow));
        let email_allowed = rows().any(|row| row.email_allowed == Some(Flag::DoNotAllow));
        i64::from(bulk_email) * BULK_EMAIL + i64::from(email_allowed) * EMAIL_ALLOWED
    }
}

impl SaidRow {
    /// Says whether the import counts the row as held although all that held it follows it: the flags of `mask`.
    fn is_held(&self, current: &There, mask: i64) -> bool {
        let flags = [
            (self.bulk_email, current.bulk_email, BULK_EMAIL),
            (self.email_allowed, current.email_allowed, EMAIL_ALLOWED),
        ];
        let mut is_held = false;
        for (said, recorded, bit) in flags {
            match (said, recorded) {
                (Some(Flag::DoNotAllow), Flag::Allow) => return false,
                (Some(Flag::Allow), Flag::DoNotAllow) if mask & bit == 0 => return false,
                (Some(Flag::Allow), Flag::DoNotAllow) => is_held = true,
                _ => {}
            }
        }
        is_held && !self.former
    }
}

fn text(id: &[u8]) -> Result<String> {
    Ok(std::str::from_utf8(id).map_err(|_| damaged("a contact id"))?.to_owned())
}
