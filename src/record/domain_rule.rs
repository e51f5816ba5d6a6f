//! A rule that covers every address at a domain.

use super::bits::entry_bits;
use super::timestamp::Timestamp;
use crate::address::{InvalidAddress, KeyBuffer, Policy};
use std::fmt;

/// A domain rule: every address at `domain`, and at its subdomains too if the rule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainRule {
    /// The domain as it stands in a key: lower-case A-labels without a trailing dot.
    pub domain: String,
    /// Whether subdomains, at any depth, are covered as well.
    pub subdomains: bool,
    /// Since when, if known.
    pub at: Option<Timestamp>,
    /// Where the rule comes from, if known.
    pub source: Option<String>,
}

/// Why a text names no domain that a rule may be for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidDomain {
    /// `*.example.com`; holds what follows the wildcard.
    Wildcard(String),
    /// A whole address, where its domain was to be.
    Address,
    /// No address can have it.
    Domain(InvalidAddress),
    /// Others register their domains under it; see [`is_public_suffix`].
    PublicSuffix(String),
}

impl fmt::Display for InvalidDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wildcard(domain) => {
                write!(f, "a wildcard: write `{domain}`, with `true` in the column `subdomains`")
            }
            Self::Address => f.write_str("an address where a domain is asked for"),
            Self::Domain(fault) => write!(f, "{fault}"),
            Self::PublicSuffix(domain) => {
                write!(f, "`{domain}` is a public suffix: many senders' domains end in it")
            }
        }
    }
}

impl std::error::Error for InvalidDomain {}

/// The domain in `text` as it stands in the keys of `policy`. White space around it and one `@` before it are
/// ignored.
///
/// ```
/// use quell::address::Policy;
/// use quell::record::domain_rule::domain_in_keys;
///
/// assert_eq!(domain_in_keys(" @Bücher.Example. ", Policy::EXACT)?, "xn--bcher-kva.example");
/// assert!(domain_in_keys("*.example.com", Policy::EXACT).is_err());
/// # Ok::<(), quell::record::domain_rule::InvalidDomain>(())
/// ```
///
/// # Errors
///
/// [`InvalidDomain`] for anything that is no domain of an address. A public suffix is none of them.
pub fn domain_in_keys(text: &str, policy: Policy) -> Result<String, InvalidDomain> {
    let text = text.trim();
    let domain = text.strip_prefix('@').unwrap_or(text);
    if domain.contains('@') {
        return Err(InvalidDomain::Address);
    }
    if let Some(rest) = domain.strip_prefix("*.").or_else(|| domain.strip_prefix('.')) {
        return Err(InvalidDomain::Wildcard(rest.to_owned()));
    }
    let mut buffer = KeyBuffer::new();
    let key =
        policy.key(format!("x@{domain}").as_bytes(), &mut buffer).map_err(InvalidDomain::Domain)?;
    Ok(String::from_utf8_lossy(key.domain()).into_owned())
}

/// The domain that addresses at `domain` have under `policy`, when it is another one: a rule for `googlemail.com`
/// covers keys at `gmail.com` then, and still the subdomains of `googlemail.com`, which no policy renames.
#[must_use]
pub fn alias_in_keys(domain: &str, policy: Policy) -> Option<String> {
    domain_in_keys(domain, policy).ok().filter(|alias| alias != domain)
}

/// What the index keeps of a domain's rules, in the sixteen bits of its entry.
///
/// The bit positions are part of the file format (docs/format.md). 0 is the tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DomainBlocks(u16);

entry_bits!(DomainBlocks);

impl DomainBlocks {
    /// No rule.
    pub const NONE: Self = Self(0);
    /// A rule covers addresses at the domain itself.
    pub const DOMAIN: Self = Self(1);
    /// A rule covers addresses at its subdomains.
    pub const SUBDOMAINS: Self = Self(1 << 1);

    /// The bits of a rule, with or without subdomains.
    #[must_use]
    pub const fn of(subdomains: bool) -> Self {
        if subdomains { Self::DOMAIN.union(Self::SUBDOMAINS) } else { Self::DOMAIN }
    }
}

impl DomainRule {
    /// Says whether the rule covers addresses at `domain`, which is as in a key.
    ///
    /// ```
    /// use quell::record::DomainRule;
    ///
    /// let rule = DomainRule {
    ///     domain: "example.com".into(),
    ///     subdomains: true,
    ///     at: None,
    ///     source: None,
    /// };
    /// assert!(rule.covers(b"example.com") && rule.covers(b"a.b.example.com"));
    /// assert!(!rule.covers(b"notexample.com"));
    /// ```
    #[must_use]
    pub fn covers(&self, domain: &[u8]) -> bool {
        let own = self.domain.as_bytes();
        own == domain || self.subdomains && covering(domain).any(|parent| parent == own)
    }

    /// What the rule's entry holds.
    #[must_use]
    pub fn blocks(&self) -> DomainBlocks {
        DomainBlocks::of(self.subdomains)
    }
}

