//! Forms as they were filled in, and what is wrong with them.

use crate::action::words;
use crate::error::Result;
use crate::ledger::ResubscribeRequest;
use crate::record::{Channel, Permission, RecordClass, SuppressionReason};

/// The names and values of a form, in order; a name may come several times.
pub(super) type Pairs = Vec<(String, String)>;

/// What is to be lifted, and by which permission.
#[derive(Debug, Clone, Default)]
pub(super) struct LiftFields {
    pub address: String,
    /// The global block.
    pub global: bool,
    pub lists: Vec<String>,
    pub all_lists: bool,
    pub include: Vec<String>,
    pub channel: String,
    pub evidence: String,
    pub by: String,
    /// What the records were when it was foreseen.
    pub basis: String,
    pub faults: Vec<(&'static str, String)>,
    is_sent: bool,
}

impl LiftFields {
    /// An empty form.
    pub fn new(address: &str, by: &str) -> Self {
        Self { address: address.to_owned(), by: by.to_owned(), ..Self::default() }
    }

    /// A form as it was sent.
    pub fn sent(pairs: Pairs) -> Self {
        let mut fields = Self { is_sent: true, ..Self::default() };
        for (name, value) in pairs {
            match name.as_str() {
                "address" => fields.address = value,
                "global" => fields.global = true,
                "list" => fields.lists.push(value),
                "all_lists" => fields.all_lists = true,
                "include" => fields.include.push(value),
                "channel" => fields.channel = value,
                "evidence" => fields.evidence = value,
                "by" => fields.by = value,
                "basis" => fields.basis = value,
                _ => {}
            }
        }
        fields
    }

    /// Says whether nobody filled it in yet.
    pub fn is_untouched(&self) -> bool {
        !self.is_sent
    }

    /// Says whether a list is to be lifted.
    pub fn has_list(&self, list: &str) -> bool {
        self.lists.iter().any(|known| known == list)
    }

    /// Says whether a suppression is to be lifted.
    pub fn has_include(&self, word: &str) -> bool {
        self.include.iter().any(|known| known == word)
    }

    /// Each channel with its words, and whether it is chosen.
    pub fn channels(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        Channel::ALL.into_iter().map(|channel| {
            let word = channel.as_str();
            (word, channel_words(channel), self.channel == word)
        })
    }

    /// What is wrong with a field.
    pub fn fault(&self, field: &str) -> Option<&str> {
        let fault = self.faults.iter().find(|(name, _)| *name == field);
        fault.map(|(_, fault)| fault.as_str())
    }

    /// What is asked for; what is wrong is in `faults` then, and nothing is given.
    pub fn request(&mut self) -> Option<ResubscribeRequest> {
        self.faults.clear();
        if !self.global && !self.all_lists && self.lists.is_empty() && self.include.is_empty() {
            self.faults.push(("scope", "Choose what is to be lifted.".into()));
        }
        let channel: Option<Channel> = self.channel.parse().ok();
        if channel.is_none() {
            self.faults.push(("channel", "Say how the permission was given.".into()));
        }
        if self.evidence.trim().is_empty() {
            self.faults.push(("evidence", "Say where the permission can be found.".into()));
        }
        if self.by.trim().is_empty() {
            self.faults.push(("by", "Say who took it.".into()));
        }
        let parsed: Result<Vec<SuppressionReason>, _> =
            self.include.iter().map(|word| word.parse()).collect();
        let include = parsed.unwrap_or_else(|fault| {
            self.faults.push(("scope", format!("{fault}")));
            Vec::new()
        });
        let lists = words::lists(&self.lists).unwrap_or_else(|fault| {
            self.faults.push(("scope", fault.to_string()));
            Vec::new()
        });
        let permission = Permission::new(channel?, &self.evidence, &self.by)?;
        for reason in &include {
            if let Err(fault) = permission.lifts(*reason) {
                let cure = "Say in the evidence when it was or where it is kept.";
                self.faults.push(("evidence", format!("{fault}. {cure}")));
            }
        }
        let (global, all_lists) = (self.global, self.all_lists);
        let recorded_by = None;
        let request =
            ResubscribeRequest { global, lists, all_lists, include, permission, recorded_by };
        self.faults.is_empty().then_some(request)
    }
}

/// A channel in words.
pub(super) fn channel_words(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "By e-mail",
        Channel::Phone => "By telephone",
        Channel::InPerson => "In person",
        Channel::Form => "By a form",
        Channel::ResubscriptionLink => "By a resubscription link",
    }
}

