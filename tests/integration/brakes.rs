//! `--expect` and `--canary`: a run that is not as it should be writes nothing at all.

use crate::sandbox::{Run, Sandbox, tree};
use std::fmt::Write as _;
use std::fs::File;
use std::process::Stdio;

/// A store with some of each, and a batch of twenty of whom four are withheld: 20 %.
fn with_batch() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "suppressions.csv",
        "email,reason\nb0@example.com,bounce\nb1@example.com,bounce\nc@example.com,complaint\n",
    );
    sandbox.quell(["import", "suppressions", "suppressions.csv"]).expect(0);
    sandbox.quell(["unsubscribe", "u@example.com"]).expect(0);
    let mut batch =
        String::from("email\nb0@example.com\nb1@example.com\nc@example.com\nu@example.com\n");
    (0..16).for_each(|row| writeln!(batch, "p{row}@example.com").unwrap());
    sandbox.write("in.csv", batch);
    sandbox
}

fn filter(sandbox: &Sandbox, arguments: &str) -> Run {
    sandbox.quell(["filter"].into_iter().chain(arguments.split_whitespace()))
}

const RESULTS: &str =
    "-o out.csv --suppressed s.csv --near-miss n.csv --report r.json --certificate c.json";

#[test]
fn a_share_outside_the_range_ends_with_5_and_leaves_nothing() {
    let sandbox = with_batch();
    let before = tree(&sandbox.path("."));
    for range in ["..19.9%", "20.000001%..", "0..0.1", "0.5..1"] {
        let run = filter(&sandbox, &format!("in.csv {RESULTS} --expect {range}")).expect(5);
        let run =
            run.says("20 % would be withheld (4 of 20 rows)").says(&format!("--expect {range}"));
        let run = run.says("most for bounce 2, complaint 1, unsubscribed 1");
        assert_eq!(run.text(), "");
        assert_eq!(tree(&sandbox.path(".")), before, "{range}");
    }
    for range in ["20%..20%", "0.2..", "..0.2", "10%..30%", "0..1"] {
        filter(&sandbox, &format!("in.csv {RESULTS} --expect {range}")).expect(0);
    }
    // Those results stay as they are when the next run is refused.
    let before = tree(&sandbox.path("."));
    filter(&sandbox, &format!("in.csv {RESULTS} --expect 50%..")).expect(5);
    assert_eq!(tree(&sandbox.path(".")), before);
}

/// Kept rows can't be taken back from a pipe, so they wait.
#[test]
fn a_refused_run_gives_a_pipe_nothing_and_another_all_of_it() {
    let sandbox = with_batch();
    let mut batch = String::from("email\n");
    (0..70_000).for_each(|row| {
        let who =
            if row % 10 == 0 { "u@example.com".to_owned() } else { format!("p{row}@example.com") };
        writeln!(batch, "{who}").unwrap();
    });
    sandbox.write("big.csv", &batch);
    let ndjson: String =
        batch.lines().skip(1).map(|email| format!("{{\"email\":\"{email}\"}}\n")).collect();
    sandbox.write("big.ndjson", ndjson);
    sandbox.write("big.parquet", crate::parquet::batch());
    for (input, share) in [("big.csv", "10%"), ("big.ndjson", "10%"), ("big.parquet", "2%")] {
        for threads in ["1", "4"] {
            let asked = format!("{input} --threads {threads}");
            let plain = filter(&sandbox, &asked).expect(0);
            let held = filter(&sandbox, &format!("{asked} --expect {share}..{share}")).expect(0);
            assert!(held.stdout == plain.stdout, "{asked}: other bytes when held");
            let run = filter(&sandbox, &format!("{asked} --expect 0..1%")).expect(5);
            assert!(run.stdout.is_empty(), "{asked}: {} bytes", run.stdout.len());
            // A pipe or a device may also stand under a name, and for other results.
            let run = filter(&sandbox, &format!("{asked} -o /dev/stdout --expect 0..1%")).expect(5);
            assert!(run.stdout.is_empty(), "{asked}: {} bytes", run.stdout.len());
            let asked = format!("{asked} -o out --suppressed - --expect 0..1%");
            let run = filter(&sandbox, &asked).expect(5);
            assert!(run.stdout.is_empty() && !sandbox.exists("out"), "{asked}");
        }
    }
    let input = File::open(sandbox.path("big.csv")).unwrap();
    let mut command = sandbox.command(["filter", "--expect", "50%.."]);
    let output = command.stdin(input).stderr(Stdio::null()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(5), 0));
}

#[test]
fn no_rows_are_a_share_of_0() {
    let sandbox = with_batch();
    for batch in ["", "email\n", "\n\n"] {
        sandbox.write("in.csv", batch);
        filter(&sandbox, "in.csv -o out.csv --expect ..5%").expect(0);
        filter(&sandbox, "in.csv -o none.csv --expect 1%..5%")
            .expect(5)
            .says("0 % would be withheld (0 of 0");
        assert!(!sandbox.exists("none.csv"));
    }
}

#[test]
fn a_range_that_can_be_misread_is_a_wrong_command_line() {
    let sandbox = with_batch();
    for (range, said) in [
        ("5", "1%..5%"),
        ("1..5", "`5%`"),
        ("..", "neither"),
        ("5%..1%", "over its most"),
        ("..200%", "all rows"),
        ("one..five", "no number"),
    ] {
        filter(&sandbox, &format!("in.csv -o out.csv --expect {range}")).expect(2).says(said);
        assert!(!sandbox.exists("out.csv"));
    }
}

