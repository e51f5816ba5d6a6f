//! Domain rules, digests, and cells with several addresses: which rows they withhold, and why.

use crate::address::Policy;
use crate::filter::{ColumnChoice, Filter, OnInvalid, Options};
use crate::index::{
    Batch, Index, IndexIdentity, KeyHasher, Overlay, Position, Presence, SecretKey, Snapshot,
};
use crate::record::state::EntryState;
use crate::record::{
    Algorithm, Blocks, Class, DigestBlocks, DomainBlocks, Reason, RecordClass, Timestamp,
};
use crate::segment::{Hash, Identity};
use crate::storage::{Access, Memory};
use std::sync::Arc;

/// An index to ask.
struct Gate {
    hasher: KeyHasher,
    batch: Vec<(Hash, u16)>,
    options: Options,
}

impl Gate {
    fn new() -> Self {
        let hasher = KeyHasher::new(&SecretKey::from_bytes([5; 16]));
        let email_columns = vec![ColumnChoice("1".to_owned())];
        Self { hasher, batch: Vec::new(), options: Options { email_columns, ..Options::default() } }
    }

    fn add(&mut self, hash: Hash, bits: u16) {
        match self.batch.iter_mut().find(|(other, _)| *other == hash) {
            Some((_, before)) => *before |= bits,
            None => self.batch.push((hash, bits)),
        }
    }

    fn domain(mut self, domain: &str, subdomains: bool) -> Self {
        let below = if subdomains { DomainBlocks::SUBDOMAINS } else { DomainBlocks::NONE };
        self.add(self.hasher.presence(Presence::DomainRules), 1);
        let hash = self.hasher.domain_rule(domain.as_bytes());
        self.add(hash, DomainBlocks::DOMAIN.union(below).to_bits());
        self
    }

    fn digest(self, algorithm: Algorithm, text: &str) -> Self {
        self.digest_for(algorithm, text, RecordClass::Bulk, None)
    }

    fn digest_for(
        mut self,
        algorithm: Algorithm,
        text: &str,
        class: RecordClass,
        list: Option<&str>,
    ) -> Self {
        let digest = algorithm.digest(text.as_bytes());
        let digest = digest.as_bytes();
        self.add(self.hasher.presence(Presence::Digests(algorithm)), 1);
        let (everywhere, bits) = (self.hasher.digest(algorithm, digest), DigestBlocks::of(class));
        match list {
            Some(list) => {
                let on_list = self.hasher.digest_on_list(list.as_bytes(), algorithm, digest);
                self.add(everywhere, DigestBlocks::HAS_LISTS.to_bits());
                self.add(on_list, bits.to_bits());
            }
            None => self.add(everywhere, bits.to_bits()),
        }
        self
    }

    fn suppressed(mut self, key: &str) -> Self {
        let hash = self.hasher.address(key.as_bytes());
        self.add(hash, Blocks::of(Reason::Manual, None).to_bits());
        self
    }

