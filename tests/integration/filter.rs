//! `quell filter`: which rows go, under which reason, and what the options do.

use crate::sandbox::Sandbox;

/// A store with one record of each kind the filter knows.
fn with_records() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("contacts.csv", "contact_id,email,bulk_email,email_allowed\n1,bulk@example.com,Do Not Allow,\n2,email@example.com,,0\n3,fine@example.com,1,1\n");
    sandbox.write("unsubscribes.csv", "email,list,state\nleft@example.com,,active\nquiet@example.com,,inactive\nnews@example.com,news,active\n");
    sandbox.write(
        "preferences.csv",
        "email,list,preference\nout@example.com,offers,Out\nin@example.com,offers,In\n",
    );
    sandbox.write("suppressions.csv", "email,reason\nbounce@example.com,bounce\ncomplaint@example.com,complaint\ninvalid@example.com,invalid\nmanual@example.com,manual\n");
    for kind in ["contacts", "unsubscribes", "preferences", "suppressions"] {
        sandbox.quell(["import", kind, &format!("{kind}.csv")]).expect(0);
    }
    sandbox
}

const EVERYONE: [&str; 11] = [
    "bulk@example.com",
    "email@example.com",
    "fine@example.com",
    "left@example.com",
    "quiet@example.com",
    "news@example.com",
    "out@example.com",
    "in@example.com",
    "bounce@example.com",
    "manual@example.com",
    "complaint@example.com",
];

#[test]
fn a_bulk_send_keeps_only_those_whom_nothing_blocks() {
    let kept = with_records().kept(&EVERYONE, &[]);
    assert_eq!(kept, ["fine@example.com", "news@example.com", "out@example.com", "in@example.com"]);
}

#[test]
fn a_list_opt_out_blocks_its_own_list_only() {
    let sandbox = with_records();
    let lists = ["news@example.com", "out@example.com", "in@example.com"];
    assert_eq!(sandbox.kept(&lists, &["--list", "news"]), ["out@example.com", "in@example.com"]);
    assert_eq!(sandbox.kept(&lists, &["--list", "offers"]), ["news@example.com", "in@example.com"]);
    assert_eq!(sandbox.kept(&lists, &["--list", "news", "--list", "offers"]), ["in@example.com"]);
    assert_eq!(sandbox.kept(&lists, &["--list", "never heard of"]), lists);
}

#[test]
fn a_transactional_send_passes_what_only_bulk_is_denied() {
    let kept = with_records().kept(&EVERYONE, &["--class", "transactional", "--list", "news"]);
    assert_eq!(
        kept,
        [
            "bulk@example.com",
            "fine@example.com",
            "left@example.com",
            "quiet@example.com",
            "news@example.com",
            "out@example.com",
            "in@example.com"
        ]
    );
}

#[test]
fn the_list_column_adds_to_the_lists_of_the_batch() {
    let sandbox = with_records();
    let batch = b"email,lists\nnews@example.com,news\nnews@example.com,offers\nnews@example.com,offers;news\nout@example.com,\n";
    let run = sandbox.quell_reading(["filter", "--list-column", "lists"], batch).expect(0);
    assert_eq!(run.text(), "email,lists\nnews@example.com,offers\nout@example.com,\n");
    let run = sandbox
        .quell_reading(["filter", "--list-column", "lists", "--list", "offers"], batch)
        .expect(0);
    assert_eq!(run.text(), "email,lists\nnews@example.com,offers\n");
}

#[test]
fn the_contact_column_applies_that_contacts_flags_to_any_address() {
    let sandbox = with_records();
    let batch =
        b"id,email\n1,new@example.com\n2,new@example.com\n3,new@example.com\n,new@example.com\n";
    let run = sandbox
        .quell_reading(["filter", "--contact-column", "id", "--suppressed", "out.csv"], batch)
        .expect(0);
    assert_eq!(run.text(), "id,email\n3,new@example.com\n,new@example.com\n");
    assert_eq!(
        sandbox.read_text("out.csv"),
        "id,email,quell_reason,quell_reasons\n\
         1,new@example.com,bulk_email_denied,bulk_email_denied\n\
         2,new@example.com,email_denied,email_denied\n"
    );
}