#[test]
fn a_canary_that_would_be_kept_ends_with_5_before_anything_is_read() {
    let sandbox = with_batch();
    let before = tree(&sandbox.path("."));
    let run =
        filter(&sandbox, &format!("in.csv {RESULTS} --canary kept.canary@example.com")).expect(5);
    let run = run.says("1 of 1 canary addresses would be kept: k***@example.com");
    assert!(!run.stderr.contains("kept.canary"), "{}", run.stderr);
    assert_eq!(run.text(), "");
    let asked = format!(
        "in.csv {RESULTS} --canary u@example.com --canary x@example.org --canary y@example.com"
    );
    filter(&sandbox, &asked)
        .expect(5)
        .says("2 of 3 canary addresses would be kept: x***@example.org, y***@example.com");
    // The input is no CSV, and nobody came to see it.
    sandbox.write("cut.csv", "email\n\"ann@example.com\n");
    filter(&sandbox, "cut.csv --canary x@example.com").expect(5);
    std::fs::remove_file(sandbox.path("cut.csv")).unwrap();
    assert_eq!(tree(&sandbox.path(".")), before);
    filter(&sandbox, &format!("in.csv {RESULTS} --canary U@Example.com --canary b0@example.com"))
        .expect(0);
    let text = sandbox.read_text("out.csv");
    assert_eq!(text.lines().count(), 17, "a canary is no row: {text}");
}

#[test]
fn a_canary_that_is_no_address_is_a_wrong_command_line() {
    let sandbox = with_batch();
    for canary in ["nobody", "", "a@example.com;u@example.com", "@example.com"] {
        let run = sandbox.quell(["filter", "in.csv", "-o", "out.csv", "--canary", canary]);
        run.expect(2).says("is no address");
        let run = sandbox.quell([
            "filter",
            "in.csv",
            "-o",
            "out.csv",
            "--invalid",
            "keep",
            "--canary",
            canary,
        ]);
        run.expect(2);
    }
    assert!(!sandbox.exists("out.csv"));
}

/// The rows of the run are judged for a class and for lists, and so is the canary.
#[test]
fn a_canary_is_judged_as_a_row_of_the_run() {
    let sandbox = with_batch();
    sandbox.quell(["unsubscribe", "news@example.com", "--list", "news"]).expect(0);
    sandbox.write("domains.csv", "domain,subdomains\nblocked.example.com,true\n");
    sandbox.quell(["import", "domains", "domains.csv"]).expect(0);
    sandbox.write(
        "contacts.csv",
        "contact_id,email,bulk_email,email_allowed\n1,no@example.com,Allow,0\n",
    );
    sandbox.quell(["import", "contacts", "contacts.csv"]).expect(0);
    let md5: String = {
        use md5::Digest as _;
        md5::Md5::digest("digest@example.com").iter().map(|byte| format!("{byte:02x}")).collect()
    };
    sandbox.write("digests.csv", format!("digest\n{md5}\n"));
    sandbox.quell(["import", "digests", "digests.csv"]).expect(0);
    for (canary, options, code) in [
        ("u@example.com", "", 0),
        ("u@example.com", "--class transactional", 5),
        ("b0@example.com", "--class transactional", 0),
        ("no@example.com", "--class transactional", 0),
        ("news@example.com", "--list news", 0),
        ("news@example.com", "--list offers --list news", 0),
        ("news@example.com", "--list offers", 5),
        ("news@example.com", "", 5),
        ("anybody@blocked.example.com", "", 0),
        ("anybody@deep.blocked.example.com", "--class transactional", 0),
        ("anybody@example.com", "", 5),
        ("Digest@Example.com", "", 0),
        ("Digest@Example.com", "--class transactional", 5),
        ("undigested@example.com", "", 5),
        ("Ann <u@example.com>", "", 0),
    ] {
        for input in ["in.csv", "in.ndjson"] {
            sandbox.write("in.ndjson", "{\"email\":\"p@example.com\"}\n");
            let arguments = ["filter", input, "-o", "out", "--canary", canary];
            sandbox.quell(arguments.into_iter().chain(options.split_whitespace())).expect(code);
        }
    }
    // A suppression that has expired holds nobody back any more.
    sandbox.write("past.csv", "email,reason,expires_at\npast@example.com,manual,2020-01-01\n");
    sandbox.quell(["import", "suppressions", "past.csv"]).expect(0);
    filter(&sandbox, "in.csv -o out --canary past@example.com").expect(5);
}

#[test]
fn both_brakes_work_without_a_store() {
    let sandbox = Sandbox::without_store();
    sandbox.write("list.txt", "u@example.com\n");
    sandbox.write("empty.txt", "");
    sandbox.write("in.csv", "email\nu@example.com\np@example.com\n");
    filter(&sandbox, "in.csv --suppress list.txt --canary u@example.com --expect 50%..").expect(0);
    let run = filter(&sandbox, "in.csv --suppress empty.txt --canary u@example.com").expect(5);
    assert_eq!(run.text(), "");
    let run = filter(&sandbox, "in.csv --suppress empty.txt --expect 10%..").expect(5);
    assert_eq!(run.text(), "");
}

/// A list that was lost, or the store of another customer, is what the brakes are for.
#[test]
fn an_empty_store_is_noticed() {
    let sandbox = with_batch();
    sandbox.quell(["--store", "empty", "init"]).expect(0);
    let asked = "in.csv -o out.csv --store empty";
    filter(&sandbox, &format!("{asked} --canary u@example.com")).expect(5);
    filter(&sandbox, &format!("{asked} --expect 5%..40%")).expect(5).says("0 % would be withheld");
    assert!(!sandbox.exists("out.csv"));
}
