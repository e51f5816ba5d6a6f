//! The widenings: what a store may take for one person beyond the exact key.

use super::explain::{Rule, Watch};
use super::{KEY_BYTES_MAX, local};

/// The bit of `gmail-dots`.
pub(super) const GMAIL_DOTS: u32 = 1;
/// The bit of `googlemail`.
pub(super) const GOOGLEMAIL: u32 = 2;
/// The bit of `plus-tags`.
pub(super) const PLUS_TAGS: u32 = 4;
/// The bit of `yahoo-dash`.
pub(super) const YAHOO_DASH: u32 = 8;

const GMAIL: &[u8] = b"gmail.com";
const GOOGLEMAIL_DOMAIN: &[u8] = b"googlemail.com";

/// Yahoo's domains for mailboxes, sorted: those that validator.js 13.15 treats as Yahoo's, and the `yahoo.*`
/// domains of countries in the list of the npm package free-email-domains 1.12 (both MIT). Names under which
/// Yahoo never gave out mailboxes are left out. A disposable address there is a base name, a `-` and a keyword.
const YAHOO: [&[u8]; 48] = [
    b"rocketmail.com",
    b"yahoo.ae",
    b"yahoo.at",
    b"yahoo.be",
    b"yahoo.ca",
    b"yahoo.ch",
    b"yahoo.cn",
    b"yahoo.co.id",
    b"yahoo.co.il",
    b"yahoo.co.in",
    b"yahoo.co.jp",
    b"yahoo.co.kr",
    b"yahoo.co.nz",
    b"yahoo.co.th",
    b"yahoo.co.uk",
    b"yahoo.co.za",
    b"yahoo.com",
    b"yahoo.com.ar",
    b"yahoo.com.au",
    b"yahoo.com.br",
    b"yahoo.com.cn",
    b"yahoo.com.co",
    b"yahoo.com.hk",
    b"yahoo.com.mx",
    b"yahoo.com.my",
    b"yahoo.com.ph",
    b"yahoo.com.sg",
    b"yahoo.com.tr",
    b"yahoo.com.tw",
    b"yahoo.com.vn",
    b"yahoo.cz",
    b"yahoo.de",
    b"yahoo.dk",
    b"yahoo.es",
    b"yahoo.fi",
    b"yahoo.fr",
    b"yahoo.gr",
    b"yahoo.hu",
    b"yahoo.ie",
    b"yahoo.in",
    b"yahoo.it",
    b"yahoo.nl",
    b"yahoo.no",
    b"yahoo.pl",
    b"yahoo.pt",
    b"yahoo.ro",
    b"yahoo.se",
    b"ymail.com",
];

/// Says whether `domain`, as it stands in a key, is one of Yahoo's: where `yahoo-dash` applies.
#[must_use]
pub fn is_yahoo(domain: &[u8]) -> bool {
    YAHOO.binary_search(&domain).is_ok()
}

/// Turns the exact key that is the first `length` bytes of `bytes` into the widened one and gives its length,
/// which is never more.
///
/// Depends on nothing but the key, leaves something before the `@`, and does nothing the second time.
#[inline(never)]
pub(super) fn write(
    widenings: u32,
    bytes: &mut [u8; KEY_BYTES_MAX],
    length: usize,
    watch: &mut impl Watch,
) -> usize {
    let mut key = Exact { bytes, length, at: 0 };
    key.at = memchr::memrchr(b'@', key.text()).unwrap_or(0);
    // A local part that needs its quotes is nobody's tag, dot or dash: those providers hand none out.
    if key.text().first() != Some(&b'"') {
        if widenings & PLUS_TAGS != 0 {
            key.cut_plus_tag();
            watch.saw(Rule::PlusTags, || key.shown());
        }
        if widenings & YAHOO_DASH != 0 && is_yahoo(key.domain()) {
            key.cut_dash();
            watch.saw(Rule::YahooDash, || key.shown());
        }
        if widenings & GMAIL_DOTS != 0 && matches!(key.domain(), GMAIL | GOOGLEMAIL_DOMAIN) {
            key.drop_dots();
            watch.saw(Rule::GmailDots, || key.shown());
        }
    }
    // Of every mailbox: the two domains are one.
    if widenings & GOOGLEMAIL != 0 && key.domain() == GOOGLEMAIL_DOMAIN {
        key.set_domain(GMAIL);
        watch.saw(Rule::Googlemail, || key.shown());
    }
    key.length
}

/// A key on its way to be widened.
struct Exact<'b> {
    bytes: &'b mut [u8; KEY_BYTES_MAX],
    length: usize,
    /// Where the `@` is.
    at: usize,
}

impl Exact<'_> {
    fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn local(&self) -> &[u8] {
        self.bytes.get(..self.at).unwrap_or_default()
    }

    fn domain(&self) -> &[u8] {
        self.text().get(self.at + 1..).unwrap_or_default()
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(self.text()).into_owned()
    }

    /// Makes the local part its first `end` bytes.
    fn cut(&mut self, end: usize) {
        self.bytes.copy_within(self.at..self.length, end);
        self.length -= self.at - end;
        self.at = end;
    }

    /// `ann+news` is `ann`; `+news` stays, since nothing would be left.
    fn cut_plus_tag(&mut self) {
        if let Some(end @ 1..) = memchr::memchr(b'+', self.local()) {
            self.cut(end);
        }
    }

    /// `ann-news` is `ann`; a dash at either end stays.
    fn cut_dash(&mut self) {
        let inner = self.local().get(1..self.at.saturating_sub(1)).unwrap_or_default();
        if let Some(place) = memchr::memchr(b'-', inner) {
            self.cut(place + 1);
        }
    }

    /// `a.n.n` is `ann`; dots alone stay, since nothing would be left.
    fn drop_dots(&mut self) {
        if self.local().iter().all(|&byte| byte == b'.') {
            return;
        }
        if !self.local().is_ascii() {
            return self.drop_dots_beyond_ascii();
        }
        let mut end = 0;
        for from in 0..self.at {
            let byte = self.bytes[from];
            self.bytes[end] = byte;
            end += usize::from(byte != b'.');
        }
        self.cut(end);
    }

    /// What stood beside a dot may now combine, so the fold is done anew.
    #[cold]
    fn drop_dots_beyond_ascii(&mut self) {
        let local: String =
            String::from_utf8_lossy(self.local()).chars().filter(|&c| c != '.').collect();
        let local = local::fold(local, |_, _| {});
        // No fold of a folded text grows; if one ever did, the exact key is a key too.
        if local.len() <= self.at {
            self.bytes[..local.len()].copy_from_slice(local.as_bytes());
            self.cut(local.len());
        }
    }

    fn set_domain(&mut self, domain: &[u8]) {
        let start = self.at + 1;
        if let Some(room) = self.bytes.get_mut(start..start + domain.len()) {
            room.copy_from_slice(domain);
            self.length = start + domain.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_domains_is_sorted_and_plain() {
        assert!(YAHOO.is_sorted());
        assert!(
            YAHOO.iter().all(|domain| domain.iter().all(|b| b.is_ascii_lowercase() || *b == b'.'))
        );
    }
}
