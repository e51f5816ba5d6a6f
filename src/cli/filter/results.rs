//! Where a run's results go: compressed when their names say so, measured as they are on disk, and each under
//! its name only when all are whole.

use super::Arguments;
use super::input::Input;
use crate::cli::files;
use crate::error::{Error, Result};
use crate::filter::{FileReport, Measured, Output, Report, sync_name};
use crate::source::{Compression, Packer};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// From this length of the input on, room for the output is asked for at once.
const RESERVE_FROM_BYTES: u64 = 16 << 20;

/// Kept rows on their way.
pub(super) type Kept = Packer<Measured<Output>>;
/// Withheld rows on their way.
pub(super) type Withheld = BufWriter<Packer<Measured<Output>>>;

/// The results of a run.
pub(super) struct Results {
    kept: Kept,
    kept_path: PathBuf,
    withheld: Option<Withheld>,
    near_misses: Option<Kept>,
    report: Option<Output>,
    certificate: Option<Output>,
}

/// Says whether anything tells of the files' bytes, so that they are digested.
pub(super) fn are_measured(arguments: &Arguments) -> bool {
    arguments.report.is_some() || arguments.certificate.is_some()
}

impl Results {
    /// Opens what the arguments name. With `--expect` nothing shows of any of them before they are published.
    ///
    /// # Errors
    ///
    /// As [`files::open_output`] and [`Output::held`].
    pub(super) fn open(arguments: &Arguments) -> Result<Self> {
        let digests = are_measured(arguments);
        let open = |path: &Path| {
            let output = files::open_output(path)?;
            if arguments.expect.is_some() { output.held() } else { Ok(output) }
        };
        let packed = |path: &Path, digests| packed(path, open(path)?, digests);
        let kept_path = arguments.output.as_deref().unwrap_or(Path::new("-"));
        let kept = packed(kept_path, digests)?;
        let withheld = match &arguments.suppressed {
            Some(path) => Some(BufWriter::with_capacity(1 << 18, packed(path, digests)?)),
            None => None,
        };
        let near_misses =
            arguments.near_miss.as_deref().map(|path| packed(path, false)).transpose()?;
        let report = arguments.report.as_deref().map(open).transpose()?;
        let certificate = arguments.certificate.as_deref().map(open).transpose()?;
        let kept_path = kept_path.to_owned();
        Ok(Self { kept, kept_path, withheld, near_misses, report, certificate })
    }

    /// Asks for room for the kept rows, if they will be about as long as an input of `bytes`: nearly all rows
    /// are kept, as a rule.
    pub(super) fn reserve(&mut self, bytes: Option<u64>) {
        let bytes = bytes.filter(|bytes| *bytes >= RESERVE_FROM_BYTES);
        if let Some((bytes, kept)) = bytes.zip(self.kept.plain_mut()) {
            kept.inner_mut().reserve(bytes);
        }
    }

    /// Whether anything will tell of the input's bytes.
    pub(super) fn are_told(&self) -> bool {
        self.report.is_some() || self.certificate.is_some()
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

    /// Ends all results; none appears yet.
    ///
    /// # Errors
    ///
    /// When one can't be written whole.
    pub(super) fn finish(self) -> Result<Finished> {
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
        let near_misses = near_misses.map(Measured::into_inner);
        let (report, certificate) = (self.report, self.certificate);
        Ok(Finished { kept, withheld, near_misses, report, certificate })
    }
}

/// The results of a run that is over, none of which has appeared.
pub(super) struct Finished {
    kept: Measured<Output>,
    withheld: Option<Measured<Output>>,
    near_misses: Option<Output>,
    report: Option<Output>,
    certificate: Option<Output>,
}

/// The files of a run, as they are on disk or passed through a pipe.
pub(super) struct RunFiles {
    pub(super) input: FileReport,
    pub(super) output: FileReport,
    pub(super) suppressed: Option<FileReport>,
}

impl Finished {
    /// What there is to tell of the files of the run.
    ///
    /// # Errors
    ///
    /// As [`Input::into_measured`].
    pub(super) fn files(&self, input: Input, arguments: &Arguments) -> Result<RunFiles> {
        let name = super::name(arguments.input.as_deref());
        let input: Measured<File> = input.into_measured(&name)?;
        let withheld = arguments.suppressed.as_deref().zip(self.withheld.as_ref());
        Ok(RunFiles {
            input: FileReport::of(&name, &input),
            output: FileReport::of(&super::name(arguments.output.as_deref()), &self.kept),
            suppressed: withheld
                .map(|(path, file)| FileReport::of(&path.display().to_string(), file)),
        })
    }

    /// Lets all results appear; the kept rows last: when they are there, everything that tells of them is.
    ///
    /// # Errors
    ///
    /// When something can't be written whole; no result has appeared then but those before it, and no
    /// certificate.
    pub(super) fn publish(
        self,
        report: Option<&Report>,
        certificate: Option<&[u8]>,
        fsync: bool,
    ) -> Result<()> {
        let Self { kept, withheld, near_misses, report: report_out, certificate: signed } = self;
        let mut kept = kept.into_inner();
        let mut others: Vec<Output> =
            withheld.map(Measured::into_inner).into_iter().chain(near_misses).collect();
        if let Some((mut out, report)) = report_out.zip(report) {
            write_report(&mut out, report)?;
            others.push(out);
        }
        for output in others.iter_mut().chain([&mut kept]) {
            output.prepare(fsync)?;
        }
        let signed = match signed.zip(certificate) {
            Some((mut out, text)) => {
                let path = out.path().to_owned();
                out.write_all(text).map_err(|error| Error::writing(&path, error))?;
                out.prepare(fsync)?;
                Some(out)
            }
            None => None,
        };
        for output in others {
            output.appear(fsync)?;
        }
        let Some(signed) = signed else { return kept.appear(fsync) };
        let path = signed.file().map(Path::to_owned);
        signed.appear(false)?;
        let synced = match &path {
            Some(path) if fsync => sync_name(path),
            _ => Ok(()),
        };
        let appeared = synced.and_then(|()| kept.appear(fsync));
        if appeared.is_err()
            && let Some(path) = path
        {
            // The run failed after all, so nothing may say that it was done.
            let _ = fs::remove_file(path);
        }
        appeared
    }
}

/// A result, compressed when its name says so; standard output never is.
fn packed(path: &Path, output: Output, with_digest: bool) -> Result<Packer<Measured<Output>>> {
    let compression =
        if files::is_standard(path) { Compression::None } else { Compression::by_name(path) };
    Packer::new(Measured::new(output, with_digest), compression)
        .map_err(|error| Error::untrusted(format!("cannot start a thread: {error}")))
}

fn write_report(out: &mut Output, report: &Report) -> Result<()> {
    let path = out.path().to_owned();
    let mut text = serde_json::to_vec_pretty(report)
        .map_err(|error| Error::untrusted(format!("cannot write the report: {error}")))?;
    text.push(b'\n');
    out.write_all(&text).map_err(|error| Error::writing(&path, error))
}
