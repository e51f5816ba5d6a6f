//! Everything a person sees, and the only place that writes to the standard streams: data to standard
//! output, everything else to standard error.

use super::args::{Color, Global};
use crate::error::{Error, Result};
use anstream::ColorChoice;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// How much to say, and how.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    quiet: bool,
    verbose: bool,
}

impl Terminal {
    /// Takes the global options.
    #[must_use]
    pub fn new(global: &Global) -> Self {
        match global.color {
            Color::Auto => {}
            Color::Always => ColorChoice::Always.write_global(),
            Color::Never => ColorChoice::Never.write_global(),
        }
        Self { quiet: global.quiet, verbose: global.verbose }
    }

    /// Says what was done.
    pub fn note(&self, message: &str) {
        if !self.quiet {
            stderr_line(message);
        }
    }

    /// Says more, for those who asked.
    pub fn detail(&self, message: &str) {
        if self.verbose {
            stderr_line(message);
        }
    }

    /// Says that something needs attention, although the command goes on.
    pub fn warn(&self, message: &str) {
        if !self.quiet {
            stderr_line(&format!("\x1b[33mwarning:\x1b[0m {message}"));
        }
    }

    /// Says that a change is made, but that the index could not follow: readers take more time until it does.
    pub fn warn_late(&self, error: Option<&Error>) {
        if let Some(error) = error {
            self.warn(&format!("the change is made, but the index does not hold it yet: {error}"));
            self.note("run `quell compile` when that is mended; until then answers take longer");
        }
    }

    /// Says why the command ended, and what to do.
    pub fn error(&self, error: &Error) {
        stderr_line(&format!("\x1b[1;31merror:\x1b[0m {error}"));
        if let Some(hint) = error.hint() {
            stderr_line(&format!("\x1b[36mhint:\x1b[0m {hint}"));
        }
    }

    /// A progress bar over `bytes`, or of unknown length; hidden unless standard error is a terminal.
    #[must_use]
    pub fn progress(&self, what: &str, bytes: Option<u64>) -> ProgressBar {
        let hidden = self.quiet || !io::stderr().is_terminal();
        let target =
            if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(bytes, target);
        let template = if bytes.is_some() {
            "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}"
        } else {
            "{msg} {spinner} {bytes} {bytes_per_sec}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar
    }
}

fn stderr_line(message: &str) {
    // Standard error may be closed; there is nobody to tell then.
    let _ = writeln!(anstream::stderr(), "{message}");
}

/// Writes data to standard output through `write`, in large blocks.
///
/// # Errors
///
/// [`ErrorKind::BrokenPipe`](crate::ErrorKind::BrokenPipe) when its reader went away.
pub fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let failed = |error| Error::writing(Path::new("standard output"), error);
    let mut out = io::BufWriter::with_capacity(1 << 16, stdout_file()?);
    write(&mut out).and_then(|()| out.flush()).map_err(failed)
}

/// Writes one line of data to standard output: the answer to a change, `--quiet` or not.
///
/// # Errors
///
/// As [`print()`].
pub fn print_line(line: &str) -> Result<()> {
    print(|out| writeln!(out, "{line}"))
}

/// Writes a value as one pretty JSON document to standard output.
///
/// # Errors
///
/// As [`print()`].
pub fn print_json(value: &impl serde::Serialize) -> Result<()> {
    print(|out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// Standard output without a buffer of its own: the standard library's would split large writes at
/// line ends.
///
/// # Errors
///
/// When it is closed.
pub fn stdout_file() -> Result<File> {
    use std::os::fd::AsFd;
    let stdout = io::stdout();
    let fd = stdout.as_fd().try_clone_to_owned();
    fd.map(File::from).map_err(|error| Error::writing(Path::new("standard output"), error))
}

/// Standard input without a buffer of its own.
///
/// # Errors
///
/// When it is closed.
pub fn stdin_file() -> Result<File> {
    use std::os::fd::AsFd;
    let stdin = io::stdin();
    let fd = stdin.as_fd().try_clone_to_owned();
    fd.map(File::from).map_err(|error| Error::reading(Path::new("standard input"), error))
}
