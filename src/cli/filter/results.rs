//! Where a run's results go: compressed when their names say so, measured as they are on disk, and each under
//! its name only when all are whole.

use super::Arguments;
use super::input::Input;
use crate::cli::files;
use crate::error::{Error, Result};
use crate::filter::{Measured, Output, Report};
use crate::source::{Compression, Packer};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// From this length of the input on, room for the output is asked for at once.
const RESERVE_FROM_BYTES: u64 = 16 << 20;

/// Kept rows on their way.
pub(super) type Kept = Packer<Measured<Output>>;
/// Withheld rows on their way.
pub(super) type Withheld = BufWriter<Packer<Measured<Output>>>;

/// The results of a run.
pub(super) struct Results {
    kept: Kept,
    kept_path: std::path::PathBuf,
    withheld: Option<Withheld>,
    near_misses: Option<Kept>,
    report: Option<Output>,
    input_name: String,
}

/// The files of a run that is over, as they are on disk.
pub(super) struct Files<'a> {
    pub(super) input: &'a Measured<File>,
    pub(super) kept: &'a Measured<Output>,
    pub(super) withheld: Option<&'a Measured<Output>>,
}

impl Results {
    /// Opens what the arguments name.
    ///
    /// # Errors
    ///
    /// As [`files::open_output`].
    pub(super) fn open(arguments: &Arguments) -> Result<Self> {
        let digests = arguments.report.is_some();
        let kept_path = arguments.output.as_deref().unwrap_or(Path::new("-"));
        let kept = packed(kept_path, digests)?;
        let withheld = match &arguments.suppressed {
            Some(path) => Some(BufWriter::with_capacity(1 << 18, packed(path, digests)?)),
            None => None,
        };
        let near_misses =
            arguments.near_miss.as_deref().map(|path| packed(path, false)).transpose()?;
        let report = arguments.report.as_deref().map(files::open_output).transpose()?;
        let input_name = super::name(arguments.input.as_deref());
        let kept_path = kept_path.to_owned();
        Ok(Self { kept, kept_path, withheld, near_misses, report, input_name })
    }

    /// Asks for room for the kept rows, if they will be about as long as an input of `bytes`: nearly all rows
    /// are kept, as a rule.
    pub(super) fn reserve(&mut self, bytes: Option<u64>) {
        let bytes = bytes.filter(|bytes| *bytes >= RESERVE_FROM_BYTES);
        if let Some((bytes, kept)) = bytes.zip(self.kept.plain_mut()) {
            kept.inner_mut().reserve(bytes);
        }
    }

    /// Whether there will be a report.
    pub(super) fn are_reported(&self) -> bool {
        self.report.is_some()
    }

    /// Where kept and withheld rows are written to.
    pub(super) fn writers(&mut self) -> (&mut Kept, Option<&mut Withheld>) {
        (&mut self.kept, self.withheld.as_mut())
    }

    /// Where kept and withheld rows are written to, and near misses if they are asked for.
    pub(super) fn with_near_misses(
        &mut self,
    ) -> (&mut Kept, Option<&mut Withheld>, Option<&mut Kept>) {
        (&mut self.kept, self.withheld.as_mut(), self.near_misses.as_mut())
    }

    /// Ends all results and lets them appear, with what `tells` reports of them; the kept rows last: when they
    /// are there, everything that tells of them is.
    ///
    /// # Errors
    ///
    /// When something can't be written whole; no result has appeared then but those before it.
    pub(super) fn publish(
        self,
        input: Input,
        tells: impl FnOnce(&Files<'_>) -> Report,
        fsync: bool,
    ) -> Result<()> {
        let failed = |error| Error::writing(Path::new("the suppressed file"), error);
        let withheld = match self.withheld {
            Some(out) => {
                let packer = out.into_inner().map_err(|error| failed(error.into_error()))?;
                Some(packer.finish().map_err(failed)?)
            }
            None => None,
        };
        let failed = |error| Error::writing(Path::new("near misses"), error);
        let near_misses = self.near_misses.map(Kept::finish).transpose().map_err(failed)?;
        let kept_path = &self.kept_path;
        let kept = self.kept.finish().map_err(|error| Error::writing(kept_path, error))?;
        let report = match self.report {
            Some(mut out) => {
                let input = input.into_measured(&self.input_name)?;
                let files = Files { input: &input, kept: &kept, withheld: withheld.as_ref() };
                write_report(&mut out, &tells(&files))?;
                Some(out)
            }
            None => None,
        };
        let withheld = withheld.map(Measured::into_inner);
        let near_misses = near_misses.map(Measured::into_inner);
        for earlier in [withheld, near_misses, report].into_iter().flatten() {
            earlier.publish(fsync)?;
        }
        kept.into_inner().publish(fsync)
    }
}

/// A result, compressed when its name says so; standard output never is.
fn packed(path: &Path, with_digest: bool) -> Result<Packer<Measured<Output>>> {
    let compression =
        if files::is_standard(path) { Compression::None } else { Compression::by_name(path) };
    let measured = Measured::new(files::open_output(path)?, with_digest);
    Packer::new(measured, compression)
        .map_err(|error| Error::untrusted(format!("cannot start a thread: {error}")))
}

fn write_report(out: &mut Output, report: &Report) -> Result<()> {
    let path = out.path().to_owned();
    let mut text = serde_json::to_vec_pretty(report)
        .map_err(|error| Error::untrusted(format!("cannot write the report: {error}")))?;
    text.push(b'\n');
    out.write_all(&text).map_err(|error| Error::writing(&path, error))
}
