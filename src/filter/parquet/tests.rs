//! What is read back of the results is what was in the input, whatever its types; damage is an error.

use super::super::tests::snapshot;
use super::super::{ColumnChoice, Filter, OnInvalid, Options, Tally};
use crate::address::Policy;
use crate::error::{Error, ErrorKind};
use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::basic::{Compression, Encoding, ZstdLevel};
use ::parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int96, Int96Type};
use ::parquet::file::metadata::{KeyValue, ParquetMetaData, ParquetMetaDataReader};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::record::Row;
use ::parquet::schema::parser::parse_message_type;
use arrow_array::builder::{FixedSizeBinaryBuilder, ListBuilder, StringBuilder};
use arrow_array::types::Int32Type as Int32;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, DictionaryArray, Float64Array,
    Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

struct Results {
    kept: Bytes,
    withheld: Bytes,
    tally: Tally,
}

fn file(bytes: &[u8]) -> File {
    super::spool(bytes, "test").unwrap()
}

fn run(bytes: &[u8], options: &Options) -> Result<Results, Error> {
    let (snapshot, hasher) = snapshot();
    let policy = Policy::default();
    let filter = Filter { snapshot: &snapshot, hasher: &hasher, policy, options };
    let (mut kept, mut withheld) = (Vec::new(), Vec::new());
    let summary = filter.run_parquet(file(bytes), &mut kept, Some(&mut withheld), &|_| {})?;
    Ok(Results { kept: kept.into(), withheld: withheld.into(), tally: summary.tally })
}

fn column(name: &str) -> Options {
    Options { email_columns: vec![ColumnChoice(name.to_owned())], ..Options::default() }
}

#[track_caller]
fn refused(bytes: &[u8], options: &Options, kind: ErrorKind, words: &str) {
    let error = run(bytes, options).err().expect("an error");
    let told = error.to_string();
    assert!(told.contains(words), "{told}");
    assert_eq!(error.kind(), kind, "{told}");
}

fn read(bytes: &Bytes) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    let schema = builder.schema().clone();
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn metadata(bytes: &Bytes) -> ParquetMetaData {
    ParquetMetaDataReader::new().parse_and_finish(bytes).unwrap()
}

fn group_rows(bytes: &Bytes) -> Vec<i64> {
    metadata(bytes).row_groups().iter().map(|group| group.num_rows()).collect()
}

fn written(batch: &RecordBatch, properties: WriterProperties, group: usize) -> Bytes {
    let mut out = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut out, batch.schema(), Some(properties)).unwrap();
    for from in (0..batch.num_rows()).step_by(group.max(1)) {
        writer.write(&batch.slice(from, group.min(batch.num_rows() - from))).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    out.into()
}

fn addresses(rows: usize) -> Vec<Option<String>> {
    (0..rows)
        .map(|row| match row % 9 {
            0 => Some(format!("A{}@Example.com", row % 10)),
            4 => None,
            5 => Some("nobody".to_owned()),
            _ => Some(format!("reader.{row}@example.com")),
        })
        .collect()
}

/// What [`addresses`] gives is kept: `a0` to `a4` are suppressed.
fn is_kept(address: &Option<String>) -> bool {
    let Some(address) = address else { return false };
    address.starts_with("reader.")
        || ["A5", "A6", "A7", "A8", "A9"].iter().any(|a| address.starts_with(a))
}

