//! The part after the `@`: labels, A-labels and address literals.

use super::explain::Rule;
use super::invalid::InvalidAddress;
use super::{DOMAIN_BYTES_MAX, LABEL_BYTES_MAX};
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The domain as it stands in a key; `saw` hears of each step.
pub(super) fn normalise(
    domain: &str,
    mut saw: impl FnMut(Rule, &str),
) -> Result<String, InvalidAddress> {
    if let Some(rest) = domain.strip_prefix('[') {
        let literal = literal(rest).ok_or(InvalidAddress::InvalidLiteral)?;
        saw(Rule::Literal, &literal);
        return Ok(literal);
    }
    // An A-label is ASCII already: UTS 46 leaves a true one as it is, and a false one is what the
    // other side may hold too, so it's compared as it stands.
    let (rule, mut ascii) = if domain.is_ascii() {
        (Rule::DomainCase, domain.to_ascii_lowercase())
    } else {
        (Rule::Idna, to_ascii(domain)?)
    };
    saw(rule, &ascii);
    // After the mapping, which makes dots of U+3002 and its like.
    if ascii.ends_with('.') {
        ascii.pop();
        saw(Rule::TrailingDot, &ascii);
    }
    check(&ascii)?;
    Ok(ascii)
}

/// UTS 46, non-transitional; lengths and bytes are [`check`]'s.
fn to_ascii(domain: &str) -> Result<String, InvalidAddress> {
    Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
        .map(Cow::into_owned)
        .map_err(|_| InvalidAddress::ForbiddenInDomain)
}

/// Judges a lower-case ASCII domain without its trailing dot.
fn check(domain: &str) -> Result<(), InvalidAddress> {
    if domain.is_empty() {
        return Err(InvalidAddress::EmptyDomain);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !domain.bytes().all(allowed) {
        return Err(InvalidAddress::ForbiddenInDomain);
    }
    if domain.split('.').any(str::is_empty) {
        return Err(InvalidAddress::EmptyLabel);
    }
    if domain.len() > DOMAIN_BYTES_MAX {
        return Err(InvalidAddress::DomainTooLong);
    }
    if domain.split('.').any(|label| label.len() > LABEL_BYTES_MAX) {
        return Err(InvalidAddress::LabelTooLong);
    }
    Ok(())
}

/// The canonical form of an address literal (RFC 5321 §4.1.3) whose opening bracket is gone.
fn literal(rest: &str) -> Option<String> {
    const TAG: &str = "ipv6:";
    let inside = rest.strip_suffix(']')?;
    match inside.split_at_checked(TAG.len()) {
        Some((tag, address)) if tag.eq_ignore_ascii_case(TAG) => {
            let address: Ipv6Addr = address.parse().ok()?;
            Some(format!("[{TAG}{address}]"))
        }
        _ => {
            let address: Ipv4Addr = inside.parse().ok()?;
            Some(format!("[{address}]"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn uts_46_leaves_a_lower_case_a_label_as_it_is(
            label in "([\\PC&&[^\\.]]{1,5}|[a-zé例ß]{1,6})", other in "[xX][nN]--[a-zA-Z0-9-]{1,8}",
        ) {
            for domain in [to_ascii(&label).unwrap_or_default(), other] {
                if let Ok(again) = to_ascii(&domain) {
                    prop_assert_eq!(again, domain.to_ascii_lowercase());
                }
            }
        }
    }
}
