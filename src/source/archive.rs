//! ZIP archives: the files in them, read one by one. Nothing is ever extracted to a name an archive holds.

use super::format::Format;
use super::limits::UnpackLimits;
use super::start::{START_BYTES, Start};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use zip::ZipArchive;
use zip::result::ZipError;

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name as the archive has it, folders included. For messages and for recognising it: never a path.
    pub name: String,
    /// Its length when decompressed, as the archive claims.
    pub bytes: u64,
    packed: u64,
    index: usize,
}

/// An open ZIP archive.
pub struct Archive {
    zip: ZipArchive<BufReader<File>>,
    name: String,
    limits: UnpackLimits,
    members: Vec<Member>,
}

impl Archive {
    /// Opens an archive that is a regular file, wherever it was read to. `name` is for messages.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::ErrorKind::Input) for a damaged or truncated archive, for one whose files
    /// overlap (which only a trick does) and for a spreadsheet.
    pub fn open(mut file: File, name: &str, limits: &UnpackLimits) -> Result<Self> {
        let end = whole::End::read(&mut file, name)?;
        file.rewind().map_err(|error| Error::reading(Path::new(name), error))?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| bad(name, error))?;
        let mut archive = Self { zip, name: name.to_owned(), limits: *limits, members: Vec::new() };
        archive.list(&end)?;
        Ok(archive)
    }

    /// Opens an archive that comes as a stream: it is spooled to a file without a name first, because what is
    /// in an archive stands at its end.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`]; and when there is no room for the temporary file.
    pub fn spool(mut input: impl Read, name: &str, limits: &UnpackLimits) -> Result<Self> {
        let failed = |error| Error::reading(Path::new(name), error);
        let mut file = tempfile::tempfile().map_err(failed)?;
        io::copy(&mut input, &mut file).map_err(failed)?;
        Self::open(file, name, limits)
    }

    /// The files in it, in the archive's order; folders and what macOS adds left out.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    fn list(&mut self, end: &whole::End) -> Result<()> {
        let mut ranges = Vec::new();
        for index in 0..self.zip.len() {
            let file = self.zip.by_index_raw(index).map_err(|error| bad(&self.name, error))?;
            let (bytes, packed) = (file.size(), file.compressed_size());
            let data = file.data_start();
            ranges.push(file.header_start()..data.saturating_add(packed));
            let name = file.name().to_owned();
            if name == "[Content_Types].xml" {
                let message =
                    format!("`{}` is a spreadsheet or another Office document", self.name);
                return Err(Error::input(message).with_hint("save it as CSV first"));
            }
            if is_litter(&name) {
                continue;
            }
            if file.is_symlink() || !file.is_file() && bytes > 0 {
                let message = format!("`{}`: `{name}` is no ordinary file", self.name);
                return Err(Error::input(message).with_hint("extract the archive and look at it"));
            }
            if file.is_file() {
                self.members.push(Member { name, bytes, packed, index });
            }
        }
        end.check(&self.name, self.zip.len(), ranges)
    }

    /// Reads one of [`Archive::members`] that is text. The end is given only after the member's length and
    /// checksum were found right.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::ErrorKind::Input) for a member that is encrypted, compressed by a method
    /// that is not read, or known to be no text.
    pub fn read(&mut self, member: &Member) -> Result<Start<impl Read>> {
        let name = format!("{}: {}", self.name, member.name);
        let (format, start) = self.look(member)?;
        match format {
            Format::Plain => Ok(start),
            _ => {
                Err(Error::input(format!("`{name}` is a compressed or binary file in an archive"))
                    .with_hint("extract it first; only one layer is read"))
            }
        }
    }

    /// Reads one of [`Archive::members`] as [`Archive::read`] does, whatever it is, and says what its first
    /// bytes say.
    ///
    /// # Errors
    ///
    /// As [`Archive::read`], but for a member that is no text.
    pub fn look(&mut self, member: &Member) -> Result<(Format, Start<impl Read>)> {
        let Self { zip, name, limits, .. } = self;
        let name = format!("{name}: {}", member.name);
        let file = zip.by_index(member.index).map_err(|error| bad(&name, error))?;
        let reader = Checked {
            file,
            name: name.clone(),
            limits: *limits,
            packed: member.packed,
            claimed: member.bytes,
            unpacked: 0,
            faulty: false,
        };
        let start = Start::read(reader, START_BYTES)
            .map_err(|error| Error::reading(Path::new(&name), error))?;
        Ok((Format::of(start.first_bytes()), start))
    }
}

/// A member on its way out: its place is named when it is damaged, and it ends where it claims.
struct Checked<R> {
    file: R,
    name: String,
    limits: UnpackLimits,
    packed: u64,
    claimed: u64,
    unpacked: u64,
    faulty: bool,
}

impl<R> Checked<R> {
    fn fault(&mut self, what: &str, hint: &str) -> io::Error {
        self.faulty = true;
        let message = format!("`{}`: {what} at byte {} decompressed", self.name, self.unpacked);
        io::Error::new(io::ErrorKind::InvalidData, Error::input(message).with_hint(hint))
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const AGAIN: &str = "fetch the archive again; nothing of it can be trusted";
        if self.faulty {
            return Err(io::Error::other("it was damaged before this place"));
        }
        let count = match self.file.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(self.fault(&format!("damaged ({error})"), AGAIN)),
        };
        self.unpacked += count as u64;
        let ended = count == 0 && !buffer.is_empty();
        if self.unpacked > self.claimed || ended && self.unpacked < self.claimed {
            return Err(self.fault("not as long as the archive says it is,", AGAIN));
        }
        if self.limits.are_passed(self.packed, self.unpacked) {
            let hint = "if it is no trick, extract it yourself";
            return Err(self.fault("it grows without end:", hint));
        }
        Ok(count)
    }
}

/// Says whether a member is what a file manager leaves in every folder, and never data.
fn is_litter(name: &str) -> bool {
    let mut parts = name.split('/');
    let last = name.rsplit('/').next().unwrap_or_default();
    parts.any(|part| part == "__MACOSX")
        || last.starts_with("._")
        || [".DS_Store", "desktop.ini", "Thumbs.db"].contains(&last)
}

fn bad(name: &str, error: ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            Error::input(format!("`{name}` is encrypted")).with_hint("extract it first")
        }
        ZipError::UnsupportedArchive(what) => {
            Error::input(format!("`{name}` can't be read: {what}")).with_hint("extract it first")
        }
        ZipError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Error::input(format!("`{name}`: the ZIP archive ends too early"))
                .with_hint("the file is truncated: fetch it again")
        }
        ZipError::Io(error) => Error::reading(Path::new(name), error),
        error => Error::input(format!("`{name}` is a damaged or truncated ZIP archive: {error}"))
            .with_hint("fetch it again"),
    }
}

mod whole;

#[cfg(test)]
mod tests;
