//! The proof a resubscribe needs.

use super::class::UnknownWord;
use std::str::FromStr;

/// How the person gave permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// By e-mail.
    Email,
    /// By telephone.
    Phone,
    /// Face to face.
    InPerson,
    /// By a form they filled in.
    Form,
    /// By the link of a resubscription mail.
    ResubscriptionLink,
}

impl Channel {
    /// All channels, in the contract's order.
    pub const ALL: [Self; 5] =
        [Self::Email, Self::Phone, Self::InPerson, Self::Form, Self::ResubscriptionLink];

    /// The word used in options and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::InPerson => "in-person",
            Self::Form => "form",
            Self::ResubscriptionLink => "resubscription-link",
        }
    }
}

impl FromStr for Channel {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == word).ok_or_else(|| UnknownWord {
            what: "permission",
            found: word.to_owned(),
            expected: "`email`, `phone`, `in-person`, `form` or `resubscription-link`",
        })
    }
}

/// A person's explicit permission to be mailed again. Can't be made without all three parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    channel: Channel,
    evidence: String,
    by: String,
}

impl Permission {
    /// A permission, or `None` when the evidence or the person who took it is blank.
    ///
    /// ```
    /// use quell::record::{Channel, Permission};
    ///
    /// assert!(Permission::new(Channel::Phone, "call of 3 May, ticket 4711", "support").is_some());
    /// assert!(Permission::new(Channel::Phone, "  ", "support").is_none());
    /// ```
    #[must_use]
    pub fn new(channel: Channel, evidence: &str, by: &str) -> Option<Self> {
        let (evidence, by) = (evidence.trim(), by.trim());
        (!evidence.is_empty() && !by.is_empty()).then(|| Self {
            channel,
            evidence: evidence.to_owned(),
            by: by.to_owned(),
        })
    }

    /// How it was given.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// The evidence, never blank.
    #[must_use]
    pub fn evidence(&self) -> &str {
        &self.evidence
    }

    /// Who took it, never blank.
    #[must_use]
    pub fn by(&self) -> &str {
        &self.by
    }
}
