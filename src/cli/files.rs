//! Paths of the command line → streams and files; `-` is a standard stream.

use super::terminal::{stdin_file, stdout_file};
use crate::error::{Error, Result};
use crate::filter::{Output, followed};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Says whether `path` means a standard stream.
pub(super) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Opens an input; `-` is standard input.
///
/// # Errors
///
/// [`ErrorKind::Input`](crate::ErrorKind::Input) when it can't be opened.
pub(super) fn open_input(path: &Path) -> Result<File> {
    let file = if is_standard(path) {
        stdin_file()?
    } else {
        File::open(path).map_err(|error| Error::reading(path, error))?
    };
    widen_pipe(&file);
    Ok(file)
}

/// Opens a result; `-` is standard output.
///
/// # Errors
///
/// As [`Output::create`].
pub(super) fn open_output(path: &Path) -> Result<Output> {
    if is_standard(path) {
        let file = stdout_file()?;
        widen_pipe(&file);
        return Ok(Output::stream(file, "standard output"));
    }
    Output::create(path)
}

/// Lets a pipe hold a megabyte instead of 64 KiB, where the system allows: the program at its other end
/// then runs on while this one works on a chunk, and the two change places less often.
fn widen_pipe(file: &File) {
    #[cfg(target_os = "linux")]
    {
        // Fails for what is no pipe, and for a user who has too many wide ones: it works without.
        let _ = rustix::pipe::fcntl_setpipe_size(file, 1 << 20);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// Refuses two results under one name, and a result under the name of an input: one would overwrite
/// the other. Devices and pipes may be named twice.
///
/// # Errors
///
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage), naming the path.
pub(super) fn refuse_clashes(results: &[&Path], inputs: &[&Path]) -> Result<()> {
    let mut taken: Vec<PathBuf> = Vec::new();
    for path in inputs.iter().filter(|path| !is_standard(path)) {
        taken.extend(identity(path));
    }
    let inputs = taken.len();
    for path in results {
        let Some(identity) = identity(path) else { continue };
        if let Some(at) = taken.iter().position(|other| *other == identity) {
            let clash = if at < inputs { "an input and a result" } else { "two results" };
            return Err(Error::usage(format!("`{}` is named for {clash}", path.display()))
                .with_hint("give every result a name of its own"));
        }
        taken.push(identity);
    }
    Ok(())
}

/// The file that a path names, however it is spelled; `None` for what may be written to twice.
fn identity(path: &Path) -> Option<PathBuf> {
    if is_standard(path) {
        return Some(path.to_owned());
    }
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => None,
        Ok(_) => Some(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())),
        Err(_) => {
            let path = followed(path);
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).ok();
            parent.zip(path.file_name()).map(|(parent, name)| parent.join(name))
        }
    }
}