#[test]
fn a_denied_contact_is_named_beside_an_unusable_address() {
    let sandbox = with_records();
    let batch = b"id,email\n2,nothing here\n";
    sandbox
        .quell_reading(["filter", "--contact-column", "id", "--suppressed", "out.csv"], batch)
        .expect(0);
    assert!(
        sandbox.read_text("out.csv").ends_with(",invalid_address,invalid_address;email_denied\n"),
        "{}",
        sandbox.read_text("out.csv")
    );
}

#[test]
fn any_of_several_address_columns_withholds_the_row() {
    let sandbox = with_records();
    let batch = b"home,work\nfine@example.com,left@example.com\nleft@example.com,fine@example.com\nfine@example.com,in@example.com\nfine@example.com,\n";
    let run = sandbox
        .quell_reading(["filter", "--email-column", "home", "--email-column", "work"], batch)
        .expect(0);
    assert_eq!(run.text(), "home,work\nfine@example.com,in@example.com\n");
}

#[test]
fn the_suppressed_file_holds_each_row_verbatim_with_every_reason_in_order() {
    let sandbox = with_records();
    sandbox.write("both.csv", "email,reason\nout@example.com,bounce\n");
    sandbox.quell(["import", "suppressions", "both.csv"]).expect(0);
    sandbox.quell(["unsubscribe", "out@example.com"]).expect(0);
    let batch = b"\"name\",email\r\n\"A, \"\"B\"\"\",  OUT@example.com \r\nfine,fine@example.com\r\n\"no\r\none\",";
    let run = sandbox
        .quell_reading(["filter", "--list", "offers", "--suppressed", "out.csv"], batch)
        .expect(0);
    assert_eq!(run.stdout, b"\"name\",email\r\nfine,fine@example.com\r\n");
    assert_eq!(
        sandbox.read_text("out.csv"),
        "\"name\",email,quell_reason,quell_reasons\r\n\
         \"A, \"\"B\"\"\",  OUT@example.com ,bounce,bounce;unsubscribed;opted_out:offers\r\n\
         \"no\r\none\",,invalid_address,invalid_address"
    );
}

