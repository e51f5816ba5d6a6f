//! People and their addresses, with the key, the domain and the digested texts of every spelling known by
//! construction: nothing here parses an address.

use crate::dice::Dice;
use quell::address::Policy;
use std::collections::HashMap;

/// Domains as people write them, and as they stand in a key; worked out by hand from RFC 3492 and UTS 46.
const INTERNATIONAL: [(&str, &str); 4] = [
    ("bücher.example", "xn--bcher-kva.example"),
    ("müller.example", "xn--mller-kva.example"),
    ("münchen.example", "xn--mnchen-3ya.example"),
    ("café.example", "xn--caf-dma.example"),
];
const PLAIN: [&str; 12] = [
    "example.com",
    "example.org",
    "example.net",
    "mail.example.com",
    "deep.mail.example.com",
    "shop.test",
    "a-b.shop.test",
    "notexample.com.test",
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "[192.0.2.1]",
];
/// What most people's domains are below: many domains, so that a rule covers few.
const BELOW: [&str; 5] =
    ["example.com", "example.org", "shop.test", "mail.example.com", "bücher.example"];
const BELOW_KEYS: [&str; 5] =
    ["example.com", "example.org", "shop.test", "mail.example.com", "xn--bcher-kva.example"];
const NUMBERED: usize = 300;
const LOCALS: [&str; 12] =
    ["ann", "stone", "c_d", "dora", "e", "f'oo", "ghi", "x", "o!o", "k{k}", "zz%top", "info"];
const UNICODE_LOCALS: [(&str, &str); 3] =
    [("zoë", "zoe\u{308}"), ("jürgen", "ju\u{308}rgen"), ("andré", "andre\u{301}")];
/// Cells that hold no address under any reading.
pub const INVALID: [&str; 13] = [
    "",
    " ",
    "\u{a0}",
    "n/a",
    "-",
    "no-at-sign",
    "@example.com",
    "ann@",
    "ann at example.com",
    "ann@example..com",
    "unknown",
    "null",
    "a@b@example.com",
];

/// One way of writing an address.
#[derive(Debug, Clone)]
pub struct Spelling {
    /// As a cell has it.
    pub text: String,
    /// Whose it is.
    pub key: u32,
    /// The texts whose digests a third party's list may hold: the address alone in lower case, as it is
    /// written, the whole cell, and the exact key.
    pub forms: [u32; 4],
}

/// A key: what two spellings of one person's address have in common.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key itself.
    pub text: String,
    /// Its domain, among [`People::domains`].
    pub domain: u32,
}

/// Everybody of one store.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Each key once.
    pub keys: Vec<Key>,
    /// Every spelling of every key.
    pub spellings: Vec<Spelling>,
    /// The spellings of each key.
    pub of_key: Vec<Vec<u32>>,
    /// The domains of the keys.
    pub domains: Vec<String>,
    /// Every text that may have been digested.
    pub forms: Vec<String>,
    /// The texts of [`INVALID`], among the forms.
    pub invalid: Vec<u32>,
}

/// Which widenings a policy has, by its name.
#[derive(Debug, Clone, Copy)]
struct Widenings {
    gmail_dots: bool,
    googlemail: bool,
    plus_tags: bool,
    yahoo_dash: bool,
}

impl Widenings {
    fn of(policy: Policy) -> Self {
        let name = policy.to_string();
        let has = |word: &str| name.split(',').any(|part| part == word);
        Self {
            gmail_dots: has("gmail-dots"),
            googlemail: has("googlemail"),
            plus_tags: has("plus-tags"),
            yahoo_dash: has("yahoo-dash"),
        }
    }

    /// The key of an exact key.
    fn key(self, local: &str, domain: &str) -> String {
        let mut local = local.to_owned();
        if self.plus_tags
            && let Some((base, _)) = local.split_once('+')
        {
            local = base.to_owned();
        }
        if self.yahoo_dash
            && domain == "yahoo.com"
            && let Some((base, _)) = local.split_once('-')
        {
            local = base.to_owned();
        }
        if self.gmail_dots && (domain == "gmail.com" || domain == "googlemail.com") {
            local = local.replace('.', "");
        }
        format!("{local}@{}", self.domain(domain))
    }

