//! What the input is read as: by the options, else by its name, else by its first bytes.

use super::Arguments;
use super::input::Input;
use crate::action::batch::{self, Parted, parted};
use crate::cli::terminal::Terminal;
use crate::delimited::Dialect;
use crate::error::{Error, Result};
use crate::filter::PARQUET_MAGIC;
use crate::source::Compression;

/// What the input is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputFormat {
    /// CSV and its like.
    Delimited {
        /// The delimiter.
        dialect: Dialect,
        /// The length of the line `sep=;`, if there is one.
        preamble_bytes: usize,
    },
    /// A JSON object a line.
    Ndjson,
    /// Parquet.
    Parquet,
}

/// What the options and the input's name say of its format.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    /// Nothing: CSV, unless the first bytes are those of a Parquet file.
    Nothing,
    /// CSV, whose header may say of another delimiter.
    Csv,
    /// This delimiter.
    Delimiter(Dialect),
    Ndjson,
    Parquet,
}

impl Asked {
    /// What is asked for: `--delimiter`, else `--format`, else the input's name without `.gz` or `.zst`,
    /// else CSV.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a format or a delimiter that there is not.
    pub(super) fn of(arguments: &Arguments) -> Result<Self> {
        let stripped = arguments.input.as_deref().map(Compression::stripped);
        let by_name = stripped.as_deref().and_then(|path| path.extension()?.to_str());
        let by_name = by_name.map(str::to_ascii_lowercase).filter(|extension| {
            matches!(extension.as_str(), "csv" | "tsv" | "ndjson" | "jsonl" | "parquet")
        });
        let asked = match arguments.format.clone().or(by_name).as_deref() {
            None => Self::Nothing,
            Some("csv") => Self::Csv,
            Some("tsv") => Self::Delimiter(Dialect::TSV),
            Some("ndjson" | "jsonl") => Self::Ndjson,
            Some("parquet") => Self::Parquet,
            Some(other) => {
                return Err(Error::usage(format!("unknown format `{other}`"))
                    .with_hint("--format takes csv, tsv, ndjson or parquet"));
            }
        };
        match (&arguments.delimiter, asked) {
            (Some(delimiter), Self::Nothing | Self::Csv | Self::Delimiter(_)) => {
                batch::delimiter(delimiter).map(Self::Delimiter)
            }
            (_, Self::Ndjson) => only_of_delimited(arguments, "NDJSON").map(|()| asked),
            (_, Self::Parquet) => only_of_delimited(arguments, "Parquet").map(|()| asked),
            (None, _) => Ok(asked),
        }
    }

    /// The format, after a look at the input's first bytes.
    ///
    /// A header that is one cell under comma and several under another delimiter is told by `--verbose`;
    /// everything else is read as it always was.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for options that the format has no use for.
    pub(super) fn format(
        self,
        input: &Input,
        arguments: &Arguments,
        terminal: Terminal,
    ) -> Result<InputFormat> {
        let dialect = match self {
            Self::Ndjson => return Ok(InputFormat::Ndjson),
            Self::Parquet => return Ok(InputFormat::Parquet),
            Self::Nothing if input.start().starts_with(PARQUET_MAGIC) => {
                only_of_delimited(arguments, "Parquet")?;
                return Ok(InputFormat::Parquet);
            }
            Self::Delimiter(dialect) => Some(dialect),
            Self::Nothing | Self::Csv => None,
        };
        let parted = parted(input.start(), input.is_whole(), dialect, !arguments.no_header);
        let Parted { dialect, preamble_bytes, is_told } = parted;
        if is_told {
            let byte = char::from(dialect.delimiter()).escape_debug();
            terminal.detail(&format!("the delimiter is `{byte}`, as the header tells"));
        }
        Ok(InputFormat::Delimited { dialect, preamble_bytes })
    }
}

/// Refuses options that would be without effect: who gives them expects something else of the input.
fn only_of_delimited(arguments: &Arguments, format: &str) -> Result<()> {
    let option = match arguments {
        Arguments { delimiter: Some(_), .. } => "--delimiter",
        Arguments { no_header: true, .. } => "--no-header",
        _ => return Ok(()),
    };
    Err(Error::usage(format!("{option} says nothing of {format}"))
        .with_hint("leave it out, or say --format csv"))
}
