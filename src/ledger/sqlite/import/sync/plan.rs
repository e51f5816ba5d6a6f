//! What follows for one key from what its source lost: the consequences of a resubscribe, but for the records of
//! other sources.

use super::lost::{Fate, Lost};
use super::write::end_of;
use super::{Job, Whose};
use crate::error::Result;
use crate::ledger::sqlite::claims::{Claim, Sub, said_by_sources};
use crate::ledger::sqlite::codes::Coded;
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::flags::Flags;
use crate::ledger::sqlite::rows::{contacts_of, digest_of_key, digests_of, of_key};
use crate::ledger::{Record, StoredRecord};
use crate::record::{
    Choice, Contact, Digest, DomainRule, Flag, KeyState, Kind, Preference, RecordClass, Suppression,
};
use std::collections::BTreeMap;

/// *Bulk Email* and *Email* in what a contact's [`Fate::Weaken`] says.
pub(in super::super) const BULK_EMAIL: i64 = 1;
pub(in super::super) const EMAIL_ALLOWED: i64 = 2;

/// What becomes of a key.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) deleted: Vec<StoredRecord>,
    pub(super) changed: Vec<(StoredRecord, Record)>,
    pub(super) held: Vec<StoredRecord>,
    /// What is recorded of the key afterwards, if it is an address's.
    pub(super) after: KeyState,
    /// Its entry of the index withheld something, and withholds nothing afterwards.
    pub(super) is_released: bool,
}

/// A record of the key, and what becomes of it.
struct Planned {
    stored: StoredRecord,
    whose: Whose,
    becomes: Becomes,
}

enum Becomes {
    Same,
    Gone,
    Other(Record),
}

/// Plans for a key, from what is recorded of it now: with what the file added.
pub(super) fn plan(job: &Job<'_>, key: &[u8], lost: &[Lost]) -> Result<Plan> {
    let mut records = recorded(job, key)?;
    let before = state(&records, Side::Before);
    let mut plan = Plan::default();
    for one in lost {
        let mut is_there = false;
        for planned in records.iter_mut().filter(|planned| is_of(job, planned, &one.sub)) {
            is_there = true;
            match one.fate {
                Fate::Keep => plan.held.push(planned.stored.clone()),
                Fate::Delete => planned.becomes = Becomes::Gone,
                Fate::Weaken(says) => planned.weaken(job, says)?,
            }
        }
        if !is_there {
            return Err(damaged("a record that is there and is not"));
        }
    }
    if job.kind == Kind::Unsubscribes {
        follow(job, key, &mut records, lost)?;
    }
    plan.after = state(&records, Side::After);
    plan.is_released = if Kind::OF_ADDRESSES.contains(&job.kind) {
        !before.address_entry().blocks.is_empty() && plan.after.address_entry().blocks.is_empty()
    } else {
        records.iter().all(|planned| matches!(planned.becomes, Becomes::Gone))
    };
    for Planned { stored, becomes, .. } in records {
        match becomes {
            Becomes::Same => {}
            Becomes::Gone => plan.deleted.push(stored),
            Becomes::Other(now) => plan.changed.push((stored, now)),
        }
    }
    Ok(plan)
}

/// Every record of the key.
fn recorded(job: &Job<'_>, key: &[u8]) -> Result<Vec<Planned>> {
    let connection = job.writer.connection();
    let planned = |stored: StoredRecord| {
        let source = source_of(&stored.record);
        Planned { whose: Whose::of(source, job.source), stored, becomes: Becomes::Same }
    };
    match job.kind {
        Kind::Domains => {
            Ok(of_key(connection, Kind::Domains, key)?.into_iter().map(planned).collect())
        }
        Kind::Digests => {
            let digest = digest_of_key(key)?;
            Ok(digests_of(connection, &digest)?.into_iter().map(planned).collect())
        }
        _ => {
            let sources = contact_sources(job, key)?;
            let mut records = Vec::new();
            for row in contacts_of(connection, key)? {
                let of = (row.contact.contact_id.clone(), row.contact.former);
                let source = sources.get(&of).and_then(Option::as_deref);
                let whose = Whose::of(source, job.source);
                records.push(Planned { stored: row.stored, whose, becomes: Becomes::Same });
            }
            for kind in [Kind::Unsubscribes, Kind::Preferences, Kind::Suppressions] {
                records.extend(of_key(connection, kind, key)?.into_iter().map(planned));
            }
            Ok(records)
        }
    }
}

