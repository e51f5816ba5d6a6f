//! `quell link`: the header lines of one mail.

use super::args::Link as Arguments;
use super::terminal::print;
use super::{Context, clock, exit, input};
use crate::action::link::{BaseUrl, Link, Links};
use crate::address::KeyBuffer;
use crate::error::Result;
use crate::store::Store;

/// Runs the command.
///
/// # Errors
///
/// Usage for a text that is no address, no list or no base URL; as the store says otherwise.
pub fn run(context: &Context, arguments: &Arguments) -> Result<u8> {
    let base = base_url(context, &arguments.base_url)?;
    let store = Store::open(&context.store)?;
    let mut buffer = KeyBuffer::default();
    let link = Link {
        key: input::key(store.policy(), &arguments.address, &mut buffer)?.as_str().to_owned(),
        list: arguments.list.as_deref().map(input::list).transpose()?,
        class: input::word(&arguments.class)?,
    };
    let links = Links::new(&store.link_keys(clock::now())?);
    let headers = base.headers(&links, &link)?;
    print(|out| headers.iter().try_for_each(|line| writeln!(out, "{line}")))?;
    Ok(exit::DONE)
}

/// The base URL that links begin with.
///
/// # Errors
///
/// Usage for anything else.
pub(super) fn base_url(context: &Context, text: &str) -> Result<BaseUrl> {
    let base = BaseUrl::parse(text)?;
    if !base.is_https() {
        context
            .terminal
            .warn("the base URL is not https: mailbox providers ignore such a link (RFC 8058)");
    }
    Ok(base)
}
