//! `link.keys`: what the links in mails are sealed with.
//!
//! One key a line, oldest first: id, time of creation, secret, `active` or `retired`. The newest active key seals; every
//! key that is not retired opens. The id is made of the secret, so a damaged secret is found when the file is read: it
//! would refuse every opt-out that comes by its links.

use super::LINK_KEYS;
use super::open::Store;
use super::settings::{Settings, unreadable};
use crate::error::{Error, Result};
use crate::record::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the id of a key is the digest of, before the secret.
const ID_TEXT: &[u8] = b"quell: the id of this link key\0";

/// What a file of keys begins with.
const HEAD: &str =
    "# What the links in mails are sealed with. Lost keys are links that nobody can opt out by.\n";

/// The id of a key; displays as eight hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkKeyId([u8; 4]);

/// One key of links. Its secret is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkKey {
    secret: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether links sealed with it are refused.
    pub is_retired: bool,
}

/// The keys of a store's links, oldest first, at least one of them active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkKeys(Vec<LinkKey>);

/// By what a file of keys is known to be the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkKeysMark((u64, u64, u64, i64, i64));

impl LinkKeyId {
    /// The id of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    /// Reads eight hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        from_hex(text).map(Self)
    }
}

impl fmt::Display for LinkKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl LinkKey {
    /// The key made of this secret.
    #[must_use]
    pub fn from_secret(secret: [u8; 32], created_at: Timestamp) -> Self {
        Self { secret, created_at, is_retired: false }
    }

    fn generate(created_at: Timestamp) -> Result<Self> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| {
            Error::untrusted(format!("cannot make a link key: {error}"))
                .with_hint("the system's random source failed; try again on a healthy machine")
        })?;
        Ok(Self::from_secret(secret, created_at))
    }

    /// What links name it by.
    #[must_use]
    pub fn id(&self) -> LinkKeyId {
        let digest = Sha256::new().chain_update(ID_TEXT).chain_update(self.secret).finalize();
        let mut id = [0; 4];
        id.copy_from_slice(&digest[..4]);
        LinkKeyId(id)
    }

    /// What the keys of sealing are derived from. For nobody's eyes.
    #[must_use]
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    fn to_line(&self) -> String {
        let state = if self.is_retired { "retired" } else { "active" };
        format!("{} {} {} {state}\n", self.id(), self.created_at, hex(&self.secret))
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (id, at, secret, state) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let mut key = Self::from_secret(from_hex(secret)?, Timestamp::parse(at).ok()?);
        key.is_retired = match state {
            "active" => false,
            "retired" => true,
            _ => return None,
        };
        (words.next().is_none() && LinkKeyId::parse(id)? == key.id()).then_some(key)
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkKey({}, secret not shown)", self.id())
    }
}

impl LinkKeys {
    /// All keys, oldest first.
    #[must_use]
    pub fn all(&self) -> &[LinkKey] {
        &self.0
    }

    /// The key that seals: the newest that is not retired.
    #[must_use]
    pub fn newest(&self) -> Option<&LinkKey> {
        self.0.iter().rev().find(|key| !key.is_retired)
    }

    /// Reads the text of `link.keys`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted), naming the line, for a text that is damaged or has no
    /// active key; the message holds nothing of the text.
    pub fn from_text(text: &str) -> Result<Self> {
        let damaged = |what: String| {
            Error::untrusted(format!("the file of link keys is damaged: {what}")).with_hint(
                "restore link.keys from the backup: without it links in sent mails are refused",
            )
        };
        let mut keys = Vec::new();
        for (at, line) in text.lines().enumerate() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let key = LinkKey::from_line(line);
            keys.push(key.ok_or_else(|| damaged(format!("line {} is no key", at + 1)))?);
        }
        let keys = Self(keys);
        if keys.newest().is_none() {
            return Err(damaged("it holds no active key".to_owned()));
        }
        Ok(keys)
    }

    /// The text of `link.keys`, which belongs in a file of mode 0600 and nowhere else.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.iter().fold(HEAD.to_owned(), |text, key| text + &key.to_line())
    }
}

