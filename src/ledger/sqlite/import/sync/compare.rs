//! Rows of a file beside the records that are there, both in the order of their keys.
//!
//! Rows that say what is recorded, as nearly all do of a daily export, end here: the import is given those only that
//! add or tighten something.

use super::super::bulk::{self, Table};
use super::super::staged::{
    StagedDigest, StagedDomain, StagedPreference, StagedSuppression, StagedUnsubscribe, part_of,
};
use super::super::{Blocks, Import};
use super::claims::{self, Claimed, Claims};
use super::known::{self, FOR_EVER, Known};
use super::lost::{Fate, Lost};
use super::{Found, Job, Whose, write};
use crate::error::Result;
use crate::ledger::sort::{Block, Sorted, Sorter};
use crate::ledger::sqlite::claims::{Claim, NOBODY, Sub, both, weaker};
use crate::ledger::sqlite::codes::Coded;
use crate::record::{Choice, Kind, RecordClass, SuppressionReason};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Imports the rows of a table that tell something new, and spools what the source lost.
pub(super) fn compare<T: Table>(
    import: &mut Import<'_>,
    job: &Job<'_>,
    rows: Sorted,
    lost: &mut Sorter,
) -> Result<Found> {
    let mut statements = known::prepare(job.before, job.kind)?;
    let mut claims = claims::prepare(job.before)?;
    let comparison = Comparison {
        job,
        known: Known::new(job, &mut statements)?,
        claims: Claims::new(job, &mut claims)?,
        lost,
        key: Vec::new(),
        has_key: false,
        group: BTreeMap::new(),
        found: Found::default(),
    };
    let mut watched = Watched { rows, new: Block::default(), comparison };
    bulk::apply::<T>(import, &mut watched)?;
    Ok(watched.comparison.found)
}

/// The rows of a file that tell something new.
struct Watched<'c> {
    rows: Sorted,
    new: Block,
    comparison: Comparison<'c>,
}

impl Blocks for &mut Watched<'_> {
    fn next_block(&mut self) -> Result<Option<&Block>> {
        let Watched { rows, new, comparison } = &mut **self;
        new.clear();
        while new.is_empty() {
            let Some(block) = rows.next_block()? else {
                comparison.finish()?;
                return Ok(None);
            };
            for (key, payload) in block.rows() {
                if comparison.is_new(key, payload)? {
                    new.push(key, payload);
                }
            }
        }
        Ok(Some(new))
    }
}

/// Where the comparison stands.
struct Comparison<'c> {
    job: &'c Job<'c>,
    known: Known<'c>,
    claims: Claims<'c>,
    lost: &'c mut Sorter,
    /// The key at hand, if there is one, and what is recorded and said of it.
    key: Vec<u8>,
    has_key: bool,
    group: BTreeMap<Sub, Identity>,
    found: Found,
}

/// The records of one identity, and what the file says of it.
#[derive(Default)]
struct Identity {
    ours: bool,
    nobodys: bool,
    others: bool,
    /// Who claims it.
    claimed: Claimed,
    /// How much the records withhold, if there are some.
    says: Option<i64>,
    /// What else tells the records from each other.
    exact: Vec<(String, i64)>,
    /// How much the file's rows say together.
    said: Option<i64>,
    /// A row is no record yet: the import adds it.
    is_added: bool,
    /// Rows that say less than the source's own record.
    weaker: u64,
}

/// A row of the file.
struct Said<'p> {
    sub: Sub,
    says: i64,
    exact: (&'p str, i64),
    source: Option<&'p str>,
}