/// The domains whose rules may cover an address at `domain`: itself, then each parent, nearest first. Only
/// of the first does [`DomainBlocks::DOMAIN`] count; of the others [`DomainBlocks::SUBDOMAINS`] does.
///
/// An address literal has no parents.
///
/// # Example
/// ```
/// use quell::record::domain_rule::covering;
///
/// let domains: Vec<&[u8]> = covering(b"mail.example.com").collect();
/// assert_eq!(domains, [&b"mail.example.com"[..], b"example.com", b"com"]);
/// ```
pub fn covering(domain: &[u8]) -> impl Iterator<Item = &[u8]> {
    let literal = domain.first() == Some(&b'[');
    std::iter::successors(Some(domain), move |domain| {
        let dot = memchr::memchr(b'.', domain).filter(|_| !literal)?;
        domain.get(dot + 1..)
    })
}

/// Says whether `domain`, as in a key, is a public suffix: a domain under which others register theirs, so
/// that a rule of it would cover people who have nothing to do with each other. A single label that the list
/// does not know counts as one.
///
/// The list is that of <https://publicsuffix.org>, its rules of ICANN and of companies, as of the build.
///
/// ```
/// use quell::record::domain_rule::is_public_suffix;
///
/// assert!(is_public_suffix("com") && is_public_suffix("co.uk"));
/// assert!(!is_public_suffix("example.com") && !is_public_suffix("[192.0.2.1]"));
/// ```
#[must_use]
pub fn is_public_suffix(domain: &str) -> bool {
    if domain.starts_with('[') {
        return false;
    }
    // The list has its labels as people write them, a key has A-labels.
    let (written, _) = idna::domain_to_unicode(domain);
    [domain, &written].iter().any(|domain| {
        psl::suffix(domain.as_bytes()).is_some_and(|suffix| suffix.as_bytes() == domain.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_suffixes_of_every_sort_are_known() {
        for domain in [
            "com",
            "co.uk",
            "github.io",
            "example.ck",
            "localhost",
            // 公司.cn and рф as keys have them.
            "xn--55qx5d.cn",
            "xn--p1ai",
        ] {
            assert!(is_public_suffix(domain), "{domain}");
        }
        for domain in
            ["example.com", "www.ck", "a.b.test", "example.co.uk", "[192.0.2.1]", "[ipv6:::1]"]
        {
            assert!(!is_public_suffix(domain), "{domain}");
        }
    }

    #[test]
    fn a_domain_is_normalised_as_that_of_an_address() {
        for (text, want) in [
            ("Example.COM", "example.com"),
            ("@example.com", "example.com"),
            ("\texample.com. ", "example.com"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("[192.0.2.1]", "[192.0.2.1]"),
            ("[IPv6:0::1]", "[ipv6:::1]"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(domain_in_keys(text, Policy::EXACT).as_deref(), Ok(want), "{text}");
        }
        let wildcard = InvalidDomain::Wildcard("example.com".into());
        for (text, fault) in [
            ("*.example.com", wildcard.clone()),
            ("@*.example.com", wildcard.clone()),
            (".example.com", wildcard),
            ("ann@example.com", InvalidDomain::Address),
            ("@@example.com", InvalidDomain::Address),
            ("", InvalidDomain::Domain(InvalidAddress::EmptyDomain)),
            ("a..example", InvalidDomain::Domain(InvalidAddress::EmptyLabel)),
            ("exa mple.com", InvalidDomain::Domain(InvalidAddress::ForbiddenInDomain)),
            ("example.*", InvalidDomain::Domain(InvalidAddress::ForbiddenInDomain)),
        ] {
            assert_eq!(domain_in_keys(text, Policy::EXACT), Err(fault), "{text}");
        }
        for text in ["a.test, b.test", "a.test;", "a.test>", "<a.test>", "a.test b.test"] {
            assert!(domain_in_keys(text, Policy::EXACT).is_err(), "{text}");
        }
    }

    #[test]
    fn a_rule_covers_by_labels() {
        let rule = |domain: &str, subdomains| DomainRule {
            domain: domain.into(),
            subdomains,
            at: None,
            source: None,
        };
        for (domain, alone, with_subdomains) in [
            ("example.com", true, true),
            ("a.example.com", false, true),
            ("a.b.example.com", false, true),
            ("notexample.com", false, false),
            ("com", false, false),
            ("example.com.test", false, false),
        ] {
            assert_eq!(rule("example.com", false).covers(domain.as_bytes()), alone, "{domain}");
            let covers = rule("example.com", true).covers(domain.as_bytes());
            assert_eq!(covers, with_subdomains, "{domain}");
        }
        assert!(rule("[192.0.2.1]", true).covers(b"[192.0.2.1]"));
        assert!(!rule("1]", true).covers(b"[192.0.2.1]"), "a literal has no parents");
    }
}
