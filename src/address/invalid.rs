//! Why a cell holds no address that could be looked up.

use std::fmt;

/// Why a cell has no key: one fault of one row, to be counted and withheld.
///
/// [`InvalidAddress::as_str`] is the code in reports; [`Display`](fmt::Display) is a sentence for a
/// person. Neither ever repeats the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidAddress {
    /// Nothing is left after trimming, `mailto:` and the angle brackets.
    Empty,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// More than 4096 bytes after trimming: no cell that holds one address is that long.
    TooLong,
    /// No `@` outside quotes.
    NoAtSign,
    /// A second `@` outside quotes.
    SecondAtSign,
    /// More than one address, or one with a separator beside it: [`several`](super::several()) gives the parts.
    SeveralAddresses,
    /// A `>` at the end, and no `<` outside quotes to match it.
    UnpairedBracket,
    /// A quoted local part without its closing quote.
    UnclosedQuote,
    /// A quote that is not around the whole local part.
    StrayQuote,
    /// Nothing before the `@`.
    EmptyLocal,
    /// A character that is not allowed before the `@`.
    ForbiddenInLocal,
    /// More than 64 bytes before the `@`.
    LocalTooLong,
    /// Nothing after the `@`.
    EmptyDomain,
    /// A character that is not allowed in a domain, or one UTS 46 refuses.
    ForbiddenInDomain,
    /// Two dots in a row in the domain, or one at its start.
    EmptyLabel,
    /// A label of more than 63 bytes.
    LabelTooLong,
    /// A domain in square brackets that is not an IP address.
    InvalidLiteral,
    /// A domain of more than 253 bytes.
    DomainTooLong,
    /// A key of more than 254 bytes.
    AddressTooLong,
}

impl InvalidAddress {
    /// The code used in reports and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotUtf8 => "not_utf8",
            Self::TooLong => "too_long",
            Self::NoAtSign => "no_at_sign",
            Self::SecondAtSign => "second_at_sign",
            Self::SeveralAddresses => "several_addresses",
            Self::UnpairedBracket => "unpaired_bracket",
            Self::UnclosedQuote => "unclosed_quote",
            Self::StrayQuote => "stray_quote",
            Self::EmptyLocal => "empty_local",
            Self::ForbiddenInLocal => "forbidden_in_local",
            Self::LocalTooLong => "local_too_long",
            Self::EmptyDomain => "empty_domain",
            Self::ForbiddenInDomain => "forbidden_in_domain",
            Self::EmptyLabel => "empty_label",
            Self::LabelTooLong => "label_too_long",
            Self::InvalidLiteral => "invalid_literal",
            Self::DomainTooLong => "domain_too_long",
            Self::AddressTooLong => "address_too_long",
        }
    }
}

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "there is no address",
            Self::NotUtf8 => "the bytes are not UTF-8",
            Self::TooLong => "more than 4096 bytes for one address",
            Self::NoAtSign => "no `@`",
            Self::SecondAtSign => "more than one `@`",
            Self::SeveralAddresses => "more than one address, or a comma or semicolon beside one",
            Self::UnpairedBracket => "a `>` without a `<` outside quotes",
            Self::UnclosedQuote => "a quote is not closed",
            Self::StrayQuote => "a quote that is not around the whole part before the `@`",
            Self::EmptyLocal => "nothing before the `@`",
            Self::ForbiddenInLocal => "a character that is not allowed before the `@`",
            Self::LocalTooLong => "more than 64 bytes before the `@`",
            Self::EmptyDomain => "nothing after the `@`",
            Self::ForbiddenInDomain => "a character that is not allowed in a domain",
            Self::EmptyLabel => "two dots in a row in the domain, or one at its start",
            Self::LabelTooLong => "a label of the domain is longer than 63 bytes",
            Self::InvalidLiteral => "the domain in square brackets is not an IP address",
            Self::DomainTooLong => "the domain is longer than 253 bytes",
            Self::AddressTooLong => "the address is longer than 254 bytes",
        })
    }
}

impl std::error::Error for InvalidAddress {}
