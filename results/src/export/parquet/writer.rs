//! Writes sample tables with the low-level column writers: no row is ever built.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use parquet::{
    basic::{Compression, Encoding, LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{ColumnPath, Type},
};
use thiserror::Error;

use super::{NO_VALUE, STAMPS, SampleColumns};
use crate::{
    atomic_file::{AtomicFile, WriteError},
    evidence::Evidence,
};

/// Rows of a row group: large enough for readers, small enough for the processor's cache.
pub const ROWS_PER_GROUP: usize = 1 << 17;

/// Values handed to an encoder at once.
const BATCH: usize = 1 << 14;

/// Why samples were not written. Nothing of the file is left behind.
#[derive(Debug, Error)]
pub enum SampleError {
    /// The disk would not have it.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The encoder refused.
    #[error("{path}: the samples could not be encoded ({source}); nothing was kept")]
    Encode {
        /// The file that was wanted.
        path: String,
        /// What the encoder said.
        source: ParquetError,
    },
    /// The caller's columns don't belong together.
    #[error("{path}: column {column} has {found} rows, column order has {wanted}; nothing was kept")]
    Uneven {
        /// The file that was wanted.
        path: String,
        /// The column that does not fit.
        column: &'static str,
        /// Its rows.
        found: usize,
        /// Rows of the table.
        wanted: usize,
    },
}

/// What the samples are of; goes into the file's key-value metadata.
#[derive(Clone, Debug)]
pub struct SampleMeta {
    /// Title of the cell: `afxdp/skb`.
    pub lane: String,
    /// Which repetition, from 1.
    pub repetition: u32,
    /// Which attempt at it, from 1.
    pub attempt: u32,
    /// What the stamps rest on.
    pub evidence: Evidence,
    /// SHA-256 of the tape, hexadecimal.
    pub tape_sha256: String,
    /// Names of the stage columns, each once.
    pub stages: Vec<String>,
    /// The clocks of the hardware stamps of exchange and trader, where there are columns of these.
    pub stamps: Option<[String; 2]>,
}

/// A Parquet file being written; it takes its place with [`SampleWriter::finish`], dropped before that it is gone.
pub struct SampleWriter {
    writer: SerializedFileWriter<Slot>,
    path: String,
    stages: usize,
    stamps: usize,
    scratch: Scratch,
}

/// Buffers used again for each batch.
#[derive(Default)]
struct Scratch {
    narrow: Vec<i32>,
    present: Vec<i64>,
    levels: Vec<i16>,
}

impl SampleWriter {
    /// Starts the file that will stand at `path`.
    ///
    /// # Errors
    /// When the folder can't be written to, or two stages have one name.
    pub fn create(path: &Path, meta: &SampleMeta) -> Result<Self, SampleError> {
        let shown = path.display().to_string();
        let encode = |source| SampleError::Encode { path: shown.clone(), source };
        let schema = schema(&meta.stages, meta.stamps.is_some()).map_err(encode)?;
        let file = Slot(Some(AtomicFile::create(path)?));
        let properties = Arc::new(properties(meta));
        let writer = SerializedFileWriter::new(file, Arc::new(schema), properties).map_err(encode)?;
        let stamps = if meta.stamps.is_some() { STAMPS.len() } else { 0 };
        Ok(Self { writer, path: shown, stages: meta.stages.len(), stamps, scratch: Scratch::default() })
    }

