//! The full rebuild's states: this thread reads the ledger, another hashes the keys and builds the dictionary.
//!
//! SQLite's scan and the dictionary take about as long as each other and neither can be divided, so they
//! run side by side, with a few blocks of keys between them.

use super::{erased, of_bits, presence_state};
use crate::error::{Error, Result};
use crate::index::{Batch, KeyHasher, Presence, dictionary_value};
use crate::ledger::{DigestEntries, KeyEntries, View};
use crate::record::Blocks;
use crate::record::state::EntryState;
use crate::segment::{DictionaryBuilder, Entry};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::thread;

/// The bytes of keys that are handed over at once: enough that waking a thread costs nothing beside it.
const BLOCK_BYTES: usize = 64 << 10;
/// Blocks on their way. The slower thread is never without work for the other's short delays.
const BLOCKS_WAITING: usize = 16;

/// Every state of the ledger, for a rebuild from nothing.
///
/// Cost: two threads, each about as long as the ledger's scan takes; without a dictionary one scan.
/// Memory: 24 bytes an entry, the dictionary, and about 1.5 MiB of keys between the threads.
///
/// # Errors
///
/// As the ledger says.
pub fn everything(view: &dyn View, hasher: &KeyHasher, with_dictionary: bool) -> Result<Batch> {
    everything_in_blocks(view, hasher, with_dictionary, BLOCK_BYTES)
}

fn everything_in_blocks(
    view: &dyn View,
    hasher: &KeyHasher,
    with_dictionary: bool,
    block_bytes: usize,
) -> Result<Batch> {
    thread::scope(|scope| {
        let (blocks, received) = bounded(BLOCKS_WAITING);
        let worker = thread::Builder::new()
            .spawn_scoped(scope, move || addresses(&received, hasher, with_dictionary))
            .map_err(|error| Error::untrusted(format!("cannot start a thread: {error}")))?;
        let scanned = scan(view, hasher, Blocked { blocks, block: Block::default(), block_bytes });
        let addresses = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // First what the worker says: the scan then only says that nobody took its keys.
        let (mut entries, dictionary) = addresses?;
        let mut batch = scanned?;
        entries.append(&mut batch.entries);
        Ok(Batch { entries, dictionary, ..batch })
    })
}

/// Keys on their way to the worker.
#[derive(Default)]
struct Block {
    /// One after the other.
    keys: Vec<u8>,
    rows: Vec<Row>,
}

/// What is to be done with a key.
#[derive(Clone, Copy)]
struct Row {
    key_len: usize,
    blocks: Blocks,
    /// Whether the entry is made of `blocks` alone, and is the worker's to make.
    plain: bool,
}

/// The scan's end of the channel.
struct Blocked {
    blocks: Sender<Block>,
    block: Block,
    block_bytes: usize,
}

impl Blocked {
    fn push(&mut self, entries: &KeyEntries<'_>) -> Result<()> {
        let EntryState { blocks, expiries } = entries.address;
        let plain = expiries.is_empty() && !blocks.is_empty();
        self.block.keys.extend_from_slice(entries.key);
        self.block.rows.push(Row { key_len: entries.key.len(), blocks: *blocks, plain });
        if self.block.keys.len() >= self.block_bytes { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<()> {
        let next = Block {
            keys: Vec::with_capacity(self.block.keys.capacity()),
            rows: Vec::with_capacity(self.block.rows.capacity()),
        };
        let block = std::mem::replace(&mut self.block, next);
        self.blocks.send(block).map_err(|_| Error::untrusted("the rebuild has stopped"))
    }
}

/// Reads the ledger: hands every key to the worker, and makes the entries that are not the worker's.
fn scan(view: &dyn View, hasher: &KeyHasher, mut worker: Blocked) -> Result<Batch> {
    let mut batch = Batch::default();
    view.for_each_key(&mut |entries| {
        worker.push(entries)?;
        if !entries.address.expiries.is_empty() {
            batch.push(hasher.address(entries.key), entries.address);
        }
        for list in entries.lists {
            if !list.entry.blocks.is_empty() {
                batch.push(hasher.list(list.list.as_bytes(), entries.key), &list.entry);
            }
        }
        Ok(())
    })?;
    worker.send()?;
    // The worker finishes the dictionary meanwhile.
    drop(worker);
    let mut erased = erased::all(view)?;
    view.for_each_contact(&mut |contact_id, blocks| {
        if blocks.is_empty() && erased.is_empty() {
            return Ok(());
        }
        let hash = hasher.contact(contact_id.as_bytes());
        // A contact with an address has nothing kept of an erased one; if it has, both withhold.
        let blocks = blocks.union(erased.remove(&hash).unwrap_or_default());
        if !blocks.is_empty() {
            batch.push(hash, &EntryState { blocks, expiries: Vec::new() });
        }
        Ok(())
    })?;
    for (hash, blocks) in erased.into_iter().filter(|(_, blocks)| !blocks.is_empty()) {
        batch.push(hash, &EntryState { blocks, expiries: Vec::new() });
    }
    outside(view, hasher, &mut batch)?;
    Ok(batch)
}

/// Makes the entries of domain rules and digests, and those that say whether there are any.
fn outside(view: &dyn View, hasher: &KeyHasher, batch: &mut Batch) -> Result<()> {
    view.for_each_rule(&mut |domain, blocks| {
        batch.push(hasher.domain_rule(domain), &of_bits(blocks.to_bits()));
        Ok(())
    })?;
    view.for_each_digest(&mut |DigestEntries { digest, blocks, lists }| {
        let (algorithm, bytes) = (digest.algorithm(), digest.as_bytes());
        batch.push(hasher.digest(algorithm, bytes), &of_bits(blocks.to_bits()));
        for (list, blocks) in *lists {
            let hash = hasher.digest_on_list(list.as_bytes(), algorithm, bytes);
            batch.push(hash, &of_bits(blocks.to_bits()));
        }
        Ok(())
    })?;
    for presence in Presence::ALL {
        let state = presence_state(view, presence)?;
        if !state.blocks.is_empty() {
            batch.push(hasher.presence(presence), &state);
        }
    }
    Ok(())
}

/// The entries of the addresses handed over, and the dictionary.
fn addresses(
    blocks: &Receiver<Block>,
    hasher: &KeyHasher,
    with_dictionary: bool,
) -> Result<(Vec<Entry>, Option<Vec<u8>>)> {
    let mut entries = Vec::new();
    let mut dictionary = with_dictionary.then(DictionaryBuilder::new);
    for Block { keys, rows } in blocks {
        let mut rest = keys.as_slice();
        for Row { key_len, blocks, plain } in rows {
            let key =
                rest.split_off(..key_len).ok_or_else(|| Error::untrusted("a key cut short"))?;
            if let Some(dictionary) = &mut dictionary {
                dictionary.push(key, dictionary_value(Some(blocks)))?;
            }
            if plain {
                entries.push(Entry { hash: hasher.address(key), state: blocks.to_bits() });
            }
        }
    }
    Ok((entries, dictionary.map(DictionaryBuilder::finish)))
}

#[cfg(test)]
mod tests;
