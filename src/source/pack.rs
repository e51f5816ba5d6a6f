//! Compressing results, on a thread of its own.

use super::unpack::Compression;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::io::{self, Write};
use std::thread::{Builder, JoinHandle};

/// Bytes handed over at once.
const BLOCK_BYTES: usize = 256 << 10;

/// Blocks on their way.
const BLOCKS: usize = 4;

/// As `gzip` and `zstd` have them.
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 3;

/// A writer that compresses what it is given, or gives it on as it is.
///
/// Only [`Packer::finish`] makes a whole file of it: what was written before an error or a drop has no end that
/// a decoder would take for one. Memory: six blocks of 256 KiB and the compressor.
#[derive(Debug)]
pub struct Packer<W> {
    state: State<W>,
}

#[derive(Debug)]
enum State<W> {
    Plain(W),
    Packed(Packed<W>),
}

#[derive(Debug)]
struct Packed<W> {
    to: Option<Sender<Block>>,
    spares: Receiver<Vec<u8>>,
    block: Vec<u8>,
    thread: Option<JoinHandle<io::Result<W>>>,
}

#[derive(Debug)]
enum Block {
    Bytes(Vec<u8>),
    End,
}

impl<W: Write + Send + 'static> Packer<W> {
    /// Compresses to `out`.
    ///
    /// # Errors
    ///
    /// When no thread can be had.
    pub fn new(out: W, compression: Compression) -> io::Result<Self> {
        Self::with_gzip_level(out, compression, GZIP_LEVEL)
    }

    /// [`Packer::new`] with another effort, 1 to 9, if it is gzip that is asked for.
    ///
    /// # Errors
    ///
    /// As [`Packer::new`].
    pub fn with_gzip_level(out: W, compression: Compression, level: u32) -> io::Result<Self> {
        if compression == Compression::None {
            return Ok(Self { state: State::Plain(out) });
        }
        let (to, blocks) = bounded(BLOCKS);
        let (spare, spares) = bounded(BLOCKS + 2);
        let thread = Builder::new()
            .name("quell-pack".to_owned())
            .spawn(move || run(out, (compression, level), &blocks, &spare))?;
        let (to, thread) = (Some(to), Some(thread));
        Ok(Self { state: State::Packed(Packed { to, spares, block: Vec::new(), thread }) })
    }

    /// Ends the compressed data and gives the writer back.
    ///
    /// # Errors
    ///
    /// Whatever writing gave, now or before.
    pub fn finish(self) -> io::Result<W> {
        match self.state {
            State::Plain(out) => Ok(out),
            State::Packed(mut packed) => {
                packed.hand_over()?;
                packed.send(Block::End)?;
                packed.join()
            }
        }
    }
}

impl<W> Packer<W> {
    /// The writer itself, if nothing is compressed.
    pub fn plain_mut(&mut self) -> Option<&mut W> {
        match &mut self.state {
            State::Plain(out) => Some(out),
            State::Packed(_) => None,
        }
    }
}

impl<W> Packed<W> {
    fn hand_over(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let spare = self.spares.try_recv().unwrap_or_default();
        let block = std::mem::replace(&mut self.block, spare);
        self.block.clear();
        self.send(Block::Bytes(block))
    }

    fn send(&mut self, block: Block) -> io::Result<()> {
        if self.to.as_ref().is_some_and(|to| to.send(block).is_ok()) {
            return Ok(());
        }
        match self.join() {
            Err(error) => Err(error),
            Ok(_) => Err(io::Error::other("the thread that compresses ended too early")),
        }
    }

    /// How the thread ended.
    fn join(&mut self) -> io::Result<W> {
        self.to = None;
        let ended = self.thread.take().map(JoinHandle::join);
        match ended {
            Some(Ok(result)) => result,
            _ => Err(io::Error::other("the thread that compresses is gone")),
        }
    }
}

