//! What answers a run: a store, an index alone, or files of suppressions.

use super::Arguments;
use super::certificate::Signer;
use super::links;
use crate::action::link::Links;
use crate::address::Policy;
use crate::certificate::Chain;
use crate::cli::{Context, input as words};
use crate::error::{Error, Result};
use crate::filter::SuppressFiles;
use crate::index::{KeyHasher, SecretKey, Snapshot};
use crate::ledger::Ledger;
use crate::record::Timestamp;
use crate::storage::Access;
use crate::store::Store;

/// Mapped, however long the input: reading the files into memory takes longer than checking the mapping, by
/// more than the look-ups of ten million rows gain from it (docs/performance.md).
const ACCESS: Access = Access::Map;

/// What answers a run.
pub(super) struct Answers {
    pub(super) snapshot: Snapshot,
    pub(super) hasher: KeyHasher,
    pub(super) policy: Policy,
    /// Generation and cursor; none without a store.
    pub(super) position: Option<(u64, u64)>,
    /// What signs the run, if a certificate is asked for.
    pub(super) signer: Option<Signer>,
    /// What makes links, if they are asked for.
    pub(super) links: Option<Links>,
}

impl Answers {
    /// Opens what the arguments name.
    ///
    /// # Errors
    ///
    /// As store, index or files say; [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when there is
    /// nothing to sign with, and [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a certificate without a
    /// store.
    pub(super) fn open(context: &Context, arguments: &Arguments, now: Timestamp) -> Result<Self> {
        let max_age = arguments.max_age.as_deref().map(words::duration).transpose()?;
        if !arguments.suppress.is_empty() {
            return Self::of_files(context, arguments);
        }
        if let Some(max_age) = max_age
            && !Store::has_ledger(&context.store)
        {
            let index = Store::open_index_alone(&context.store, ACCESS, now, max_age)?;
            let signer = match arguments.certificate {
                Some(_) => {
                    let key = Store::signing_key_beside(&context.store)?;
                    Some(Signer { key, ledger_id: index.ledger_id, chain: None })
                }
                None => None,
            };
            let links = links::beside(context, arguments)?;
            let position = Some((index.snapshot.generation(), index.snapshot.cursor()));
            let (snapshot, hasher, policy) = (index.snapshot, index.hasher, index.policy);
            return Ok(Self { snapshot, hasher, policy, position, signer, links });
        }
        let store = Store::open(&context.store)?;
        let reader = store.reader(ACCESS, now)?;
        for list in &arguments.lists {
            let list = list.trim();
            if !reader.knows_list(list)? {
                context.terminal.warn(&format!("list `{list}` has no records in this store"));
            }
        }
        let signer = match arguments.certificate {
            Some(_) => {
                let head = reader.view().chain_head()?;
                let chain = Some(Chain::new(head.events, &head.link));
                let ledger_id = store.ledger().ledger_id().to_owned();
                Some(Signer { key: store.signing_key()?, ledger_id, chain })
            }
            None => None,
        };
        let links = match arguments.unsubscribe_url_column {
            Some(_) => Some(Links::new(&store.link_keys(now)?)),
            None => None,
        };
        let (snapshot, hasher, policy) = reader.into_answers();
        let position = Some((snapshot.generation(), snapshot.cursor()));
        Ok(Self { snapshot, hasher, policy, position, signer, links })
    }

    fn of_files(context: &Context, arguments: &Arguments) -> Result<Self> {
        if arguments.certificate.is_some() {
            return Err(Error::usage(
                "--certificate needs a store: --suppress files have neither generation nor key",
            )
            .with_hint("import the files into a store first, or take --report"));
        }
        if arguments.unsubscribe_url_column.is_some() {
            return Err(Error::usage(
                "--unsubscribe-url-column needs a store: --suppress files hold no key to seal links with",
            )
            .with_hint("import the files into a store first"));
        }
        let policy = Policy::default();
        let mut files = SuppressFiles::new(&SecretKey::generate()?, policy);
        for path in &arguments.suppress {
            if files.add(path)? == 0 {
                let path = path.display();
                context.terminal.warn(&format!("`{path}` holds no address: it suppresses nobody"));
            }
        }
        let (snapshot, hasher) = files.finish()?;
        Ok(Self { snapshot, hasher, policy, position: None, signer: None, links: None })
    }
}
