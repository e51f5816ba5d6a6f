//! What each route asks of whoever asks it: one table, and nothing is open that is not in it.

use crate::ledger::Role;

/// What a route asks of whoever asks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Need {
    /// Nothing.
    Nothing,
    /// The token in its own path, which its handler checks: links in mails.
    Link,
    /// A token or a session of this role at least; refused with a problem document.
    Role(Role),
    /// The same for a page: a person without a session is led to where one begins.
    Page(Role),
}

/// Every route. One that ends in `/` stands for what is below it and not in the table itself.
pub(in crate::service) const NEEDS: &[(&str, Need)] = &[
    ("/healthz", Need::Nothing),
    ("/readyz", Need::Nothing),
    ("/metrics", Need::Nothing),
    ("/openapi.json", Need::Nothing),
    ("/u/", Need::Link),
    ("/p/", Need::Link),
    ("/v1/check", Need::Role(Role::Decide)),
    ("/v1/filter", Need::Role(Role::Decide)),
    ("/v1/unsubscribes", Need::Role(Role::Write)),
    ("/v1/resubscribes", Need::Role(Role::Operator)),
    ("/v1/records", Need::Role(Role::Operator)),
    ("/v1/history", Need::Role(Role::Operator)),
    ("/console", Need::Page(Role::Operator)),
    ("/console/", Need::Page(Role::Operator)),
    // What the sign-in page is made of; its names are not secret.
    ("/console/assets/", Need::Nothing),
    ("/console/sign-in", Need::Nothing),
    ("/console/sign-out", Need::Nothing),
    ("/console/access", Need::Page(Role::Admin)),
    ("/console/access/", Need::Page(Role::Admin)),
];

impl Need {
    /// What the route with this pattern asks, or none that is in the table: then nobody may ask it.
    pub fn of(pattern: &str) -> Option<Self> {
        let holds = |route: &str| match route.ends_with('/') {
            true => pattern.starts_with(route),
            false => pattern == route,
        };
        let fits = NEEDS.iter().filter(|(route, _)| holds(route));
        fits.max_by_key(|(route, _)| route.len()).map(|(_, need)| *need)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_entry_holds() {
        for (pattern, need) in [
            ("/v1/check", Some(Need::Role(Role::Decide))),
            ("/u/{token}", Some(Need::Link)),
            ("/console/", Some(Need::Page(Role::Operator))),
            ("/console/person", Some(Need::Page(Role::Operator))),
            ("/console/sign-in", Some(Need::Nothing)),
            ("/console/sign-in-as", Some(Need::Page(Role::Operator))),
            ("/console/access", Some(Need::Page(Role::Admin))),
            ("/console/access/revoke", Some(Need::Page(Role::Admin))),
            ("/console/accessories", Some(Need::Page(Role::Operator))),
            ("/console/assets/{name}", Some(Need::Nothing)),
            ("/", None),
            ("/v1/checks", None),
            ("/v1/check/", None),
            ("/V1/check", None),
            ("/consoles", None),
            ("/metrics/", None),
        ] {
            assert_eq!(Need::of(pattern), need, "{pattern}");
        }
    }
}
