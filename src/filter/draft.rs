//! A file on its way to its name.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use tempfile::NamedTempFile;

/// A new file that no one sees before [`Draft::persist`].
///
/// On Linux it has no name until then, so a killed process leaves nothing behind. Where the file system has no
/// nameless files (NFS, some others) it has a hidden name, `.quell-….partial`, which goes when this is dropped.
#[derive(Debug)]
pub(super) enum Draft {
    #[cfg(target_os = "linux")]
    Nameless(File),
    Hidden(NamedTempFile),
}

impl Draft {
    /// A draft in `directory`, with the permissions any program gives a new file.
    ///
    /// # Errors
    ///
    /// When no file can be made there.
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = nameless(directory) {
            return Ok(Self::Nameless(file));
        }
        let mut builder = builder();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        // Without the hidden name, which means nothing to whoever named the output.
        let hidden = builder.tempfile_in(directory).map_err(without_name)?;
        Ok(Self::Hidden(hidden))
    }

    pub(super) fn file(&self) -> &File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => file,
            Self::Hidden(hidden) => hidden.as_file(),
        }
    }

    /// Gives the file its name, atomically; whatever had it is replaced.
    ///
    /// # Errors
    ///
    /// When it can't be had; what had the name still has it.
    pub(super) fn persist(self, path: &Path) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => match link(&file, path) {
                // A link can't replace a file, a rename can.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let directory = path.parent().unwrap_or(Path::new(""));
                    let hidden = builder().make_in(directory, |hidden| link(&file, hidden));
                    let hidden = hidden.map_err(without_name)?.into_temp_path();
                    hidden.persist(path).map_err(|error| error.error)
                }
                linked => linked,
            },
            Self::Hidden(hidden) => hidden.persist(path).map(drop).map_err(|error| error.error),
        }
    }
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".quell-").suffix(".partial");
    builder
}

/// The error of the system alone, where there is one: the hidden name is left out.
fn without_name(error: io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// A file without a name that can get one later; `None` where there is no such thing.
#[cfg(target_os = "linux")]
fn nameless(directory: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags, openat};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o666);
    let file = File::from(openat(rustix::fs::CWD, directory, flags, mode).ok()?);
    // What gives it a name; without /proc there is no way to one that needs no privilege.
    fs::metadata(descriptor(&file)).is_ok().then_some(file)
}

#[cfg(target_os = "linux")]
fn descriptor(file: &File) -> String {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    Ok(linkat(CWD, descriptor(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn drafts(directory: &Path) -> Vec<Draft> {
        vec![
            Draft::new(directory).unwrap(),
            Draft::Hidden(builder().tempfile_in(directory).unwrap()),
        ]
    }

    #[test]
    fn a_draft_appears_whole_or_not_at_all() {
        for number in 0..2 {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("out");
            let names = || fs::read_dir(directory.path()).unwrap().count();
            let write = |text: &str| {
                let draft = drafts(directory.path()).swap_remove(number);
                draft.file().write_all(text.as_bytes()).unwrap();
                draft
            };
            drop(write("never"));
            assert_eq!(names(), 0);
            write("first").persist(&path).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"first");
            drop(write("never"));
            write("second, in its place").persist(&path).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"second, in its place");
            assert_eq!(names(), 1);
            let nowhere = directory.path().join("missing/out");
            assert!(write("never").persist(&nowhere).is_err());
            assert_eq!(names(), 1);
        }
    }
}