impl<W> Drop for Packed<W> {
    /// Waits for the thread: it holds the file that must not stay behind.
    fn drop(&mut self) {
        self.to = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Plain(out) => out.write(buffer),
            State::Packed(packed) => {
                packed.block.extend_from_slice(buffer);
                if packed.block.len() >= BLOCK_BYTES {
                    packed.hand_over()?;
                }
                Ok(buffer.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Plain(out) => out.flush(),
            // The compressor holds back what it likes until the end.
            State::Packed(_) => Ok(()),
        }
    }
}

/// Takes nothing while it is shut: a compressor that is dropped would end its data as if they were whole.
struct Gate<W> {
    out: W,
    open: bool,
}

impl<W: Write> Write for Gate<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.open { self.out.write(buffer) } else { Err(io::Error::other("not finished")) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The two compressors.
enum Encoder<W: Write> {
    Gzip(Box<flate2::write::GzEncoder<Gate<W>>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Gate<W>>>),
}

impl<W: Write> Encoder<W> {
    fn new(out: W, (compression, level): (Compression, u32)) -> io::Result<Self> {
        let out = Gate { out, open: true };
        if compression == Compression::Zstd {
            let mut encoder = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL)?;
            encoder.include_checksum(true)?;
            return Ok(Self::Zstd(Box::new(encoder)));
        }
        let level = flate2::Compression::new(level);
        Ok(Self::Gzip(Box::new(flate2::write::GzEncoder::new(out, level))))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<W> {
        match self {
            Self::Gzip(encoder) => encoder.finish().map(|gate| gate.out),
            Self::Zstd(encoder) => encoder.finish().map(|gate| gate.out),
        }
    }

    fn give_up(mut self) {
        match &mut self {
            Self::Gzip(encoder) => encoder.get_mut().open = false,
            Self::Zstd(encoder) => encoder.get_mut().open = false,
        }
    }
}

fn run<W: Write>(
    out: W,
    how: (Compression, u32),
    blocks: &Receiver<Block>,
    spare: &Sender<Vec<u8>>,
) -> io::Result<W> {
    let mut encoder = Encoder::new(out, how)?;
    while let Ok(block) = blocks.recv() {
        let Block::Bytes(bytes) = block else { return encoder.finish() };
        if let Err(error) = encoder.write(&bytes) {
            encoder.give_up();
            return Err(error);
        }
        let _ = spare.try_send(bytes);
    }
    encoder.give_up();
    Err(io::Error::other("given up"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{UnpackLimits, unpack};
    use std::io::Read;
    use std::sync::{Arc, Mutex};

    /// A destination that can be looked at from outside, with room for so many bytes.
    #[derive(Clone)]
    struct Shared(Arc<Mutex<Vec<u8>>>, usize);

    impl Write for Shared {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            let mut bytes = self.0.lock().unwrap();
            if bytes.len() + buffer.len() > self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            bytes.extend_from_slice(buffer);
            Ok(buffer.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let unpacked = unpack(bytes, "x", &UnpackLimits::default());
        unpacked.map_err(io::Error::other)?.read_to_end(&mut text)?;
        Ok(text)
    }

    fn rows(count: u32) -> Vec<u8> {
        (0..count)
            .flat_map(|row| format!("p{row}@example.com,{}\n", row ^ 0x5bd1).into_bytes())
            .collect()
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            for count in [0, 1, 100_000] {
                let text = rows(count);
                let mut packer = Packer::new(Vec::new(), compression).unwrap();
                for part in text.chunks(70_001) {
                    packer.write_all(part).unwrap();
                }
                packer.flush().unwrap();
                let bytes = packer.finish().unwrap();
                assert!(unpacked(&bytes).unwrap() == text, "{compression}, {count} rows");
                assert!(
                    count < 2 || compression == Compression::None || bytes.len() * 2 < text.len()
                );
            }
        }
    }

    #[test]
    fn what_is_not_finished_never_looks_whole() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let out = Shared(Arc::default(), usize::MAX);
            let mut packer = Packer::new(out.clone(), compression).unwrap();
            packer.write_all(&rows(200_000)).unwrap();
            drop(packer);
            let bytes = out.0.lock().unwrap().clone();
            assert!(!bytes.is_empty() && unpacked(&bytes).is_err(), "{compression}");
        }
    }

    #[test]
    fn a_full_disk_is_told_while_writing_or_at_the_end() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            for count in [10, 1_000_000] {
                let mut packer = Packer::new(Shared(Arc::default(), 20), compression).unwrap();
                let mut wrote = Ok(());
                for part in rows(count).chunks(1 << 16) {
                    wrote = wrote.and_then(|()| packer.write_all(part));
                }
                let error = wrote.and_then(|()| packer.finish().map(drop)).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{compression}");
            }
        }
    }
}
