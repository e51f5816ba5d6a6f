//! Kept rows are the input's own bytes: hostile files, every number of threads, files and pipes.

use std::fs;
use std::path::PathBuf;

use crate::sandbox::{Sandbox, root};

/// The record limit of the contract.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// Every file of `data/strange` that is a CSV file, with the options it needs.
fn strange_files() -> Vec<(PathBuf, Vec<&'static str>)> {
    let mut files: Vec<_> = fs::read_dir(root().join("data/strange"))
        .expect("data/strange")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name != "unclosed-quote.csv"))
        .map(|path| {
            let semicolons = path.file_name().is_some_and(|name| name == "semicolons.csv");
            let tabs = path.extension().is_some_and(|extension| extension == "tsv");
            let options = if semicolons {
                vec!["--delimiter", ";"]
            } else if tabs {
                // A pipe has no name to go by.
                vec!["--format", "tsv"]
            } else {
                vec![]
            };
            (path, options)
        })
        .collect();
    files.sort();
    assert!(files.len() > 20, "the corpus is gone");
    files
}

/// Runs a filter over all four ways in and out and every number of threads, and returns the one result they share.
fn same_everywhere(
    sandbox: &Sandbox,
    input: &[u8],
    options: &[&str],
    what: &str,
) -> (Vec<u8>, Vec<u8>) {
    let mut first: Option<(Vec<u8>, Vec<u8>)> = None;
    sandbox.write("in.csv", input);
    for threads in ["1", "2", "8"] {
        for (input_pipe, output_pipe) in
            [(false, false), (false, true), (true, false), (true, true)]
        {
            let mut arguments = vec!["filter"];
            if !input_pipe {
                arguments.push("in.csv");
            }
            if !output_pipe {
                arguments.extend(["-o", "out.csv"]);
            }
            arguments.extend(["--threads", threads, "--suppressed", "withheld.csv"]);
            arguments.extend(options);
            let run =
                sandbox.quell_reading(&arguments, if input_pipe { input } else { b"" }).expect(0);
            let kept = if output_pipe { run.stdout } else { sandbox.read("out.csv") };
            let result = (kept, sandbox.read("withheld.csv"));
            match &first {
                None => first = Some(result),
                Some(expected) => assert!(
                    *expected == result,
                    "{what}: `{}` gives other bytes than the first run\nfirst: {:?}\nnow:   {:?}",
                    run.command,
                    String::from_utf8_lossy(&expected.0),
                    String::from_utf8_lossy(&result.0),
                ),
            }
        }
    }
    first.expect("at least one run")
}

/// The input without the one row among the strange files whose address cell is no text: no option keeps it.
fn without_undecodable(input: &[u8]) -> Vec<u8> {
    let rows = input.split_inclusive(|byte| *byte == b'\n');
    rows.filter(|row| !row.starts_with(b"\xff\xfe@")).flatten().copied().collect()
}

#[test]
fn a_file_that_loses_no_row_leaves_as_it_came() {
    let sandbox = Sandbox::new();
    for (path, mut options) in strange_files() {
        let input = fs::read(&path).expect("a strange file");
        let what = path.display().to_string();
        options.extend(["--invalid", "keep"]);
        let (kept, _) = same_everywhere(&sandbox, &input, &options, &what);
        assert_eq!(kept, without_undecodable(&input), "{what}");
    }
}

#[test]
fn a_file_that_loses_rows_loses_the_same_bytes_on_every_path() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    sandbox.quell(["unsubscribe", "cem@example.net"]).expect(0);
    for (path, options) in strange_files() {
        let input = fs::read(&path).expect("a strange file");
        let what = path.display().to_string();
        let (kept, _) = same_everywhere(&sandbox, &input, &options, &what);
        assert!(kept.len() <= input.len(), "{what}");
        let mut rest = input.iter();
        assert!(
            kept.iter().all(|byte| rest.any(|other| other == byte)),
            "{what}: kept bytes are not the input's own"
        );
    }
}