/// Every kind of column there is, or nearly.
fn everything(rows: usize) -> RecordBatch {
    let emails = addresses(rows);
    let every = |n: usize| (0..rows).map(move |row| (row % n != 0).then_some(row as i64));
    let mut tags = ListBuilder::new(StringBuilder::new());
    for row in 0..rows {
        for tag in 0..row % 4 {
            tags.values().append_option((tag != 2).then(|| format!("tag {tag}")));
        }
        tags.append(row % 5 != 0);
    }
    let inner = StructArray::from(vec![
        (
            Arc::new(Field::new("x", DataType::Int64, true)),
            Arc::new(Int64Array::from_iter(every(3))) as ArrayRef,
        ),
        (
            Arc::new(Field::new("s", DataType::Utf8View, true)),
            Arc::new(StringViewArray::from_iter(every(2).map(|n| n.map(|n| n.to_string())))),
        ),
    ]);
    let mut uuids = FixedSizeBinaryBuilder::new(16);
    (0..rows).for_each(|row| uuids.append_value([(row % 251).to_le_bytes()[0]; 16]).unwrap());
    let words = ["red", "green", "blue"];
    let coloured: DictionaryArray<Int32> =
        (0..rows).map(|row| (row % 6 != 0).then(|| words[row % 3])).collect();
    let floats = (0..rows).map(|row| if row % 8 == 0 { f64::NAN } else { -0.0 + row as f64 });
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row as i64)))),
        ("email", Arc::new(StringArray::from(emails.clone()))),
        ("colour", Arc::new(coloured)),
        (
            "price",
            Arc::new(
                Decimal128Array::from_iter(every(4).map(|n| n.map(i128::from)))
                    .with_precision_and_scale(30, 4)
                    .unwrap(),
            ),
        ),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from_iter(every(5)).with_timezone("Europe/Paris")),
        ),
        ("tags", Arc::new(tags.finish())),
        ("inner", Arc::new(inner)),
        ("f", Arc::new(Float64Array::from_iter_values(floats))),
        ("b", Arc::new(BooleanArray::from_iter((0..rows).map(|row| Some(row % 3 == 0))))),
        ("uuid", Arc::new(uuids.finish())),
        ("large", Arc::new(LargeStringArray::from(emails.clone()))),
        (
            "raw",
            Arc::new(BinaryArray::from_iter(
                emails
                    .iter()
                    .map(|email| email.as_ref().map(|email| [email.as_bytes(), b"\xff"].concat())),
            )),
        ),
    ];
    let fields = columns.iter().map(|(name, array)| {
        let field = Field::new(*name, array.data_type().clone(), array.is_nullable());
        field.with_metadata(HashMap::from([("note".to_owned(), format!("of {name}"))]))
    });
    let fields: Vec<_> = fields.collect();
    let schema = Schema::new(fields).with_metadata(HashMap::from([("k".into(), "v".into())]));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(schema), arrays).unwrap()
}

fn one_column(array: ArrayRef) -> Bytes {
    let field = Field::new("email", array.data_type().clone(), true);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap();
    written(&batch, WriterProperties::default(), 3)
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_column_compression("id".into(), Compression::ZSTD(ZstdLevel::default()))
        .set_column_compression("f".into(), Compression::LZ4_RAW)
        .set_column_compression("price".into(), Compression::UNCOMPRESSED)
        .set_column_compression("at".into(), Compression::GZIP(Default::default()))
        .set_column_compression("b".into(), Compression::BROTLI(Default::default()))
        .set_column_dictionary_enabled("id".into(), false)
        .set_column_encoding("id".into(), Encoding::DELTA_BINARY_PACKED)
        .set_column_dictionary_enabled("email".into(), false)
        .set_column_statistics_enabled("raw".into(), EnabledStatistics::None)
        .set_key_value_metadata(Some(vec![KeyValue::new("pandas".to_owned(), "{}".to_owned())]))
        .build()
}

#[test]
fn every_type_comes_back_as_it_was() {
    let batch = everything(1000);
    let v2 = properties().into_builder().set_writer_version(WriterVersion::PARQUET_2_0).build();
    for (properties, group) in [(properties(), 300), (v2, 1000), (properties(), 7)] {
        let bytes = written(&batch, properties, group);
        let found = run(&bytes, &Options { threads: 3, ..Options::default() }).unwrap();
        let mask: Vec<bool> = addresses(1000).iter().map(is_kept).collect();
        let expected =
            filter_record_batch(&read(&bytes), &BooleanArray::from(mask.clone())).unwrap();
        assert_eq!(read(&found.kept), expected);
        let kept = mask.iter().filter(|kept| **kept).count();
        assert_eq!((found.tally.read, found.tally.kept), (1000, kept as u64));

        let mask = BooleanArray::from_iter(mask.iter().map(|kept| Some(!kept)));
        let expected = filter_record_batch(&read(&bytes), &mask).unwrap();
        let withheld = read(&found.withheld);
        let columns = expected.num_columns();
        let plain = withheld.project(&(0..columns).collect::<Vec<_>>()).unwrap();
        assert_eq!(plain, expected);
        let reason = withheld.column_by_name("quell_reason").unwrap();
        let reason = reason.as_any().downcast_ref::<StringArray>().unwrap();
        assert_eq!((reason.value(0), reason.value(1)), ("manual", "invalid_address"));
        assert_eq!(withheld.num_columns(), columns + 2);
    }
}

