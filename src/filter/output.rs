//! Where results go: a stream, or a file that appears under its name only when it is whole.

use super::draft::Draft;
use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// How many symbolic links in a row are followed, as Linux does.
const LINKS_MAX: usize = 40;

/// Room is asked for when it is at most this part of what is free.
#[cfg(target_os = "linux")]
const RESERVE_OF_FREE: u64 = 4;

/// How much of what waited is given to a stream at once.
const COPY_BYTES: usize = 1 << 18;

/// A destination of results.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// A pipe, a terminal, a device: bytes are gone once written, so the exit code is the signal.
    Stream(File),
    /// A stream that is given nothing before [`Output::prepare`]; what is for it waits in a nameless file.
    Held { stream: File, waiting: File },
    /// A file that nobody sees before [`Output::publish`]; `reserved` when its length is not that of what
    /// was written.
    File { draft: Draft, final_path: PathBuf, written: u64, reserved: bool },
}

impl Output {
    /// Results to an open stream, named `name` in messages.
    #[must_use]
    pub fn stream(file: File, name: &str) -> Self {
        Self { path: PathBuf::from(name), target: Target::Stream(file) }
    }

    /// Results to `path`. A regular file, or a name not taken yet, is written beside itself and put in
    /// place by [`Output::publish`]; a symbolic link is followed, to where nothing is yet as well; anything
    /// else (a FIFO, `/dev/null`) is written to directly.
    ///
    /// # Errors
    ///
    /// When the file can't be created: no such directory, no permission.
    pub fn create(path: &Path) -> Result<Self> {
        let failed = |error| Error::writing(path, error);
        let metadata = match fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        if metadata.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        if metadata.as_ref().is_some_and(|metadata| !metadata.is_file()) {
            let file = File::options().write(true).open(path).map_err(failed)?;
            return Ok(Self { path: path.to_owned(), target: Target::Stream(file) });
        }
        // A link must stay a link: what it names is replaced, or made.
        let final_path = match &metadata {
            Some(_) => fs::canonicalize(path).map_err(failed)?,
            None => followed(path),
        };
        let draft = Draft::new(directory_of(&final_path)).map_err(failed)?;
        if let Some(metadata) = metadata {
            // An output that was there keeps its permissions, as `sort -o` leaves them.
            draft.file().set_permissions(metadata.permissions()).map_err(failed)?;
        }
        let target = Target::File { draft, final_path, written: 0, reserved: false };
        Ok(Self { path: path.to_owned(), target })
    }

    /// The same destination, of which nothing shows before [`Output::prepare`]: what is written to a stream
    /// waits in a nameless temporary file.
    ///
    /// # Errors
    ///
    /// When there is no such file to be had.
    pub fn held(self) -> Result<Self> {
        let Self { path, target } = self;
        let target = match target {
            Target::Stream(stream) => {
                let waiting = tempfile::tempfile();
                let waiting = waiting
                    .map_err(|error| Error::writing(Path::new("a temporary file"), error))?;
                Target::Held { stream, waiting }
            }
            target => target,
        };
        Ok(Self { path, target })
    }

    /// Asks the file system for room for `bytes`, if this is a file: it then gives it out at once, and not
    /// block by block as it is written, which takes a sixth off the time in the kernel. What is not used
    /// goes back in [`Output::publish`]. Nothing is asked for where room is short: it may be another
    /// result's.
    pub fn reserve(&mut self, bytes: u64) {
        #[cfg(target_os = "linux")]
        if let Target::File { draft, reserved, .. } = &mut self.target
            && bytes > 0
            && rustix::fs::fstatvfs(draft.file()).is_ok_and(|system| {
                system.f_bavail.saturating_mul(system.f_frsize) / RESERVE_OF_FREE >= bytes
            })
        {
            // A file system that can't, or has not so much room, takes the bytes as they come.
            let mode = rustix::fs::FallocateFlags::empty();
            *reserved |= rustix::fs::fallocate(draft.file(), mode, 0, bytes).is_ok();
        }
        #[cfg(not(target_os = "linux"))]
        let _ = bytes;
    }

    /// The name in messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that will appear, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.target {
            Target::File { final_path, .. } => Some(final_path),
            Target::Stream(_) | Target::Held { .. } => None,
        }
    }

    /// Does what may fail for want of room or of a reader: gives a stream what waited for it, and makes a file
    /// ready to appear; with `sync`, its content is durable when this returns.
    ///
    /// # Errors
    ///
    /// When writing or syncing fails; an earlier file of the name is then untouched.
    pub fn prepare(&mut self, sync: bool) -> Result<()> {
        let failed = |error| Error::writing(&self.path, error);
        match &mut self.target {
            Target::Stream(_) => Ok(()),
            Target::Held { stream, waiting } => {
                waiting.rewind().map_err(failed)?;
                copy(waiting, stream).map_err(failed)?;
                // Once is enough.
                waiting.set_len(0).and_then(|()| waiting.rewind()).map_err(failed)
            }
            Target::File { draft, written, reserved, .. } => {
                if std::mem::take(reserved) {
                    draft.file().set_len(*written).map_err(failed)?;
                }
                if sync { draft.file().sync_all().map_err(failed) } else { Ok(()) }
            }
        }
    }

    /// Lets what is [prepared](Output::prepare) appear under its name, atomically; with `sync`, durable when
    /// this returns.
    ///
    /// # Errors
    ///
    /// When renaming or syncing fails; an earlier file of the name is then untouched, unless it was the
    /// directory that could not be synced.
    pub fn appear(self, sync: bool) -> Result<()> {
        let Target::File { draft, final_path, .. } = self.target else { return Ok(()) };
        let failed = |error| Error::writing(&self.path, error);
        // Opened before the name is there: without a descriptor left nothing appears.
        let names =
            if sync { Some(File::open(directory_of(&final_path)).map_err(failed)?) } else { None };
        draft.persist(&final_path).map_err(failed)?;
        names.map_or(Ok(()), |names| names.sync_all()).map_err(failed)
    }

    /// [`Output::prepare`] and [`Output::appear`].
    ///
    /// # Errors
    ///
    /// As these.
    pub fn publish(mut self, sync: bool) -> Result<()> {
        self.prepare(sync)?;
        self.appear(sync)
    }
}

