//! Which encoding a text is in.

use std::fmt;
use std::str::FromStr;

/// An encoding that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8 without a mark.
    Utf8,
    /// UTF-8 behind a byte-order mark.
    Utf8Mark,
    /// UTF-16, low byte first, with or without a mark.
    Utf16Le,
    /// UTF-16, high byte first, with or without a mark.
    Utf16Be,
    /// Windows-1252, which is Latin-1 with characters in place of its second set of controls.
    Latin1,
}

/// What the user says a text's encoding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EncodingChoice {
    /// UTF-8.
    Utf8,
    /// UTF-16; which byte comes first the mark says, else the text.
    Utf16,
    /// Latin-1 and Windows-1252.
    Latin1,
}

impl Encoding {
    /// The word in messages and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 | Self::Utf8Mark => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Latin1 => "windows-1252",
        }
    }

    /// The encoding's own name.
    pub(super) const fn plain(self) -> &'static str {
        match self {
            Self::Utf8 | Self::Utf8Mark => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
            Self::Latin1 => "Windows-1252",
        }
    }

    /// The word that chooses it with `--encoding`.
    #[must_use]
    pub const fn choice(self) -> &'static str {
        match self {
            Self::Utf8 | Self::Utf8Mark => "utf-8",
            Self::Utf16Le | Self::Utf16Be => "utf-16",
            Self::Latin1 => "latin-1",
        }
    }

    /// The encoding of a text that begins with `start`; `whole` says that it is all of it.
    ///
    /// A mark decides; without one, NULs in one half of the pairs of bytes say UTF-16; then what is valid
    /// UTF-8 is that. So is what has letters of UTF-8 and something else besides: damaged, which whoever reads
    /// it on finds, because read as Windows-1252 every letter in it would become two others. Everything else
    /// is Windows-1252.
    ///
    /// ```
    /// # use quell::source::Encoding;
    /// assert_eq!(Encoding::of(b"email,name\n", true), Encoding::Utf8);
    /// assert_eq!(Encoding::of(b"caf\xe9\n", true), Encoding::Latin1);
    /// assert_eq!(Encoding::of(b"e\0m\0a\0i\0l\0\n\0", true), Encoding::Utf16Le);
    /// ```
    #[must_use]
    pub fn of(start: &[u8], whole: bool) -> Self {
        match start {
            [0xef, 0xbb, 0xbf, ..] => return Self::Utf8Mark,
            [0xff, 0xfe, ..] => return Self::Utf16Le,
            [0xfe, 0xff, ..] => return Self::Utf16Be,
            _ => {}
        }
        if let Some(encoding) = Self::of_nuls(start) {
            return encoding;
        }
        match std::str::from_utf8(start) {
            Ok(_) => Self::Utf8,
            // A character that the end of what is looked at cuts in two.
            Err(error) if error.error_len().is_none() && !whole => Self::Utf8,
            Err(_) if has_letter_of_utf8(start) => Self::Utf8,
            Err(_) => Self::Latin1,
        }
    }

    /// The encoding of a text of which the user says `choice`.
    #[must_use]
    pub fn chosen(choice: EncodingChoice, start: &[u8]) -> Self {
        match choice {
            EncodingChoice::Utf8 if start.starts_with(b"\xef\xbb\xbf") => Self::Utf8Mark,
            EncodingChoice::Utf8 => Self::Utf8,
            EncodingChoice::Latin1 => Self::Latin1,
            EncodingChoice::Utf16 => match start {
                [0xff, 0xfe, ..] => Self::Utf16Le,
                [0xfe, 0xff, ..] => Self::Utf16Be,
                _ => Self::of_nuls(start).unwrap_or(Self::Utf16Le),
            },
        }
    }

    /// UTF-16 without a mark: in a text of mostly ASCII, one byte of each pair is NUL, the other never.
    fn of_nuls(start: &[u8]) -> Option<Self> {
        let (pairs, _) = start.as_chunks::<2>();
        let high = pairs.iter().filter(|pair| pair[0] == 0).count();
        let low = pairs.iter().filter(|pair| pair[1] == 0).count();
        // A tenth: names in other alphabets, but delimiters, digits and addresses in ASCII.
        let many = |count: usize| count > 0 && count * 10 >= pairs.len();
        match (many(high), many(low)) {
            (true, false) if low * 50 <= high => Some(Self::Utf16Be),
            (false, true) if high * 50 <= low => Some(Self::Utf16Le),
            _ => None,
        }
    }

    /// How many bytes the mark at the start of the text has.
    #[must_use]
    pub fn mark_length(self, start: &[u8]) -> usize {
        match (self, start) {
            (Self::Utf8Mark, _) => 3,
            (Self::Utf16Le, [0xff, 0xfe, ..]) | (Self::Utf16Be, [0xfe, 0xff, ..]) => 2,
            _ => 0,
        }
    }
}

/// Says whether some valid run of a text that is not UTF-8 as a whole has a character of several bytes.
fn has_letter_of_utf8(text: &[u8]) -> bool {
    text.utf8_chunks().any(|chunk| !chunk.valid().is_ascii())
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Mark => "UTF-8 with a byte-order mark",
            Self::Utf16Le => "UTF-16, low byte first",
            Self::Utf16Be => "UTF-16, high byte first",
            Self::Latin1 => "Windows-1252 (Latin-1)",
        })
    }
}

impl FromStr for EncodingChoice {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word.trim().to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "utf-16" | "utf16" => Ok(Self::Utf16),
            "latin-1" | "latin1" | "windows-1252" => Ok(Self::Latin1),
            _ => Err(format!("unknown encoding `{word}`: give utf-8, utf-16 or latin-1")),
        }
    }
}