#[test]
fn what_is_read_is_kept_or_withheld() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "bob@example.org"]).expect(0);
    for (path, options) in strange_files() {
        let mut arguments =
            vec!["filter", path.to_str().expect("a name"), "--report", "report.json"];
        arguments.extend(options);
        sandbox.quell(&arguments).expect(0);
        let report = sandbox.read_json("report.json");
        let count = |name: &str| report[name].as_u64().expect("a count");
        assert_eq!(count("read"), count("kept") + count("withheld"), "{}", path.display());
        let by_reason: u64 = report["by_reason"]
            .as_object()
            .expect("an object")
            .values()
            .filter_map(serde_json::Value::as_u64)
            .sum();
        assert_eq!(by_reason, count("withheld"), "{}", path.display());
    }
}

/// Long enough for many chunks, with quoted line ends and delimiters everywhere, so that seams fall inside fields.
#[test]
fn chunk_seams_inside_quoted_fields_change_nothing() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "withheld@example.com"]).expect(0);
    let mut input = b"note,email,more\r\n".to_vec();
    let mut wanted = input.clone();
    for number in 0..60_000_u32 {
        let withheld = number % 7 == 3;
        let address = if withheld { "withheld@example.com" } else { "kept@example.com" };
        let filler = "x,\"\"\r\n\n".repeat((number % 40) as usize);
        let end = if number % 3 == 0 { "\n" } else { "\r\n" };
        let row = format!("\"{filler}\",{address},5\" \"\"{end}");
        input.extend(row.as_bytes());
        if !withheld {
            wanted.extend(row.as_bytes());
        }
    }
    assert!(input.len() > 8 << 20, "only {} bytes", input.len());
    let (kept, _) = same_everywhere(&sandbox, &input, &[], "seams");
    assert!(kept == wanted, "{} bytes kept, {} wanted", kept.len(), wanted.len());
}

/// What must be refused: exit 3, where it stands, no output, an earlier output untouched.
fn refused(input: &[u8], line: &str) {
    let sandbox = Sandbox::new();
    sandbox.write("in.csv", input);
    sandbox.write("earlier.csv", "an earlier batch\n");
    for threads in ["1", "2", "8"] {
        let filter = |output: &str, from: &str| {
            sandbox.quell_reading(["filter", from, "-o", output, "--threads", threads], input)
        };
        for from in ["in.csv", "-"] {
            filter("new.csv", from).expect(3).says(line).says("byte");
            assert!(!sandbox.exists("new.csv"));
            filter("earlier.csv", from).expect(3);
            assert_eq!(sandbox.read_text("earlier.csv"), "an earlier batch\n");
        }
    }
    let left: Vec<_> =
        fs::read_dir(sandbox.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "a failed run leaves something behind: {left:?}");
}

#[test]
fn an_unclosed_quote_is_refused_with_line_and_byte() {
    refused(&fs::read(root().join("data/strange/unclosed-quote.csv")).unwrap(), "line 3");
}

#[test]
fn an_unclosed_quote_before_megabytes_of_text_is_refused() {
    let mut input = b"email,note\nann@example.com,\"never closed\n".to_vec();
    input.extend(b"bob@example.com,fine\n".repeat(1_000_000));
    refused(&input, "line 2");
}

#[test]
fn a_record_of_one_mebibyte_passes_and_one_byte_more_is_refused() {
    let record = |bytes: usize| {
        let start = "ann@example.com,";
        format!("{start}{}", "x".repeat(bytes - start.len()))
    };
    let sandbox = Sandbox::new();
    let fits = format!("email,note\n{}\n", record(RECORD_BYTES_MAX - 1));
    let (kept, _) = same_everywhere(&sandbox, fits.as_bytes(), &[], "a record of almost 1 MiB");
    assert!(kept == fits.as_bytes());
    refused(
        format!("email,note\nbob@example.com,\n{}\n", record(RECORD_BYTES_MAX + 1)).as_bytes(),
        "line 3",
    );
    refused(format!("email,note\n{}", record(RECORD_BYTES_MAX * 9)).as_bytes(), "line 2");
    let quoted = format!("email,note\nann@example.com,\"{}\"\n", "y\n".repeat(RECORD_BYTES_MAX));
    refused(quoted.as_bytes(), "line 2");
}

#[test]
fn a_header_over_one_mebibyte_is_refused() {
    refused(
        format!("email,{}\nann@example.com\n", "h".repeat(RECORD_BYTES_MAX + 1)).as_bytes(),
        "line 1",
    );
}
