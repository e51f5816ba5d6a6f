//! The proof a resubscribe needs, and what each reason asks of it.

use super::class::UnknownWord;
use super::suppression::SuppressionReason;
use std::fmt;
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

    /// Says whether a permission of this channel is an act of the person by itself. Of a call or a talk
    /// only somebody else's note remains.
    #[must_use]
    pub const fn is_own_act(self) -> bool {
        match self {
            Self::Email | Self::Form | Self::ResubscriptionLink => true,
            Self::Phone | Self::InPerson => false,
        }
    }

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

    /// Says whether it tells of an act of the person: by its channel, or because the evidence holds a
    /// date or a reference by which the act can be found, so at least one digit.
    #[must_use]
    pub fn shows_own_act(&self) -> bool {
        self.channel.is_own_act() || self.evidence.chars().any(char::is_numeric)
    }

    /// Says whether it is enough to lift a suppression of `reason` that was asked for by name.
    ///
    /// ```
    /// use quell::record::{Channel, Permission, SuppressionReason};
    ///
    /// let told = Permission::new(Channel::Phone, "she said so", "support").unwrap();
    /// assert!(told.lifts(SuppressionReason::Bounce).is_ok());
    /// assert!(told.lifts(SuppressionReason::Complaint).is_err());
    /// let noted = Permission::new(Channel::Phone, "call of 3 May", "support").unwrap();
    /// assert!(noted.lifts(SuppressionReason::Complaint).is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// [`NoOwnAct`] when the reason asks for more.
    pub fn lifts(&self, reason: SuppressionReason) -> Result<(), NoOwnAct> {
        if reason.lifting().own_act && !self.shows_own_act() {
            return Err(NoOwnAct { reason, channel: self.channel });
        }
        Ok(())
    }
}

/// What lifting a suppression of one reason takes.
#[derive(Debug, Clone, Copy)]
pub struct Lifting {
    /// The reason. A resubscribe lifts it only when it is asked for by name.
    pub reason: SuppressionReason,
    /// Whether the evidence must be of the person's own act.
    pub own_act: bool,
    /// Whether it goes when its source no longer has it.
    pub by_sync: bool,
    /// Whether it is told who set it, wherever it is lifted or stays.
    pub says_who: bool,
}

const fn lifting(reason: SuppressionReason, own_act: bool, by_sync: bool, who: bool) -> Lifting {
    Lifting { reason, own_act, by_sync, says_who: who }
}

/// What lifts what, in the order of [`SuppressionReason::ALL`]. Everything that lifts a suppression reads
/// this.
pub const LIFTING: [Lifting; 4] = [
    lifting(SuppressionReason::Bounce, false, true, false),
    // The person once asked a third party to make it stop: nobody's word but theirs undoes that.
    lifting(SuppressionReason::Complaint, true, false, false),
    lifting(SuppressionReason::Invalid, false, true, false),
    // Set by a person, so that person can be asked.
    lifting(SuppressionReason::Manual, false, true, true),
];

impl SuppressionReason {
    /// This reason's row of [`LIFTING`].
    #[must_use]
    pub const fn lifting(self) -> &'static Lifting {
        &LIFTING[self as usize]
    }
}

/// A permission that tells of no act of the person, for a reason that asks for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoOwnAct {
    /// The reason.
    pub reason: SuppressionReason,
    /// How the permission was given.
    pub channel: Channel,
}

impl fmt::Display for NoOwnAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a {} is lifted by the person's own act, and the evidence of a permission by {} holds no \
             date and no reference",
            self.reason.as_str(),
            self.channel.as_str()
        )
    }
}

impl std::error::Error for NoOwnAct {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (position, row) in LIFTING.iter().enumerate() {
            assert_eq!(row.reason as usize, position);
            assert_eq!(SuppressionReason::ALL[position], row.reason);
        }
    }

    #[test]
    fn only_a_complaint_asks_for_an_act_of_the_person_and_stays_in_a_sync() {
        for reason in SuppressionReason::ALL {
            let is_complaint = reason == SuppressionReason::Complaint;
            assert_eq!(reason.lifting().own_act, is_complaint);
            assert_eq!(reason.lifting().by_sync, !is_complaint);
            for channel in Channel::ALL {
                let lifts = |evidence| {
                    Permission::new(channel, evidence, "desk").unwrap().lifts(reason).is_ok()
                };
                let is_told = matches!(channel, Channel::Phone | Channel::InPerson);
                assert_eq!(lifts("she said so"), !(is_complaint && is_told), "{channel:?}");
                assert!(lifts("ticket 4711") && lifts("\u{663} \u{645}\u{627}\u{64a}\u{648}"));
            }
        }
    }
}