    fn opted_out(mut self, key: &str, list: &str) -> Self {
        let hash = self.hasher.list(list.as_bytes(), key.as_bytes());
        self.add(hash, Blocks::of(Reason::OptedOut, None).to_bits());
        let hash = self.hasher.address(key.as_bytes());
        self.add(hash, Blocks::HAS_LISTS.to_bits());
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    fn snapshot(&self) -> Snapshot {
        let mut batch = Batch::default();
        for (hash, bits) in &self.batch {
            batch.push(*hash, &EntryState { blocks: Blocks::from_bits(*bits), expiries: vec![] });
        }
        let segment = Identity { key_id: self.hasher.key_id(), policy: Policy::default().id() };
        let identity = IndexIdentity { ledger_id: "test".to_owned(), segment };
        let (directory, at) = (Arc::new(Memory::new()), Position::default());
        let now = Timestamp::from_micros(0);
        let index = Index::rebuild(directory, identity, Access::Map, batch, at, now).unwrap();
        index.snapshot(Overlay::new(), at)
    }

    fn filter(&self, text: &str) -> crate::error::Result<Vec<String>> {
        let (snapshot, mut kept, mut withheld) = (self.snapshot(), Vec::new(), Vec::new());
        let (hasher, policy, options) = (&self.hasher, Policy::default(), &self.options);
        let filter = Filter { snapshot: &snapshot, hasher, policy, options };
        filter.run(text.as_bytes(), &mut kept, Some(&mut withheld), &|_| {})?;
        let withheld = String::from_utf8(withheld).unwrap();
        // What was there before the two columns is the row.
        Ok(withheld
            .lines()
            .skip(1)
            .map(|line| line.rsplit(',').next().unwrap().to_owned())
            .collect())
    }

    /// The reasons of a row with this cell; none when it is kept.
    fn reasons(&self, cell: &str) -> String {
        let quoted = format!("\"{}\"", cell.replace('"', "\"\""));
        let plain = if cell.contains([',', '"', '\n']) { quoted.clone() } else { cell.to_owned() };
        let found: Vec<String> = [plain, quoted]
            .iter()
            .map(|cell| self.filter(&format!("email\n{cell}\n")).unwrap().concat())
            .collect();
        assert_eq!(found[0], found[1], "{cell}: quotes change nothing");
        found[0].clone()
    }
}

#[test]
fn a_domain_rule_covers_its_domain_alone() {
    let gate = Gate::new().domain("example.com", false).domain("shop.test", false);
    assert_eq!(gate.reasons("ann@shop.test"), "domain");
    assert_eq!(gate.reasons("ann@example.com"), "domain");
    assert_eq!(gate.reasons("Ann <ANN@Example.COM.>"), "domain");
    assert_eq!(gate.reasons("\"a@b\"@example.com"), "domain");
    assert_eq!(gate.reasons("ann@mail.example.com"), "");
    assert_eq!(gate.reasons("ann@badshop.test"), "");
    assert_eq!(gate.reasons("ann@com"), "");
    assert_eq!(gate.reasons("example.com@example.org"), "");
}

#[test]
fn a_rule_with_subdomains_covers_every_depth_and_nothing_else() {
    let gate = Gate::new().domain("example.com", true).domain("xn--bcher-kva.test", true);
    let gate = gate.domain("shop.test", true);
    assert_eq!(gate.reasons("ann@example.com"), "domain");
    assert_eq!(gate.reasons("ann@a.example.com"), "domain");
    assert_eq!(gate.reasons("ann@d.c.b.a.example.com"), "domain");
    assert_eq!(gate.reasons("ann@shop.bücher.test"), "domain");
    assert_eq!(gate.reasons("ann@badshop.test"), "");
    let long = ["label"; 38].join(".");
    assert_eq!(gate.reasons(&format!("ann@{long}.example.com")), "domain");
    assert_eq!(gate.reasons(&format!("ann@{long}.example.org")), "");
    let gate = Gate::new().domain("[192.0.2.1]", false).domain("1]", true);
    assert_eq!(gate.reasons("ann@[192.0.2.1]"), "domain");
    assert_eq!(gate.reasons("ann@[198.51.100.1]"), "");
}

/// Every kind of send, and beside the other reasons in the contract's order.
#[test]
fn a_domain_rule_withholds_every_kind_of_send() {
    let gate = Gate::new().domain("example.com", false).suppressed("ann@example.com");
    let gate = gate.digest(Algorithm::Md5, "ann@example.com");
    assert_eq!(gate.reasons("ann@example.com"), "manual;domain;digest");
    let gate = gate.with(|options| options.class = Class::Transactional);
    assert_eq!(gate.reasons("ann@example.com"), "manual;domain");
    assert_eq!(gate.reasons("bob@example.com"), "domain");
}

/// Many more domains than are remembered at a time, each in several rows and in no order.
#[test]
fn what_is_remembered_of_domains_changes_no_answer() {
    let mut gate = Gate::new();
    for number in (0..4000).step_by(3) {
        gate = gate.domain(&format!("d{number}.test"), false);
    }
    let rows = |step: usize| (0..8000).map(move |at| at * step % 4000);
    let numbers: Vec<usize> = rows(1).chain(rows(1237)).collect();
    let text: String = numbers.iter().map(|number| format!("a@d{number}.test\n")).collect();
    let reasons = gate.filter(&format!("email\n{text}")).unwrap();
    assert_eq!(reasons.len(), numbers.iter().filter(|number| *number % 3 == 0).count());
}

#[test]
fn a_digest_of_each_algorithm_and_each_form_withholds() {
    for algorithm in Algorithm::ALL {
        let gate = Gate::new().digest(algorithm, "ann@example.com");
        for cell in
            ["ann@example.com", "ANN@example.com", " Ann@Example.Com\t", "Ann <ann@EXAMPLE.com>"]
        {
            assert_eq!(gate.reasons(cell), "digest", "{algorithm} {cell}");
        }
        assert_eq!(gate.reasons("bob@example.com"), "", "{algorithm}");
        // The case kept, the cell as it is, the exact key.
        let gate = Gate::new()
            .digest(algorithm, "Bob@Example.com")
            .digest(algorithm, " cem@example.com ")
            .digest(algorithm, "dora@xn--bcher-kva.test")
            .digest(algorithm, "Eve \"E\" <eve@example.com>");
        assert_eq!(gate.reasons("Bob@Example.com"), "digest", "{algorithm}");
        assert_eq!(gate.reasons("bob@example.com"), "", "{algorithm}");
        assert_eq!(gate.reasons(" cem@example.com "), "digest", "{algorithm}");
        assert_eq!(gate.reasons("cem@example.com"), "", "{algorithm}");
        assert_eq!(gate.reasons("dora@bücher.test"), "digest", "{algorithm}");
        assert_eq!(gate.reasons("Eve \"E\" <eve@example.com>"), "digest", "{algorithm}");
        let long = format!("{}@{}.test", "l".repeat(60), ["m"; 60].join("."));
        assert_eq!(Gate::new().digest(algorithm, &long).reasons(&long), "digest", "{algorithm}");
    }
}

#[test]
fn a_digest_withholds_the_kinds_of_send_of_its_class() {
    let of = |class| Gate::new().digest_for(Algorithm::Md5, "ann@example.com", class, None);
    let bulk = |class| of(class).reasons("ann@example.com");
    let transactional = |class| {
        of(class).with(|options| options.class = Class::Transactional).reasons("ann@example.com")
    };
    let classes = [RecordClass::Bulk, RecordClass::Transactional, RecordClass::All];
    assert_eq!(classes.map(bulk), ["digest", "", "digest"]);
    assert_eq!(classes.map(transactional), ["", "digest", "digest"]);
}

#[test]
fn a_digest_for_a_list_counts_for_that_list_alone() {
    for algorithm in Algorithm::ALL {
        let gate = || {
            let gate = Gate::new().digest(algorithm, "everywhere@example.com");
            gate.digest_for(algorithm, "Ann@example.com", RecordClass::Bulk, Some("news"))
        };
        let for_list = |list: &str| gate().with(|options| options.lists = vec![list.to_owned()]);
        assert_eq!(gate().reasons("Ann@example.com"), "");
        assert_eq!(for_list("news").reasons("Ann@example.com"), "digest");
        assert_eq!(for_list("news").reasons("ann@example.com"), "");
        assert_eq!(for_list("offers").reasons("Ann@example.com"), "");
        assert_eq!(for_list("offers").reasons("everywhere@example.com"), "digest");
        let gate =
            gate().with(|options| options.list_column = Some(ColumnChoice("list".to_owned())));
        let rows = "email,list\nAnn@example.com,\nAnn@example.com,offers; news\nann@example.com,news\n\
                    \"bob@example.com; Ann@example.com\",news\n";
        assert_eq!(gate.filter(rows).unwrap(), ["digest", "digest"]);
    }
}

/// Other digests than those the index says it holds are not computed: who writes the one must write the other.
#[test]
fn an_index_that_holds_no_digests_is_asked_for_none() {
    let mut gate = Gate::new().digest(Algorithm::Md5, "ann@example.com");
    gate = gate.digest(Algorithm::Sha1, "bob@example.com");
    let md5 = gate.hasher.presence(Presence::Digests(Algorithm::Md5));
    gate.batch.retain(|(hash, _)| *hash != md5);
    assert_eq!(gate.reasons("ann@example.com"), "");
    assert_eq!(gate.reasons("bob@example.com"), "digest");
}

#[test]
fn each_address_of_a_cell_counts() {
    let gate = Gate::new().suppressed("ann@example.com").domain("example.org", true);
    let gate =
        gate.digest(Algorithm::Md5, "cem@example.com").digest(Algorithm::Sha1, "Dora@example.com");
    for (cell, reasons) in [
        ("bob@example.com; eve@example.com", ""),
        ("bob@example.com; ann@example.com", "manual"),
        ("ann@example.com, bob@example.com,", "manual"),
        ("\"Smith; Ann\" <ANN@example.com>; bob@example.com", "manual"),
        ("bob@example.com; cem@example.com", "digest"),
        ("bob@example.com;Dora@example.com", "digest"),
        ("bob@example.com;dora@example.com", ""),
        ("bob@a.example.org, \"E, F\" <cem@example.com>; ann@example.com", "manual;domain;digest"),
        ("bob@example.com; nobody", "invalid_address"),
        ("nobody; ann@example.com", "invalid_address;manual"),
    ] {
        assert_eq!(gate.reasons(cell), reasons, "{cell}");
        let plain = Gate::new().suppressed("ann@example.com");
        assert_eq!(plain.reasons(cell).contains("manual"), reasons.contains("manual"), "{cell}");
        assert_eq!(plain.reasons(cell).contains("invalid"), reasons.contains("invalid"), "{cell}");
    }
}

#[test]
fn what_an_unusable_part_does_is_said_by_invalid() {
    let gate = || Gate::new().suppressed("ann@example.com").digest(Algorithm::Md5, "nobody");
    let keep = gate().with(|options| options.invalid = OnInvalid::Keep);
    assert_eq!(keep.reasons("bob@example.com; no one"), "");
    assert_eq!(keep.reasons("ann@example.com; no one"), "manual");
    assert_eq!(keep.reasons("bob@example.com; nobody"), "digest");
    assert_eq!(keep.reasons("nobody"), "digest");
    let fail = gate().with(|options| options.invalid = OnInvalid::Fail);
    let error = fail.filter("email\nbob@example.com\nbob@example.com; nobody\n").unwrap_err();
    assert!(error.to_string().contains("line 3"), "{error}");
    assert_eq!(fail.reasons("bob@example.com; cem@example.com"), "");
}

#[test]
fn the_opt_outs_of_each_address_of_a_cell_are_named() {
    let gate =
        Gate::new().opted_out("ann@example.com", "news").opted_out("bob@example.com", "offers");
    let both = || vec!["news".to_owned(), "offers".to_owned()];
    let gate = gate.with(|options| options.lists = both());
    assert_eq!(gate.reasons("\"A; B\" <ann@example.com>; cem@example.com"), "opted_out:news");
    assert_eq!(gate.reasons("bob@example.com, ann@example.com"), "opted_out:offers;opted_out:news");
}

#[test]
fn a_row_is_a_duplicate_when_one_of_its_addresses_was_kept() {
    let gate = Gate::new().with(|options| options.dedupe = true);
    let rows = "email\nann@example.com; bob@example.com\ncem@example.com;BOB@example.com\ncem@example.com\n";
    assert_eq!(gate.filter(rows).unwrap(), ["duplicate"]);
}

#[test]
fn several_columns_count_with_all_their_addresses() {
    let gate = Gate::new().digest(Algorithm::Md5, "ann@example.com").domain("example.org", false);
    let columns = ["work", "home"].map(|name| ColumnChoice(name.to_owned())).to_vec();
    let gate = gate.with(|options| options.email_columns = columns);
    let rows = "work,home\nbob@example.com,cem@example.com\nbob@example.com,Ann@example.com\n\
                bob@example.com;cem@example.org,dora@example.com\n";
    assert_eq!(gate.filter(rows).unwrap(), ["digest", "domain"]);
}
