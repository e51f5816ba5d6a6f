//! What somebody says of a file in a form.

use crate::action::import::{Choice, Said, named};
use crate::action::words;
use crate::address::Policy;
use crate::error::{Error, Result};
use crate::import::detect::Form;
use crate::import::vendor::FORMATS;
use crate::record::Kind;
use crate::source::EncodingChoice;

/// What is said of a file: everything it can't, or does not, say itself.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// What it is.
    pub choice: Choice,
    /// Its encoding.
    pub encoding: Option<EncodingChoice>,
    /// The list its rows are for.
    pub list: Option<String>,
    /// Whether a rule may be for a public suffix.
    pub allow_public_suffix: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { choice: Choice::Detect, encoding: None, list: None, allow_public_suffix: false }
    }
}

impl Wanted {
    /// Takes a field of a form in; unknown ones are refused.
    ///
    /// # Errors
    ///
    /// Usage for a field, or a value, that is none.
    pub fn take(&mut self, field: &str, value: &str) -> Result<()> {
        let value = value.trim();
        match field {
            "what" => self.choice = choice(value)?,
            "encoding" if value.is_empty() => self.encoding = None,
            "encoding" => {
                let choice: Result<EncodingChoice, _> = value.parse();
                self.encoding = Some(choice.map_err(|error| Error::usage(error.to_string()))?);
            }
            "list" if value.is_empty() => self.list = None,
            "list" => self.list = Some(words::list(value)?),
            "public_suffix" => self.allow_public_suffix = value == "yes",
            _ => return Err(Error::usage("the form has a field that is none of its own")),
        }
        Ok(())
    }

    /// What the form that was filled in says, for the import.
    pub fn said(&self, policy: Policy) -> Said<'_> {
        let allow_public_suffix = self.allow_public_suffix;
        Said { list: self.list.as_deref(), policy, allow_public_suffix }
    }

    /// The fields with the values they were given, to be shown again.
    pub fn fields(&self) -> Fields {
        let chosen = match self.choice {
            Choice::Detect | Choice::Native => String::new(),
            Choice::Kind(kind) => value(Form::Native(kind)),
            Choice::Vendor(format) => value(Form::Vendor(format)),
        };
        let encoding = match self.encoding {
            None => "",
            Some(EncodingChoice::Utf8) => "utf-8",
            Some(EncodingChoice::Utf16) => "utf-16",
            Some(EncodingChoice::Latin1) => "latin-1",
        };
        Fields {
            chosen,
            encoding,
            list: self.list.clone().unwrap_or_default(),
            public_suffix: self.allow_public_suffix,
        }
    }
}

/// The fields of the form, as it shows them.
pub(super) struct Fields {
    chosen: String,
    /// The encoding's word, empty when nothing is said of it.
    pub encoding: &'static str,
    /// The list.
    pub list: String,
    /// Whether a rule may be for a public suffix.
    pub public_suffix: bool,
}

impl Fields {
    /// What a native file may be.
    pub fn natives(&self) -> impl Iterator<Item = Offered> + '_ {
        Kind::ALL.into_iter().map(|kind| {
            let value = value(Form::Native(kind));
            let chosen = value == self.chosen;
            Offered { value, words: kind.to_string(), chosen }
        })
    }

    /// What a vendor's file may be.
    pub fn vendors(&self) -> impl Iterator<Item = Offered> + '_ {
        FORMATS.iter().map(|format| {
            let value = value(Form::Vendor(format));
            let chosen = value == self.chosen;
            Offered { value, words: format!("{}: {}", format.name, format.what), chosen }
        })
    }

    /// The encodings.
    pub fn encodings(&self) -> impl Iterator<Item = Offered> + '_ {
        [("utf-8", "UTF-8"), ("utf-16", "UTF-16"), ("latin-1", "Latin-1, Windows-1252")]
            .into_iter()
            .map(|(value, words)| Offered {
                value: value.to_owned(),
                words: words.to_owned(),
                chosen: value == self.encoding,
            })
    }
}

/// One of those that a form lets choose.
pub(super) struct Offered {
    /// What the form sends.
    pub value: String,
    /// What it shows.
    pub words: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// What the form sends for a form of file.
pub(super) fn value(form: Form) -> String {
    match form {
        Form::Native(kind) => format!("native:{kind}"),
        Form::Vendor(format) => format!("vendor:{}", format.name),
    }
}

fn choice(value: &str) -> Result<Choice> {
    match value.split_once(':') {
        None if value.is_empty() => Ok(Choice::Detect),
        Some(("native", kind)) => kind
            .parse()
            .map(Choice::Kind)
            .map_err(|error: crate::record::class::UnknownWord| Error::usage(error.to_string())),
        Some(("vendor", name)) => named(name).map(Choice::Vendor),
        _ => Err(Error::usage("the form names a kind of file that is none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_form_shows_it_understands_when_it_is_sent() {
        let fields = Wanted::default().fields();
        for option in fields.natives().chain(fields.vendors()) {
            let mut wanted = Wanted::default();
            wanted.take("what", &option.value).unwrap();
            let again = wanted.fields();
            let mut chosen = again.natives().chain(again.vendors()).filter(|option| option.chosen);
            assert_eq!(chosen.next().map(|option| option.value), Some(option.value));
            assert!(chosen.next().is_none());
        }
        for option in fields.encodings() {
            let mut wanted = Wanted::default();
            wanted.take("encoding", &option.value).unwrap();
            assert!(
                wanted
                    .fields()
                    .encodings()
                    .any(|other| other.value == option.value && other.chosen)
            );
        }
    }

    #[test]
    fn a_field_that_the_form_lacks_is_refused() {
        assert!(Wanted::default().take("what", "native:nothing").is_err());
        assert!(Wanted::default().take("what", "else:bounces").is_err());
        assert!(Wanted::default().take("when", "now").is_err());
        assert!(Wanted::default().take("list", "a;b").is_err());
    }
}
