//! Who may ask a service: access tokens, of which the ledger keeps digests only.

use crate::error::Result;
use crate::record::Timestamp;
use std::fmt;
use std::str::FromStr;

/// What the bearer of a token may do: each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Ask whether addresses may be mailed, and filter batches.
    Decide,
    /// Record that an address must not be mailed.
    Write,
    /// See what is recorded of a person, resubscribe, import: the console.
    Operator,
    /// See and revoke tokens.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 4] = [Self::Decide, Self::Write, Self::Operator, Self::Admin];

    /// The word used in options and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Write => "write",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let role = Self::ALL.into_iter().find(|role| role.as_str() == word);
        role.ok_or_else(|| {
            format!("unknown role `{word}`: `decide`, `write`, `operator` or `admin`")
        })
    }
}

/// An access token as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// What it is called; no two have the same name.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// SHA-256 of the token.
    pub digest: [u8; 32],
    /// When it was created.
    pub created_at: Timestamp,
}

/// A store of access tokens.
///
/// # Errors
///
/// Each method fails with [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when the store is damaged, locked or
/// can't be written.
pub trait AccessTokens {
    /// Adds a token. It can be used when this returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) when there is one of this name.
    fn add_access_token(&self, token: &AccessToken) -> Result<()>;

    /// Revokes a token for good; `false` when there is none of this name.
    fn revoke_access_token(&self, name: &str) -> Result<bool>;

    /// Every token, by name.
    fn access_tokens(&self) -> Result<Vec<AccessToken>>;
}
