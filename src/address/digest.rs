//! Which spellings of an address a third party may have digested.

use super::{KeyBuffer, Policy, bare};

/// The bytes of an address cell whose digests are compared with hashed lists, each once, in this order:
///
/// 1. the address alone, in lower case: what lists are made of (`export --hashed` writes these);
/// 2. the address alone, its case kept;
/// 3. the cell as it is;
/// 4. the exact key, which differs from the first for IDN domains and needless quotes.
///
/// *Alone* is what [`bare`] gives: without white space around it, display name, angle brackets and `mailto:`.
/// Lower case is that of Unicode. The keys of wider policies are no form: nobody else digests them. A cell
/// in which no single address stands has the third form only.
///
/// Plain on purpose: it decides what `filter`'s own, faster way is held to. Cost: some short strings.
///
/// # Example
/// ```
/// use quell::address::digest::Forms;
///
/// let forms = Forms::of(b" Ann@Example.COM");
/// let forms: Vec<&[u8]> = forms.iter().collect();
/// assert_eq!(forms, [&b"ann@example.com"[..], b"Ann@Example.COM", b" Ann@Example.COM"]);
/// ```
#[derive(Debug, Clone)]
pub struct Forms<'r> {
    raw: &'r [u8],
    bare: Option<&'r str>,
    lower_case: Option<String>,
    key: Option<Vec<u8>>,
}

impl<'r> Forms<'r> {
    /// The forms of a cell.
    #[must_use]
    pub fn of(raw: &'r [u8]) -> Self {
        let bare = bare(raw);
        let mut buffer = KeyBuffer::new();
        let key = Policy::EXACT.key(raw, &mut buffer).ok().map(|key| key.as_bytes().to_vec());
        Self { raw, bare, lower_case: bare.map(str::to_lowercase), key }
    }

    /// The address alone, in lower case: the form that lists are made of. `None` without an address.
    #[must_use]
    pub fn lower_case(&self) -> Option<&str> {
        self.lower_case.as_deref()
    }

    /// The address alone, its case kept. `None` without an address.
    #[must_use]
    pub fn case_kept(&self) -> Option<&'r str> {
        self.bare
    }

    /// The forms, each once.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let all = [
            self.lower_case.as_deref().map(str::as_bytes),
            self.bare.map(str::as_bytes),
            Some(self.raw),
            self.key.as_deref(),
        ];
        (0..all.len()).filter_map(move |at| {
            let form = all.get(at).copied().flatten()?;
            let before = all.get(..at)?;
            (!before.contains(&Some(form))).then_some(form)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(raw: &str) -> Vec<String> {
        let forms = Forms::of(raw.as_bytes());
        forms.iter().map(|form| String::from_utf8_lossy(form).into_owned()).collect()
    }

    #[test]
    fn each_form_is_there_once_and_in_order() {
        assert_eq!(forms("ann@example.com"), ["ann@example.com"]);
        assert_eq!(forms("Ann@example.com"), ["ann@example.com", "Ann@example.com"]);
        assert_eq!(
            forms(" \"Stone, Ann\" <mailto:Ann@Example.com> "),
            ["ann@example.com", "Ann@Example.com", " \"Stone, Ann\" <mailto:Ann@Example.com> ",]
        );
        assert_eq!(forms("ann@example.com\n"), ["ann@example.com", "ann@example.com\n"]);
    }

    #[test]
    fn the_exact_key_is_a_form_where_it_differs() {
        assert_eq!(
            forms("Ann@Bücher.example"),
            ["ann@bücher.example", "Ann@Bücher.example", "ann@xn--bcher-kva.example"]
        );
        assert_eq!(forms("\"ann\"@example.com"), ["\"ann\"@example.com", "ann@example.com"]);
        assert_eq!(forms("ann@example.com."), ["ann@example.com.", "ann@example.com"]);
    }

    #[test]
    fn a_cell_without_an_address_is_its_own_only_form() {
        for raw in ["", "nobody", "ann@example.com; bob@example.com"] {
            assert_eq!(forms(raw), [raw]);
            assert_eq!(Forms::of(raw.as_bytes()).lower_case(), None);
        }
    }
}
