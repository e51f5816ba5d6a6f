//! A ledger whose records are not as they were written: no answer, and `verify` says what is wrong.

use rusqlite::Connection;

use crate::sandbox::Sandbox;

/// A store with an unsubscribe in the index and one that only the ledger has.
fn with_changes() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("u.csv", "email\nann@example.com\n");
    sandbox.write("in.csv", "email\nann@example.com\nbob@example.com\nclear@example.com\n");
    sandbox.quell(["import", "unsubscribes", "u.csv"]).expect(0);
    sandbox.quell(["unsubscribe", "bob@example.com"]).expect(0);
    sandbox
}

fn tamper(sandbox: &Sandbox, sql: &str) {
    let ledger = Connection::open(sandbox.path("store/ledger.db")).unwrap();
    ledger.execute_batch(sql).unwrap();
}

fn no_answer(sandbox: &Sandbox, said: &str) {
    sandbox.quell(["filter", "in.csv", "-o", "out.csv"]).expect(4).says(said);
    assert!(!sandbox.exists("out.csv"));
    sandbox.quell(["check", "clear@example.com"]).expect(4);
    sandbox.quell(["verify"]).expect(1);
}

#[test]
fn a_changed_record_is_named_and_gives_no_answer() {
    let sandbox = with_changes();
    tamper(
        &sandbox,
        "UPDATE unsubscribe SET class = 1 WHERE key = CAST('bob@example.com' AS BLOB)",
    );
    let told = "a row of table unsubscribe (b***@example.com) is not as it was written";
    no_answer(&sandbox, told);
    let verify = sandbox.quell(["verify"]);
    assert!(String::from_utf8_lossy(&verify.stdout).contains(told));
    assert!(!String::from_utf8_lossy(&verify.stdout).contains("bob@"), "no address in plain");
    sandbox.quell(["compile", "--full"]).expect(4).says(told);
    sandbox.quell(["export", "unsubscribes"]).expect(4).says(told);
}

#[test]
fn a_record_that_is_gone_gives_no_answer() {
    let sandbox = with_changes();
    tamper(&sandbox, "DELETE FROM unsubscribe WHERE key = CAST('bob@example.com' AS BLOB)");
    no_answer(&sandbox, "b***@example.com are not what its change feed and the index say");
    sandbox.quell(["compile", "--full"]).expect(4).says("its count says 2");
    let verify = sandbox.quell(["verify"]);
    let told = String::from_utf8_lossy(&verify.stdout).into_owned();
    assert!(told.contains("table unsubscribe holds 1 rows, its count says 2"), "{told}");
}

#[test]
fn a_feed_that_lost_a_row_gives_no_answer() {
    let sandbox = with_changes();
    sandbox.quell(["unsubscribe", "clear@example.com"]).expect(0);
    tamper(&sandbox, "DELETE FROM change WHERE key = CAST('bob@example.com' AS BLOB)");
    no_answer(&sandbox, "table change is not as it was written");
    let sandbox = with_changes();
    tamper(&sandbox, "DELETE FROM change WHERE key = CAST('bob@example.com' AS BLOB)");
    no_answer(&sandbox, "does not end where its last generation says");
}
