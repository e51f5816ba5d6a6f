//! How many records withhold mail.

use super::*;
use crate::ledger::{Day, Tallies};
use crate::record::Reason;

const DAY: i64 = 86_400_000_000;

fn tallies(ledger: &SqliteLedger, now: i64) -> Tallies {
    ledger.view().unwrap().tallies(Day(2), at(now)).unwrap()
}

#[test]
fn each_record_that_withholds_counts_once_under_its_first_reason() {
    let ledger = ledger();
    let deny = Some(Flag::DoNotAllow);
    let at_day = |record: NativeRecord, day: i64| match record {
        NativeRecord::Suppression(record) => {
            NativeRecord::Suppression(Suppression { at: Some(at(day * DAY + 5)), ..record })
        }
        other => other,
    };
    let rows: [(&[u8], NativeRecord); 8] = [
        // Both flags: one record, and *Email* is the reason that comes first.
        (ANN, contact("1", "ann@example.com", deny, deny)),
        (ANN, contact("2", "ann@example.com", deny, None)),
        (ANN, contact("3", "ann@example.com", None, None)),
        (ANN, preference("ann@example.com", "news", Choice::Out)),
        (ANN, preference("ann@example.com", "offers", Choice::In)),
        // Says itself of which day it is; the others are of the day of their import.
        (b"bob@example.com", at_day(bounce("bob@example.com", None), 2)),
        (b"eve@example.com", at_day(bounce("eve@example.com", None), 1)),
        (b"old@example.com", bounce("old@example.com", Some(3 * DAY))),
    ];
    import(&ledger, &rows, 4 * DAY);
    ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", None), at(6 * DAY), None).unwrap();
    ledger
        .unsubscribe(ANN, &unsubscribe("ann@example.com", Some("events")), at(6 * DAY), None)
        .unwrap();
    let counted = tallies(&ledger, 7 * DAY);
    let by_reason: Vec<_> = counted.by_reason.into_iter().collect();
    // The unsubscribe denied bulk mail on contact 3 as well.
    let wanted = [
        (Reason::EmailDenied, 1),
        (Reason::Bounce, 2),
        (Reason::BulkEmailDenied, 2),
        (Reason::Unsubscribed, 1),
        (Reason::OptedOut, 2),
    ];
    assert_eq!(by_reason, wanted, "an expired suppression is none");
    let by_day: Vec<_> = counted.by_day.into_iter().collect();
    let wanted = [
        ((Day(2), Reason::Bounce), 1),
        ((Day(4), Reason::EmailDenied), 1),
        ((Day(4), Reason::BulkEmailDenied), 1),
        ((Day(4), Reason::OptedOut), 1),
        // Contact 3, denied by the unsubscribe.
        ((Day(6), Reason::BulkEmailDenied), 1),
        ((Day(6), Reason::Unsubscribed), 1),
        ((Day(6), Reason::OptedOut), 1),
    ];
    assert_eq!(by_day, wanted, "a day before the first one is in no day");
    let earlier = tallies(&ledger, 2 * DAY);
    assert_eq!(earlier.by_reason.get(&Reason::Bounce), Some(&3), "it had not expired then");
}

#[test]
fn an_instant_before_1970_is_of_the_day_that_it_is_in() {
    assert_eq!(Day::of(at(-1)), Day(-1));
    assert_eq!(Day::of(at(0)), Day(0));
    assert_eq!(Day(-1).start(), at(-DAY));
}
