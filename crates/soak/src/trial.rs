//! One store and one model, led through the same steps and asked the same questions.

use crate::batch::{Asked, Batch, Column, Layout};
use crate::compare::{self, Difference, same};
use crate::dice::Dice;
use crate::files::{Maker, NativeText, STEP_MICROS};
use crate::model::{
    ALL, BULK, LISTS, Lists, Question, REASONS, SUPPRESSION_REASONS, TRANSACTIONAL, World,
};
use crate::people::People;
use jiff::SignedDuration;
use quell::ErrorKind;
use quell::address::{KeyBuffer, Policy};
use quell::delimited::{Dialect, Limits};
use quell::filter::{ColumnChoice, Filter, OnInvalid, Options};
use quell::import::{Gather, Keyed, NativeFile, Taken, read};
use quell::index::{KeyHasher, Snapshot};
use quell::ledger::{
    EraseRequest, ImportCounts, ImportSource, Ledger, ResubscribeRequest, StagedRows,
};
use quell::record::{
    Channel, Class, Kind, NativeRow, Permission, Query, RecordClass, SuppressionReason, Timestamp,
    Unsubscribe, UnsubscribeState,
};
use quell::storage::Access;
use quell::store::{Store, outside};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// The instant of step 0.
const START_MICROS: i64 = 1_800_000_000_000_000;

/// How large a trial is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// How many people there are, about.
    pub people: usize,
    /// How many rows a batch has, about.
    pub rows: usize,
    /// How many rows an import has at most.
    pub import: usize,
}

/// What a trial came to.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Rows whose decision was compared.
    pub decisions: u64,
    /// Of those, rows withheld, by their first reason.
    pub by_reason: [u64; REASONS.len()],
    /// Runs of the filter.
    pub runs: u64,
    /// Addresses asked about one by one, of index and ledger.
    pub checks: u64,
    /// Rows imported.
    pub imported: u64,
    /// How often each operation was done.
    pub operations: BTreeMap<&'static str, u64>,
}

impl Figures {
    /// Adds those of another trial.
    pub fn add(&mut self, other: &Self) {
        self.decisions += other.decisions;
        self.runs += other.runs;
        self.checks += other.checks;
        self.imported += other.imported;
        for (sum, more) in self.by_reason.iter_mut().zip(other.by_reason) {
            *sum += more;
        }
        for (name, more) in &other.operations {
            *self.operations.entry(name).or_default() += more;
        }
    }
}

/// Answers taken at some step, to be asked later: they must not have changed.
struct Held {
    snapshot: Snapshot,
    hasher: KeyHasher,
    world: World,
    now: i64,
}

/// A store and its model.
pub struct Trial {
    /// Removed with the trial.
    _home: TempDir,
    path: PathBuf,
    store: Store,
    people: People,
    policy: Policy,
    contacts: usize,
    world: World,
    size: Size,
    now: i64,
    held: Option<Held>,
    figures: Figures,
}

fn told(error: quell::Error) -> Difference {
    format!("an error where none may be: {error}")
}

/// Every policy there is.
#[must_use]
pub fn policies() -> Vec<Policy> {
    let names = ["gmail-dots", "googlemail", "plus-tags", "yahoo-dash"];
    let named = |bits: usize| {
        let chosen: Vec<&str> =
            (0..names.len()).filter(|at| bits & 1 << at != 0).map(|at| names[at]).collect();
        if chosen.is_empty() { "exact".to_owned() } else { chosen.join(",") }
    };
    (0..1 << names.len()).filter_map(|bits| named(bits).parse().ok()).collect()
}

impl Trial {
    /// An empty store below `home`.
    ///
    /// # Errors
    ///
    /// When it can't be made.
    pub fn new(dice: &mut Dice<'_>, size: Size, home: &Path) -> Result<Self, Difference> {
        // The exact policy has paths of its own, and most stores have it.
        let policy = if dice.chance(40) { Policy::EXACT } else { *dice.pick(&policies()) };
        let people = People::new(&mut dice.fork(), policy, size.people);
        let home = TempDir::with_prefix_in("quell-soak-", home).map_err(|e| e.to_string())?;
        let path = home.path().join("store");
        Store::create(&path, policy, Timestamp::from_micros(START_MICROS)).map_err(told)?;
        let store = Store::open(&path).map_err(told)?;
        let world = World::new(&people);
        let contacts = people.keys.len() + people.keys.len() / 5;
        let (now, held, figures) = (START_MICROS, None, Figures::default());
        Ok(Self {
            _home: home,
            path,
            store,
            people,
            policy,
            contacts,
            world,
            size,
            now,
            held,
            figures,
        })
    }

