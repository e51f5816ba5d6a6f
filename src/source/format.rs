//! What the first bytes of a file say it is.

use crate::error::{Error, Result};

/// A format that is known by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// gzip (RFC 1952).
    Gzip,
    /// zstd (RFC 8878).
    Zstd,
    /// A ZIP archive; spreadsheets are some, too.
    Zip,
    /// Apache Parquet.
    Parquet,
    /// Known, and not read here: its name, and what to do about it.
    Foreign(&'static str, &'static str),
    /// None of these: text, as far as the first bytes tell.
    Plain,
}

const DECOMPRESS: &str = "decompress it first; gzip and zstd are read as they are";

/// First bytes, in the order they are tried.
const MAGIC: [(&[u8], Format); 16] = [
    (b"\x1f\x8b", Format::Gzip),
    (b"\x28\xb5\x2f\xfd", Format::Zstd),
    (b"PK\x03\x04", Format::Zip),
    (b"PK\x05\x06", Format::Zip),
    (b"PK\x07\x08", Format::Zip),
    (b"PAR1", Format::Parquet),
    (b"\xfd7zXZ\0", Format::Foreign("xz-compressed", DECOMPRESS)),
    (b"BZh91AY&SY", Format::Foreign("bzip2-compressed", DECOMPRESS)),
    (b"\x04\x22\x4d\x18", Format::Foreign("lz4-compressed", DECOMPRESS)),
    (b"\x1f\x9d", Format::Foreign("compressed by `compress`", DECOMPRESS)),
    (b"7z\xbc\xaf\x27\x1c", Format::Foreign("a 7-Zip archive", "extract it first")),
    (b"Rar!\x1a\x07", Format::Foreign("a RAR archive", "extract it first")),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        Format::Foreign("an Excel workbook", "save it as CSV first"),
    ),
    (b"\x89PNG\r\n", Format::Foreign("an image", "export the table as CSV first")),
    (b"%PDF-", Format::Foreign("a PDF", "export the table as CSV first")),
    (b"SQLite format 3\0", Format::Foreign("an SQLite database", "export the table as CSV first")),
];

impl Format {
    /// The format of a file that starts with `start`.
    ///
    /// ```
    /// # use quell::source::Format;
    /// assert_eq!(Format::of(b"\x1f\x8b\x08\x00"), Format::Gzip);
    /// assert_eq!(Format::of(b"email\n"), Format::Plain);
    /// ```
    #[must_use]
    pub fn of(start: &[u8]) -> Self {
        // A zstd file may begin with a frame to be skipped: sixteen numbers, and a length.
        if let [0x50..=0x5f, b'*', b'M', 0x18, ..] = start {
            return Self::Zstd;
        }
        MAGIC
            .iter()
            .find(|(magic, _)| start.starts_with(magic))
            .map_or(Self::Plain, |(_, format)| *format)
    }

    /// What it is, in words that follow "is".
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Gzip => "gzip-compressed",
            Self::Zstd => "zstd-compressed",
            Self::Zip => "a ZIP archive or a spreadsheet",
            Self::Parquet => "a Parquet file",
            Self::Foreign(what, _) => what,
            Self::Plain => "text",
        }
    }

    /// Refuses the formats that are known and not read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::ErrorKind::Input), saying what `name` is and what to do.
    pub fn refuse_foreign(self, name: &str) -> Result<Self> {
        match self {
            Self::Foreign(what, hint) => {
                Err(Error::input(format!("`{name}` is {what}")).with_hint(hint))
            }
            known => Ok(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_first_bytes() {
        for (start, want) in [
            (&b""[..], Format::Plain),
            (b"\x1f", Format::Plain),
            (b"\x1f\x8b", Format::Gzip),
            (b"\x28\xb5\x2f\xfd\x04", Format::Zstd),
            (b"\x5a*M\x18\x00\x00\x00\x00", Format::Zstd),
            (b"P*M\x18\x00\x00\x00\x00", Format::Zstd),
            (b"PK\x03\x04..", Format::Zip),
            (b"PK,email", Format::Plain),
            (b"PAR1", Format::Parquet),
            (b"BZh,email", Format::Plain),
        ] {
            assert_eq!(Format::of(start), want, "{start:?}");
        }
        let error = Format::of(b"BZh91AY&SY").refuse_foreign("x.csv").unwrap_err();
        assert!(error.to_string().contains("`x.csv` is bzip2"), "{error}");
    }
}