#[test]
fn the_file_stays_what_it_was_around_its_rows() {
    let bytes = written(&everything(1000), properties(), 300);
    let found = run(&bytes, &Options::default()).unwrap();
    let (before, after) = (metadata(&bytes), metadata(&found.kept));
    let file = |metadata: &ParquetMetaData| {
        let file = metadata.file_metadata();
        (file.schema_descr().root_schema().clone(), file.key_value_metadata().cloned())
    };
    assert_eq!(file(&before), file(&after));
    let columns = |metadata: &ParquetMetaData| -> Vec<_> {
        let columns = metadata.row_group(1).columns().iter();
        columns
            .map(|column| {
                let encodings: Vec<_> = column.encodings().collect();
                let indexed = column.column_index_offset().is_some();
                (column.compression(), encodings, column.statistics().is_some(), indexed)
            })
            .collect()
    };
    assert_eq!(columns(&before), columns(&after));
    assert_eq!(before.num_row_groups(), after.num_row_groups());
}

#[test]
fn threads_and_row_groups_change_nothing() {
    let batch = everything(500);
    for dedupe in [false, true] {
        let whole =
            run(&written(&batch, properties(), 500), &Options { dedupe, ..Options::default() });
        let whole = whole.unwrap();
        for group in [1, 3, 50] {
            let bytes = written(&batch, properties(), group);
            let one = run(&bytes, &Options { dedupe, ..Options::default() }).unwrap();
            let many = run(&bytes, &Options { dedupe, threads: 4, ..Options::default() }).unwrap();
            assert!(one.kept == many.kept && one.withheld == many.withheld, "{group}");
            assert_eq!((one.tally, many.tally), (whole.tally, whole.tally));
            assert_eq!(read(&one.kept), read(&whole.kept));
        }
    }
}

#[test]
fn any_column_of_texts_may_hold_the_address() {
    let emails = ["a1@example.com", "b@example.com", "A2@example.com", "c@example.com", "nobody"];
    let some = || emails.iter().map(|email| Some(*email)).chain([None]);
    let dictionary: DictionaryArray<Int32> = some().collect();
    let bytes = emails.iter().map(|email| email.as_bytes());
    for array in [
        Arc::new(StringArray::from_iter(some())) as ArrayRef,
        Arc::new(LargeStringArray::from_iter(some())),
        Arc::new(StringViewArray::from_iter(some())),
        Arc::new(dictionary),
        Arc::new(BinaryArray::from_iter(bytes.map(Some).chain([None]))),
    ] {
        let kind = array.data_type().clone();
        let found = run(&one_column(array), &Options::default()).unwrap();
        assert_eq!((found.tally.read, found.tally.kept), (6, 2), "{kind}");
        assert_eq!(group_rows(&found.kept), [1, 1], "{kind}");
    }
    let keep = Options { invalid: OnInvalid::Keep, ..Options::default() };
    let bytes = one_column(Arc::new(StringArray::from_iter(some())));
    assert_eq!(run(&bytes, &keep).unwrap().tally.kept, 4);
    let fail = Options { invalid: OnInvalid::Fail, ..Options::default() };
    refused(&bytes, &fail, ErrorKind::Input, "row 5: the row has no usable address");
}

#[test]
fn every_address_of_a_list_counts() {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for list in [
        Some(vec![Some("b@example.com"), Some("c@example.com")]),
        Some(vec![Some("b@example.com"), Some("a1@example.com")]),
        Some(vec![]),
        None,
        Some(vec![Some("b@example.com"), None]),
        Some(vec![Some("d@example.com")]),
    ] {
        lists.append_option(list);
    }
    let bytes = one_column(Arc::new(lists.finish()));
    let found = run(&bytes, &Options::default()).unwrap();
    let expected = filter_record_batch(
        &read(&bytes),
        &BooleanArray::from(vec![true, false, false, false, false, true]),
    );
    assert_eq!(read(&found.kept), expected.unwrap());
}