impl Comparison<'_> {
    /// Takes a row in; says whether the import is to see it.
    fn is_new(&mut self, key: &[u8], payload: &[u8]) -> Result<bool> {
        if !self.has_key || key != self.key.as_slice() {
            self.turn(key)?;
        }
        let Said { sub, says, exact, .. } = said(self.job.kind, payload)?;
        // A row of several records is counted by the import, whatever becomes of each.
        let is_part = part_of(payload)?.is_some();
        let is_kept = is_kept(self.job.kind, &sub)?;
        let kind = self.job.kind;
        let identity = self.group.entry(sub).or_default();
        identity.said = Some(identity.said.map_or(says, |before| both(kind, before, says)));
        let same = |(address, state): &(String, i64)| (address.as_str(), *state) == exact;
        let recorded = identity.says.filter(|_| identity.exact.iter().any(same));
        let Some(recorded) = recorded else {
            identity.is_added = true;
            return Ok(true);
        };
        if is_part || weaker(kind, says, recorded) {
            return Ok(true);
        }
        if says == recorded {
            self.found.unchanged += 1;
        } else if identity.ours && !is_kept {
            identity.weaker += 1;
        } else {
            self.found.held += 1;
        }
        Ok(false)
    }

    /// Goes on to `key`: what is recorded before it, the file does not name.
    fn turn(&mut self, key: &[u8]) -> Result<()> {
        self.settle()?;
        while let Some(before) = self.next_recorded()?.filter(|before| *before < key) {
            let before = before.to_vec();
            self.load(&before)?;
            self.settle()?;
        }
        self.load(key)
    }

    fn finish(&mut self) -> Result<()> {
        self.settle()?;
        while let Some(key) = self.next_recorded()? {
            let key = key.to_vec();
            self.load(&key)?;
            self.settle()?;
        }
        Ok(())
    }

    /// The least key with a record, or a claim, that is still to come.
    fn next_recorded(&self) -> Result<Option<&[u8]>> {
        let (known, claimed) = (self.known.key()?, self.claims.key()?);
        Ok(known.into_iter().chain(claimed).min())
    }

    /// Reads what is recorded of `key`.
    fn load(&mut self, key: &[u8]) -> Result<()> {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.has_key = true;
        let (group, kind) = (&mut self.group, self.job.kind);
        self.known.take(key, &mut |here| {
            let identity = group.entry(here.sub).or_default();
            match here.whose {
                Whose::Ours => identity.ours = true,
                Whose::Nobodys => identity.nobodys = true,
                Whose::Others => identity.others = true,
            }
            identity.says =
                Some(identity.says.map_or(here.says, |before| both(kind, before, here.says)));
            identity.exact.push((here.exact.0.to_owned(), here.exact.1));
        })?;
        self.claims.take(key, |sub, put| put(&mut group.entry(sub).or_default().claimed))
    }

    /// Decides what becomes of the key at hand.
    fn settle(&mut self) -> Result<()> {
        self.has_key = false;
        for (sub, identity) in std::mem::take(&mut self.group) {
            self.found.owned += u64::from(identity.ours);
            match identity.said {
                None => self.settle_lost(sub, &identity)?,
                Some(said) => self.settle_named(sub, &identity, said)?,
            }
        }
        Ok(())
    }

    /// The file does not name the identity.
    fn settle_lost(&mut self, sub: Sub, identity: &Identity) -> Result<()> {
        claims::settle(self.job, &self.key, &sub, identity.claimed, None, false)?;
        if !identity.ours {
            return Ok(());
        }
        if is_kept(self.job.kind, &sub)? {
            self.found.complaints += 1;
            return Lost { sub, fate: Fate::Keep }.spool(&self.key, self.lost);
        }
        if self.pass_on(&sub)? {
            return Ok(());
        }
        self.found.removed += 1;
        Lost { sub, fate: Fate::Delete }.spool(&self.key, self.lost)
    }

    /// The file names the identity, and says so much of it.
    fn settle_named(&mut self, sub: Sub, identity: &Identity, said: i64) -> Result<()> {
        let is_weaker = |said| identity.says.is_some_and(|says| weaker(self.job.kind, says, said));
        let is_less = is_weaker(said);
        let mut weakens_to = None;
        if identity.ours && is_less && !is_kept(self.job.kind, &sub)? {
            // What others say of it holds as well.
            let others = self.claims.said_by_others(self.job, &self.key, &sub)?;
            let together = others.map_or(said, |others| both(self.job.kind, said, others));
            weakens_to = Some(together).filter(|together| is_weaker(*together));
        }
        if let Some(says) = weakens_to {
            self.found.removed += 1;
            self.found.lifted += identity.weaker;
            Lost { sub: sub.clone(), fate: Fate::Weaken(says) }.spool(&self.key, self.lost)?;
        } else {
            self.found.held += identity.weaker;
        }
        let mut mine = identity.ours || identity.is_added;
        if identity.nobodys && !is_less {
            self.found.adopted += write::adopt(self.job, &self.key, &sub)?;
            mine = true;
        }
        // Who is in a list withholds nothing there.
        let is_idle = self.job.kind == Kind::Preferences && said == Choice::In.code();
        let says = Some(said).filter(|_| !mine && identity.others && !is_idle);
        let by_nobody = identity.claimed.by_nobody;
        let takes_over = mine && by_nobody.is_some_and(|says| !weaker(self.job.kind, says, said));
        claims::settle(self.job, &self.key, &sub, identity.claimed, says, takes_over)
    }

    /// Hands the source's records of an identity to another source that claims it, if there is one.
    fn pass_on(&mut self, sub: &Sub) -> Result<bool> {
        let Some(claimant) = self.claims.of_another(self.job, &self.key, sub)? else {
            return Ok(false);
        };
        write::pass_on(self.job, &self.key, sub, &claimant)?;
        let claim = Claim { kind: self.job.kind, key: &self.key, sub, source: &claimant };
        claim.drop(self.job.writer.connection())?;
        self.found.passed_on += 1;
        Ok(true)
    }
}

