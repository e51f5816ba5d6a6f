//! The run as a signed statement.

use super::format::InputFormat;
use super::results::RunFiles;
use crate::certificate::{Certificate, Chain, Choices, FileStatement, SigningKey, Statement};
use crate::cli::clock;
use crate::error::{Error, Result};
use crate::filter::{ColumnChoice, FileReport, OnInvalid, Options, Run};
use crate::record::Reason;

/// What signs a run, and what it says of the store that answered.
pub(super) struct Signer {
    pub(super) key: SigningKey,
    pub(super) ledger_id: String,
    /// None for an index without its ledger.
    pub(super) chain: Option<Chain>,
}

impl Signer {
    /// The certificate of a run.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when there is nothing to be stated: a file was
    /// not measured, the counts don't add up. Neither is known to happen.
    pub(super) fn certificate(
        &self,
        run: &Run<'_>,
        options: &Options,
        format: InputFormat,
        files: &RunFiles,
    ) -> Result<Vec<u8>> {
        let tally = run.tally;
        let by_reason = Reason::all()
            .map(|reason| (reason.as_str().to_owned(), tally.withheld_for(reason)))
            .filter(|(_, count)| *count > 0);
        let (generation, cursor) =
            run.position.ok_or_else(|| Error::untrusted("no store to certify"))?;
        let statement = Statement {
            made_at: clock::now().to_string(),
            ledger_id: self.ledger_id.clone(),
            policy: run.policy.clone(),
            generation,
            cursor,
            chain: self.chain.clone(),
            as_of: run.as_of.to_string(),
            class: run.class.to_string(),
            lists: run.lists.to_vec(),
            options: choices(options, format),
            read: tally.read,
            kept: tally.kept,
            withheld: tally.withheld,
            by_reason: by_reason.collect(),
            input: stated(&files.input)?,
            output: stated(&files.output)?,
            suppressed: files.suppressed.as_ref().map(stated).transpose()?,
        };
        Certificate::sign(&statement, &self.key).map_err(|mismatch| {
            Error::untrusted(format!("cannot make the certificate: {mismatch}"))
        })
    }
}

fn choices(options: &Options, format: InputFormat) -> Choices {
    let name = |choice: &ColumnChoice| choice.0.clone();
    let (format, delimiter, header) = match format {
        InputFormat::Delimited { dialect, .. } => {
            ("csv", Some(char::from(dialect.delimiter()).to_string()), Some(options.header))
        }
        InputFormat::Ndjson => ("ndjson", None, None),
        InputFormat::Parquet => ("parquet", None, None),
    };
    Choices {
        format: format.to_owned(),
        delimiter,
        header,
        email_columns: options.email_columns.iter().map(name).collect(),
        contact_column: options.contact_column.as_ref().map(name),
        list_column: options.list_column.as_ref().map(name),
        invalid: match options.invalid {
            OnInvalid::Withhold => "withhold",
            OnInvalid::Keep => "keep",
            OnInvalid::Fail => "fail",
        }
        .to_owned(),
        dedupe: options.dedupe,
    }
}

fn stated(file: &FileReport) -> Result<FileStatement> {
    let FileReport { path, bytes, sha256 } = file.clone();
    let sha256 = sha256.ok_or_else(|| Error::untrusted(format!("`{path}` was not measured")))?;
    Ok(FileStatement { path, bytes, sha256 })
}
