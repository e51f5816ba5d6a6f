//! `quell sync`: who is no longer in a source's complete file is reachable again, and a wrong file changes nothing.

use std::fmt::Write as _;
use std::io::Write as _;
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::sandbox::{Dice, Run, Sandbox, tree};

const PERMISSION: [&str; 6] =
    ["--permission", "form", "--evidence", "export of 3 May", "--by", "crm team"];

fn sync(sandbox: &Sandbox, kind: &str, file: &str, source: &str, options: &[&str]) -> Run {
    let mut arguments = vec!["sync", kind, file, "--source", source];
    arguments.extend(PERMISSION);
    arguments.extend(options);
    sandbox.quell(arguments)
}

/// Writes the file, syncs it, and sees to it that the same file again changes nothing and that the store is sound.
fn synced(sandbox: &Sandbox, kind: &str, content: &str, source: &str, options: &[&str]) -> Run {
    sandbox.write("file.csv", content);
    let run = sync(sandbox, kind, "file.csv", source, options).expect(0);
    let again = sync(sandbox, kind, "file.csv", source, &[options, &["--json"]].concat()).expect(0);
    let again = again.json();
    for count in ["added", "lifted", "removed", "adopted", "passed_on"] {
        assert_eq!(again[count], 0, "{count}: {again}");
    }
    sandbox.quell(["verify"]).expect(0);
    run
}

fn addresses(numbers: impl IntoIterator<Item = usize>) -> String {
    let mut text = String::from("email,source\n");
    for number in numbers {
        writeln!(text, "p{number}@example.com,somewhere").unwrap();
    }
    text
}

fn generation(sandbox: &Sandbox) -> u64 {
    sandbox.quell(["status", "--json"]).expect(0).json()["generation"].as_u64().unwrap()
}

#[test]
fn one_person_less_is_reachable_again_in_the_very_next_answer() {
    let sandbox = Sandbox::new();
    sandbox.write("contacts.csv", "contact_id,email,bulk_email\nc1,p1@example.com,Do Not Allow\n");
    sandbox.quell(["import", "contacts", "contacts.csv"]).expect(0);
    let first = synced(&sandbox, "unsubscribes", &addresses(0..10), "crm", &[]);
    first.says("baseline");
    sandbox.quell(["compile"]).expect(0);
    let numbers = (0..10).filter(|number| *number != 1);
    let run = synced(&sandbox, "unsubscribes", &addresses(numbers), "crm", &[]);
    let text = run.text();
    let line = text.lines().next().unwrap();
    assert!(
        line.starts_with("p1@example.com: becomes reachable; deletes active unsubscribe"),
        "{text}"
    );
    assert!(text.contains("removed 1, generation"), "{text}");
    assert_eq!(sandbox.reasons("p1@example.com", &[]), [""; 0]);
    assert_eq!(sandbox.kept(&["p1@example.com", "p2@example.com"], &[]), ["p1@example.com"]);
    // Kept with the proof.
    let history = sandbox.quell(["history", "p1@example.com", "--json"]).expect(0).text();
    for word in ["synced", "export of 3 May", "crm team", "Do Not Allow", "\"crm\""] {
        assert!(history.contains(word), "{word}: {history}");
    }
}

#[test]
fn what_was_before_the_sync_can_still_be_asked() {
    let sandbox = Sandbox::new();
    synced(&sandbox, "unsubscribes", &addresses(0..3), "crm", &[]);
    let before = sandbox.quell(["history", "p1@example.com", "--json"]).expect(0).json();
    let at = before[0]["at"].as_str().unwrap().to_owned();
    thread::sleep(Duration::from_millis(5));
    synced(&sandbox, "unsubscribes", &addresses([0, 2]), "crm", &[]);
    assert_eq!(sandbox.reasons("p1@example.com", &[]), [""; 0]);
    assert_eq!(sandbox.reasons("p1@example.com", &["--as-of", &at]), ["unsubscribed"]);
}

