//! Where in a cell the address stands, and where it splits.

use super::explain::{Rule, Watch};
use super::invalid::InvalidAddress;

/// An address taken apart, neither side judged yet.
pub(super) struct Parts<'a> {
    /// The part before the `@`.
    pub(super) local: Local<'a>,
    /// The part after it; not empty.
    pub(super) domain: &'a str,
}

/// A local part as it was written.
#[derive(Clone, Copy)]
pub(super) enum Local<'a> {
    /// Without quotes; not empty.
    Bare(&'a str),
    /// What stands between the quotes, escapes and all.
    Quoted(&'a str),
}

/// Says whether `c` is trimmed off a cell: white space and the marks that paste in unseen.
pub(super) fn is_trimmed(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// `text` without what [`is_trimmed`] says, at both ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_trimmed)
}

/// `text` without what [`is_trimmed`] says, at its start.
pub(super) fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_trimmed)
}

/// `text` without what [`is_trimmed`] says, at its end.
pub(super) fn trim_end(text: &str) -> &str {
    text.trim_end_matches(is_trimmed)
}

/// The one address in `cell`, which is trimmed and in NFC: without `mailto:`, display name and brackets.
pub(super) fn address<'a>(
    cell: &'a str,
    watch: &mut impl Watch,
) -> Result<&'a str, InvalidAddress> {
    let outer = without_mailto(cell);
    let outside = outer.unwrap_or(cell);
    watch.saw(Rule::Mailto, || outside.to_owned());
    let inside = bracketed(outside)?;
    watch.saw(Rule::DisplayName, || inside.unwrap_or(outside).to_owned());
    let address = match inside {
        // One `mailto:` goes, not one on each side of the bracket.
        Some(inside) if outer.is_none() => without_mailto(inside).unwrap_or(inside),
        Some(inside) => inside,
        None => outside,
    };
    watch.saw(Rule::Mailto, || address.to_owned());
    if address.is_empty() { Err(InvalidAddress::Empty) } else { Ok(address) }
}

/// Splits an address at its `@`.
pub(super) fn split(address: &str) -> Result<Parts<'_>, InvalidAddress> {
    match address.strip_prefix('"') {
        Some(rest) => split_quoted(rest),
        None => split_bare(address),
    }
}

/// What follows a leading `mailto:`, trimmed.
fn without_mailto(text: &str) -> Option<&str> {
    const SCHEME: &str = "mailto:";
    let (head, rest) = text.split_at_checked(SCHEME.len())?;
    head.eq_ignore_ascii_case(SCHEME).then(|| trim(rest))
}

/// What stands in the angle brackets `text` ends with, trimmed; `None` without them.
fn bracketed(text: &str) -> Result<Option<&str>, InvalidAddress> {
    let Some(open) = text.strip_suffix('>') else {
        return Ok(None);
    };
    // Outside quotes: where the address starts, and whether the name before it holds an `@`, a
    // separator, a bracket.
    let (mut start, mut at, mut separator, mut bracket) = (None, false, false, false);
    let (mut quoted, mut escaped) = (false, false);
    for (position, byte) in open.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'<' => bracket |= start.replace(position + 1).is_some(),
            _ if start.is_some() => {}
            b'>' => bracket = true,
            b'@' => at = true,
            b',' | b';' => separator = true,
            _ => {}
        }
    }
    match start.and_then(|start| open.get(start..)) {
        None => Err(InvalidAddress::UnpairedBracket),
        Some(_) if bracket || (at && separator) => Err(InvalidAddress::SeveralAddresses),
        Some(inside) => Ok(Some(trim(inside))),
    }
}

/// Splits an address whose opening quote is already gone.
fn split_quoted(rest: &str) -> Result<Parts<'_>, InvalidAddress> {
    let mut escaped = false;
    let closing = rest.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    let Some((content, after)) = closing.and_then(|at| rest.split_at_checked(at)) else {
        return Err(InvalidAddress::UnclosedQuote);
    };
    let after = &after[1..];
    if after.is_empty() {
        return Err(InvalidAddress::NoAtSign);
    }
    let domain = after.strip_prefix('@').ok_or(InvalidAddress::StrayQuote)?;
    parts(Local::Quoted(content), domain)
}

/// Splits an address that does not start with a quote.
fn split_bare(address: &str) -> Result<Parts<'_>, InvalidAddress> {
    let (local, domain) = address.split_once('@').ok_or(InvalidAddress::NoAtSign)?;
    if domain.contains('@') {
        return Err(second_at_sign(address));
    }
    if local.is_empty() {
        return Err(InvalidAddress::EmptyLocal);
    }
    parts(Local::Bare(local), domain)
}

fn parts<'a>(local: Local<'a>, domain: &'a str) -> Result<Parts<'a>, InvalidAddress> {
    if domain.contains('@') {
        return Err(second_at_sign(domain));
    }
    if domain.is_empty() {
        return Err(InvalidAddress::EmptyDomain);
    }
    Ok(Parts { local, domain })
}

/// Tells a list of addresses from one with an `@` too many.
fn second_at_sign(text: &str) -> InvalidAddress {
    if text.contains(|c: char| matches!(c, ',' | ';') || c.is_whitespace()) {
        InvalidAddress::SeveralAddresses
    } else {
        InvalidAddress::SecondAtSign
    }
}
