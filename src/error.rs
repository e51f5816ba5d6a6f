//! The one error of the library: what ended a run, where, and the way out.
//!
//! A fault of one row is never an [`Error`]: it is a value ([`crate::address::InvalidAddress`], a
//! reject of an import) that is counted. An `Error` ends the command.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

/// What an [`Error`] means for the caller; the CLI turns each into one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request itself is wrong: an unknown column, two outputs of one name (exit 2).
    Usage,
    /// The input is wrong: unreadable, not CSV, more rejects than allowed (exit 3).
    Input,
    /// The answer can't be trusted: store or index missing, damaged, foreign, locked or too old, or
    /// a result that could not be written whole (exit 4).
    Untrusted,
    /// Refused: no permission, or a safety brake (exit 5).
    Refused,
    /// The reader of our output went away (exit 141).
    BrokenPipe,
}

/// Why a run ended, and what to do about it.
///
/// [`Display`](fmt::Display) gives one lower-case sentence without a full stop; [`Error::hint`] gives
/// the next step, when there is one.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that says `message`.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), hint: None, source: None }))
    }

    /// The request itself is wrong.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// The input is wrong.
    #[must_use]
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    /// The answer can't be trusted.
    #[must_use]
    pub fn untrusted(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Untrusted, message)
    }

    /// Refused on purpose.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, message)
    }

    /// Adds the way out, as an imperative sentence.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the cause below this error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// A failed read of something the user gave: exit 3. An error of this library that came through a
    /// reader comes out as it was.
    #[must_use]
    pub fn reading(path: &Path, source: std::io::Error) -> Self {
        let source = match source.downcast::<Self>() {
            Ok(own) => return own,
            Err(source) => source,
        };
        Self::input(format!("cannot read `{}`: {source}", path.display())).with_source(source)
    }

    /// A failed write of a result: a closed pipe is [`ErrorKind::BrokenPipe`], everything else is
    /// [`ErrorKind::Untrusted`], because what was written so far is not the answer. An error of this
    /// library that came through a writer comes out as it was: it names the path.
    #[must_use]
    pub fn writing(path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let source = match source.downcast::<Self>() {
            Ok(own) => return own,
            Err(source) => source,
        };
        let (kind, hint) = match source.kind() {
            Io::BrokenPipe => (ErrorKind::BrokenPipe, None),
            Io::StorageFull | Io::QuotaExceeded => {
                (ErrorKind::Untrusted, Some("make room there, or name a place that has it"))
            }
            Io::FileTooLarge => (
                ErrorKind::Untrusted,
                Some("raise the limit of file sizes (`ulimit -f`), or name another file system"),
            ),
            _ => (ErrorKind::Untrusted, None),
        };
        let error = Self::new(kind, format!("cannot write `{}`: {source}", path.display()));
        let error = error.with_source(source);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// The same words once more, for an error that is only lent: what was below it is left out.
    #[must_use]
    pub(crate) fn again(&self) -> Self {
        let again = Self::new(self.kind(), self.to_string());
        match self.hint() {
            Some(hint) => again.with_hint(hint),
            None => again,
        }
    }

    /// What the error means for the caller.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The next step, when there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