#[test]
fn records_of_other_sources_go_on_blocking_and_are_named() {
    let sandbox = Sandbox::new();
    sandbox.write("form.csv", "email,source\nP0@example.com,form\n");
    sandbox.quell(["import", "unsubscribes", "form.csv"]).expect(0);
    sandbox.write("bounces.csv", "email,reason\np1@example.com,bounce\n");
    sandbox.quell(["import", "suppressions", "bounces.csv"]).expect(0);
    sandbox.write("domains.csv", "domain\nexample.com\n");
    synced(&sandbox, "unsubscribes", &addresses(0..6), "crm", &[]);
    let run = synced(&sandbox, "unsubscribes", &addresses(3..6), "crm", &[]);
    let text = run.text();
    assert!(text.contains("p0@example.com: stays blocked by unsubscribed (global)"), "{text}");
    assert!(text.contains("p1@example.com: stays blocked by bounce (global)"), "{text}");
    assert!(text.contains("p2@example.com: becomes reachable"), "{text}");
    assert_eq!(sandbox.reasons("p0@example.com", &[]), ["unsubscribed"]);
    assert_eq!(sandbox.reasons("p1@example.com", &[]), ["bounce"]);
    // A rule of the domain is no record of the address, and blocks all the same.
    sandbox.quell(["import", "domains", "domains.csv"]).expect(0);
    let text = synced(&sandbox, "unsubscribes", &addresses(4..6), "crm", &[]).text();
    assert!(
        text.contains("p3@example.com: stays blocked by domain (domain:example.com)"),
        "{text}"
    );
}

#[test]
fn a_source_that_lets_go_leaves_the_person_to_another_that_does_not() {
    let sandbox = Sandbox::new();
    synced(&sandbox, "unsubscribes", &addresses(0..4), "crm", &[]);
    synced(&sandbox, "unsubscribes", &addresses(0..4), "shop", &[]);
    let run = synced(&sandbox, "unsubscribes", &addresses(1..4), "crm", &[]);
    assert!(run.text().contains("removed 0, passed on 1"), "{}", run.text());
    assert_eq!(sandbox.reasons("p0@example.com", &[]), ["unsubscribed"]);
    synced(&sandbox, "unsubscribes", &addresses(1..4), "shop", &[]);
    assert_eq!(sandbox.reasons("p0@example.com", &[]), [""; 0]);
}

#[test]
fn every_missing_part_of_the_permission_is_refused_but_for_a_dry_run() {
    let sandbox = Sandbox::new();
    sandbox.write("file.csv", addresses(0..2));
    let base = ["sync", "unsubscribes", "file.csv", "--source", "crm"];
    for options in [
        &[][..],
        &["--permission", "form", "--evidence", "e"],
        &["--permission", "form", "--by", "b"],
        &["--evidence", "e", "--by", "b"],
        &["--permission", "form", "--evidence", " ", "--by", "b"],
    ] {
        sandbox.quell([&base, options].concat()).expect(5).says("no permission");
    }
    assert_eq!(generation(&sandbox), 0);
    sandbox.quell([&base[..], &["--dry-run"]].concat()).expect(0);
    assert_eq!(generation(&sandbox), 0);
    sandbox.quell(["sync", "unsubscribes", "file.csv", "--dry-run"]).expect(2);
    sync(&sandbox, "unsubscribes", "file.csv", " ", &[]).expect(2);
    sync(&sandbox, "unsubscribes", "file.csv", "crm", &["--max-removals", "many"]).expect(2);
    sync(&sandbox, "unsubscribes", "file.csv", "crm", &["--max-removals", "101%"]).expect(2);
    sync(&sandbox, "subscribers", "file.csv", "crm", &[]).expect(2);
    assert_eq!(generation(&sandbox), 0);
}