    fn domain(self, domain: &str) -> &str {
        if self.googlemail && domain == "googlemail.com" { "gmail.com" } else { domain }
    }
}

/// The domains that rules may be for, written in some way, with the domains of keys that a rule covers by
/// itself: the one named, and the one the policy puts in its place.
#[must_use]
pub fn rule_domain(dice: &mut Dice<'_>, policy: Policy) -> (String, Vec<String>) {
    let (written, domain) = match dice.below(20) {
        0 => *dice.pick(&INTERNATIONAL),
        // The last is an address literal.
        1 => [PLAIN[dice.below(PLAIN.len() - 1)]; 2].into(),
        _ => {
            let (written, domain) = numbered(dice);
            return (written, vec![domain]);
        }
    };
    let text = match dice.below(5) {
        0 => written.to_uppercase(),
        1 => format!("@{domain}"),
        2 => format!("{written}."),
        3 => format!(" {domain}\t"),
        _ => written.to_owned(),
    };
    let mut domains = vec![domain.to_owned()];
    let other = Widenings::of(policy).domain(domain);
    if other != domain {
        domains.push(other.to_owned());
    }
    (text, domains)
}

/// One of many domains, as people write it and as in keys.
fn numbered(dice: &mut Dice<'_>) -> (String, String) {
    let (number, at) = (dice.below(NUMBERED), dice.below(BELOW.len()));
    let deeper = if number % 7 == 0 && dice.chance(50) { "news." } else { "" };
    let of = |below: &str| format!("{deeper}d{number}.{below}");
    (of(BELOW[at]), of(BELOW_KEYS[at]))
}

impl People {
    /// About so many people, under a policy.
    #[must_use]
    pub fn new(dice: &mut Dice<'_>, policy: Policy, count: usize) -> Self {
        let mut making = Making {
            people: Self::default(),
            widenings: Widenings::of(policy),
            keys: HashMap::new(),
            domains: HashMap::new(),
            forms: HashMap::new(),
        };
        for text in INVALID {
            let form = making.form(text.to_owned());
            making.people.invalid.push(form);
        }
        for number in 0..count {
            making.add_family(dice, number);
        }
        making.people
    }

    /// One of a key's spellings.
    #[must_use]
    pub fn spelling_of(&self, dice: &mut Dice<'_>, key: u32) -> u32 {
        *dice.pick(&self.of_key[key as usize])
    }
}

struct Making {
    people: People,
    widenings: Widenings,
    keys: HashMap<String, u32>,
    domains: HashMap<String, u32>,
    forms: HashMap<String, u32>,
}

impl Making {
    /// Adds some spellings of some mailboxes that one policy or another takes for one.
    fn add_family(&mut self, dice: &mut Dice<'_>, number: usize) {
        let (local, decomposed) = if dice.chance(8) {
            let (composed, decomposed) = *dice.pick(&UNICODE_LOCALS);
            (format!("{composed}{number}"), Some(format!("{decomposed}{number}")))
        } else {
            (format!("{}{number}", dice.pick(&LOCALS)), None)
        };
        let many = numbered(dice);
        let (written, domain) = match dice.below(10) {
            0 => *dice.pick(&INTERNATIONAL),
            1..=5 => (many.0.as_str(), many.1.as_str()),
            _ => [*dice.pick(&PLAIN); 2].into(),
        };
        self.add(dice, (&local, decomposed.as_deref()), (written, domain));
        for _ in 0..[0, 0, 1, 1, 2, 3][dice.below(6)] {
            self.add(dice, (&local, decomposed.as_deref()), (written, domain));
        }
        if dice.chance(30) {
            let variant = match dice.below(4) {
                0 => format!("{local}+tag"),
                1 => format!("{local}-key"),
                2 => format!("q.{local}"),
                _ => format!("q{local}"),
            };
            let domain = match domain {
                "gmail.com" if dice.chance(50) => "googlemail.com",
                "googlemail.com" if dice.chance(50) => "gmail.com",
                domain => domain,
            };
            self.add(dice, (&variant, None), (domain, domain));
        }
    }

