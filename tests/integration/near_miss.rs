//! `quell filter --near-miss`: kept rows whose address is nearly a suppressed one.

use crate::sandbox::Sandbox;

/// A store with suppressed addresses, and some that are recorded and withheld from nothing that is asked here.
fn store() -> Sandbox {
    let sandbox = Sandbox::new();
    for address in
        ["annsmith@gmail.com", "stra\u{df}e@example.com", "bob@yahoo.com", "carla@example.com"]
    {
        sandbox.quell(["unsubscribe", address]).expect(0);
    }
    sandbox.quell(["unsubscribe", "listed@example.com", "--list", "news"]).expect(0);
    sandbox.quell(["unsubscribe", "lifted@example.com"]).expect(0);
    let lift = ["resubscribe", "lifted@example.com", "--permission", "phone"];
    sandbox.quell(lift.iter().chain(&["--evidence", "call 1", "--by", "desk"])).expect(0);
    sandbox
}

const ROWS: &str = "id;E-Mail;note\r\n\
    1;Ann.Smith+x@GoogleMail.com;\"a;b\"\r\n\
    2;annsmith@gmail.com;suppressed\r\n\
    3;strasse@example.com;\r\n\
    4;bob-shop@yahoo.com;\r\n\
    5;Carl@example.com;\r\n\
    6;unrelated@example.com;\r\n\
    7;liste.d@example.com;\r\n\
    8;lifte.d@example.com;\r\n\
    9;c.arla@example.com";

const MISSES: &str = "id;E-Mail;note;quell_near_miss;quell_near_miss_kinds\r\n\
    1;Ann.Smith+x@GoogleMail.com;\"a;b\";annsmith@gmail.com;\"dots;tag;googlemail\"\r\n\
    3;strasse@example.com;;stra\u{df}e@example.com;case\r\n\
    4;bob-shop@yahoo.com;;bob@yahoo.com;yahoo-dash\r\n\
    5;Carl@example.com;;carla@example.com;edit\r\n";

const FILTER: [&str; 8] =
    ["filter", "rows.csv", "-o", "out.csv", "--delimiter", ";", "--near-miss", "near.csv"];

#[test]
fn near_misses_are_listed_verbatim_with_what_they_are_near() {
    let sandbox = store();
    sandbox.write("rows.csv", ROWS);
    let last = "9;c.arla@example.com;carla@example.com;dots";
    for full in [false, true] {
        if full {
            sandbox.quell(["compile", "--full"]).expect(0);
        }
        sandbox.quell(FILTER).expect(0);
        assert_eq!(sandbox.read_text("near.csv"), format!("{MISSES}{last}"), "compiled: {full}");
        let kept = ROWS.replace("2;annsmith@gmail.com;suppressed\r\n", "");
        assert_eq!(sandbox.read_text("out.csv"), kept, "listing changes nothing");
    }
    // Sent for the list, its opt-outs are suppressed too.
    sandbox.quell(FILTER.iter().chain(&["--list", "news"])).expect(0);
    let row = "7;liste.d@example.com;;listed@example.com;dots\r\n";
    assert_eq!(sandbox.read_text("near.csv"), format!("{MISSES}{row}{last}"));
    // To a class that no record withholds, nothing is near.
    sandbox.quell(FILTER.iter().chain(&["--class", "transactional"])).expect(0);
    assert_eq!(sandbox.read_text("near.csv").lines().count(), 1);
}

#[test]
fn any_number_of_threads_lists_the_same_in_the_inputs_order() {
    let sandbox = store();
    let rows: String = (0..60_000)
        .map(|row| {
            format!("{row};{}@example.com;x\n", ["carl", "nobody", "c.arla", "carla"][row % 4])
        })
        .collect();
    sandbox.write("rows.csv", format!("id;email;note\n{rows}"));
    let mut lists = Vec::new();
    for threads in ["1", "2", "7"] {
        sandbox.quell(FILTER.iter().chain(&["--threads", threads])).expect(0);
        lists.push(sandbox.read_text("near.csv"));
    }
    assert_eq!(lists[0].lines().count(), 1 + 60_000 / 2);
    assert!(lists[0].ends_with("59998;c.arla@example.com;x;carla@example.com;dots\n"));
    assert!(lists.iter().all(|list| *list == lists[0]));
}

#[test]
fn without_a_header_the_rows_stand_alone() {
    let sandbox = store();
    let arguments = ["filter", "-", "--no-header", "--near-miss", "near.csv"];
    sandbox.quell_reading(arguments, b"\xEF\xBB\xBFcarl@example.com\nx@example.com\n").expect(0);
    assert_eq!(sandbox.read_text("near.csv"), "carl@example.com,carla@example.com,edit\n");
}

#[test]
fn where_there_is_nothing_to_search_in_the_command_line_is_wrong() {
    let sandbox = store();
    sandbox.write("rows.csv", ROWS);
    sandbox.write("list.csv", "email\ncarla@example.com\n");
    let refused = sandbox.quell(FILTER.iter().chain(&["--suppress", "list.csv"])).expect(2);
    assert!(refused.stderr.contains("import"), "{}", refused.stderr);
    sandbox.quell(["compile", "--full", "--no-dictionary"]).expect(0);
    let refused = sandbox.quell(FILTER).expect(2);
    assert!(refused.stderr.contains("quell compile --full"), "{}", refused.stderr);
    assert!(!sandbox.exists("out.csv") && !sandbox.exists("near.csv"));
    // A name given to two results would lose one.
    sandbox.quell(FILTER.iter().chain(&["--suppressed", "near.csv"])).expect(2);
}
