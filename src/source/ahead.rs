//! Reading on a thread of its own.

use crossbeam_channel::{Receiver, Sender, bounded};
use std::io::{self, Read};
use std::thread::{Builder, JoinHandle};

/// Bytes handed over at once.
const BLOCK_BYTES: usize = 256 << 10;

/// Blocks on their way.
const BLOCKS: usize = 4;

/// A reader whose work, decompressing, goes on while its user works on what it gave.
///
/// Memory: six blocks of 256 KiB. Dropping it ends the thread with the block it is at; nobody waits for that,
/// because its input may be a pipe on which nothing comes.
pub struct Ahead<R> {
    blocks: Receiver<Block>,
    spare: Sender<Vec<u8>>,
    thread: Option<JoinHandle<R>>,
    block: Vec<u8>,
    at: usize,
    ended: bool,
}

enum Block {
    Bytes(Vec<u8>),
    Failed(io::Error),
    /// Without it, the thread did not come to the end: an end is never taken for granted.
    End,
}

impl<R: Read + Send + 'static> Ahead<R> {
    /// Starts to read `input`.
    ///
    /// # Errors
    ///
    /// When no thread can be had.
    pub fn new(input: R) -> io::Result<Self> {
        let (to, blocks) = bounded(BLOCKS);
        let (spare, spares) = bounded(BLOCKS + 2);
        let thread = Builder::new()
            .name("quell-unpack".to_owned())
            .spawn(move || run(input, &to, &spares))?;
        Ok(Self { blocks, spare, thread: Some(thread), block: Vec::new(), at: 0, ended: false })
    }

    /// Gives the input back when it was read to its end or to an error; `None` before that.
    #[must_use]
    pub fn into_inner(mut self) -> Option<R> {
        if self.ended { self.thread.take()?.join().ok() } else { None }
    }
}

fn run<R: Read>(mut input: R, to: &Sender<Block>, spares: &Receiver<Vec<u8>>) -> R {
    loop {
        let mut bytes = spares.try_recv().unwrap_or_default();
        bytes.resize(BLOCK_BYTES, 0);
        let (filled, next) = match fill(&mut input, &mut bytes) {
            (filled, Ok(true)) => (filled, None),
            (filled, Ok(false)) => (filled, Some(Block::End)),
            (filled, Err(error)) => (filled, Some(Block::Failed(error))),
        };
        bytes.truncate(filled);
        // Nobody takes it any more: the run has ended for another reason.
        if to.send(Block::Bytes(bytes)).is_err() {
            return input;
        }
        if let Some(last) = next {
            let _ = to.send(last);
            return input;
        }
    }
}

/// Fills `bytes`; how many, and whether there may be more.
fn fill(input: &mut impl Read, bytes: &mut [u8]) -> (usize, io::Result<bool>) {
    let mut filled = 0;
    while filled < bytes.len() {
        match input.read(&mut bytes[filled..]) {
            Ok(0) => return (filled, Ok(false)),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Err(error)),
        }
    }
    (filled, Ok(true))
}

impl<R> Read for Ahead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.block.len() && !self.ended {
            let given = match self.blocks.recv() {
                Ok(given) => given,
                Err(_) => return Err(io::Error::other("the thread that reads it ended too early")),
            };
            match given {
                Block::Bytes(bytes) => {
                    let used = std::mem::replace(&mut self.block, bytes);
                    self.at = 0;
                    // Full only when blocks are lost, which costs an allocation.
                    let _ = self.spare.try_send(used);
                }
                Block::End => self.ended = true,
                Block::Failed(error) => {
                    return Err(error);
                }
            }
        }
        let mut left = &self.block[self.at..];
        let count = left.read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn everything_is_given_in_order_and_the_input_back() {
        for length in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3_000_000] {
            let bytes: Vec<u8> = (0..=250_u8).cycle().take(length).collect();
            let mut ahead = Ahead::new(Cursor::new(bytes.clone())).unwrap();
            let mut got = Vec::new();
            ahead.read_to_end(&mut got).unwrap();
            assert!(got == bytes, "{length}");
            assert_eq!(ahead.into_inner().unwrap().position(), length as u64);
        }
    }

    struct Failing(u32, fn() -> io::Error);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or_else(self.1)?;
            buffer[0] = b'x';
            Ok(1)
        }
    }

    #[test]
    fn an_error_comes_behind_what_was_read_and_stays_one() {
        let input = Failing(5, || io::Error::other("the disk is gone"));
        let mut ahead = Ahead::new(input).unwrap();
        let mut got = Vec::new();
        let error = ahead.read_to_end(&mut got).unwrap_err();
        assert_eq!((got.as_slice(), error.to_string()), (&b"xxxxx"[..], "the disk is gone".into()));
        assert!(ahead.read(&mut [0]).is_err());
        assert!(ahead.into_inner().is_none());
    }

    #[test]
    fn a_thread_that_panics_is_no_end() {
        let input = Failing(3, || panic!("in the test"));
        let mut ahead = Ahead::new(input).unwrap();
        assert!(ahead.read_to_end(&mut Vec::new()).is_err());
    }
}
