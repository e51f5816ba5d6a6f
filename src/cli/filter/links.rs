//! The link that each kept row gets.

use super::Arguments;
use super::answers::Answers;
use super::format::InputFormat;
use crate::action::link::Links;
use crate::cli::{Context, link};
use crate::error::{Error, Result};
use crate::filter::LinkColumn;
use crate::record::{Class, RecordClass};
use crate::store::Store;

/// The column of links, if it is asked for.
///
/// # Errors
///
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a name or a base URL that can't be one.
pub(super) fn column(
    context: &Context,
    arguments: &Arguments,
    answers: &Answers,
    class: Class,
) -> Result<Option<LinkColumn>> {
    let asked = arguments.unsubscribe_url_column.as_ref().zip(arguments.base_url.as_ref());
    let Some(((name, base), links)) = asked.zip(answers.links.clone()) else { return Ok(None) };
    let base = link::base_url(context, base)?;
    let class = match class {
        Class::Bulk => RecordClass::Bulk,
        // Whoever does not even want receipts wants no marketing either.
        Class::Transactional => RecordClass::All,
    };
    let make = move |key: &[u8], list: Option<&str>, out: &mut String| {
        base.write_start(out);
        links.seal(key, list, class, out);
    };
    LinkColumn::new(name, answers.policy, make).map(Some)
}

/// What seals links beside an index without its ledger, if they are asked for: a copy of the store's keys.
///
/// # Errors
///
/// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when there are none: made here, they would open nothing where
/// the opt-outs arrive.
pub(super) fn beside(context: &Context, arguments: &Arguments) -> Result<Option<Links>> {
    if arguments.unsubscribe_url_column.is_none() {
        return Ok(None);
    }
    let keys = Store::link_keys_of(&context.store)?.map(|(keys, _)| Links::new(&keys));
    keys.map(Some).ok_or_else(|| {
        Error::untrusted(format!("no link.keys at `{}`", context.store.display()))
            .with_hint("copy link.keys from the store that the index is of")
    })
}

/// Refuses what links can't be added to.
///
/// # Errors
///
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage).
pub(super) fn refuse(arguments: &Arguments, format: InputFormat) -> Result<()> {
    if arguments.unsubscribe_url_column.is_none() {
        return Ok(());
    }
    if format == InputFormat::Parquet {
        return Err(Error::usage("--unsubscribe-url-column adds no column to Parquet")
            .with_hint("write the recipients as CSV or NDJSON, and filter that"));
    }
    if arguments.near_miss.is_some() {
        return Err(Error::usage("--near-miss and --unsubscribe-url-column are not for one run")
            .with_hint("run the filter twice: near misses are for people to look at, before links are made"));
    }
    Ok(())
}