/// Makes it durable that there is a file under this name.
///
/// # Errors
///
/// When its directory can't be synced.
pub fn sync_name(path: &Path) -> Result<()> {
    File::open(directory_of(path))
        .and_then(|directory| directory.sync_all())
        .map_err(|error| Error::writing(path, error))
}

/// Gives `stream` all of `waiting`, in large blocks: a pipe that was widened takes one at a time.
fn copy(waiting: &mut File, stream: &mut File) -> io::Result<()> {
    let mut block = vec![0; COPY_BYTES];
    loop {
        match waiting.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(count) => stream.write_all(&block[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The path that a shell's redirection to `path` would make, when nothing is there: the end of a chain of
/// symbolic links, or `path` itself.
#[must_use]
pub fn followed(path: &Path) -> PathBuf {
    let mut at = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(target) = fs::read_link(&at) else { break };
        // From where the link is; an absolute one stands alone.
        at = at.parent().unwrap_or(Path::new("")).join(target);
    }
    at
}

impl Write for Output {
    /// Its errors name the path: whoever writes knows only that it is an output.
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let wrote = match &mut self.target {
            Target::Stream(file) => file.write(buffer),
            Target::Held { waiting, .. } => waiting.write(buffer),
            Target::File { draft, .. } => draft.file().write(buffer),
        };
        if let (Ok(count), Target::File { written, .. }) = (&wrote, &mut self.target) {
            *written += *count as u64;
        }
        wrote.map_err(|error| match error.kind() {
            // For `write_all`, which tries again.
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, Error::writing(&self.path, error)),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_asked_for_never_shows_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        for (room, text) in
            [(1 << 20, &b"kept"[..]), (2, b"more than the room"), (100, b""), (0, b"x")]
        {
            let mut output = Output::create(&path).unwrap();
            output.reserve(room);
            output.write_all(text).unwrap();
            output.publish(false).unwrap();
            assert_eq!(fs::read(&path).unwrap(), text, "room for {room}");
        }
        let mut dropped = Output::create(&path).unwrap();
        dropped.reserve(1 << 20);
        drop(dropped);
        assert_eq!(fs::read(&path).unwrap(), b"x", "an output not published changes nothing");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
    #[test]
    fn a_held_stream_is_given_nothing_before_it_is_prepared() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stream");
        let stream = || Output::stream(File::create(&path).unwrap(), "stream");
        let mut output = stream().held().unwrap();
        assert_eq!(output.file(), None);
        output.write_all(b"kept").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        output.prepare(false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"kept");
        output.write_all(b" rows").unwrap();
        output.publish(false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"kept rows");
        let mut dropped = stream().held().unwrap();
        dropped.write_all(b"refused").unwrap();
        drop(dropped);
        assert_eq!(fs::read(&path).unwrap(), b"", "what was refused shows nowhere");
    }

    #[test]
    fn a_file_appears_with_its_name_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        let mut output = Output::create(&path).unwrap().held().unwrap();
        assert_eq!(output.file(), Some(path.as_path()));
        output.reserve(100);
        output.write_all(b"kept").unwrap();
        output.prepare(true).unwrap();
        assert!(!path.exists());
        output.appear(true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"kept");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_is_followed_and_stays_a_link() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        fs::create_dir(place("far")).unwrap();
        symlink("second", place("first")).unwrap();
        symlink("far/out.csv", place("second")).unwrap();
        let mut output = Output::create(&place("first")).unwrap();
        output.write_all(b"kept").unwrap();
        output.publish(true).unwrap();
        assert_eq!(fs::read(place("far/out.csv")).unwrap(), b"kept");
        assert!(fs::symlink_metadata(place("first")).unwrap().is_symlink());
        symlink("missing/out.csv", place("broken")).unwrap();
        assert!(Output::create(&place("broken")).is_err(), "as a shell's redirection");
        symlink("ring", place("ring")).unwrap();
        assert!(Output::create(&place("ring")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_failed_write_names_the_path() {
        let mut output = Output::create(Path::new("/dev/full")).unwrap();
        let error = output.write_all(b"kept").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let error = Error::writing(Path::new("output"), error);
        assert!(error.to_string().starts_with("cannot write `/dev/full`: "), "{error}");
        assert!(error.hint().is_some());
    }
}