/// The source of each row of a contact at `key`, by its id and whether it is a former one.
fn contact_sources(job: &Job<'_>, key: &[u8]) -> Result<BTreeMap<(String, bool), Option<String>>> {
    let sql = "SELECT contact_id, former, source FROM contact WHERE key = ?1";
    let mut statement = job.writer.connection().prepare_cached(sql)?;
    let rows = statement.query_map([key], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn source_of(record: &Record) -> Option<&str> {
    match record {
        // Its row says it, the record does not.
        Record::Contact(_) => None,
        Record::Unsubscribe(record) => record.source.as_deref(),
        Record::Preference(record) => record.source.as_deref(),
        Record::Suppression(record) => record.source.as_deref(),
        Record::Domain(rule) => rule.source.as_deref(),
        Record::Digest(record) => record.source.as_deref(),
    }
}

/// Says whether a record is one of those that the source lost by `sub`.
fn is_of(job: &Job<'_>, planned: &Planned, sub: &Sub) -> bool {
    let is_class = |class: RecordClass| class.code() == i64::from(sub.code);
    let is_list = |list: Option<&String>| list.map_or("", String::as_str) == sub.name;
    let is_ours = planned.whose == Whose::Ours;
    match (&planned.stored.record, job.kind) {
        (Record::Contact(contact), Kind::Contacts) => {
            let former = u8::from(contact.former) == sub.code;
            // What a contact left behind goes with it, whoever's it is not.
            let goes = is_ours || contact.former && planned.whose == Whose::Nobodys;
            contact.contact_id == sub.name && former && goes
        }
        (Record::Unsubscribe(record), Kind::Unsubscribes) => {
            is_ours && is_class(record.class) && is_list(record.list.as_ref())
        }
        (Record::Preference(record), Kind::Preferences) => is_ours && record.list == sub.name,
        (Record::Suppression(record), Kind::Suppressions) => {
            let of = sub.suppression().ok();
            is_ours && of == Some((record.reason, record.class))
        }
        (Record::Domain(_), Kind::Domains) => is_ours,
        (Record::Digest(record), Kind::Digests) => is_ours && is_list(record.list.as_ref()),
        _ => false,
    }
}

impl Planned {
    /// Makes the record withhold what its source says and no more.
    fn weaken(&mut self, job: &Job<'_>, says: i64) -> Result<()> {
        let now = match &self.stored.record {
            Record::Contact(was) => {
                let flags = Flags::of(was);
                let allow = |bit: i64, flag: Flag| if says & bit == 0 { flag } else { Flag::Allow };
                let bulk_email = allow(BULK_EMAIL, flags.bulk_email);
                let email_allowed = allow(EMAIL_ALLOWED, flags.email_allowed);
                return self.allow(job, Flags { bulk_email, email_allowed });
            }
            Record::Preference(was) => {
                let at = Some(job.writer.now());
                Record::Preference(Preference { choice: Choice::In, at, ..was.clone() })
            }
            Record::Suppression(was) => {
                Record::Suppression(Suppression { expires_at: end_of(says), ..was.clone() })
            }
            Record::Domain(was) => {
                Record::Domain(DomainRule { subdomains: says != 0, ..was.clone() })
            }
            Record::Digest(was) => {
                Record::Digest(Digest { class: RecordClass::from_code(says - 1)?, ..was.clone() })
            }
            // Its class is part of its identity.
            Record::Unsubscribe(_) => return Err(damaged("an unsubscribe to weaken")),
        };
        self.becomes = Becomes::Other(now);
        Ok(())
    }

    /// Sets the flags of a contact's row.
    fn allow(&mut self, job: &Job<'_>, flags: Flags) -> Result<()> {
        let Record::Contact(was) = &self.stored.record else { return Ok(()) };
        if Flags::of(was) != flags {
            let Flags { bulk_email, email_allowed } = flags;
            let at = Some(job.writer.now());
            let now = Contact { bulk_email, email_allowed, at, ..was.clone() };
            self.becomes = Becomes::Other(Record::Contact(now));
        }
        Ok(())
    }

    /// The list of an unsubscribe record that stays, '' for everywhere.
    fn unsubscribed_list(&self) -> Option<&str> {
        match (&self.stored.record, &self.becomes) {
            (_, Becomes::Gone) => None,
            (Record::Unsubscribe(record), _) => Some(record.list.as_deref().unwrap_or_default()),
            _ => None,
        }
    }
}

/// What follows from unsubscribes that went: as of a resubscribe, where none of the list is left, but for what another
/// source says.
fn follow(job: &Job<'_>, key: &[u8], records: &mut [Planned], lost: &[Lost]) -> Result<()> {
    let connection = job.writer.connection();
    for Lost { sub, .. } in lost {
        if records.iter().any(|planned| planned.unsubscribed_list() == Some(sub.name.as_str())) {
            continue;
        }
        for planned in records.iter_mut().filter(|planned| planned.whose != Whose::Others) {
            match &planned.stored.record {
                Record::Contact(was) if sub.name.is_empty() => {
                    let (id, claimed) = (was.contact_id.as_bytes(), &Sub::default());
                    let claim =
                        Claim { kind: Kind::Contacts, key: id, sub: claimed, source: job.source };
                    let denied = said_by_sources(connection, &claim)?.unwrap_or(0);
                    // Who claims a contact says nothing of what it left behind.
                    let denied = if was.former { 0 } else { denied };
                    planned.weaken(job, (BULK_EMAIL | EMAIL_ALLOWED) & !denied)?;
                }
                Record::Preference(was) if was.choice == Choice::Out && was.list == sub.name => {
                    let claimed = &Sub::of_list(&was.list);
                    let claim =
                        Claim { kind: Kind::Preferences, key, sub: claimed, source: job.source };
                    if said_by_sources(connection, &claim)?.is_none() {
                        planned.becomes = Becomes::Gone;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// What is recorded of an address's key.
fn state(records: &[Planned], side: Side) -> KeyState {
    let mut state = KeyState::default();
    for planned in records {
        let record = match (&planned.becomes, side) {
            (Becomes::Gone, Side::After) => continue,
            (Becomes::Other(now), Side::After) => now,
            _ => &planned.stored.record,
        };
        match record {
            Record::Contact(record) => state.contacts.push(record.clone()),
            Record::Unsubscribe(record) => state.unsubscribes.push(record.clone()),
            Record::Preference(record) => state.preferences.push(record.clone()),
            Record::Suppression(record) => state.suppressions.push(record.clone()),
            // Of no address.
            Record::Domain(_) | Record::Digest(_) => {}
        }
    }
    state
}
