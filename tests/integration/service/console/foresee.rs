//! What is foreseen of a resubscribe is what it does.

use crate::sandbox::{Dice, Sandbox};
use quell::action::foresee::foresee;
use quell::action::resubscribe::resubscribe;
use quell::ledger::{ResubscribeRequest, StoredRecord};
use quell::record::{Channel, Permission, SuppressionReason, Timestamp};
use quell::storage::Access;
use quell::store::{Changed, Store};
use serde_json::{Value, json};

const LISTS: [&str; 3] = ["news", "offers", "events"];

/// Files with some records of one person, and of somebody else.
fn imported(random: &mut Dice) -> Sandbox {
    let sandbox = Sandbox::in_memory();
    sandbox.quell(["init"]).expect(0);
    let flag = |random: &mut Dice| ["Allow", "Do Not Allow"][random.place(2)];
    let spelling = |random: &mut Dice| {
        ["ann@example.com", "Ann@Example.com", "eve@example.com"][random.place(3)]
    };
    let mut contacts = "contact_id,email,bulk_email,email_allowed\n".to_owned();
    let mut unsubscribes = "email,list,state,class\n".to_owned();
    let mut preferences = "email,list,preference\n".to_owned();
    let mut suppressions = "email,reason,class,expires_at,source\n".to_owned();
    for number in 0..random.below(4) {
        let (bulk, all) = (flag(random), flag(random));
        contacts.push_str(&format!("c{number},{},{bulk},{all}\n", spelling(random)));
    }
    for _ in 0..random.below(5) {
        let list = ["", "", LISTS[random.place(3)]][random.place(3)];
        let state = ["active", "inactive"][random.place(2)];
        let class = ["bulk", "transactional", "all"][random.place(3)];
        unsubscribes.push_str(&format!("{},{list},{state},{class}\n", spelling(random)));
    }
    for list in LISTS.iter().take(random.place(4)) {
        let choice = ["In", "Out"][random.place(2)];
        preferences.push_str(&format!("{},{list},{choice}\n", spelling(random)));
    }
    for reason in SuppressionReason::ALL.iter().take(random.place(5)) {
        let until = ["", "2020-01-01"][random.place(2)];
        let source = ["", "desk"][random.place(2)];
        let line = format!("{},{},all,{until},{source}\n", spelling(random), reason.as_str());
        suppressions.push_str(&line);
    }
    for (kind, content) in [
        ("contacts", contacts),
        ("unsubscribes", unsubscribes),
        ("preferences", preferences),
        ("suppressions", suppressions),
    ] {
        let name = format!("{kind}.csv");
        sandbox.write(&name, content);
        sandbox.quell(["import", kind, &name]).expect(0);
    }
    sandbox
}

fn request(random: &mut Dice) -> ResubscribeRequest {
    let some = |random: &mut Dice| random.below(2) == 0;
    ResubscribeRequest {
        global: some(random),
        lists: LISTS.iter().filter(|_| some(random)).map(|list| (*list).to_owned()).collect(),
        all_lists: random.below(4) == 0,
        include: SuppressionReason::ALL.into_iter().filter(|_| some(random)).collect(),
        permission: Permission::new(Channel::Form, "form 1", "desk").unwrap(),
        recorded_by: None,
    }
}

#[test]
fn what_is_foreseen_is_what_is_done() {
    let mut random = Dice::new("foresee");
    let cases = if crate::sandbox::soak() { 300 } else { 12 };
    let mut lifted = 0;
    for _ in 0..cases {
        let sandbox = imported(&mut random);
        let request = request(&mut random);
        let store = Store::open(&sandbox.path("store")).unwrap();
        let now = Timestamp::parse("2026-06-01").unwrap();
        let foreseen = {
            let reader = store.reader(Access::Map, now).unwrap();
            foresee(&reader, "ann@example.com", &request, now).unwrap()
        };
        let done = resubscribe(&store, "ann@example.com", &request, now, |generation| {
            store.follow(Changed::One, generation, now).map(|_| ())
        })
        .unwrap();
        let records = |records: &[StoredRecord]| -> Vec<Value> {
            records.iter().map(StoredRecord::to_json).collect()
        };
        assert_eq!(records(&foreseen.deleted), records(&done.did.deleted), "{request:?}");
        assert_eq!(foreseen.changed, done.did.changed, "{request:?}");
        assert_eq!(foreseen.blocks, done.blocks, "{request:?}");
        assert_eq!(foreseen.who.deleted, done.who.deleted);
        let set = |who: &quell::action::resubscribe::Who| -> Value {
            json!(done.blocks.iter().map(|cause| who.set(cause)).collect::<Vec<_>>())
        };
        assert_eq!(set(&foreseen.who), set(&done.who));
        lifted += done.did.deleted.len() + done.did.changed.len();
    }
    assert!(lifted > 0, "nothing was ever there to lift");
}
