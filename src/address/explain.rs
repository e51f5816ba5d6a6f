//! How an address became its key: what the general path did, step by step.

use super::invalid::InvalidAddress;
use std::mem;

/// What [`Policy::explain`](super::Policy::explain) found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The steps that changed something, in order: each begins with what the one before it left, the first
    /// with the cell. After the last stands the key, when there is one.
    pub steps: Vec<Step>,
    /// The key, or why there is none; [`InvalidAddress::rule`] says at which step that was seen.
    pub outcome: Result<String, InvalidAddress>,
}

/// One step that changed the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was applied.
    pub rule: Rule,
    /// The address before.
    pub before: String,
    /// The address after.
    pub after: String,
}

/// A step on the way from a cell to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The cell must be text.
    Utf8,
    /// White space and unseen marks go, at both ends.
    Trim,
    /// The spellings of one character become one.
    Nfc,
    /// A `mailto:` goes.
    Mailto,
    /// A display name and angle brackets go.
    DisplayName,
    /// Exactly one `@` outside quotes.
    AtSign,
    /// Quotes that are not needed go, needed ones get one spelling.
    Quotes,
    /// Full-width and half-width characters before the `@` become ordinary ones.
    LocalWidth,
    /// Lower case before the `@`.
    LocalCase,
    /// What may stand before the `@`.
    Local,
    /// Lower case in the domain.
    DomainCase,
    /// A domain beyond ASCII becomes A-labels.
    Idna,
    /// One dot at the end of the domain goes.
    TrailingDot,
    /// An IP address in square brackets gets one spelling.
    Literal,
    /// What may be a domain.
    Domain,
    /// The lengths of the parts.
    Lengths,
    /// The widening `plus-tags`.
    PlusTags,
    /// The widening `yahoo-dash`.
    YahooDash,
    /// The widening `gmail-dots`.
    GmailDots,
    /// The widening `googlemail`.
    Googlemail,
}

impl Rule {
    /// The code in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf8",
            Self::Trim => "trim",
            Self::Nfc => "nfc",
            Self::Mailto => "mailto",
            Self::DisplayName => "display_name",
            Self::AtSign => "at_sign",
            Self::Quotes => "quotes",
            Self::LocalWidth => "local_width",
            Self::LocalCase => "local_case",
            Self::Local => "local",
            Self::DomainCase => "domain_case",
            Self::Idna => "idna",
            Self::TrailingDot => "trailing_dot",
            Self::Literal => "literal",
            Self::Domain => "domain",
            Self::Lengths => "lengths",
            Self::PlusTags => "plus_tags",
            Self::YahooDash => "yahoo_dash",
            Self::GmailDots => "gmail_dots",
            Self::Googlemail => "googlemail",
        }
    }

    /// The rule in words, with where it comes from.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Utf8 => "a cell must be UTF-8 (RFC 6532, 3.1)",
            Self::Trim => "white space and unseen marks at both ends go",
            Self::Nfc => "one spelling of each character: normalisation form C (RFC 6532, 3.1)",
            Self::Mailto => "one `mailto:` in front goes",
            Self::DisplayName => "a display name and angle brackets go (RFC 5322, 3.4)",
            Self::AtSign => "one `@` outside quotes parts the local part from the domain",
            Self::Quotes => "quotes go where they are not needed, else they get one spelling",
            Self::LocalWidth => {
                "full-width and half-width characters become ordinary (RFC 8265, 3.3)"
            }
            Self::LocalCase => "lower case before the `@`",
            Self::Local => "what may stand before the `@` (RFC 5322, 3.2.3; RFC 6532, 3.2)",
            Self::DomainCase => "lower case in the domain (RFC 5321, 2.4)",
            Self::Idna => "a domain beyond ASCII becomes A-labels (UTS 46)",
            Self::TrailingDot => "one dot at the end of the domain goes",
            Self::Literal => "an IP address in brackets has one spelling (RFC 5321, 4.1.3)",
            Self::Domain => "labels of letters, digits, `-` and `_`",
            Self::Lengths => "at most 64 bytes before the `@`, 254 in all (RFC 5321, 4.5.3.1)",
            Self::PlusTags => "policy plus-tags: `+` and what follows it before the `@` goes",
            Self::YahooDash => "policy yahoo-dash: at Yahoo, `-` and what follows it goes",
            Self::GmailDots => "policy gmail-dots: at Gmail, dots before the `@` go",
            Self::Googlemail => "policy googlemail: googlemail.com is gmail.com",
        }
    }
}

impl InvalidAddress {
    /// The step at which this fault is seen.
    #[must_use]
    pub const fn rule(self) -> Rule {
        match self {
            Self::NotUtf8 => Rule::Utf8,
            Self::Empty | Self::TooLong => Rule::Trim,
            Self::SeveralAddresses | Self::UnpairedBracket => Rule::DisplayName,
            Self::NoAtSign | Self::SecondAtSign | Self::EmptyLocal | Self::EmptyDomain => {
                Rule::AtSign
            }
            Self::UnclosedQuote | Self::StrayQuote => Rule::Quotes,
            Self::ForbiddenInLocal => Rule::Local,
            Self::InvalidLiteral => Rule::Literal,
            Self::ForbiddenInDomain | Self::EmptyLabel => Rule::Domain,
            Self::LocalTooLong
            | Self::LabelTooLong
            | Self::DomainTooLong
            | Self::AddressTooLong => Rule::Lengths,
        }
    }
}

/// Who is told what each step leaves. `()` wants to know nothing, and costs nothing.
pub(super) trait Watch {
    /// Tells that `rule` was applied, and what the whole address is now.
    fn saw(&mut self, rule: Rule, now: impl FnOnce() -> String);
}

impl Watch for () {
    #[inline(always)]
    fn saw(&mut self, _rule: Rule, _now: impl FnOnce() -> String) {}
}

/// Takes the steps down that changed something.
pub(super) struct Steps {
    now: String,
    taken: Vec<Step>,
}

impl Steps {
    pub(super) fn new(raw: &[u8]) -> Self {
        Self { now: String::from_utf8_lossy(raw).into_owned(), taken: Vec::new() }
    }

    pub(super) fn into_taken(self) -> Vec<Step> {
        self.taken
    }
}

impl Watch for Steps {
    fn saw(&mut self, rule: Rule, now: impl FnOnce() -> String) {
        let after = now();
        if after != self.now {
            let before = mem::replace(&mut self.now, after.clone());
            self.taken.push(Step { rule, before, after });
        }
    }
}