#[test]
fn columns_are_found_or_named() {
    let bytes = written(&everything(20), properties(), 20);
    let kept = |name: &str| run(&bytes, &column(name)).unwrap().tally.kept;
    let mask = addresses(20).iter().filter(|address| is_kept(address)).count() as u64;
    for name in ["email", "EMAIL", " email ", "/email", "2", "large", "11"] {
        assert_eq!(kept(name), mask, "{name}");
    }
    assert_eq!((kept("inner.s"), kept("/inner/s"), kept("tags"), kept("colour")), (0, 0, 0, 0));
    for (name, words) in [
        ("mail", "no column `mail`; the columns are `id`, `email`"),
        ("0", "no column"),
        ("99", "no column"),
        ("7", "column 7 is a struct"),
        ("inner", "no column"),
        ("id", "does not hold texts"),
        ("price", "does not hold texts"),
        ("uuid", "does not hold texts"),
        ("inner.x", "does not hold texts"),
    ] {
        refused(&bytes, &column(name), ErrorKind::Usage, words);
    }
    let contact = |name: &str| Options {
        contact_column: Some(ColumnChoice(name.to_owned())),
        ..Options::default()
    };
    for name in ["id", "inner.x", "inner.s", "colour"] {
        assert_eq!(run(&bytes, &contact(name)).unwrap().tally.kept, mask, "{name}");
    }
    refused(&bytes, &contact("tags"), ErrorKind::Usage, "one contact a row");
    refused(&bytes, &contact("price"), ErrorKind::Usage, "texts or integers");
    refused(&bytes, &contact("raw"), ErrorKind::Input, "row 1: the row's contact is not UTF-8");
    let list = Options { list_column: Some(ColumnChoice("tags".into())), ..Options::default() };
    assert_eq!(run(&bytes, &list).unwrap().tally.kept, mask);
    let none = written(&everything(3).project(&[0, 2]).unwrap(), properties(), 3);
    refused(&none, &Options::default(), ErrorKind::Usage, "the columns are `id`, `colour`");
    let again = run(&bytes, &Options::default()).unwrap().withheld;
    refused(&again, &Options::default(), ErrorKind::Usage, "has a column `quell_reason`");
}

#[test]
fn no_rows_are_a_file_without_rows() {
    for batch in [everything(0), everything(1)] {
        let bytes = written(&batch, properties(), 1);
        let found = run(&bytes, &Options::default()).unwrap();
        assert_eq!(read(&found.kept).num_rows(), 0);
        assert_eq!(read(&found.kept).schema(), read(&bytes).schema());
        assert!(group_rows(&found.kept).is_empty());
        assert_eq!(found.tally.read, batch.num_rows() as u64);
    }
}

/// A file of a schema that Arrow would not write: its leaves by hand.
fn by_hand() -> Bytes {
    let schema = "message m {
        required binary email (UTF8);
        optional int96 t;
        optional int32 d (DECIMAL(6,2));
        repeated int32 r;
        optional group old (LIST) { repeated binary array (UTF8); }
        required binary j (JSON);
    }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut out = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut out, schema, Default::default()).unwrap();
    let text = |texts: &[&str]| texts.iter().map(|text| ByteArray::from(*text)).collect::<Vec<_>>();
    let stamp = |n| Int96::from(vec![n, 2, 3]);
    for empty in [false, true] {
        let mut group = writer.next_row_group().unwrap();
        macro_rules! leaf {
            ($type:ty, $values:expr, $definitions:expr, $repetitions:expr) => {{
                let mut column = group.next_column().unwrap().unwrap();
                if !empty {
                    let values = $values;
                    column
                        .typed::<$type>()
                        .write_batch(&values, $definitions, $repetitions)
                        .unwrap();
                }
                column.close().unwrap();
            }};
        }
        let emails = text(&["b@example.com", "a1@example.com", "c@example.com"]);
        leaf!(ByteArrayType, emails, None, None);
        leaf!(Int96Type, [stamp(1), stamp(7)], Some(&[1, 0, 1][..]), None);
        leaf!(Int32Type, [125, -1], Some(&[1, 1, 0][..]), None);
        leaf!(Int32Type, [1, 2, 3, 4], Some(&[1, 1, 1, 1][..]), Some(&[0, 1, 0, 0][..]));
        leaf!(ByteArrayType, text(&["x", "y"]), Some(&[2, 2, 1, 0][..]), Some(&[0, 1, 0, 0][..]));
        leaf!(ByteArrayType, text(&["{}", "[]", "1"]), None, None);
        group.close().unwrap();
    }
    writer.close().unwrap();
    out.into()
}

#[test]
fn types_of_old_survive() {
    let bytes = by_hand();
    let found = run(&bytes, &Options::default()).unwrap();
    let rows = |bytes: &Bytes| -> Vec<Row> {
        let reader = SerializedFileReader::new(bytes.clone()).unwrap();
        reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
    };
    let (before, after) = (rows(&bytes), rows(&found.kept));
    assert_eq!(after, [before[0].clone(), before[2].clone()]);
    let schema = |bytes: &Bytes| metadata(bytes).file_metadata().schema().clone();
    assert_eq!(schema(&bytes), schema(&found.kept));
    assert_eq!((group_rows(&bytes), group_rows(&found.kept)), (vec![3, 0], vec![2]));
    refused(&bytes, &column("j"), ErrorKind::Usage, "does not hold texts");
    assert_eq!(run(&bytes, &column("old")).unwrap().tally.read, 3);
}

