//! A directory of the file system.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::name::{self, naming};
use super::{Access, Blob, Directory, Lock, raw, resident};

/// A directory of the file system, local and POSIX: `rename` is atomic, `fsync` means what it says
/// (docs/format.md, "Assumptions about the disk").
///
/// # Example
///
/// ```
/// use quell::storage::{Access, Directory, Disk};
///
/// # let scratch = tempfile::tempdir()?;
/// # let path = scratch.path().join("index");
/// let directory = Disk::create_at(&path)?;
/// directory.replace("manifest", b"generation 1")?;
/// assert_eq!(&*Disk::open(&path)?.open("manifest", Access::Map)?, b"generation 1");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// The directory at `path`, which must exist.
    ///
    /// # Errors
    ///
    /// When there is nothing, or something else than a directory.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let metadata = fs::metadata(&path).map_err(naming(path.display()))?;
        if !metadata.is_dir() {
            return Err(naming(path.display())(io::ErrorKind::NotADirectory.into()));
        }
        Ok(Self { path })
    }

    /// The directory at `path`, made when there is none; its name is then durable. The directory above
    /// it must exist.
    ///
    /// # Errors
    ///
    /// When it can't be made, or something else has that name.
    pub fn create_at(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        match fs::create_dir(&path) {
            Ok(()) => sync_directory(parent(&path))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(naming(path.display())(error)),
        }
        Self::open(path)
    }

    /// Where the directory is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self, name: &str) -> io::Result<PathBuf> {
        name::check(name)?;
        Ok(self.path.join(name))
    }

    /// Writes `parts` to a file of its own name next to `name`, synced, then renames it.
    fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        // Two writers of one process never share a temporary name; two processes differ in the id.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = self.file(name)?;
        let temporary = self.file(&format!("{name}.tmp-{}-{number}", std::process::id()))?;
        let written = write_new(&temporary, parts)
            .and_then(|()| fs::rename(&temporary, &path))
            .map_err(naming(path.display()));
        if written.is_err() {
            // Only tidiness: what stays is swept at the next commit.
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// Writes and syncs a file that must not exist, and takes the right to write it away.
fn write_new(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    // A process of the same id that crashed long ago may have left one of this name.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    let mut permissions = file.metadata()?.permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o444);
    #[cfg(not(unix))]
    permissions.set_readonly(true);
    file.set_permissions(permissions)?;
    file.sync_all()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the names in a directory durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    // Elsewhere a directory can't be opened as a file, and the file system journals names itself.
    if cfg!(unix) {
        return File::open(path)
            .and_then(|directory| directory.sync_all())
            .map_err(naming(path.display()));
    }
    Ok(())
}

impl Directory for Disk {
    fn create(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        self.write(name, parts)
    }

    fn open(&self, name: &str, access: Access) -> io::Result<Blob> {
        let path = self.file(name)?;
        let open = || {
            let file = File::open(&path)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let len = usize::try_from(metadata.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
            match access {
                // An empty mapping is an error on some systems.
                Access::Map if len > 0 => {
                    let map = raw::map(&file)?;
                    let len = map.len();
                    Ok(Blob::mapped(map, 0..len))
                }
                Access::Map | Access::Resident => resident::read(&file, len),
            }
        };
        open().map_err(naming(path.display()))
    }

    fn replace(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.write(name, &[contents])?;
        self.sync()
    }

    fn sync(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let list = || {
            let mut names = Vec::new();
            for entry in fs::read_dir(&self.path)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    continue;
                }
                // A name that is not Unicode, or not plain, is none of ours.
                if let Ok(name) = entry.file_name().into_string()
                    && name::check(&name).is_ok()
                {
                    names.push(name);
                }
            }
            names.sort_unstable();
            Ok(names)
        };
        list().map_err(naming(self.path.display()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.file(name)?;
        fs::remove_file(&path).map_err(naming(path.display()))
    }

    fn lock(&self) -> io::Result<Lock> {
        let path = self.path.join(name::LOCK);
        let lock = || {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
            loop {
                match file.lock() {
                    Ok(()) => return Ok(Lock::of_file(file)),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        };
        lock().map_err(naming(path.display()))
    }
}
