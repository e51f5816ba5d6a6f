//! Compressed bytes → the bytes they stand for.

use super::counted::Counted;
use super::format::Format;
use super::gzip::Gzip;
use super::limits::UnpackLimits;
use super::start::{START_BYTES, Start};
use super::zstandard::Zstandard;
use crate::error::{Error, Result};
use std::fmt;
use std::io::{self, Cursor, Read};
use std::path::Path;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Compression {
    /// The word in messages and JSON: `none`, `gzip`, `zstd`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// What a file's name asks for: `.gz`, `.zst` and `.zstd` in any case. For results, and for the name
    /// below it; what an input is its bytes say.
    #[must_use]
    pub fn by_name(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("gz") => Self::Gzip,
            Some("zst" | "zstd") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// A file's name without what it says of compression: `x.csv.gz` is `x.csv`.
    ///
    /// ```
    /// # use quell::source::Compression;
    /// # use std::path::Path;
    /// assert_eq!(Compression::stripped(Path::new("a/x.tsv.zst")), Path::new("a/x.tsv"));
    /// assert_eq!(Compression::stripped(Path::new("x.csv")), Path::new("x.csv"));
    /// ```
    #[must_use]
    pub fn stripped(path: &Path) -> std::path::PathBuf {
        match Self::by_name(path) {
            Self::None => path.to_owned(),
            _ => path.with_extension(""),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The decompressed bytes of an input, which may have been plain all along.
///
/// Reading gives an error, never an early end, for compressed data that are truncated or damaged, and for
/// data that grow beyond the limits; it names the byte. Memory: 128 KiB, and what the format needs (32 KiB
/// for gzip, the frame's window for zstd).
pub struct Unpacked<R: Read> {
    compression: Compression,
    start: Vec<u8>,
    at: usize,
    whole: bool,
    rest: Rest<R>,
}

type Head<R> = io::Chain<Cursor<Vec<u8>>, R>;

enum Rest<R> {
    Plain(R),
    Packed(Packed<R>),
}

/// Looks at the start of `input` and decompresses it if it is gzip or zstd. `name` is for messages.
///
/// The first [`START_BYTES`] of the result are read here.
///
/// # Errors
///
/// [`ErrorKind::Input`](crate::ErrorKind::Input) for an input that can't be read, for formats that are known
/// and not read, and for compressed data within compressed data.
///
/// ```
/// # use quell::source::{Compression, UnpackLimits, unpack};
/// # use std::io::Read;
/// let mut plain = unpack(&b"email\n"[..], "list.csv", &UnpackLimits::default())?;
/// assert_eq!(plain.compression(), Compression::None);
/// let mut text = String::new();
/// plain.read_to_string(&mut text).unwrap();
/// assert_eq!(text, "email\n");
/// # Ok::<(), quell::Error>(())
/// ```
pub fn unpack<R: Read>(input: R, name: &str, limits: &UnpackLimits) -> Result<Unpacked<R>> {
    let failed = |error| Error::reading(Path::new(name), error);
    let start = Start::read(input, START_BYTES).map_err(failed)?;
    let compression = match Format::of(start.first_bytes()).refuse_foreign(name)? {
        Format::Gzip => Compression::Gzip,
        Format::Zstd => Compression::Zstd,
        _ => {
            refuse_unrecognised(name, start.first_bytes())?;
            let (bytes, whole, rest) = start.into_parts();
            let compression = Compression::None;
            return Ok(Unpacked {
                compression,
                start: bytes,
                at: 0,
                whole,
                rest: Rest::Plain(rest),
            });
        }
    };
    let (bytes, _, rest) = start.into_parts();
    let packed = Packed::new(compression, Cursor::new(bytes).chain(rest), name, limits)?;
    let (bytes, whole, packed) = Start::read(packed, START_BYTES).map_err(failed)?.into_parts();
    match Format::of(&bytes) {
        Format::Plain | Format::Parquet => {}
        _ => {
            return Err(Error::input(format!(
                "`{name}` holds a compressed file inside a {compression} file"
            ))
            .with_hint("decompress it once; only one layer is read"));
        }
    }
    Ok(Unpacked { compression, start: bytes, at: 0, whole, rest: Rest::Packed(packed) })
}

/// A file that is named as compressed, is not, and is no text either, lost its first bytes.
fn refuse_unrecognised(name: &str, start: &[u8]) -> Result<()> {
    let named = Compression::by_name(Path::new(name));
    let control = |byte: &u8| matches!(byte, 0..=8 | 14..=31);
    if named != Compression::None && start.iter().any(control) {
        return Err(Error::input(format!("`{name}` is neither {named} nor text"))
            .with_hint("its first bytes are damaged, or it is something else"));
    }
    Ok(())
}

impl<R: Read> Unpacked<R> {
    /// How the input was compressed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// The first decompressed bytes, up to [`START_BYTES`].
    #[must_use]
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// Says whether [`Unpacked::start`] is all there is.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Gives the input back, as far as it was read.
    #[must_use]
    pub fn into_inner(self) -> Option<R> {
        match self.rest {
            Rest::Plain(input) => Some(input),
            Rest::Packed(packed) => packed.into_inner(),
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at < self.start.len() {
            let mut left = &self.start[self.at..];
            let count = left.read(buffer)?;
            self.at += count;
            return Ok(count);
        }
        match &mut self.rest {
            Rest::Plain(input) => input.read(buffer),
            Rest::Packed(packed) => packed.read(buffer),
        }
    }
}

/// A decoder that names the place of a fault, and stops at the limits.
struct Packed<R> {
    decoder: Decoder<Head<R>>,
    compression: Compression,
    name: String,
    limits: UnpackLimits,
    unpacked: u64,
    faulty: bool,
}

enum Decoder<R> {
    Gzip(Gzip<R>),
    Zstd(Zstandard<R>),
}

impl<R: Read> Packed<R> {
    fn new(
        compression: Compression,
        input: Head<R>,
        name: &str,
        limits: &UnpackLimits,
    ) -> Result<Self> {
        let decoder = match compression {
            Compression::Zstd => Decoder::Zstd(
                Zstandard::new(input, limits)
                    .map_err(|error| Error::reading(Path::new(name), error))?,
            ),
            _ => Decoder::Gzip(Gzip::new(input)),
        };
        let (name, limits) = (name.to_owned(), *limits);
        Ok(Self { decoder, compression, name, limits, unpacked: 0, faulty: false })
    }

    fn into_inner(self) -> Option<R> {
        let head = match self.decoder {
            Decoder::Gzip(decoder) => decoder.into_inner(),
            Decoder::Zstd(decoder) => Some(decoder.into_inner()),
        };
        head.map(|head| head.into_inner().1)
    }

    fn input(&self) -> Option<&Counted<Head<R>>> {
        match &self.decoder {
            Decoder::Gzip(decoder) => decoder.input(),
            Decoder::Zstd(decoder) => Some(decoder.input()),
        }
    }

    /// What went wrong, with its place in the file and in what it stands for.
    fn fault(&self, error: io::Error) -> io::Error {
        if self.input().is_none_or(Counted::failed) {
            return error;
        }
        let at = self.input().map_or(0, Counted::position);
        let Self { compression, name, unpacked, .. } = self;
        let place = format!("byte {at} (byte {unpacked} decompressed)");
        let error = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Error::input(format!("`{name}`: the {compression} data end too early, at {place}"))
                    .with_hint("the file is truncated: fetch it again")
            }
            _ => Error::input(format!(
                "`{name}`: the {compression} data are damaged at {place}: {error}"
            ))
            .with_hint("fetch or compress the file again; nothing of it can be trusted"),
        };
        io::Error::new(io::ErrorKind::InvalidData, error)
    }

    fn too_large(&self, at: u64) -> io::Error {
        let Self { compression, name, unpacked, .. } = self;
        let message = format!(
            "`{name}`: {at} bytes of {compression} data grew to {unpacked}: more than {} : 1",
            self.limits.ratio_max
        );
        let hint = format!(
            "if it is no trick, decompress it yourself: `{compression} -dc FILE | quell …`"
        );
        let error = Error::input(message).with_hint(hint);
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.faulty {
            return Err(io::Error::other("it was damaged before this place"));
        }
        let read = match &mut self.decoder {
            Decoder::Gzip(decoder) => decoder.read(buffer),
            Decoder::Zstd(decoder) => decoder.read(buffer),
        };
        let count = match read {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.faulty = true;
                return Err(self.fault(error));
            }
        };
        self.unpacked += count as u64;
        let at = self.input().map_or(0, Counted::position);
        if self.limits.are_passed(at, self.unpacked) {
            self.faulty = true;
            return Err(self.too_large(at));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
