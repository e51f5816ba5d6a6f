//! A store opened: what belongs together is checked to do so.

use super::reader::check_past;
use super::settings::{Settings, read_secret};
use super::{INDEX, LEDGER};
use crate::address::Policy;
use crate::error::{Error, Result};
use crate::index::{Index, IndexIdentity, KeyHasher, Manifest, Overlay, Snapshot};
use crate::ledger::{Ledger, SqliteLedger};
use crate::record::Timestamp;
use crate::segment::Identity;
use crate::storage::{Access, Directory, Disk};
use jiff::SignedDuration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open store.
pub struct Store {
    pub(super) path: PathBuf,
    pub(super) policy: Policy,
    pub(super) hasher: KeyHasher,
    pub(super) ledger: SqliteLedger,
    pub(super) identity: IndexIdentity,
}

/// An index that answers without its ledger.
pub struct IndexAlone {
    /// What answers.
    pub snapshot: Snapshot,
    /// Turns keys into the snapshot's hashes.
    pub hasher: KeyHasher,
    /// Turns addresses into keys.
    pub policy: Policy,
    /// The id of the ledger it was made from.
    pub ledger_id: String,
}

impl Store {
    /// Opens the store at `path`. The index is opened only when something is asked of it.
    ///
    /// # Errors
    ///
    /// Untrusted, with the cure, when the store or a part of it is missing, damaged, from another store
    /// or from a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        let settings = Settings::read(path)?;
        let hasher = KeyHasher::new(&read_secret(path)?);
        let ledger_path = path.join(LEDGER);
        if !ledger_path.exists() {
            return Err(Error::untrusted(format!("no ledger at `{}`", ledger_path.display()))
                .with_hint(
                    "restore it from the backup; an index alone answers only with --max-age",
                ));
        }
        let ledger = SqliteLedger::open(&ledger_path)?;
        let known = ledger.identity();
        let key_id = format!("{:016x}", hasher.key_id());
        let fits = [
            ("ledger_id of quell.toml", ledger.ledger_id() == settings.ledger_id),
            ("policy of quell.toml", known.policy == settings.policy.to_string()),
            ("key in secret.key", known.key_id == key_id),
        ];
        if known.policy != settings.policy.to_string() && fits[0].1 {
            let message = format!(
                "`{}`: quell.toml names policy `{}`, its ledger was made under `{}`",
                path.display(),
                settings.policy,
                known.policy
            );
            return Err(Error::untrusted(message).with_hint(
                "a store's policy is fixed by `quell init`; docs/operations.md says how to change it",
            ));
        }
        if let Some((what, _)) = fits.iter().find(|(_, fits)| !fits) {
            let message = format!(
                "`{}`: the {what} is not the ledger's: files of two stores",
                path.display()
            );
            return Err(Error::untrusted(message)
                .with_hint("restore the whole store from one backup (docs/operations.md)"));
        }
        let ledger = ledger.with_pseudonyms(Arc::new(hasher.clone()));
        let identity = identity(&settings, &hasher);
        Ok(Self { path: path.to_owned(), policy: settings.policy, hasher, ledger, identity })
    }

    /// Says that there is a store.
    ///
    /// # Errors
    ///
    /// Untrusted, with the cure, when there is none.
    pub fn require(path: &Path) -> Result<()> {
        Settings::read(path).map(|_| ())
    }

    /// Says whether there is a ledger at all.
    #[must_use]
    pub fn has_ledger(path: &Path) -> bool {
        path.join(LEDGER).exists()
    }

    /// Opens the index of a store whose ledger is elsewhere, if it is no older than `max_age`.
    ///
    /// # Errors
    ///
    /// Untrusted when it is older, missing, damaged or foreign.
    pub fn open_index_alone(
        path: &Path,
        access: Access,
        now: Timestamp,
        max_age: SignedDuration,
    ) -> Result<IndexAlone> {
        let settings = Settings::read(path)?;
        let hasher = KeyHasher::new(&read_secret(path)?);
        let index = Index::open(directory(path)?, identity(&settings, &hasher), access)?;
        let compiled_at = index.manifest().compiled_at;
        let age = SignedDuration::from_micros(now.as_micros() - compiled_at.as_micros());
        // A clock set back is no proof of freshness either.
        if age > max_age || age.is_negative() {
            let message = format!("the index is of {compiled_at}, older than --max-age allows");
            return Err(Error::untrusted(message)
                .with_hint("fetch a newer index, or run where the ledger is"));
        }
        let snapshot = index.snapshot(Overlay::default(), index.position());
        let Settings { policy, ledger_id } = settings;
        Ok(IndexAlone { snapshot, hasher, policy, ledger_id })
    }

    /// How addresses become keys here.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// The store of record, to be read.
    #[must_use]
    pub fn ledger(&self) -> &SqliteLedger {
        &self.ledger
    }

    /// Says whether a generation that `other`'s ledger has is in this one's past: a generation's mark is random, so no
    /// other past has the same. Both may be the same store.
    ///
    /// # Errors
    ///
    /// As the ledgers say.
    pub fn has_generation_of(&self, other: &Self, generation: u64) -> Result<bool> {
        let mark = |store: &Self| store.ledger.view()?.mark_of(generation);
        let known = mark(self)?;
        Ok(known.is_some() && known == mark(other)?)
    }

    /// The store of record, to be changed: only under an index that could tell of the change. After it,
    /// [`Store::follow`] keeps readers fast.
    ///
    /// # Errors
    ///
    /// Untrusted, before anything is changed, when the index is missing or damaged, or is ahead of the
    /// ledger: that is a ledger restored from a backup, whose next changes would take the numbers of
    /// those it lost, and the index would believe to hold them.
    pub fn ledger_to_change(&self) -> Result<&SqliteLedger> {
        // The index first: it can't overtake the ledger meanwhile.
        let index = Manifest::load(&*self.directory()?, &self.identity)?.position();
        check_past(&*self.ledger.view()?, index)?;
        Ok(&self.ledger)
    }

    pub(super) fn directory(&self) -> Result<Arc<dyn Directory>> {
        directory(&self.path)
    }
}

fn identity(settings: &Settings, hasher: &KeyHasher) -> IndexIdentity {
    let segment = Identity { key_id: hasher.key_id(), policy: settings.policy.id() };
    IndexIdentity { ledger_id: settings.ledger_id.clone(), segment }
}

fn directory(store: &Path) -> Result<Arc<dyn Directory>> {
    let path = store.join(INDEX);
    let disk = Disk::open(&path).map_err(|error| {
        Error::untrusted(format!("cannot open the index at `{}`: {error}", path.display()))
            .with_hint("run `quell compile --full`")
    })?;
    Ok(Arc::new(disk))
}