#[test]
fn half_of_the_people_less_stops_with_a_diff_and_changes_nothing() {
    let sandbox = Sandbox::new();
    synced(&sandbox, "unsubscribes", &addresses(0..400), "crm", &[]);
    let before = tree(&sandbox.path("store"));
    sandbox.write("half.csv", addresses(0..200));
    let run = sync(&sandbox, "unsubscribes", "half.csv", "crm", &[]).expect(5);
    let lines =
        run.text().lines().filter(|line| line.contains(": becomes reachable; deletes")).count();
    assert_eq!(lines, 200, "{}", run.text());
    run.says("200 removals of 400 records, at most 100 pass").says("--max-removals 200");
    let dry = sync(&sandbox, "unsubscribes", "half.csv", "crm", &["--dry-run", "--json"])
        .expect(5)
        .json();
    assert_eq!(dry["stopped_by"][0]["brake"], "too_many_removals");
    assert_eq!(dry["changes"].as_array().unwrap().len(), 200);
    assert_eq!(
        (&dry["applied"], &dry["removed"], &dry["limit"]),
        (&false.into(), &200.into(), &100.into())
    );
    for (limit, code) in [("199", 5), ("49.9%", 5), ("0", 5), ("200", 0), ("50%", 0)] {
        sync(&sandbox, "unsubscribes", "half.csv", "crm", &["--dry-run", "--max-removals", limit])
            .expect(code);
    }
    sync(&sandbox, "unsubscribes", "half.csv", "crm", &["--max-removals", "199"]).expect(5);
    assert!(tree(&sandbox.path("store")) == before, "something changed");
    sandbox.quell(["verify"]).expect(0);
    sync(&sandbox, "unsubscribes", "half.csv", "crm", &["--max-removals", "200"]).expect(0);
    assert_eq!(sandbox.reasons("p399@example.com", &[]), [""; 0]);
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn a_file_of_fewer_than_half_the_rows_stops_even_when_few_would_go() {
    let sandbox = Sandbox::new();
    synced(&sandbox, "unsubscribes", &addresses(0..40), "crm", &[]);
    sandbox.write("less.csv", addresses(0..19));
    sync(&sandbox, "unsubscribes", "less.csv", "crm", &[])
        .expect(5)
        .says("19 rows, less than half of the 40");
    sync(&sandbox, "unsubscribes", "less.csv", "crm", &["--max-removals", "21"]).expect(0);
}

#[test]
fn an_empty_or_cut_file_never_releases_anybody() {
    let sandbox = Sandbox::new();
    let whole = addresses(0..6);
    synced(&sandbox, "unsubscribes", &whole, "crm", &[]);
    let before = tree(&sandbox.path("store"));
    let in_a_row = whole.rfind(",somewhere").unwrap();
    let at_a_row_s_end = whole.trim_end();
    let quoted = whole.replace("p5@example.com", "\"p5@example.com");
    for (content, code, says) in [
        ("", 5, "the file has no rows"),
        ("\u{feff}", 5, "the file has no rows"),
        ("\n\n", 5, "the file has no rows"),
        ("email,source\n", 5, "the file has no rows"),
        (&whole[..in_a_row], 5, "cut off: its last row has no line end"),
        (&whole[..in_a_row - 13], 5, "cut off: its last row has no line end"),
        (at_a_row_s_end, 5, "does not end with a line end"),
        (&whole[..whole.len() - 4], 5, "does not end with a line end"),
        (quoted.as_str(), 3, "quote"),
        ("email,source\nnobody,x\n", 3, "1 of 1 rows can't be understood"),
        ("address,source\np1@example.com,x\n", 3, "no column `email`"),
    ] {
        sandbox.write("file.csv", content);
        let options = ["--max-removals", "100%"];
        sync(&sandbox, "unsubscribes", "file.csv", "crm", &options).expect(code).says(says);
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(addresses(0..6).as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    for length in [gzip.len() / 2, gzip.len() - 1] {
        sandbox.write("file.csv.gz", &gzip[..length]);
        sync(&sandbox, "unsubscribes", "file.csv.gz", "crm", &[]).expect(3);
    }
    assert!(tree(&sandbox.path("store")) == before, "something changed");
    sandbox.write("file.csv.gz", gzip);
    sync(&sandbox, "unsubscribes", "file.csv.gz", "crm", &[]).expect(0);
    // Everything may go only when that is said twice, of a file that has its header.
    let sure = ["--max-removals", "100%", "--allow-empty"];
    sandbox.write("file.csv", "");
    sync(&sandbox, "unsubscribes", "file.csv", "crm", &sure).expect(5);
    sandbox.write("file.csv", "email\n");
    sync(&sandbox, "unsubscribes", "file.csv", "crm", &["--allow-empty", "--max-removals", "5"])
        .expect(5);
    sync(&sandbox, "unsubscribes", "file.csv", "crm", &sure).expect(0);
    assert_eq!(sandbox.reasons("p0@example.com", &[]), [""; 0]);
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn an_empty_first_file_is_refused_as_well() {
    let sandbox = Sandbox::new();
    sandbox.write("file.csv", "email\n");
    sync(&sandbox, "unsubscribes", "file.csv", "crm", &[]).expect(5).says("no rows");
}

#[test]
fn preferences_and_contacts_follow_their_source() {
    let sandbox = Sandbox::new();
    let preference = |word: &str| format!("email,list,preference\np1@example.com,news,{word}\n");
    synced(&sandbox, "preferences", &preference("Out"), "crm", &[]);
    assert_eq!(sandbox.reasons("p1@example.com", &["--list", "news"]), ["opted_out:news"]);
    let run = synced(&sandbox, "preferences", &preference("In"), "crm", &[]);
    assert!(
        run.text().contains("p1@example.com: becomes reachable; changes preference Out"),
        "{}",
        run.text()
    );
    assert_eq!(sandbox.reasons("p1@example.com", &["--list", "news"]), [""; 0]);

    let contact = |word: &str| {
        format!("contact_id,email,bulk_email\nc1,p2@example.com,{word}\nc2,P2@example.com,Allow\n")
    };
    synced(&sandbox, "contacts", &contact("Do Not Allow"), "crm", &[]);
    assert_eq!(sandbox.reasons("p2@example.com", &[]), ["bulk_email_denied"]);
    synced(&sandbox, "contacts", &contact(""), "crm", &[]);
    assert_eq!(
        sandbox.reasons("p2@example.com", &[]),
        ["bulk_email_denied"],
        "an empty cell says nothing"
    );
    synced(&sandbox, "contacts", &contact("Allow"), "crm", &[]);
    assert_eq!(sandbox.reasons("p2@example.com", &[]), [""; 0]);
    synced(&sandbox, "contacts", &contact("Do Not Allow"), "crm", &[]);
    let gone = contact("Do Not Allow").replace("c1,p2@example.com,Do Not Allow\n", "");
    synced(&sandbox, "contacts", &gone, "crm", &[]);
    assert_eq!(sandbox.reasons("p2@example.com", &[]), [""; 0]);
    assert_eq!(sandbox.reasons("p2@example.com", &["--contact", "c1"]), [""; 0]);
}

#[test]
fn a_complaint_stays_and_is_named_each_time() {
    let sandbox = Sandbox::new();
    let all =
        "email,reason\np1@example.com,complaint\np1@example.com,bounce\np2@example.com,manual\n";
    synced(&sandbox, "suppressions", all, "esp", &[]);
    let less = "email,reason\np2@example.com,manual\n";
    let run = synced(&sandbox, "suppressions", less, "esp", &["--max-removals", "5"]);
    let text = run.text();
    assert!(
        text.contains("p1@example.com: stays blocked by complaint (global); deletes bounce"),
        "{text}"
    );
    assert!(text.contains("keeps complaint of p1@example.com"), "{text}");
    assert!(text.contains("complaints kept 1"), "{text}");
    assert_eq!(sandbox.reasons("p1@example.com", &[]), ["complaint"]);
}

#[test]
fn a_third_party_s_lists_are_taken_back() {
    let sandbox = Sandbox::new();
    synced(
        &sandbox,
        "domains",
        "domain,subdomains\none.example,true\ntwo.example,\n",
        "vendor",
        &[],
    );
    assert_eq!(sandbox.reasons("a@mail.one.example", &[]), ["domain"]);
    let run = synced(&sandbox, "domains", "domain,subdomains\none.example,\n", "vendor", &[]);
    assert!(
        run.text().contains("@two.example: deletes domain rule of two.example"),
        "{}",
        run.text()
    );
    assert_eq!(sandbox.reasons("a@mail.one.example", &[]), [""; 0]);
    assert_eq!(sandbox.reasons("a@one.example", &[]), ["domain"]);
    assert_eq!(sandbox.reasons("a@two.example", &[]), [""; 0]);

    // MD5 of test@example.com, and SHA-1 of two others.
    let md5 = "55502f40dc8b7c769880b10874abc9d0";
    let sha1 = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
    synced(&sandbox, "digests", &format!("digest\n{md5}\n{sha1}\n"), "vendor", &[]);
    assert_eq!(sandbox.reasons("test@example.com", &[]), ["digest"]);
    let run = synced(&sandbox, "digests", &format!("digest\n{sha1}\n"), "vendor", &[]);
    assert!(run.text().contains(&format!("{md5}: deletes md5 digest")), "{}", run.text());
    assert_eq!(sandbox.reasons("test@example.com", &[]), [""; 0]);
    assert_eq!(sandbox.kept(&["test@example.com"], &[]), ["test@example.com"]);
}

#[test]
fn a_vendor_s_file_is_synced_when_it_holds_one_kind() {
    let sandbox = Sandbox::new();
    sandbox.write("list.txt", "p1@example.com\np2@example.com\n");
    let options = ["--format", "plain"];
    let kind = |sandbox: &Sandbox, kind| sync(sandbox, kind, "list.txt", "crm", &options);
    let codes: Vec<_> = ["contacts", "unsubscribes", "suppressions"]
        .into_iter()
        .filter(|name| kind(&sandbox, name).expect_any(&[0, 2]).code == Some(0))
        .collect();
    let [kind] = codes.as_slice() else { panic!("{codes:?}") };
    sandbox.write("list.txt", "p2@example.com\n");
    sync(&sandbox, kind, "list.txt", "crm", &options).expect(0);
    assert_eq!(sandbox.reasons("p1@example.com", &[]), [""; 0]);
    assert_eq!(sandbox.reasons("p2@example.com", &[]).len(), 1);
}

#[test]
fn a_killed_sync_is_whole_or_absent() {
    let sandbox = Sandbox::new();
    let mut dice = Dice::new("killed sync");
    let rows = 10_000;
    sandbox.write("whole.csv", addresses(0..rows));
    sandbox.write("less.csv", addresses(100..rows));
    sync(&sandbox, "unsubscribes", "whole.csv", "crm", &[]).expect(0);
    let mut is_whole = true;
    for round in 0..12 {
        let file = if is_whole { "less.csv" } else { "whole.csv" };
        let mut arguments = vec!["sync", "unsubscribes", file, "--source", "crm"];
        arguments.extend(PERMISSION);
        let mut child = sandbox.start(arguments);
        thread::sleep(Duration::from_micros(dice.below(400_000)));
        let acknowledged = child.try_wait().unwrap().is_some_and(|status| status.success());
        child.kill().unwrap();
        child.wait().unwrap();
        let free = [0, 50, 99]
            .map(|number| sandbox.reasons(&format!("p{number}@example.com"), &[]).is_empty());
        assert!(free.iter().all(|is_free| *is_free == free[0]), "round {round}: {free:?}");
        let was_applied = free[0] == is_whole;
        assert!(was_applied || !acknowledged, "round {round}: an acknowledged sync is gone");
        is_whole = !free[0];
    }
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn an_erased_person_in_a_source_s_file_leaves_no_text_and_stays_withheld() {
    let sandbox = Sandbox::new();
    let contacts = |source| {
        let content = "contact_id,email\nid-of-erased,erased@example.com\nc2,p2@example.com\n";
        synced(&sandbox, "contacts", content, source, &[]);
    };
    let whole = "email\nerased@example.com\np1@example.com\n";
    for source in ["crm", "shop"] {
        synced(&sandbox, "unsubscribes", whole, source, &[]);
        contacts(source);
    }
    sandbox
        .quell(["erase", "erased@example.com", "--by", "desk", "--reason", "request 7"])
        .expect(0);
    let has_text = |sandbox: &Sandbox| {
        let files = tree(&sandbox.path("store"));
        files.into_iter().any(|(_, bytes)| {
            let is_in = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
            is_in(b"erased@example.com") || is_in(b"id-of-erased")
        })
    };
    assert!(!has_text(&sandbox), "after the erasure");
    synced(&sandbox, "unsubscribes", whole, "crm", &[]);
    contacts("crm");
    assert!(!has_text(&sandbox), "after a sync that names the person");
    assert_eq!(sandbox.reasons("erased@example.com", &[]), ["manual"]);
    synced(&sandbox, "unsubscribes", "email\np1@example.com\n", "crm", &[]);
    assert_eq!(sandbox.reasons("erased@example.com", &[]), ["manual"]);
}

#[test]
fn an_opt_out_that_came_meanwhile_survives_the_source_s_deletion() {
    let sandbox = Sandbox::new();
    synced(&sandbox, "unsubscribes", &addresses(0..6), "crm", &[]);
    sandbox.quell(["unsubscribe", "p0@example.com"]).expect(0);
    sandbox.write("form.csv", "email,source\np1@example.com,form\n");
    sandbox.quell(["import", "unsubscribes", "form.csv"]).expect(0);
    sandbox.write("bounces.csv", "email,reason,source\np2@example.com,bounce,esp\n");
    sandbox.quell(["import", "suppressions", "bounces.csv"]).expect(0);
    let run = synced(&sandbox, "unsubscribes", &addresses(3..6), "crm", &[]);
    assert!(run.text().contains("removed 1, passed on 2"), "{}", run.text());
    assert_eq!(sandbox.reasons("p0@example.com", &[]), ["unsubscribed"]);
    assert_eq!(sandbox.reasons("p1@example.com", &[]), ["unsubscribed"]);
    assert_eq!(sandbox.reasons("p2@example.com", &[]), ["bounce"]);
}

#[test]
fn a_store_that_was_filled_by_imports_is_taken_over() {
    let sandbox = Sandbox::new();
    let plain = addresses(0..6).replace(",source", "").replace(",somewhere", "");
    sandbox.write("file.csv", &plain);
    sandbox.quell(["import", "unsubscribes", "file.csv"]).expect(0);
    let before = generation(&sandbox);
    let run = synced(&sandbox, "unsubscribes", &plain, "crm", &[]);
    assert!(run.text().contains("unchanged 6, lifted 0, held 0, rejected 0, adopted 6, removed 0"));
    assert_eq!(generation(&sandbox), before + 1, "whose they are is part of the records");
    sandbox.quell(["import", "unsubscribes", "file.csv"]).expect(0);
    synced(&sandbox, "unsubscribes", &plain, "crm", &[]);
    let less = plain.replace("p5@example.com\n", "");
    let run = synced(&sandbox, "unsubscribes", &less, "crm", &[]);
    assert!(run.text().contains("p5@example.com: becomes reachable"), "{}", run.text());
}
