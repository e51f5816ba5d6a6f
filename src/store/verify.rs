//! Every checksum, and the index against the ledger.

mod erased;

use super::open::Store;
use crate::catch_up::{of_bits, presence_state};
use crate::error::Result;
use crate::index::{Confirmed, Index, KeyHasher, Presence, Snapshot};
use crate::ledger::{DigestEntries, KeyEntries, Ledger, View};
use crate::record::state::EntryState;
use crate::record::{Blocks, Timestamp};
use crate::segment::Hash;
use crate::storage::Access;
use std::collections::HashSet;

/// How many differences are told one by one; the rest are counted.
const FAULTS_TOLD: usize = 10;

/// What a verification found.
#[derive(Debug, Clone, Default)]
pub struct Verified {
    /// What is wrong, a sentence each.
    pub faults: Vec<String>,
    /// Segments checked.
    pub segments: usize,
    /// Live entries of the index.
    pub entries: u64,
    /// Keys, contacts, domain rules and digests of the ledger compared with the index.
    pub compared: u64,
    /// The generation compared.
    pub generation: u64,
}

impl Store {
    /// Checks the ledger's file, the signing key, every byte of the index, and that the index says of every key of the
    /// ledger what the ledger says, and of no other key anything.
    ///
    /// Cost: reads everything; some microseconds a key.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read at all. Everything else is a fault found.
    pub fn verify(&self, now: Timestamp) -> Result<Verified> {
        let mut verified = Verified::default();
        match self.ledger.view().and_then(|view| view.integrity_check()) {
            Ok(faults) => verified.faults.extend(faults),
            Err(error) => {
                verified.faults.push(error.to_string());
                return Ok(verified);
            }
        }
        let signing_key = Self::signing_key_of(&self.path);
        verified.faults.extend(signing_key.err().map(|error| error.to_string()));
        let index = match Index::open(self.directory()?, self.identity.clone(), Access::Map) {
            Ok(index) => index,
            Err(error) => {
                verified.faults.push(error.to_string());
                return Ok(verified);
            }
        };
        verified.segments = index.manifest().segments.len();
        if let Err(error) = index.verify() {
            verified.faults.push(error.to_string());
            return Ok(verified);
        }
        let reader = match self.reader(Access::Resident, now) {
            Ok(reader) => reader,
            Err(error) => {
                verified.faults.push(error.to_string());
                return Ok(verified);
            }
        };
        verified.generation = reader.snapshot().generation();
        let mut comparison = Comparison {
            snapshot: reader.snapshot(),
            hasher: &self.hasher,
            erased: erased::addresses(reader.view())?,
            now,
            live: 0,
            differences: 0,
        };
        let compared = comparison
            .keys(reader.view(), &mut verified)
            .and_then(|()| comparison.contacts_and_erased(reader.view(), &mut verified))
            .and_then(|()| comparison.outside(reader.view(), &mut verified));
        if let Err(error) = compared {
            // A row that can't be believed ends the comparison; it is named already, as a rule.
            verified.faults.push(error.to_string());
            return Ok(verified);
        }
        let (live, differences) = (comparison.live, comparison.differences);
        if differences > FAULTS_TOLD as u64 {
            verified.faults.push(format!("{differences} differences in all"));
        }
        if let Some(entries) = index.live_entries()? {
            verified.entries = entries;
            // Only an index without changes to come can be counted against the ledger.
            let is_current = index.cursor() == reader.snapshot().cursor();
            if is_current && entries != live && differences == 0 {
                verified.faults.push(format!(
                    "the index holds {entries} entries, the ledger accounts for {live}"
                ));
            }
        }
        Ok(verified)
    }
}

/// The ledger's states against the index's answers.
struct Comparison<'a> {
    snapshot: &'a Snapshot,
    hasher: &'a KeyHasher,
    /// Addresses of which the ledger should hold nothing else.
    erased: HashSet<Hash>,
    now: Timestamp,
    live: u64,
    differences: u64,
}

impl Comparison<'_> {
    fn keys(&mut self, view: &dyn View, verified: &mut Verified) -> Result<()> {
        view.for_each_key(&mut |entries| {
            verified.compared += 1;
            self.key(entries, verified)
        })
    }

    fn key(&mut self, entries: &KeyEntries<'_>, verified: &mut Verified) -> Result<()> {
        let name = || crate::address::redact(&String::from_utf8_lossy(entries.key));
        let hash = self.hasher.address(entries.key);
        if self.erased.contains(&hash) {
            self.difference(verified, &format!("{} is erased, and has records", name()));
        }
        self.entry(hash, entries.address, verified, &name);
        for list in entries.lists {
            let hash = self.hasher.list(list.list.as_bytes(), entries.key);
            self.entry(hash, &list.entry, verified, &name);
        }
        let confirmed = match self.snapshot.confirm(entries.key)? {
            Confirmed::Present(blocks) => blocks,
            Confirmed::Absent => Blocks::NONE,
            Confirmed::Unknown => return Ok(()),
        };
        if confirmed != entries.address.blocks {
            self.difference(verified, &format!("dictionary and ledger differ about {}", name()));
        }
        Ok(())
    }

    fn outside(&mut self, view: &dyn View, verified: &mut Verified) -> Result<()> {
        view.for_each_rule(&mut |domain, blocks| {
            verified.compared += 1;
            let hash = self.hasher.domain_rule(domain);
            let name = || format!("the rule of {}", String::from_utf8_lossy(domain));
            self.entry(hash, &of_bits(blocks.to_bits()), verified, &name);
            Ok(())
        })?;
        view.for_each_digest(&mut |DigestEntries { digest, blocks, lists }| {
            verified.compared += 1;
            let (algorithm, bytes) = (digest.algorithm(), digest.as_bytes());
            let name = || format!("the digest {}", digest.name());
            let hash = self.hasher.digest(algorithm, bytes);
            self.entry(hash, &of_bits(blocks.to_bits()), verified, &name);
            for (list, blocks) in *lists {
                let hash = self.hasher.digest_on_list(list.as_bytes(), algorithm, bytes);
                self.entry(hash, &of_bits(blocks.to_bits()), verified, &name);
            }
            Ok(())
        })?;
        for presence in Presence::ALL {
            let state = presence_state(view, presence)?;
            let name = || format!("whether there are any {presence}");
            self.entry(self.hasher.presence(presence), &state, verified, &name);
        }
        Ok(())
    }

    /// Compares one state now, before anything expired, and after everything did.
    fn entry(
        &mut self,
        hash: Hash,
        state: &EntryState,
        verified: &mut Verified,
        name: &dyn Fn() -> String,
    ) {
        self.live += u64::from(!state.blocks.is_empty());
        let instants =
            [self.now, Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX)];
        if instants.iter().any(|now| self.snapshot.get(hash, *now) != state.at(*now)) {
            self.difference(verified, &format!("index and ledger differ about {}", name()));
        }
    }

    fn difference(&mut self, verified: &mut Verified, what: &str) {
        self.differences += 1;
        if self.differences <= FAULTS_TOLD as u64 {
            verified.faults.push(what.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