impl Store {
    /// The keys of this store's links. A store without any is given one now, durable when this returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when they are damaged, or can't be read or made.
    pub fn link_keys(&self, now: Timestamp) -> Result<LinkKeys> {
        match Self::link_keys_of(&self.path)? {
            Some((keys, _)) => Ok(keys),
            None => changed(&self.path, |keys| {
                // Whoever was here at the same time may have made one: then both have that one.
                if keys.is_empty() {
                    keys.push(LinkKey::generate(now)?);
                }
                Ok(())
            }),
        }
    }

    /// The keys of the links of the store or the index at `path`, if there are any, and the file they are from.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when they are damaged or can't be read.
    pub fn link_keys_of(path: &Path) -> Result<Option<(LinkKeys, LinkKeysMark)>> {
        let path = path.join(LINK_KEYS);
        let read = || -> io::Result<(String, LinkKeysMark)> {
            let file = File::open(&path)?;
            // Of the file that is read, whatever has the name by then.
            let mark = mark(&file.metadata()?);
            Ok((io::read_to_string(file)?, mark))
        };
        match read() {
            Ok((text, mark)) => Ok(Some((LinkKeys::from_text(&text)?, mark))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&path, &error)),
        }
    }

    /// What the file of keys at `path` is now; `None` when there is none. Cost: a `stat`.
    #[must_use]
    pub fn link_keys_mark(path: &Path) -> Option<LinkKeysMark> {
        fs::metadata(path.join(LINK_KEYS)).ok().as_ref().map(mark)
    }

    /// Adds a key, which seals from now on; those before it go on opening. Durable when this returns.
    ///
    /// # Errors
    ///
    /// As [`Store::link_keys`].
    pub fn rotate_link_key(path: &Path, now: Timestamp) -> Result<LinkKeys> {
        Settings::read(path)?;
        changed(path, |keys| {
            let mut new = LinkKey::generate(now)?;
            while keys.iter().any(|key| key.id() == new.id()) {
                new = LinkKey::generate(now)?;
            }
            keys.push(new);
            Ok(())
        })
    }

    /// Retires a key: links sealed with it are refused from now on. Says whether it was not retired before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when there is no such key,
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) for the one that seals; as [`Store::link_keys`] otherwise.
    pub fn retire_link_key(path: &Path, id: LinkKeyId) -> Result<bool> {
        Settings::read(path)?;
        let mut is_new = false;
        changed(path, |keys| {
            let newest = keys.iter().rev().find(|key| !key.is_retired).map(LinkKey::id);
            let Some(key) = keys.iter_mut().find(|key| key.id() == id) else {
                return Err(Error::usage(format!("there is no link key {id}"))
                    .with_hint("`quell link-key list` shows those there are"));
            };
            if newest == Some(id) {
                return Err(Error::refused(format!("the link key {id} is the one that seals"))
                    .with_hint(
                        "run `quell link-key rotate` first; then retire it when its mails are old",
                    ));
            }
            is_new = !key.is_retired;
            key.is_retired = true;
            Ok(())
        })?;
        Ok(is_new)
    }
}

/// Changes the keys of the store at `path`, one process after the other: whole under their name, durable.
fn changed(path: &Path, change: impl FnOnce(&mut Vec<LinkKey>) -> Result<()>) -> Result<LinkKeys> {
    let place = path.join(LINK_KEYS);
    let failed = |error| Error::writing(&place, error);
    let directory = File::open(path).map_err(failed)?;
    // Held until the directory is closed: of two that rotate at once, neither may lose the other's key.
    directory.lock().map_err(failed)?;
    let before = Store::link_keys_of(path)?.map(|(keys, _)| keys.0);
    let mut keys = before.clone().unwrap_or_default();
    change(&mut keys)?;
    if before.as_ref() == Some(&keys) {
        return Ok(LinkKeys(keys));
    }
    let keys = LinkKeys(keys);
    let write = || -> io::Result<()> {
        // Readable by its owner only, as all files of the crate are.
        let mut file = tempfile::Builder::new().prefix(".quell-link-").tempfile_in(path)?;
        file.write_all(keys.to_text().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&place)?;
        directory.sync_all()
    };
    write().map_err(failed)?;
    Ok(keys)
}