#[test]
fn what_is_cut_off_is_refused() {
    let bytes = written(&everything(20), properties(), 10);
    for length in (0..bytes.len()).step_by(7).chain(bytes.len() - 12..bytes.len()) {
        refused(&bytes[..length], &Options::default(), ErrorKind::Input, "not a Parquet file");
    }
    let mut encrypted = bytes.to_vec();
    let magic = encrypted.len() - 4..;
    encrypted[magic].copy_from_slice(b"PARE");
    refused(&encrypted, &Options::default(), ErrorKind::Input, "not a Parquet file");
}

#[test]
fn a_flipped_bit_is_an_error_or_harmless() {
    let (snapshot, hasher) = snapshot();
    let policy = Policy::default();
    let plain = WriterProperties::builder().build();
    for (properties, columns) in [(properties(), vec![1, 5]), (plain, vec![0, 1])] {
        let bytes = written(&everything(12).project(&columns).unwrap(), properties, 6);
        let mut refused = 0;
        for at in (0..bytes.len()).step_by(3) {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1 << (at * 5 % 8);
            let options = Options { threads: 1 + at % 2, ..Options::default() };
            let filter = Filter { snapshot: &snapshot, hasher: &hasher, policy, options: &options };
            let (mut kept, mut withheld) = (Vec::new(), Vec::new());
            match filter.run_parquet(file(&flipped), &mut kept, Some(&mut withheld), &|_| {}) {
                Ok(summary) => {
                    let tally = summary.tally;
                    assert_eq!(tally.read, tally.kept + tally.withheld, "{at}");
                    let sum = |bytes: Vec<u8>| group_rows(&bytes.into()).iter().sum::<i64>();
                    let sums = (sum(kept), sum(withheld));
                    assert_eq!(sums, (tally.kept as i64, tally.withheld as i64), "{at}");
                }
                Err(error) => {
                    refused += 1;
                    let kinds = [ErrorKind::Input, ErrorKind::Usage];
                    assert!(kinds.contains(&error.kind()), "{at}: {error}");
                }
            }
        }
        assert!(refused > 50, "{refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn the_same_rows_are_kept_as_of_csv(
        rows in prop::collection::vec((0..10_u8, 0..5_u8), 1..40),
        threads in 1..4_usize,
        group in 1..20_usize,
        dedupe in any::<bool>(),
    ) {
        let rows: Vec<Option<String>> = rows.iter().map(|(number, form)| match form {
            0 => Some(format!("A{number}@Example.com")),
            1 => Some(format!("An, \"{number}\" <a{number}@example.com>")),
            2 => None,
            3 => Some("nobody".to_owned()),
            _ => Some(format!("a{number}@example.com")),
        }).collect();
        let array = StringArray::from(rows.clone());
        let batch = RecordBatch::try_from_iter([("Email ", Arc::new(array) as ArrayRef)]).unwrap();
        let bytes = written(&batch, WriterProperties::default(), group);
        let found = run(&bytes, &Options { threads, dedupe, ..Options::default() }).unwrap();

        let mut csv = b"email,x\n".to_vec();
        for row in &rows {
            let text = row.as_deref().unwrap_or_default().replace('"', "\"\"");
            writeln!(csv, "\"{text}\",").unwrap();
        }
        let (snapshot, hasher) = snapshot();
        let options = Options { dedupe, ..Options::default() };
        let policy = Policy::default();
        let filter = Filter { snapshot: &snapshot, hasher: &hasher, policy, options: &options };
        let mut kept = Vec::new();
        let (summary, _) =
            filter.run(csv.as_slice(), &mut kept, None::<&mut Vec<u8>>, &|_| {}).unwrap();
        prop_assert_eq!(summary.tally, found.tally);
        let mut reader = csv::Reader::from_reader(kept.as_slice());
        let of_csv: Vec<String> =
            reader.records().map(|record| record.unwrap()[0].to_owned()).collect();
        let of_parquet = read(&found.kept);
        let of_parquet = of_parquet.column(0).as_any().downcast_ref::<StringArray>().unwrap();
        let of_parquet: Vec<String> =
            of_parquet.iter().map(|text| text.unwrap().to_owned()).collect();
        prop_assert_eq!(of_parquet, of_csv);
    }
}