#[test]
fn the_report_counts_each_row_once_and_names_what_was_read_and_written() {
    let sandbox = with_records();
    sandbox.write("in.csv", format!("email\n{}\n\n", EVERYONE.join("\n")));
    sandbox
        .quell([
            "filter",
            "in.csv",
            "-o",
            "kept.csv",
            "--list",
            "offers",
            "--report",
            "report.json",
        ])
        .expect(0);
    let report = sandbox.read_json("report.json");
    assert_eq!(report["schema"], 1);
    assert_eq!(report["read"], 11);
    assert_eq!(report["kept"], 3);
    assert_eq!(report["withheld"], 8);
    let mut by_reason = report["by_reason"].as_object().expect("an object").clone();
    by_reason.retain(|_, count| *count != 0);
    assert_eq!(
        serde_json::Value::Object(by_reason),
        serde_json::json!({"email_denied": 1, "complaint": 1, "bounce": 1, "manual": 1,
            "bulk_email_denied": 1, "unsubscribed": 2, "opted_out": 1})
    );
    assert_eq!(report["class"], "bulk");
    assert_eq!(report["lists"], serde_json::json!(["offers"]));
    assert_eq!(report["input"]["bytes"], sandbox.read("in.csv").len());
    assert_eq!(report["output"]["bytes"], sandbox.read("kept.csv").len());
    for name in [
        "quell",
        "generation",
        "cursor",
        "as_of",
        "policy",
        "started_at",
        "elapsed_ms",
        "rows_per_second",
    ] {
        assert!(!report[name].is_null(), "{name} is missing: {report}");
    }
    assert_eq!(report["suppressed"], serde_json::Value::Null);
    assert_eq!(report["input"]["sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn dedupe_withholds_a_key_already_kept_whatever_its_spelling() {
    let sandbox = Sandbox::new();
    let batch =
        b"email\nann@example.com\nbob@example.com\n ANN@Example.com\nAnn <ann@example.com>\n";
    let run =
        sandbox.quell_reading(["filter", "--dedupe", "--suppressed", "out.csv"], batch).expect(0);
    assert_eq!(run.text(), "email\nann@example.com\nbob@example.com\n");
    assert_eq!(
        sandbox.read_text("out.csv"),
        "email,quell_reason,quell_reasons\n ANN@Example.com,duplicate,duplicate\nAnn <ann@example.com>,duplicate,duplicate\n"
    );
}

#[test]
fn an_unusable_address_is_withheld_kept_or_fails_the_run_as_asked() {
    let sandbox = Sandbox::new();
    let batch = b"email,name\nann@example.com,a\nnot an address,b\n,c\n";
    let filter = |mode: &str| {
        sandbox.quell_reading(["filter", "--invalid", mode, "-o", &format!("{mode}.csv")], batch)
    };
    filter("withhold").expect(0);
    assert_eq!(sandbox.read_text("withhold.csv"), "email,name\nann@example.com,a\n");
    filter("keep").expect(0);
    assert_eq!(sandbox.read("keep.csv"), batch);
    filter("fail").expect(3);
    assert!(!sandbox.exists("fail.csv"));
}

#[test]
fn a_row_too_short_for_the_address_is_withheld() {
    let run = Sandbox::new()
        .quell_reading(["filter"], b"name,email\nann,ann@example.com\nbob\n")
        .expect(0);
    assert_eq!(run.text(), "name,email\nann,ann@example.com\n");
}

#[test]
fn blank_lines_are_copied_through_and_not_counted() {
    let sandbox = Sandbox::new();
    let batch = b"email\n\nann@example.com\n\r\n\nbad\n\n";
    let run = sandbox.quell_reading(["filter", "--report", "report.json"], batch).expect(0);
    assert_eq!(run.stdout, b"email\n\nann@example.com\n\r\n\n\n");
    assert_eq!(sandbox.read_json("report.json")["read"], 2);
}

#[test]
fn the_one_header_that_means_an_address_is_found() {
    let sandbox = Sandbox::new();
    for header in [
        "email",
        "e-mail",
        "email_address",
        "emailaddress",
        "emailaddress1",
        "mail",
        "recipient",
        "address",
        "EMail",
        " E-MAIL ",
        "\"Email\"",
    ] {
        let batch = format!("name,{header}\nann,bad\nann,ann@example.com\n");
        let run = sandbox.quell_reading(["filter"], batch.as_bytes()).expect(0);
        assert_eq!(run.text(), format!("name,{header}\nann,ann@example.com\n"));
    }
}

#[test]
fn no_header_or_two_that_mean_an_address_are_an_error_that_names_them() {
    let sandbox = Sandbox::new();
    sandbox
        .quell_reading(["filter", "-o", "out.csv"], b"email,name,Address\na@example.com,,\n")
        .expect(2)
        .says("email")
        .says("address");
    sandbox
        .quell_reading(["filter", "-o", "out.csv"], b"customer,phone\n1,2\n")
        .expect(2)
        .says("customer")
        .says("phone");
    sandbox
        .quell_reading(["filter", "--email-column", "nowhere"], b"email\na@example.com\n")
        .expect(2)
        .says("nowhere");
    assert!(!sandbox.exists("out.csv"));
}

#[test]
fn without_a_header_the_first_line_is_a_row() {
    let sandbox = with_records();
    let batch = b"left@example.com,1\nfine@example.com,2\n";
    let run = sandbox
        .quell_reading(
            ["filter", "--no-header", "--email-column", "1", "--suppressed", "out.csv"],
            batch,
        )
        .expect(0);
    assert_eq!(run.text(), "fine@example.com,2\n");
    assert_eq!(sandbox.read_text("out.csv"), "left@example.com,1,unsubscribed,unsubscribed\n");
}

#[test]
fn a_tsv_file_is_split_at_tabs_by_its_name() {
    let sandbox = with_records();
    sandbox.write("in.tsv", "name\temail\na,b\tfine@example.com\na,b\tleft@example.com\n");
    let run = sandbox.quell(["filter", "in.tsv"]).expect(0);
    assert_eq!(run.text(), "name\temail\na,b\tfine@example.com\n");
}

#[test]
fn suppress_files_stand_in_for_a_store() {
    let sandbox = Sandbox::without_store();
    sandbox.write("plain.txt", "ann@example.com\n  BOB@example.com \n");
    sandbox.write("lists.csv", "address,list\ncem@example.com,news\ndee@example.com,\n");
    let batch = b"email\nAnn@example.com\nbob@example.com\ncem@example.com\ndee@example.com\neve@example.com\n";
    let filter = |options: &[&str]| {
        let mut arguments = vec![
            "filter",
            "--suppress",
            "plain.txt",
            "--suppress",
            "lists.csv",
            "--suppressed",
            "out.csv",
        ];
        arguments.extend(options);
        sandbox.quell_reading(arguments, batch).expect(0).text()
    };
    assert_eq!(filter(&[]), "email\ncem@example.com\neve@example.com\n");
    assert_eq!(filter(&["--list", "news"]), "email\neve@example.com\n");
    assert_eq!(
        sandbox.read_text("out.csv"),
        "email,quell_reason,quell_reasons\nAnn@example.com,manual,manual\nbob@example.com,manual,manual\n\
         cem@example.com,opted_out,opted_out:news\ndee@example.com,manual,manual\n"
    );
    assert!(!sandbox.exists("store"), "no store is made");
}

#[test]
fn a_hashed_list_is_no_suppress_file_and_the_message_says_so() {
    let sandbox = Sandbox::without_store();
    let digest = "55502f40dc8b7c769880b10874abc9d0";
    for (text, line) in [
        (format!("{digest}\n{digest}\n"), "line 1"),
        (format!("ann@example.com\n{}\n", digest.to_uppercase()), "line 2"),
        (format!("email\nann@example.com\n{digest}\n"), "line 3"),
    ] {
        sandbox.write("hashed.txt", &text);
        sandbox
            .quell_reading(["filter", "--suppress", "hashed.txt"], b"email\nann@example.com\n")
            .expect(3)
            .says(line)
            .says("a digest, not an address")
            .says("quell import digests");
    }
}

#[test]
fn domain_rules_and_digests_withhold_what_they_cover() {
    let sandbox = Sandbox::new();
    sandbox.write("domains.csv", "domain,subdomains\nexample.org,true\nexample.net,false\n");
    // The MD5 of test@example.com; the SHA-256 of it, for one list.
    sandbox.write(
        "digests.csv",
        "digest,list\n55502f40dc8b7c769880b10874abc9d0,\n\
         973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b,news\n",
    );
    let batch = b"email\nann@mail.example.org\nbob@mail.example.net\nTEST@example.com\n\
                  \"cem@example.com; test@example.com\"\ncem@example.com; dora@example.net\n";
    let filter = |options: &[&str]| {
        let mut arguments = vec!["filter", "--suppressed", "out.csv"];
        arguments.extend(options);
        sandbox.quell_reading(arguments, batch).expect(0).text();
        sandbox.read_text("out.csv").lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(filter(&[]), [""; 0]);
    sandbox.quell(["import", "domains", "domains.csv"]).expect(0);
    let of_domains =
        ["ann@mail.example.org,domain,domain", "cem@example.com; dora@example.net,domain,domain"];
    assert_eq!(filter(&[]), of_domains);
    sandbox.quell(["import", "digests", "digests.csv"]).expect(0);
    let all = [
        of_domains[0],
        "TEST@example.com,digest,digest",
        "\"cem@example.com; test@example.com\",digest,digest",
        of_domains[1],
    ];
    assert_eq!(filter(&[]), all);
    assert_eq!(filter(&["--class", "transactional"]), of_domains);
    sandbox.quell(["compile", "--full"]).expect(0);
    assert_eq!(filter(&["--list", "news"]), all);
}

#[test]
fn an_expired_suppression_counts_no_longer_and_a_future_one_does() {
    let sandbox = Sandbox::new();
    sandbox.write("s.csv", "email,reason,expires_at\nold@example.com,manual,2020-01-01\nnew@example.com,manual,2999-01-01T00:00:00Z\n");
    sandbox.quell(["import", "suppressions", "s.csv"]).expect(0);
    assert_eq!(sandbox.kept(&["old@example.com", "new@example.com"], &[]), ["old@example.com"]);
}

#[test]
fn an_output_appears_whole_and_replaces_an_earlier_one() {
    let sandbox = Sandbox::new();
    sandbox.write("out.csv", "what was there before\n");
    sandbox.quell_reading(["filter", "-o", "out.csv"], b"email\nann@example.com\n").expect(0);
    assert_eq!(sandbox.read_text("out.csv"), "email\nann@example.com\n");
    sandbox
        .quell_reading(["filter", "-o", "out.csv", "--fsync"], b"email\nbob@example.com\n")
        .expect(0);
    assert_eq!(sandbox.read_text("out.csv"), "email\nbob@example.com\n");
    sandbox.quell_reading(["filter", "-", "-o", "-"], b"email\nann@example.com\n").expect(0);
    assert!(!sandbox.exists("-"), "a lone dash is standard output");
}

#[test]
fn an_empty_input_gives_an_empty_output() {
    let sandbox = Sandbox::new();
    sandbox.write("empty.csv", "");
    assert!(sandbox.quell(["filter", "empty.csv"]).expect(0).stdout.is_empty());
    sandbox.quell(["filter", "empty.csv", "-o", "out.csv"]).expect(0);
    assert!(sandbox.read("out.csv").is_empty());
}

/// A contact or list column beside the file would apply nobody's flags and nobody's opt-outs.
#[test]
fn without_a_header_a_column_that_no_row_has_is_an_error() {
    let sandbox = with_records();
    for column in ["--email-column", "--contact-column", "--list-column"] {
        let options = ["filter", "--no-header", "--email-column", "1", column, "3"];
        let run = sandbox.quell_reading(options, b"nobody@example.com,news\n").expect(2);
        assert!(run.stderr.contains("no column 3"), "{}", run.stderr);
        assert_eq!(run.text(), "");
    }
    // A ragged first row says nothing of the others.
    let batch = b"nobody@example.com\nopted.out@example.com,1,news\n";
    let options = ["filter", "--no-header", "--email-column", "1", "--list-column", "3"];
    sandbox.quell_reading(options, batch).expect(0);
}

/// A list or a contact id in another encoding matches nothing, so it would let through what it should
/// withhold.
#[test]
fn a_list_or_contact_cell_that_is_no_utf_8_fails_the_run() {
    let sandbox = Sandbox::new();
    sandbox.write("p.csv", "email,list,preference\nann@example.com,café,Out\n");
    sandbox.quell(["import", "preferences", "p.csv"]).expect(0);
    let batch = b"email,what\nbob@example.com,x\nann@example.com,caf\xe9\n";
    for column in ["--list-column", "--contact-column"] {
        let run = sandbox.quell_reading(["filter", column, "what", "-o", "out.csv"], batch);
        run.expect(3).says("line 3");
        assert!(!sandbox.exists("out.csv"));
    }
    // Anywhere else, bytes are bytes.
    let run = sandbox.quell_reading(["filter"], batch).expect(0);
    assert_eq!(run.stdout, batch);
}

#[test]
fn an_absurd_number_of_threads_is_a_wrong_command_line() {
    let sandbox = Sandbox::new();
    for threads in ["0", "1025", "99999999999999"] {
        sandbox.quell(["filter", "--threads", threads]).expect(2);
    }
}

#[test]
fn a_list_of_a_suppress_file_that_is_no_utf_8_is_refused() {
    let sandbox = Sandbox::without_store();
    sandbox.write("s.csv", b"email,list\nann@example.com,caf\xe9\n");
    let filter = ["filter", "--suppress", "s.csv", "--list", "café"];
    sandbox.quell_reading(filter, b"email\nann@example.com\n").expect(3).says("line 2");
}

#[test]
fn an_output_that_cannot_be_made_is_named_as_it_was_given() {
    let sandbox = Sandbox::new();
    let run = sandbox.quell_reading(["filter", "-o", "no/out.csv"], b"email\n").expect(4);
    assert!(
        run.stderr.contains("`no/out.csv`") && !run.stderr.contains("partial"),
        "{}",
        run.stderr
    );
}
