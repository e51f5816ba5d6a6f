//! Names of files: one for each result, and `-` for the standard streams.

use crate::sandbox::Sandbox;

const BATCH: &str = "email\nann@example.com\nbob@example.com\n";

fn with_batch() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    sandbox.write("in.csv", BATCH);
    sandbox
}

/// Withheld rows in the place of the recipients are recipients lost; a second result in the place of
/// the first is the first one lost.
#[test]
fn no_result_takes_the_place_of_an_input_or_of_another_result() {
    let sandbox = with_batch();
    let input = sandbox.path("in.csv");
    for arguments in [
        &["--suppressed", "in.csv"][..],
        &["--report", "./in.csv"],
        &["--suppressed", "./out.csv"],
        &["--suppressed", "x.csv", "--report", "store/../x.csv"],
        &["--suppressed", "-", "--report", "-"],
        &["--suppress", "in.csv", "--suppressed", "in.csv"],
    ] {
        let filter = ["filter", input.to_str().unwrap(), "-o", "out.csv"];
        sandbox.quell([&filter[..], arguments].concat()).expect(2).says("is named for");
        assert_eq!(sandbox.read_text("in.csv"), BATCH);
        assert!(!sandbox.exists("out.csv") && !sandbox.exists("x.csv"));
    }
    sandbox.quell(["filter", "in.csv", "--suppressed", "-"]).expect(2);
    sandbox.quell(["import", "unsubscribes", "in.csv", "--rejects", "./in.csv"]).expect(2);
    assert_eq!(sandbox.read_text("in.csv"), BATCH);
}

#[test]
fn the_kept_rows_may_take_the_place_of_the_recipients() {
    let sandbox = with_batch();
    sandbox.quell(["filter", "in.csv", "-o", "./in.csv"]).expect(0);
    assert_eq!(sandbox.read_text("in.csv"), "email\nbob@example.com\n");
}

#[test]
fn a_dash_is_standard_output_for_every_result() {
    let sandbox = with_batch();
    let filter = ["filter", "in.csv", "-o", "out.csv"];
    let run = sandbox.quell([&filter[..], &["--suppressed", "-"]].concat()).expect(0);
    assert_eq!(run.text().lines().count(), 2, "{}", run.text());
    let run = sandbox.quell([&filter[..], &["--report", "-"]].concat()).expect(0);
    assert_eq!(run.json()["withheld"], 1);
    sandbox.write("bad.csv", "email\nnobody\n");
    let run = sandbox.quell(["import", "unsubscribes", "bad.csv", "--rejects", "-"]).expect(3);
    assert_eq!(run.text().lines().nth(1), Some("2,email: no `@`,nobody"));
    assert!(!sandbox.exists("-"));
}

/// A later file that can't be read undoes nothing of an earlier one: what that came to is told.
#[test]
fn the_counts_of_applied_files_are_printed_although_a_later_file_fails() {
    let sandbox = Sandbox::new();
    sandbox.write("good.csv", "email\nann@example.com\n");
    sandbox.write("bad.csv", "email\nnobody\n");
    let run = sandbox.quell(["import", "unsubscribes", "good.csv", "bad.csv", "--json"]).expect(3);
    assert_eq!(run.json()[0]["added"], 1);
    assert_eq!(run.json().as_array().map(Vec::len), Some(1));
}