    /// What was done so far.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Does step `number`: a change or something else that is done to stores, and a batch.
    ///
    /// # Errors
    ///
    /// The first difference between the store and the model.
    pub fn step(&mut self, number: u64, dice: &mut Dice<'_>) -> Result<(), Difference> {
        self.now = START_MICROS + number as i64 * STEP_MICROS;
        let name = match dice.below(100) {
            0..=35 => self.import(dice)?,
            36..=47 => self.unsubscribe(dice)?,
            48..=62 => self.resubscribe(dice)?,
            63..=65 => self.erase(dice)?,
            66..=69 => self.many_changes(dice)?,
            70..=78 => self.compile(dice)?,
            79..=82 => self.reopen()?,
            83..=87 => self.check(dice)?,
            88..=89 => self.verify()?,
            90..=94 => self.hold(dice)?,
            _ => self.ask_index_alone(dice)?,
        };
        *self.figures.operations.entry(name).or_default() += 1;
        self.ask(dice).map_err(|difference| format!("after `{name}`: {difference}"))
    }

    fn maker(&self) -> Maker<'_> {
        let (people, policy) = (&self.people, self.policy);
        Maker { people, policy, contacts: self.contacts, now: self.now }
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_micros(self.now)
    }

    // What changes records.

    fn import(&mut self, dice: &mut Dice<'_>) -> Result<&'static str, Difference> {
        let kind = *dice.pick(&Kind::ALL);
        let sizes = [0, 1, 5, 40, 300, 2000, 20_000, self.size.import];
        let wanted = sizes[dice.below(sizes.len())];
        let large = match kind {
            // Few domains, and few digests: many of them and hardly anything would be kept.
            Kind::Domains => 3,
            Kind::Digests => 200,
            _ => self.size.import,
        };
        let file = self.maker().file(&mut dice.fork(), kind, wanted.min(large));
        let before = self.generation()?;
        let counts = self.apply(&file)?;
        self.world.import(&self.people, &file.rows);
        let rows = file.rows.len() as u64;
        self.figures.imported += rows;
        same("rows of an import", rows, counts.read)?;
        same("added, unchanged, held", rows, counts.added + counts.unchanged + counts.held)?;
        let after = before + u64::from(counts.added > 0);
        same("generation of an import", (after, after), (counts.generation, self.generation()?))?;
        if dice.chance(20) {
            let again = self.apply(&file)?;
            same("rows that the same file adds again", 0, again.added)?;
            same("generation of the same file again", after, again.generation)?;
        }
        Ok(kind.as_str())
    }

    /// Imports a file as the command does.
    fn apply(&self, file: &NativeText) -> Result<ImportCounts, Difference> {
        let source = ImportSource { name: "soak".to_owned(), format: "native".to_owned() };
        let ledger = self.store.ledger_to_change().map_err(told)?;
        let mut session = ledger.import_session(file.kind, source, self.at()).map_err(told)?;
        let native = NativeFile {
            input: &file.text[..],
            name: "soak.csv",
            kind: file.kind,
            policy: self.policy,
            allow_public_suffix: false,
        };
        let mut reject = None;
        let take = |taken: Taken<'_, Staging<'_>>| match taken {
            Taken::Records(staged) => session.take(&staged.rows),
            Taken::Reject(row) => {
                reject.get_or_insert(format!("a reject: line {}: {}", row.line, row.cause));
                Ok(())
            }
        };
        let next = AtomicU32::new(0);
        let gather = || Staging { rows: StagedRows::default(), next: &next };
        let rows = read(native, gather, take, &|_| {}).map_err(told)?;
        if let Some(reject) = reject {
            return Err(reject);
        }
        let counts = session.apply(rows, 0, "").map_err(told)?;
        self.store.catch_up(self.at()).map_err(told)?;
        Ok(counts)
    }

    fn generation(&self) -> Result<u64, Difference> {
        Ok(self.store.ledger().view().map_err(told)?.position().generation)
    }

    fn unsubscribe(&mut self, dice: &mut Dice<'_>) -> Result<&'static str, Difference> {
        let key = self.maker().key(dice);
        let spelling = self.people.spelling_of(dice, key) as usize;
        let list = dice.chance(40).then(|| dice.below(LISTS.len()));
        let (class, classes) = match dice.below(5) {
            0 => (RecordClass::Transactional, TRANSACTIONAL),
            1 => (RecordClass::All, ALL),
            _ => (RecordClass::Bulk, BULK),
        };
        let text = &self.people.spellings[spelling].text;
        let record = Unsubscribe {
            address: text.trim().to_owned(),
            list: list.map(|list| LISTS[list].to_owned()),
            state: UnsubscribeState::Active,
            class,
            at: Some(self.at()),
            source: None,
        };
        let mut buffer = KeyBuffer::default();
        let parsed = self.policy.key(text.as_bytes(), &mut buffer);
        let parsed = parsed.map_err(|fault| format!("{text:?} is no address: {fault}"))?;
        same(text, self.people.keys[key as usize].text.as_str(), parsed.as_str())?;
        let ledger = self.store.ledger_to_change().map_err(told)?;
        ledger.unsubscribe(parsed.as_bytes(), &record, self.at(), None).map_err(told)?;
        self.store.catch_up_if_due(self.at()).map_err(told)?;
        self.world.unsubscribe(key, list, classes);
        Ok("unsubscribe")
    }

    /// More single changes than a reader is left to take in.
    fn many_changes(&mut self, dice: &mut Dice<'_>) -> Result<&'static str, Difference> {
        for _ in 0..(self.size.people / 4).min(dice.below(1200)) {
            if dice.is_over() {
                break;
            }
            self.unsubscribe(dice)?;
            if dice.chance(30) {
                self.resubscribe(dice)?;
            }
        }
        Ok("many changes")
    }

    fn resubscribe(&mut self, dice: &mut Dice<'_>) -> Result<&'static str, Difference> {
        let key = self.maker().key(dice);
        let spelling = self.people.spelling_of(dice, key) as usize;
        let address = &self.people.spellings[spelling].text;
        let mut lists: Lists = 0;
        for _ in 0..[0, 0, 1, 2][dice.below(4)] {
            lists |= 1 << dice.below(LISTS.len());
        }
        let all_lists = dice.chance(25);
        let chosen: Vec<_> =
            SUPPRESSION_REASONS.iter().filter(|_| dice.chance(25)).copied().collect();
        let include: Option<Vec<SuppressionReason>> =
            chosen.iter().map(|(word, _)| word.parse().ok()).collect();
        let channel = *dice.pick(&[Channel::Email, Channel::Form, Channel::ResubscriptionLink]);
        let request = ResubscribeRequest {
            global: lists == 0 || all_lists,
            lists: (0..LISTS.len())
                .filter(|list| lists & 1 << list != 0)
                .map(|list| LISTS[list].to_owned())
                .collect(),
            all_lists,
            include: include.ok_or("a reason that is none")?,
            permission: Permission::new(channel, "mail 17 of today", "soak")
                .ok_or("a permission that is none")?,
            recorded_by: None,
        };
        let key_text = self.people.keys[key as usize].text.as_bytes();
        let ledger = self.store.ledger_to_change().map_err(told)?;
        let done = ledger.resubscribe(key_text, address, &request, self.at());
        let include: Vec<usize> = chosen.iter().map(|(_, place)| *place).collect();
        if !self.world.resubscribe(key, lists, all_lists, &include) {
            // Of an erased address, without `manual`.
            return match done {
                Err(error) if error.kind() == ErrorKind::Refused => Ok("resubscribe, refused"),
                other => Err(format!("a resubscribe that is to be refused: {other:?}")),
            };
        }
        done.map_err(told)?;
        self.store.catch_up_if_due(self.at()).map_err(told)?;
        Ok("resubscribe")
    }

    fn erase(&mut self, dice: &mut Dice<'_>) -> Result<&'static str, Difference> {
        let key = self.maker().key(dice);
        let spelling = self.people.spelling_of(dice, key) as usize;
        let address = &self.people.spellings[spelling].text;
        let mut buffer = KeyBuffer::default();
        let parsed = self.policy.key(address.as_bytes(), &mut buffer);
        let parsed = parsed.map_err(|fault| format!("{address:?} is no address: {fault}"))?;
        let request = EraseRequest::new("soak", "request 17").ok_or("a request that is none")?;
        self.store.erase(parsed, address, &request, self.at()).map_err(told)?;
        self.world.erase(key);
        Ok("erase")
    }

    // What changes no answer.

    fn compile(&mut self, dice: &mut Dice<'_>) -> Result<&'static str, Difference> {
        let (full, dictionary) = (dice.chance(35), dice.chance(85));
        self.store.compile(full, dictionary, self.at()).map_err(told)?;
        Ok(if full { "compile --full" } else { "compile" })
    }

    fn reopen(&mut self) -> Result<&'static str, Difference> {
        self.store = Store::open(&self.path).map_err(told)?;
        Ok("reopen")
    }

    fn verify(&mut self) -> Result<&'static str, Difference> {
        let verified = self.store.verify(self.at()).map_err(told)?;
        same("faults that verify finds", Vec::new(), verified.faults)?;
        Ok("verify")
    }

    /// Takes answers to be asked later, or asks those that were taken.
    fn hold(&mut self, dice: &mut Dice<'_>) -> Result<&'static str, Difference> {
        let Some(held) = self.held.take() else {
            let access = access(dice);
            let reader = self.store.reader(access, self.at()).map_err(told)?;
            let (snapshot, hasher, _) = reader.into_answers();
            self.held = Some(Held { snapshot, hasher, world: self.world.clone(), now: self.now });
            return Ok("hold a snapshot");
        };
        let answers = (&held.snapshot, &held.hasher);
        self.filter(dice, answers, &held.world, held.now)
            .map_err(|difference| format!("of a snapshot held: {difference}"))?;
        Ok("ask a held snapshot")
    }

    fn ask_index_alone(&mut self, dice: &mut Dice<'_>) -> Result<&'static str, Difference> {
        self.store.compile(false, true, self.at()).map_err(told)?;
        let age = SignedDuration::from_hours(1);
        let alone = Store::open_index_alone(&self.path, access(dice), self.at(), age);
        let alone = alone.map_err(told)?;
        let world = std::mem::take(&mut self.world);
        let answered = self.filter(dice, (&alone.snapshot, &alone.hasher), &world, self.now);
        self.world = world;
        answered.map_err(|difference| format!("of an index alone: {difference}"))?;
        Ok("index alone")
    }

    // What asks.

    /// Asks the store as it is now.
    fn ask(&mut self, dice: &mut Dice<'_>) -> Result<(), Difference> {
        let reader = self.store.reader(access(dice), self.at()).map_err(told)?;
        let (snapshot, hasher, _) = reader.into_answers();
        let world = std::mem::take(&mut self.world);
        let answered = self.filter(dice, (&snapshot, &hasher), &world, self.now);
        self.world = world;
        answered
    }

    fn filter(
        &mut self,
        dice: &mut Dice<'_>,
        (snapshot, hasher): (&Snapshot, &KeyHasher),
        world: &World,
        now: i64,
    ) -> Result<(), Difference> {
        let dice = &mut dice.fork();
        let layout = Layout::new(dice);
        let columns = 1 + usize::from(layout.has(Column::Email(1)));
        let ask = Question {
            class: if dice.chance(70) { BULK } else { TRANSACTIONAL },
            lists: if dice.chance(50) { 1 << dice.below(LISTS.len()) } else { 0 }
                | if dice.chance(15) { 1 << dice.below(LISTS.len()) } else { 0 },
            now,
            columns,
            keep_invalid: dice.chance(20),
            dedupe: dice.chance(20),
        };
        let asked = Asked { people: &self.people, world, contacts: self.contacts, ask };
        let rows =
            [self.size.rows / 100, self.size.rows, self.size.rows, self.size.rows][dice.below(4)];
        let batch = Batch::new(dice, &asked, &layout, rows);
        let options = options(dice, &layout, &ask);
        let filter = Filter { snapshot, hasher, policy: self.policy, options: &options };
        let mut kept = Vec::with_capacity(batch.kept.len());
        let mut withheld = (!layout.json && dice.chance(50)).then(Vec::new);
        let input = &batch.input[..];
        let ran = if layout.json {
            filter.run_ndjson(input, &mut kept, withheld.as_mut(), &|_| {})
        } else {
            filter.run(input, &mut kept, withheld.as_mut(), &|_| {})
        };
        let (summary, _) = ran.map_err(told)?;
        let compared = compare::counts(&batch, &summary.tally)
            .and(compare::kept(&batch.kept, &kept))
            .and(withheld.map_or(Ok(()), |got| compare::withheld(&batch, &layout, &got)));
        compared.map_err(|difference| {
            let Options { threads, limits, .. } = options;
            let policy = self.policy;
            format!(
                "{difference}\n  under {policy}, {ask:?}, {layout:?}, {threads} threads, {limits:?}"
            )
        })?;
        self.figures.decisions += batch.read;
        self.figures.runs += 1;
        for (sum, more) in self.figures.by_reason.iter_mut().zip(batch.by_reason) {
            *sum += more;
        }
        Ok(())
    }

    /// Asks about addresses one by one: the index and, apart from it, the ledger.
    fn check(&mut self, dice: &mut Dice<'_>) -> Result<&'static str, Difference> {
        let reader = self.store.reader(access(dice), self.at()).map_err(told)?;
        let mut buffer = KeyBuffer::default();
        for _ in 0..self.size.people.min(300) {
            let number = dice.below(self.people.spellings.len()) as u32;
            let spelling = &self.people.spellings[number as usize];
            let class = if dice.chance(70) { BULK } else { TRANSACTIONAL };
            let lists = 1 << dice.below(LISTS.len());
            let contact = dice.chance(50).then(|| dice.below(self.contacts) as u32);
            let cells = [crate::model::Cell::Address(number), crate::model::Cell::Missing];
            let ask = Question {
                class,
                lists,
                now: self.now,
                columns: 1,
                keep_invalid: false,
                dedupe: false,
            };
            let recipient = |contact| crate::model::Recipient { cells, contact, lists: 0 };
            let with_contact = self.world.judge(&self.people, &recipient(contact), &ask);
            let alone = self.world.judge(&self.people, &recipient(None), &ask);
            let names = [LISTS[lists.trailing_zeros() as usize].to_owned()];
            let query = Query { now: self.at(), class: class_of(class), lists: &names };
            let raw = spelling.text.as_bytes();
            let key = self.policy.key(raw, &mut buffer).map_err(|fault| fault.to_string())?;
            let id = contact.map(|contact| format!("C{contact}"));
            let got = reader.reasons(raw, key, id.as_deref(), &query);
            let about = || format!("{:?}, {query:?}, {id:?}", spelling.text);
            same("the index", with_contact.reasons, bits(got)).map_err(|d| d + &about())?;
            let state = reader.view().state_of(key.as_bytes()).map_err(told)?;
            let outside = outside(reader.view(), raw, key.domain()).map_err(told)?;
            let causes = state.causes_with(&outside, &query);
            let got = bits(causes.iter().map(|cause| cause.reason).collect());
            same("the ledger", alone.reasons, got).map_err(|d| d + &about())?;
            self.figures.checks += 1;
        }
        Ok("check")
    }
}

fn bits(reasons: quell::record::ReasonSet) -> u16 {
    let place = |word: &str| REASONS.iter().position(|reason| *reason == word).unwrap_or(15);
    reasons.iter().fold(0, |bits, reason| bits | 1 << place(reason.as_str()))
}

fn class_of(class: u8) -> Class {
    if class == BULK { Class::Bulk } else { Class::Transactional }
}

fn access(dice: &mut Dice<'_>) -> Access {
    if dice.chance(80) { Access::Map } else { Access::Resident }
}

fn options(dice: &mut Dice<'_>, layout: &Layout, ask: &Question) -> Options {
    let choice = |column: Column| ColumnChoice(column.name().to_owned());
    let named = |column: Column| layout.has(column).then(|| choice(column));
    let mut email_columns = vec![choice(Column::Email(0))];
    email_columns.extend(named(Column::Email(1)));
    if !layout.json && email_columns.len() == 1 && dice.chance(50) {
        // The header tells.
        email_columns.clear();
    }
    let lists = (0..LISTS.len()).filter(|list| ask.lists & 1 << list != 0);
    let chunk_bytes = [256 << 10, 256 << 10, 64 << 10, 5_000, 700][dice.below(5)];
    Options {
        email_columns,
        contact_column: named(Column::Contact),
        list_column: named(Column::Lists),
        lists: lists.map(|list| LISTS[list].to_owned()).collect(),
        class: class_of(ask.class),
        invalid: if ask.keep_invalid { OnInvalid::Keep } else { OnInvalid::Withhold },
        dedupe: ask.dedupe,
        dialect: Dialect::new(layout.delimiter).unwrap_or(Dialect::CSV),
        limits: Limits { chunk_bytes, ..Limits::default() },
        threads: 1 + dice.below(3),
        now: Timestamp::from_micros(ask.now),
        ..Options::default()
    }
}

/// Rows on their way to the ledger.
struct Staging<'n> {
    rows: StagedRows,
    /// The number of the next row of several records.
    next: &'n AtomicU32,
}

impl Gather for Staging<'_> {
    fn add(&mut self, key: &[u8], row: &NativeRow<'_>) -> quell::Result<()> {
        self.rows.push(key, row)
    }

    fn add_several(&mut self, rows: &[Keyed<'_>]) -> quell::Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.rows.push_several(number, rows.iter().map(|(key, row)| (&**key, row)))
    }
}