    /// Adds one way of writing `local@domain`.
    fn add(
        &mut self,
        dice: &mut Dice<'_>,
        (local, decomposed): (&str, Option<&str>),
        (written, domain): (&str, &str),
    ) {
        let exact = format!("{local}@{domain}");
        let key = self.widenings.key(local, domain);
        let key = self.key(key);
        let (text, bare) = match decomposed {
            Some(decomposed) if dice.chance(50) => written_as(dice, decomposed, written, domain),
            _ => written_as(dice, local, written, domain),
        };
        let forms = [
            self.form(bare.to_lowercase()),
            self.form(bare),
            self.form(text.clone()),
            self.form(exact),
        ];
        let number = self.people.spellings.len() as u32;
        self.people.spellings.push(Spelling { text, key, forms });
        self.people.of_key[key as usize].push(number);
    }

    fn key(&mut self, text: String) -> u32 {
        if let Some(known) = self.keys.get(&text) {
            return *known;
        }
        let domain = text.rsplit_once('@').map(|(_, domain)| domain.to_owned()).unwrap_or_default();
        let domains = &mut self.people.domains;
        let domain = *self.domains.entry(domain.clone()).or_insert_with(|| {
            domains.push(domain);
            domains.len() as u32 - 1
        });
        let number = self.people.keys.len() as u32;
        self.people.keys.push(Key { text: text.clone(), domain });
        self.people.of_key.push(Vec::new());
        self.keys.insert(text, number);
        number
    }

    fn form(&mut self, text: String) -> u32 {
        let forms = &mut self.people.forms;
        *self.forms.entry(text).or_insert_with_key(|text| {
            forms.push(text.clone());
            forms.len() as u32 - 1
        })
    }
}

fn mixed_case(dice: &mut Dice<'_>, text: &str) -> String {
    let upper = |c: char| c.to_uppercase().collect::<String>();
    text.chars().map(|c| if dice.chance(50) { upper(c) } else { c.to_string() }).collect()
}

/// An address as somebody writes it: with everything around it, and without.
fn written_as(dice: &mut Dice<'_>, local: &str, written: &str, domain: &str) -> (String, String) {
    let plain = format!("{local}@{domain}");
    if dice.chance(40) {
        return (plain.clone(), plain);
    }
    let mut local = match dice.below(4) {
        0 => local.to_uppercase(),
        1 => mixed_case(dice, local),
        _ => local.to_owned(),
    };
    let literal = domain.starts_with('[');
    let mut domain = if dice.chance(60) { written.to_owned() } else { domain.to_owned() };
    if !literal && dice.chance(30) {
        domain = mixed_case(dice, &domain);
    }
    if !literal && dice.chance(8) {
        domain.push('.');
    }
    if dice.chance(8) {
        local = format!("\"{local}\"");
    }
    let bare = format!("{local}@{domain}");
    let mut text = match dice.below(9) {
        0 => format!("mailto:{bare}"),
        1 => format!("MAILTO:{bare}"),
        2 => format!("The Sales Team <{bare}>"),
        3 => format!("\"Stone, B.\" <{bare}>"),
        4 => format!("<{bare}>"),
        _ => bare.clone(),
    };
    const BLANK: [&str; 4] = [" ", "\t", "\u{a0}", "\u{2003}"];
    if dice.chance(15) {
        text.insert_str(0, BLANK[dice.below(4)]);
    }
    if dice.chance(15) {
        text.push_str(BLANK[dice.below(4)]);
    }
    (text, bare)
}
