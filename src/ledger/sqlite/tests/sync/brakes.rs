//! What stops a sync, and changes nothing.

use super::*;
use crate::ErrorKind;
use crate::ledger::Brake;

#[test]
fn the_brake_holds_at_exactly_its_number_and_changes_nothing() {
    let ledger = ledger();
    let all = crowd(1_000);
    sync(&ledger, Kind::Unsubscribes, CRM, &rows(&all), 1);
    let before = ledger.view().unwrap().position();
    let run = |limit, from: usize, dry_run| {
        let request = SyncRequest { limit, dry_run, ..wanted(CRM) };
        sync_as(&ledger, Kind::Unsubscribes, &request, &rows(&all[from..]), 2)
    };
    for (limit, from, passes) in [
        (Limit::Usual, 101, false),
        (Limit::Count(9), 10, false),
        (Limit::Count(0), 1, false),
        (Limit::Share(crate::ledger::sync::Share::of_percent("0.9").unwrap()), 10, false),
        (Limit::Usual, 100, true),
        (Limit::Count(10), 10, true),
        (Limit::Share(crate::ledger::sync::Share::of_percent("1").unwrap()), 10, true),
    ] {
        let (synced, told) = run(limit, from, true);
        assert_eq!(synced.brakes.is_empty(), passes, "{limit:?}");
        assert_eq!((synced.removed, told.len()), (from as u64, from), "the diff is whole");
        assert!(!synced.applied);
        if !passes {
            let want =
                Brake::TooMany { removed: from as u64, limit: limit.allows(1_000), owned: 1_000 };
            assert_eq!(synced.brakes, [want]);
            assert!(!run(limit, from, false).0.applied);
        }
    }
    assert_eq!(ledger.view().unwrap().position(), before);
    assert_eq!(ledger.view().unwrap().counts().unwrap().unsubscribes, 1_000);
    assert_eq!(ledger.view().unwrap().imports().unwrap().len(), 2, "both of the first file");
    assert!(run(Limit::Count(10), 10, false).0.applied);
    assert_eq!(ledger.view().unwrap().counts().unwrap().unsubscribes, 990);
}

#[test]
fn a_file_that_lost_half_its_rows_an_empty_one_and_a_cut_one_stop() {
    let ledger = ledger();
    let all = crowd(20);
    sync(&ledger, Kind::Unsubscribes, CRM, &rows(&all), 1);
    let run = |request: &SyncRequest, from: usize, change: &dyn Fn(&mut SyncFile)| {
        let source = ImportSource { name: "f".into(), format: "native".into() };
        let mut session = ledger.import_session(Kind::Unsubscribes, source, at(2)).unwrap();
        for (key, row) in &all[from..] {
            session.push(key, &of_source(row, CRM)).unwrap();
        }
        let mut file = file(&rows(&all[from..]));
        change(&mut file);
        session.sync(&file, request, &mut |_| Ok(())).unwrap().brakes
    };
    let dry = SyncRequest { dry_run: true, ..wanted(CRM) };
    let same: &dyn Fn(&mut SyncFile) = &|_| ();
    assert_eq!(run(&dry, 11, same), [Brake::Shrunk { rows: 9, before: 20 }]);
    assert_eq!(run(&dry, 10, same), []);
    let sure = SyncRequest { limit: Limit::Count(20), ..dry.clone() };
    assert_eq!(run(&sure, 11, same), []);
    assert_eq!(run(&sure, 20, same), [Brake::NoRows]);
    let empty = SyncRequest { allow_empty: true, ..sure.clone() };
    assert_eq!(run(&empty, 20, same), []);
    assert_eq!(run(&empty, 20, &|file| file.has_header = false), [Brake::NoRows]);
    assert!(matches!(run(&dry, 0, &|file| file.ended = false).as_slice(), [Brake::Cut(_)]));
    assert!(matches!(
        run(&sure, 0, &|file| file.cut = Some("so".into())).as_slice(),
        [Brake::Cut(_)]
    ));
}

#[test]
fn records_of_another_kind_and_a_missing_permission_are_refused() {
    let ledger = ledger();
    let source = || ImportSource { name: "f".into(), format: "native".into() };
    let mut session = ledger.import_session(Kind::Unsubscribes, source(), at(1)).unwrap();
    session.push(ANN, &bounce(ANN_ADDRESS, None)).unwrap();
    let rows = [(ANN, global(ANN_ADDRESS))];
    let error = session.sync(&file(&rows), &wanted(CRM), &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input);
    let session = ledger.import_session(Kind::Unsubscribes, source(), at(1)).unwrap();
    let request = SyncRequest { permission: None, ..wanted(CRM) };
    let error = session.sync(&file(&[]), &request, &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(ledger.view().unwrap().position().generation, 0);
}
