//! A file → the texts in it: one, or those of the files in a ZIP archive.

use crate::delimited::skip_byte_order_mark;
use crate::error::{Error, Result};
use crate::filter::Measured;
use crate::import::detect::Seen;
use crate::source::{
    Archive, Encoding, EncodingChoice, Format, Member, START_BYTES, Start, Text, UnpackLimits,
    sniff, text, unpack,
};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

/// Names of files that people put beside data: passed over in an archive, and said.
const BESIDE: [&str; 6] = [".pdf", ".html", ".htm", ".md", ".png", ".rtf"];

/// What is read as one import.
pub struct Package<'p> {
    /// The file's name as it was given.
    pub name: String,
    /// `none`, `gzip`, `zstd` or `zip`.
    pub compression: &'static str,
    /// How many bytes the text has, if that is known before.
    pub bytes: Option<u64>,
    /// Files of an archive that are not read.
    pub beside: Vec<String>,
    /// The encoding, if the user says it.
    choice: Option<EncodingChoice>,
    texts: Texts<'p>,
}

enum Texts<'p> {
    One(Looked, Box<dyn Read + Send + 'p>),
    Archive(Box<Archive>, Vec<(Looked, Member)>),
}

/// A text, looked at.
pub struct Looked {
    /// Its name: in an archive that of the archive and the file's in it.
    pub name: String,
    /// The file's name in its archive.
    pub member: Option<String>,
    /// What its start looks like.
    pub seen: Seen,
    /// Its encoding.
    pub encoding: Encoding,
    /// What separates its cells, if it is no JSON.
    pub delimiter: Option<char>,
    /// There is nothing in it but white space.
    pub is_empty: bool,
}

/// Opens the file `name`, which stands at its start, and gives it to `job`; returns what that came to with the SHA-256
/// of the file, in hex. A pipe will do; an archive in it is spooled.
///
/// # Errors
///
/// Input for a file that can't be read or unpacked; what `job` says.
pub fn with_package<T>(
    file: &File,
    name: &str,
    encoding: Option<EncodingChoice>,
    job: impl FnOnce(&mut Package<'_>) -> Result<T>,
) -> Result<(T, String)> {
    let (mut rewound, path) = (file, Path::new(name));
    let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
    let name = name.to_owned();
    let mut measured = Measured::new(file, true);
    let limits = UnpackLimits::default();
    let unpacked = unpack(&mut measured, &name, &limits)?;
    let compression = unpacked.compression().as_str();
    if Format::of(unpacked.start()) == Format::Zip {
        let archive = match length {
            // What was read so far is read again.
            Some(_) => {
                drop(unpacked);
                rewound.rewind().map_err(|error| Error::reading(path, error))?;
                measured = Measured::new(file, true);
                io::copy(&mut measured, &mut io::sink())
                    .map_err(|error| Error::reading(path, error))?;
                let again = file.try_clone().map_err(|error| Error::reading(path, error))?;
                Archive::open(again, &name, &limits)?
            }
            None => Archive::spool(unpacked, &name, &limits)?,
        };
        let done = job(&mut of_archive(archive, name, encoding)?)?;
        return Ok((done, hex(&measured)));
    }
    let plain = compression == "none";
    let decoded = text(unpacked, &name, encoding)?;
    let found = decoded.encoding();
    let start = start(decoded, &name)?;
    let looked = Looked::at(&start, name.clone(), None, found);
    let mut package = Package {
        name,
        compression,
        bytes: length.filter(|_| plain),
        beside: Vec::new(),
        choice: encoding,
        texts: Texts::One(looked, Box::new(start)),
    };
    let done = job(&mut package)?;
    drop(package);
    Ok((done, hex(&measured)))
}

fn hex(measured: &Measured<&File>) -> String {
    measured.digest().map(|digest| digest.to_string()).unwrap_or_default()
}

fn start<R: Read>(decoded: Text<R>, name: &str) -> Result<Start<Text<R>>> {
    Start::read(decoded, START_BYTES).map_err(|error| Error::reading(Path::new(name), error))
}

fn of_archive(
    mut archive: Archive,
    name: String,
    choice: Option<EncodingChoice>,
) -> Result<Package<'static>> {
    let mut texts = Vec::new();
    let mut beside = Vec::new();
    for member in archive.members().to_vec() {
        let lower = member.name.to_lowercase();
        let file = lower.rsplit('/').next().unwrap_or_default();
        if file.starts_with("readme") || BESIDE.iter().any(|ending| file.ends_with(ending)) {
            beside.push(member.name);
            continue;
        }
        let full = format!("{name}: {}", member.name);
        let decoded = text(archive.read(&member)?, &full, choice)?;
        let encoding = decoded.encoding();
        let start = start(decoded, &full)?;
        let looked = Looked::at(&start, full, Some(member.name.clone()), encoding);
        drop(start);
        texts.push((looked, member));
    }
    if texts.is_empty() {
        return Err(Error::input(format!("`{name}` holds no file to import")));
    }
    let bytes = Some(texts.iter().map(|(_, member)| member.bytes).sum());
    let texts = Texts::Archive(Box::new(archive), texts);
    Ok(Package { name, compression: "zip", bytes, beside, choice, texts })
}

impl Looked {
    fn at<R>(start: &Start<R>, name: String, member: Option<String>, encoding: Encoding) -> Self {
        let (bytes, whole) = (start.first_bytes(), start.is_whole());
        let seen = Seen::of_start(bytes, whole, member.as_deref().unwrap_or(&name));
        let delimiter =
            (!seen.is_json()).then(|| char::from(sniff(bytes, whole).dialect.delimiter()));
        let is_empty = whole && bytes[skip_byte_order_mark(bytes)..].trim_ascii().is_empty();
        Self { name, member, seen, encoding, delimiter, is_empty }
    }
}

impl Package<'_> {
    /// The texts, looked at.
    #[must_use]
    pub fn looked(&self) -> Vec<&Looked> {
        match &self.texts {
            Texts::One(looked, _) => vec![looked],
            Texts::Archive(_, texts) => texts.iter().map(|(looked, _)| looked).collect(),
        }
    }

    /// Gives each text from its start; once.
    ///
    /// # Errors
    ///
    /// Input for a member that can't be unpacked; what `take` says.
    pub fn read(
        &mut self,
        take: &mut dyn FnMut(&Looked, &mut (dyn Read + Send)) -> Result<()>,
    ) -> Result<()> {
        match &mut self.texts {
            Texts::One(looked, input) => take(looked, input),
            Texts::Archive(archive, texts) => {
                for (looked, member) in texts {
                    let mut decoded = text(archive.read(member)?, &looked.name, self.choice)?;
                    take(looked, &mut decoded)?;
                }
                Ok(())
            }
        }
    }
}
