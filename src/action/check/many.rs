//! Many addresses at once: the index alone clears them, and names those that the ledger has to speak of.

use crate::address::{InvalidAddress, KeyBuffer, Policy};
use crate::index::{KeyHasher, Present, Snapshot};
use crate::record::{Blocks, Query};
use crate::store::{Answers, Reader, outside_in_index};
use std::ops::Range;

/// An index state to judge by.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    snapshot: &'a Snapshot,
    hasher: &'a KeyHasher,
    policy: Policy,
    present: Present,
}

/// What is said of many addresses, in their order.
#[derive(Debug, Default)]
pub struct Judged {
    /// The keys, one behind the other.
    keys: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    key: Result<Range<usize>, InvalidAddress>,
    asks_ledger: bool,
}

impl<'a> Judge<'a> {
    /// By what a service answers from.
    #[must_use]
    pub fn of(answers: &'a Answers) -> Self {
        Self {
            snapshot: answers.snapshot(),
            hasher: answers.hasher(),
            policy: answers.policy(),
            present: answers.present(),
        }
    }

    /// By the index's side of a reader.
    #[must_use]
    pub fn of_reader(reader: &'a Reader<'_>) -> Self {
        Self {
            snapshot: reader.snapshot(),
            hasher: reader.hasher(),
            policy: reader.policy(),
            present: reader.present(),
        }
    }

    /// Judges addresses, each with the contact at its place in `contacts`, which may be shorter.
    ///
    /// Cost: a key, a hash and one batched look-up an address; more for those that are held, and where there are domain
    /// rules or digests.
    #[must_use]
    pub fn judge<'t>(
        &self,
        addresses: impl ExactSizeIterator<Item = &'t str>,
        contacts: impl Iterator<Item = Option<&'t str>>,
        query: &Query<'_>,
    ) -> Judged {
        let count = addresses.len();
        let mut judged =
            Judged { keys: String::with_capacity(count * 24), rows: Vec::with_capacity(count) };
        // The hashes, and of which row each is.
        let (mut hashes, mut of) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut buffer = KeyBuffer::new();
        for address in addresses {
            let raw = address.as_bytes();
            let key = self.policy.key(raw, &mut buffer);
            let outside = outside_in_index(
                self.snapshot,
                self.hasher,
                self.present,
                raw,
                key.as_ref().ok().copied(),
                query,
            );
            let key = key.map(|key| {
                let (room, length) = key.in_room();
                hashes.push(self.hasher.address_in(room, length));
                of.push(judged.rows.len());
                let start = judged.keys.len();
                judged.keys.push_str(key.as_str());
                start..judged.keys.len()
            });
            judged.rows.push(Row { key, asks_ledger: !outside.is_empty() });
        }
        let mut hits = Vec::new();
        self.snapshot.look_up_hits(&hashes, query.now, &mut hits);
        for &(at, blocks) in &hits {
            self.apply(blocks, of.get(at).copied(), &mut judged, query);
        }
        hashes.clear();
        of.clear();
        for (row, contact) in contacts.enumerate() {
            if let Some(id) = contact {
                hashes.push(self.hasher.contact(id.as_bytes()));
                of.push(row);
            }
        }
        self.snapshot.look_up_hits(&hashes, query.now, &mut hits);
        for &(at, blocks) in &hits {
            let row = of.get(at).and_then(|row| judged.rows.get_mut(*row));
            if let Some(row) = row {
                row.asks_ledger |= !blocks.reasons(query.class).is_empty();
            }
        }
        judged
    }

    /// Adds what the entry of a row's address says.
    fn apply(&self, blocks: Blocks, row: Option<usize>, judged: &mut Judged, query: &Query<'_>) {
        let Some(row) = row.and_then(|row| judged.rows.get_mut(row)) else { return };
        let mut reasons = blocks.reasons(query.class);
        if blocks.contains(Blocks::HAS_LISTS)
            && let Ok(key) = &row.key
        {
            let key = judged.keys.as_bytes().get(key.clone()).unwrap_or_default();
            for list in query.lists {
                let hash = self.hasher.list(list.as_bytes(), key);
                let on_list = self.snapshot.get(hash, query.now);
                reasons = reasons.union(on_list.reasons(query.class));
            }
        }
        row.asks_ledger |= !reasons.is_empty();
    }
}

impl Judged {
    /// How many addresses were judged.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Says whether there were none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The key of an address; none for one that has none, which is invalid.
    #[must_use]
    pub fn key(&self, at: usize) -> Option<&str> {
        let key = self.rows.get(at)?.key.as_ref().ok()?;
        self.keys.get(key.clone())
    }

    /// The places of the addresses of which the ledger has to say why they are withheld. Of every other one all is
    /// said: with a key it is clear, without one invalid and nothing more.
    pub fn withheld(&self) -> impl Iterator<Item = usize> + '_ {
        self.rows.iter().enumerate().filter(|(_, row)| row.asks_ledger).map(|(at, _)| at)
    }
}