/// What is to be stopped.
#[derive(Debug, Clone, Default)]
pub(super) struct StopFields {
    pub address: String,
    pub list: String,
    pub class: String,
    pub source: String,
    pub faults: Vec<(&'static str, String)>,
}

/// What is to be stopped, understood.
pub(super) struct Stop {
    pub list: Option<String>,
    pub class: RecordClass,
    pub source: String,
}

impl StopFields {
    /// A form as it was sent.
    pub fn sent(pairs: Pairs) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "address" => fields.address = value,
                "list" => fields.list = value,
                "class" => fields.class = value,
                "source" => fields.source = value,
                _ => {}
            }
        }
        fields
    }

    /// Says whether a class is chosen.
    pub fn has_class(&self, word: &str) -> bool {
        self.class == word
    }

    /// Says whether anything is wrong.
    pub fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// What is wrong with a field.
    pub fn fault(&self, field: &str) -> Option<&str> {
        let fault = self.faults.iter().find(|(name, _)| *name == field);
        fault.map(|(_, fault)| fault.as_str())
    }

    /// What is asked for; what is wrong is in `faults` then, and nothing is given.
    pub fn stop(&mut self) -> Option<Stop> {
        self.faults.clear();
        let source = self.source.trim().to_owned();
        if source.is_empty() {
            self.faults.push(("source", "Say where the wish comes from.".into()));
        }
        let list = match self.list.trim() {
            "" => None,
            list => match words::list(list) {
                Ok(list) => Some(list),
                Err(fault) => {
                    self.faults.push(("list", fault.to_string()));
                    None
                }
            },
        };
        let class = match self.class.as_str() {
            "" => RecordClass::Bulk,
            word => match word.parse() {
                Ok(class) => class,
                Err(fault) => {
                    self.faults.push(("class", format!("{fault}")));
                    RecordClass::Bulk
                }
            },
        };
        self.faults.is_empty().then_some(Stop { list, class, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_lift_needs_a_scope_and_every_part_of_the_permission() {
        let whole = [
            ("address", "ann@example.com"),
            ("global", "on"),
            ("channel", "phone"),
            ("evidence", "call"),
            ("by", "desk"),
        ];
        assert!(LiftFields::sent(pairs(&whole)).request().is_some());
        for (missing, field) in [(1, "scope"), (2, "channel"), (3, "evidence"), (4, "by")] {
            let mut some = pairs(&whole);
            some.remove(missing);
            let mut fields = LiftFields::sent(some);
            assert!(fields.request().is_none(), "{field}");
            assert!(fields.fault(field).is_some(), "{field}");
        }
    }

    #[test]
    fn a_complaint_needs_the_persons_own_act() {
        let mut fields = LiftFields::sent(pairs(&[
            ("include", "complaint"),
            ("channel", "phone"),
            ("evidence", "she said so"),
            ("by", "desk"),
        ]));
        assert!(fields.request().is_none());
        assert!(fields.fault("evidence").is_some());
        fields.evidence = "call of 3 May".into();
        assert!(fields.request().is_some());
    }

    #[test]
    fn a_stop_needs_a_source() {
        assert!(StopFields::sent(pairs(&[("list", "news")])).stop().is_none());
        let stop = StopFields::sent(pairs(&[("list", " news "), ("source", "letter")])).stop();
        assert_eq!(stop.and_then(|stop| stop.list).as_deref(), Some("news"));
    }
}