    /// Appends rows. [`ROWS_PER_GROUP`] at once fill a row group; the caller's buffers may be filled anew between calls,
    /// so that the whole table never has to be in memory.
    ///
    /// # Errors
    /// When the columns differ in length, or the disk is full.
    pub fn write(&mut self, columns: &SampleColumns<'_>) -> Result<(), SampleError> {
        let wanted = columns.rows();
        if let Some((column, found)) = columns.uneven() {
            return Err(SampleError::Uneven { path: self.path.clone(), column, found, wanted });
        }
        if columns.stages.len() != self.stages {
            let (column, found) = ("stages (number of columns)", columns.stages.len());
            let path = self.path.clone();
            return Err(SampleError::Uneven { path, column, found, wanted: self.stages });
        }
        if columns.stamps.len() != self.stamps {
            let (column, found) = ("stamps (number of columns)", columns.stamps.len());
            let path = self.path.clone();
            return Err(SampleError::Uneven { path, column, found, wanted: self.stamps });
        }
        for from in (0..wanted).step_by(ROWS_PER_GROUP) {
            let group = columns.slice(from, wanted.min(from + ROWS_PER_GROUP));
            let written = write_group(&mut self.writer, &mut self.scratch, &group);
            written.map_err(|e| self.explain(e))?;
        }
        Ok(())
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finish(mut self) -> Result<(), SampleError> {
        if let Err(e) = self.writer.finish() {
            return Err(self.explain(e));
        }
        match self.writer.inner_mut().0.take() {
            Some(file) => Ok(file.commit()?),
            None => Ok(()),
        }
    }

    /// An error of the disk comes wrapped by the encoder; the user is to see what the disk said.
    fn explain(&self, error: ParquetError) -> SampleError {
        let encode = |source| SampleError::Encode { path: self.path.clone(), source };
        let ParquetError::External(inner) = error else { return encode(error) };
        match (inner.downcast::<io::Error>(), &self.writer.inner().0) {
            (Ok(io), Some(file)) => SampleError::Write(file.explain(*io)),
            (Ok(io), None) => encode(ParquetError::External(io)),
            (Err(inner), _) => encode(ParquetError::External(inner)),
        }
    }
}

/// The file, until it is taken out to be committed: the encoder does not give back what it wrote to.
struct Slot(Option<AtomicFile>);

impl Write for Slot {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Some(file) => file.write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// Writes a whole table to `path`, whole or not at all.
///
/// # Errors
/// See [`SampleError`].
pub fn write_samples(path: &Path, meta: &SampleMeta, columns: &SampleColumns<'_>) -> Result<(), SampleError> {
    let mut writer = SampleWriter::create(path, meta)?;
    writer.write(columns)?;
    writer.finish()
}

fn properties(meta: &SampleMeta) -> WriterProperties {
    let pair = |key: &str, value: String| KeyValue::new(format!("tickcert.{key}"), value);
    let mut metadata = vec![
        pair("lane", meta.lane.clone()),
        pair("repetition", meta.repetition.to_string()),
        pair("attempt", meta.attempt.to_string()),
        pair("evidence", meta.evidence.to_string()),
        pair("tape_sha256", meta.tape_sha256.clone()),
    ];
    if let Some([exchange, trader]) = &meta.stamps {
        metadata.extend([pair("exchange_clock", exchange.clone()), pair("trader_clock", trader.clone())]);
    }
    WriterProperties::builder()
        .set_created_by(format!("tickcert {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata))
        // Times rise steadily and spans lie close together: differences pack into few bits, and nothing is gained by
        // compressing those again.
        .set_encoding(Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(ColumnPath::from("warm_up"), Encoding::RLE)
        .set_column_encoding(ColumnPath::from("measured"), Encoding::RLE)
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_write_batch_size(BATCH)
        .set_data_page_row_count_limit(1 << 17)
        .set_data_page_size_limit(1 << 20)
        .build()
}

fn schema(stages: &[String], stamps: bool) -> Result<Type, ParquetError> {
    let field = |name: &str, physical, repetition, logical| {
        Type::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    };
    let index = Some(LogicalType::integer(32, false));
    let mut fields = Vec::new();
    for name in ["order", "pass", "packet"] {
        fields.push(field(name, Physical::INT32, Repetition::REQUIRED, index.clone())?);
    }
    for name in ["due_ns", "sent_ns", "arrival_ns", "t2t_sent_ns", "t2t_due_ns"] {
        fields.push(field(name, Physical::INT64, Repetition::REQUIRED, None)?);
    }
    fields.push(field("trader_ns", Physical::INT64, Repetition::OPTIONAL, None)?);
    for name in ["warm_up", "measured"] {
        fields.push(field(name, Physical::BOOLEAN, Repetition::REQUIRED, None)?);
    }
    for (at, stage) in stages.iter().enumerate() {
        if stages[..at].contains(stage) {
            return Err(ParquetError::General(format!("two stages are called {stage}")));
        }
        let name = format!("stage_{stage}_ns");
        fields.push(field(&name, Physical::INT64, Repetition::OPTIONAL, None)?);
    }
    for name in STAMPS.iter().filter(|_| stamps) {
        fields.push(field(name, Physical::INT64, Repetition::OPTIONAL, None)?);
    }
    Type::group_type_builder("samples").with_fields(fields).build()
}

fn write_group(
    writer: &mut SerializedFileWriter<Slot>,
    scratch: &mut Scratch,
    columns: &SampleColumns<'_>,
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for values in [columns.order, columns.pass, columns.packet] {
        put_u32(&mut group, scratch, values)?;
    }
    for values in [columns.due_ns, columns.sent_ns, columns.arrival_ns, columns.t2t_sent_ns, columns.t2t_due_ns] {
        with_column(&mut group, |column| column.typed::<Int64Type>().write_batch(values, None, None).map(drop))?;
    }
    put_nullable(&mut group, scratch, columns.trader_ns)?;
    for values in [columns.warm_up, columns.measured] {
        with_column(&mut group, |column| column.typed::<BoolType>().write_batch(values, None, None).map(drop))?;
    }
    for column in columns.stages.iter().chain(&columns.stamps) {
        put_nullable(&mut group, scratch, column)?;
    }
    group.close().map(drop)
}

type Group<'a> = SerializedRowGroupWriter<'a, Slot>;

fn with_column(
    group: &mut Group<'_>,
    write: impl FnOnce(&mut parquet::file::writer::SerializedColumnWriter<'_>) -> Result<(), ParquetError>,
) -> Result<(), ParquetError> {
    let mut column =
        group.next_column()?.ok_or_else(|| ParquetError::General("more columns than the schema has".to_owned()))?;
    write(&mut column)?;
    column.close()
}

/// Parquet has no unsigned physical type: the bits are stored as they are, the logical type says how to read them.
fn put_u32(group: &mut Group<'_>, scratch: &mut Scratch, values: &[u32]) -> Result<(), ParquetError> {
    with_column(group, |column| {
        for batch in values.chunks(BATCH) {
            scratch.narrow.clear();
            scratch.narrow.extend(batch.iter().map(|v| v.cast_signed()));
            column.typed::<Int32Type>().write_batch(&scratch.narrow, None, None)?;
        }
        Ok(())
    })
}

/// Only the values that are there are stored; a level beside each row says whether it is.
fn put_nullable(group: &mut Group<'_>, scratch: &mut Scratch, values: &[i64]) -> Result<(), ParquetError> {
    with_column(group, |column| {
        for batch in values.chunks(BATCH) {
            scratch.levels.clear();
            scratch.levels.extend(batch.iter().map(|v| i16::from(*v != NO_VALUE)));
            scratch.present.clear();
            scratch.present.extend(batch.iter().filter(|v| **v != NO_VALUE));
            let levels = Some(scratch.levels.as_slice());
            column.typed::<Int64Type>().write_batch(&scratch.present, levels, None)?;
        }
        Ok(())
    })
}