fn mark(metadata: &fs::Metadata) -> LinkKeysMark {
    let changed = (metadata.mtime(), metadata.mtime_nsec());
    LinkKeysMark((metadata.dev(), metadata.ino(), metadata.len(), changed.0, changed.1))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::address::Policy;
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;

    const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    fn store() -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        Store::create(&path, Policy::default(), NOW).unwrap();
        (directory, path)
    }

    fn ids(keys: &LinkKeys) -> Vec<(LinkKeyId, bool)> {
        keys.all().iter().map(|key| (key.id(), key.is_retired)).collect()
    }

    #[test]
    fn keys_are_made_once_and_rotated_without_losing_any() {
        let (_directory, path) = store();
        assert_eq!(Store::link_keys_of(&path).unwrap(), None);
        let made: BTreeSet<LinkKeyId> = std::thread::scope(|scope| {
            let make = || Store::open(&path).unwrap().link_keys(NOW).unwrap().all()[0].id();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(made.len(), 1, "everybody has the same");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Store::rotate_link_key(&path, NOW).unwrap());
            }
        });
        let (keys, mark) = Store::link_keys_of(&path).unwrap().unwrap();
        assert_eq!(ids(&keys).into_iter().collect::<BTreeSet<_>>().len(), 9);
        assert_eq!(keys.newest(), keys.all().last());
        assert_eq!(Store::link_keys_mark(&path), Some(mark));
        let mode = fs::metadata(path.join(LINK_KEYS)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(LinkKeys::from_text(&keys.to_text()).unwrap(), keys);
    }

    #[test]
    fn what_seals_is_not_retired() {
        let (_directory, path) = store();
        let first = Store::rotate_link_key(&path, NOW).unwrap().all()[0].id();
        let refused = Store::retire_link_key(&path, first).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused);
        let second = Store::rotate_link_key(&path, NOW).unwrap().all()[1].id();
        assert!(Store::retire_link_key(&path, first).unwrap());
        assert!(!Store::retire_link_key(&path, first).unwrap(), "it was already");
        assert!(Store::retire_link_key(&path, second).is_err());
        let unknown = LinkKeyId::parse("00000000").unwrap();
        assert_eq!(Store::retire_link_key(&path, unknown).unwrap_err().kind(), ErrorKind::Usage);
        let (keys, _) = Store::link_keys_of(&path).unwrap().unwrap();
        assert_eq!(ids(&keys), [(first, true), (second, false)]);
        assert_eq!(keys.newest().unwrap().id(), second);
    }

    #[test]
    fn damage_is_told_and_no_secret_is_shown() {
        let keys = LinkKeys(vec![LinkKey::from_secret([7; 32], NOW)]);
        let text = keys.to_text();
        assert!(!format!("{keys:?}").contains("07"), "{keys:?}");
        let line = text.lines().nth(1).unwrap();
        for at in 0..line.len() {
            let mut damaged = line.as_bytes().to_vec();
            damaged[at] = if damaged[at] == b'1' { b'2' } else { b'1' };
            let damaged = String::from_utf8(damaged).unwrap();
            match LinkKeys::from_text(&damaged) {
                Err(error) => assert!(!error.to_string().contains("0707"), "{error}"),
                // Another time of creation changes no link.
                Ok(other) => assert_eq!(ids(&other), ids(&keys), "{damaged}"),
            }
        }
        assert!(LinkKeys::from_text("").is_err(), "no key at all");
        assert!(LinkKeys::from_text(&text.replace("active", "retired")).is_err());
    }
}
