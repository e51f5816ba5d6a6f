//! What covers an address without being recorded of it: rules of its domain, digests of its forms.

use super::class::RecordClass;
use super::digest::Digest;
use super::domain_rule::DomainRule;
use super::reason::{Reason, ReasonSet};
use super::state::{Cause, KeyState, Query, Scope};

/// What covers an address from outside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outside {
    /// The rules that [cover](DomainRule::covers) its domain.
    pub rules: Vec<DomainRule>,
    /// The records of hashed lists, for one list or for everywhere, that hold a digest of one of its
    /// [forms](crate::address::digest::Forms).
    pub digests: Vec<Digest>,
}

impl Outside {
    /// Says whether nothing covers the address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.digests.is_empty()
    }

    /// The reasons that withhold a send.
    #[must_use]
    pub fn reasons(&self, query: &Query<'_>) -> ReasonSet {
        KeyState::default().causes_with(self, query).iter().map(|cause| cause.reason).collect()
    }

    /// The lists that a digest is for.
    pub fn lists(&self) -> impl Iterator<Item = &str> {
        self.digests.iter().filter_map(|record| record.list.as_deref())
    }

    /// A cause for each rule and each digest, whatever is asked.
    pub(super) fn causes(&self) -> impl Iterator<Item = Cause> + '_ {
        let rules = self.rules.iter().map(|rule| Cause {
            reason: Reason::Domain,
            scope: Scope::Domain(rule.domain.clone()),
            class: RecordClass::All,
            since: rule.at,
            source: rule.source.clone(),
        });
        let digests = self.digests.iter().map(|record| Cause {
            reason: Reason::Digest,
            scope: record.list.clone().map_or(Scope::Global, Scope::List),
            class: record.class,
            since: record.at,
            source: record.source.clone(),
        });
        rules.chain(digests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Algorithm, Class, Timestamp};

    fn rule(domain: &str) -> DomainRule {
        DomainRule { domain: domain.into(), subdomains: true, at: None, source: None }
    }

    fn digest(list: Option<&str>, class: RecordClass) -> Digest {
        Digest {
            algorithm: Algorithm::Md5,
            digest: vec![7; 16],
            list: list.map(str::to_owned),
            class,
            source: Some("partner".into()),
            at: None,
        }
    }

    fn words(outside: &Outside, class: Class, lists: &[&str]) -> Vec<String> {
        let lists: Vec<String> = lists.iter().map(|list| (*list).to_owned()).collect();
        let query = Query { now: Timestamp::from_micros(0), class, lists: &lists };
        let causes = KeyState::default().causes_with(outside, &query);
        let reasons: ReasonSet = causes.iter().map(|cause| cause.reason).collect();
        assert_eq!(reasons, outside.reasons(&query));
        causes.iter().map(|cause| format!("{} {}", cause.reason, cause.scope)).collect()
    }

    #[test]
    fn a_domain_rule_withholds_every_kind_of_send_and_names_its_domain() {
        let rules = vec![rule("mail.example.com"), rule("example.com")];
        let outside = Outside { rules, ..Outside::default() };
        for class in [Class::Bulk, Class::Transactional] {
            assert_eq!(
                words(&outside, class, &[]),
                ["domain domain:example.com", "domain domain:mail.example.com"]
            );
        }
    }

    #[test]
    fn a_digest_withholds_by_its_class_and_only_for_its_list() {
        let digests =
            vec![digest(Some("news"), RecordClass::All), digest(None, RecordClass::Transactional)];
        let outside = Outside { digests, ..Outside::default() };
        assert!(words(&outside, Class::Bulk, &["offers"]).is_empty());
        assert_eq!(words(&outside, Class::Bulk, &["news"]), ["digest list:news"]);
        assert_eq!(
            words(&outside, Class::Transactional, &["news"]),
            ["digest global", "digest list:news"]
        );
        assert_eq!(outside.lists().collect::<Vec<_>>(), ["news"]);
    }

    #[test]
    fn two_digests_of_one_scope_are_one_cause() {
        let digests = vec![digest(None, RecordClass::Bulk), digest(None, RecordClass::All)];
        let outside = Outside { digests, ..Outside::default() };
        assert_eq!(words(&outside, Class::Bulk, &[]), ["digest global"]);
    }
}