/// Says whether the record stays although its source lets go of it, as a complaint does.
fn is_kept(kind: Kind, sub: &Sub) -> Result<bool> {
    Ok(kind == Kind::Suppressions && !sub.suppression()?.0.lifting().by_sync)
}

/// Remembers a row of an import whose record is there: it holds as well, should the record's source let go of it.
pub(in super::super) fn remember(
    connection: &Connection,
    kind: Kind,
    key: &[u8],
    payload: &[u8],
) -> Result<()> {
    let Said { sub, says, exact, source } = said(kind, payload)?;
    let is_idle = kind == Kind::Preferences && says == Choice::In.code();
    if is_idle {
        return Ok(());
    }
    let claim = Claim { kind, key, sub: &sub, source: source.unwrap_or(NOBODY) };
    claim.remember(connection, says, exact)
}

/// What a staged row says.
fn said(kind: Kind, payload: &[u8]) -> Result<Said<'_>> {
    let none = ("", 0);
    Ok(match kind {
        // Compared by their ids, elsewhere.
        Kind::Contacts => Said { sub: Sub::default(), says: 0, exact: none, source: None },
        Kind::Unsubscribes => {
            let row = StagedUnsubscribe::decode(payload)?;
            let sub = Sub::of_unsubscribe(row.list, RecordClass::from_code(row.class)?);
            Said { sub, says: 0, exact: (row.address, row.state), source: row.source }
        }
        Kind::Preferences => {
            let row = StagedPreference::decode(payload)?;
            let sub = Sub::of_list(row.list);
            Said { sub, says: row.choice, exact: none, source: row.source }
        }
        Kind::Suppressions => {
            let row = StagedSuppression::decode(payload)?;
            let reason = SuppressionReason::from_code(row.reason)?;
            let sub = Sub::of_suppression(reason, RecordClass::from_code(row.class)?);
            let says = row.expires_at.unwrap_or(FOR_EVER);
            Said { sub, says, exact: none, source: row.source }
        }
        Kind::Domains => {
            let row = StagedDomain::decode(payload)?;
            let says = row.subdomains.into();
            Said { sub: Sub::default(), says, exact: none, source: row.source }
        }
        Kind::Digests => {
            let row = StagedDigest::decode(payload)?;
            let sub = Sub::of_list(row.list);
            Said { sub, says: row.class + 1, exact: none, source: row.source }
        }
    })
}
