//! The sorted rows, handed out; large sorts are merged ahead on a thread of their own.

use super::block::Block;
use super::merge::Merge;
use super::spool_error;
use crate::error::{Error, Result};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::io;
use std::thread::JoinHandle;

/// Blocks merged ahead of the one at hand.
const BLOCKS_AHEAD: usize = 4;

/// Hands rows out.
pub(in crate::ledger) struct Sorted {
    source: Source,
    block: Block,
    /// The row of the block that is handed out next.
    next: usize,
}

enum Source {
    /// Merged as they are asked for.
    Here(Merge),
    /// Merged ahead. An empty block is the end; a channel that closes before it is not.
    Ahead(Ahead),
}

struct Ahead {
    // An option so that dropping closes it first: that is what ends the thread.
    blocks: Option<Receiver<io::Result<Block>>>,
    spare: Sender<Block>,
    thread: Option<JoinHandle<()>>,
}

impl Sorted {
    /// Hands out what `merge` gives, from a thread of its own when it pays.
    pub(super) fn new(merge: Merge, ahead: bool) -> io::Result<Self> {
        let source = if ahead { Source::Ahead(Ahead::new(merge)?) } else { Source::Here(merge) };
        Ok(Self { source, block: Block::default(), next: 0 })
    }

    /// The next row: its sort bytes and its payload.
    pub(in crate::ledger) fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        if self.block.row(self.next).is_none() {
            self.turn()?;
        }
        self.next += 1;
        Ok(self.block.row(self.next - 1))
    }

    /// The next rows; `None` at the end. Not to be mixed with [`Sorted::next`].
    pub(in crate::ledger) fn next_block(&mut self) -> Result<Option<&Block>> {
        self.turn()?;
        Ok(Some(&self.block).filter(|block| !block.is_empty()))
    }

    fn turn(&mut self) -> Result<()> {
        self.next = 0;
        match &mut self.source {
            Source::Here(merge) => merge.fill(&mut self.block).map_err(spool_error),
            Source::Ahead(ahead) => ahead.turn(&mut self.block),
        }
    }
}

impl Ahead {
    fn new(mut merge: Merge) -> io::Result<Self> {
        let (filled, blocks) = bounded(BLOCKS_AHEAD);
        let (spare, emptied) = bounded::<Block>(BLOCKS_AHEAD + 2);
        let work = move || {
            loop {
                let mut block = emptied.try_recv().unwrap_or_default();
                let done = merge.fill(&mut block).map(|()| block);
                let ends = !done.as_ref().is_ok_and(|block| !block.is_empty());
                if filled.send(done).is_err() || ends {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("import merge".to_owned()).spawn(work)?;
        Ok(Self { blocks: Some(blocks), spare, thread: Some(thread) })
    }

    fn turn(&mut self, block: &mut Block) -> Result<()> {
        // After the end, the end again.
        let Some(blocks) = &self.blocks else {
            block.clear();
            return Ok(());
        };
        let next = blocks.recv().map_err(|_| Error::untrusted("the import's sort broke off"))?;
        let used = std::mem::replace(block, next.map_err(spool_error)?);
        if block.is_empty() {
            self.blocks = None;
        } else {
            // No room for it is no loss.
            let _ = self.spare.try_send(used);
        }
        Ok(())
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was seen as a sort that broke off.
            let _ = thread.join();
        }
    }
}
