//! Raw samples as Parquet, read back with the crate and with another implementation.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::{path::Path, process::Command};

use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::RowAccessor,
};
use tickcert_results::{
    evidence::Evidence,
    export::parquet::{NO_VALUE, SampleColumns, SampleError, SampleMeta, SampleWriter, write_samples},
};

/// Owns what [`SampleColumns`] borrows.
struct Table {
    index: Vec<u32>,
    pass: Vec<u32>,
    due: Vec<i64>,
    sent: Vec<i64>,
    arrival: Vec<i64>,
    t2t_sent: Vec<i64>,
    t2t_due: Vec<i64>,
    trader: Vec<i64>,
    warm_up: Vec<bool>,
    measured: Vec<bool>,
    decode: Vec<i64>,
}

fn table(rows: u32) -> Table {
    let all = || 0..rows;
    let due = |i: u32| i64::from(i) * 50_000;
    let sent = |i: u32| due(i) + i64::from(i % 97);
    let arrival = |i: u32| sent(i) + 8_000 + i64::from(i.wrapping_mul(2_654_435_761) % 4_096);
    Table {
        // The largest index shows that unsigned is kept.
        index: all().map(|i| if i == 1 { u32::MAX } else { i % 4_000 }).collect(),
        pass: all().map(|i| i / 4_000).collect(),
        due: all().map(due).collect(),
        sent: all().map(sent).collect(),
        arrival: all().map(arrival).collect(),
        t2t_sent: all().map(|i| arrival(i) - sent(i)).collect(),
        t2t_due: all().map(|i| arrival(i) - due(i)).collect(),
        trader: all().map(|i| if i % 3 == 0 { NO_VALUE } else { 2_000 + i64::from(i % 11) }).collect(),
        warm_up: all().map(|i| i < rows / 10).collect(),
        measured: all().map(|i| i >= rows / 10 && i % 5 != 0).collect(),
        decode: all().map(|i| if i % 2 == 0 { 24 } else { NO_VALUE }).collect(),
    }
}

impl Table {
    fn columns(&self) -> SampleColumns<'_> {
        SampleColumns {
            order: &self.index,
            pass: &self.pass,
            packet: &self.index,
            due_ns: &self.due,
            sent_ns: &self.sent,
            arrival_ns: &self.arrival,
            t2t_sent_ns: &self.t2t_sent,
            t2t_due_ns: &self.t2t_due,
            trader_ns: &self.trader,
            warm_up: &self.warm_up,
            measured: &self.measured,
            stages: vec![&self.decode],
            stamps: vec![],
        }
    }
}

fn meta() -> SampleMeta {
    SampleMeta {
        lane: "kernel-udp".to_owned(),
        repetition: 3,
        attempt: 1,
        evidence: Evidence::Emulated,
        tape_sha256: "ab".repeat(32),
        stages: vec!["decode".to_owned()],
        stamps: None,
    }
}

#[test]
fn what_was_written_is_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    let table = table(20_000);
    write_samples(&path, &meta(), &table.columns()).unwrap();

    let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    let pairs = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let value = |key: &str| pairs.iter().find(|p| p.key == key).and_then(|p| p.value.as_deref());
    assert_eq!(value("tickcert.lane"), Some("kernel-udp"));
    assert_eq!(value("tickcert.evidence"), Some("emulated"));
    let mut rows = 0;
    for (i, row) in reader.get_row_iter(None).unwrap().enumerate() {
        let row = row.unwrap();
        assert_eq!(row.get_uint(0).unwrap(), table.index[i]);
        assert_eq!(row.get_uint(1).unwrap(), table.pass[i]);
        assert_eq!(row.get_long(3).unwrap(), table.due[i]);
        assert_eq!(row.get_long(5).unwrap(), table.arrival[i]);
        assert_eq!(row.get_long(7).unwrap(), table.t2t_due[i]);
        assert_eq!(row.get_long(8).ok(), Some(table.trader[i]).filter(|v| *v != NO_VALUE));
        assert_eq!(row.get_bool(9).unwrap(), table.warm_up[i]);
        assert_eq!(row.get_bool(10).unwrap(), table.measured[i]);
        assert_eq!(row.get_long(11).ok(), Some(table.decode[i]).filter(|v| *v != NO_VALUE));
        rows += 1;
    }
    assert_eq!(rows, 20_000);
}

#[test]
fn rows_given_in_pieces_come_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    let table = table(9_000);
    let mut writer = SampleWriter::create(&path, &meta()).unwrap();
    writer.write(&table.columns()).unwrap();
    writer.write(&table.columns()).unwrap();
    writer.finish().unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    let dues: Vec<i64> = reader.get_row_iter(None).unwrap().map(|r| r.unwrap().get_long(3).unwrap()).collect();
    assert_eq!(dues, [table.due.as_slice(), table.due.as_slice()].concat());
}

#[test]
fn columns_of_different_length_are_an_error_and_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    let table = table(100);
    let columns = SampleColumns { trader_ns: &table.trader[..99], ..table.columns() };
    let error = write_samples(&path, &meta(), &columns).unwrap_err();
    assert!(matches!(error, SampleError::Uneven { column: "trader_ns", found: 99, .. }), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_table_without_rows_is_a_file_without_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    write_samples(&path, &meta(), &table(0).columns()).unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn another_implementation_reads_the_same() {
    let python = std::env::var("TICKCERT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    let table = table(150_000);
    write_samples(&path, &meta(), &table.columns()).unwrap();
    let sum = |values: &[i64]| values.iter().filter(|v| **v != NO_VALUE).sum::<i64>().to_string();
    let wanted = format!("150000 {} {} {} uint32\n", sum(&table.t2t_due), sum(&table.trader), sum(&table.decode));
    let pyarrow = "import sys, pyarrow.parquet as p, pyarrow.compute as c\n\
        t = p.read_table(sys.argv[1])\n\
        s = lambda n: c.sum(t[n]).as_py()\n\
        print(t.num_rows, s('t2t_due_ns'), s('trader_ns'), s('stage_decode_ns'), t.schema.field('order').type)";
    let duckdb = "import sys, duckdb\n\
        r = duckdb.sql(\"select count(*), sum(t2t_due_ns), sum(trader_ns), sum(stage_decode_ns), \
        lower(replace(any_value(typeof(\\\"order\\\")), 'UINTEGER', 'uint32')) from '\" + sys.argv[1] + \"'\").fetchall()[0]\n\
        print(*r)";
    let mut tried = 0;
    for (module, program) in [("pyarrow", pyarrow), ("duckdb", duckdb)] {
        match read_with(&python, module, program, &path) {
            Some(found) => {
                assert_eq!(found, wanted, "{module}");
                tried += 1;
            }
            None => println!("SKIPPED: {python} can't import {module}"),
        }
    }
    println!("read by {tried} other implementations");
}

/// What `program` prints about the file; `None` when Python or the module is missing.
fn read_with(python: &str, module: &str, program: &str, path: &Path) -> Option<String> {
    let there = Command::new(python).args(["-c", &format!("import {module}")]).output();
    if !there.is_ok_and(|o| o.status.success()) {
        return None;
    }
    let out = Command::new(python).args(["-c", program]).arg(path).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Some(String::from_utf8(out.stdout).unwrap())
}
