//! Batches in Parquet files and Arrow streams.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tempfile::NamedTempFile;

use super::{TableError, TableRow, from_batch};
use crate::arrow_schema::Table;

fn file_error(path: &Path) -> impl Fn(std::io::Error) -> TableError {
    move |source| TableError::File {
        path: path.to_owned(),
        source,
    }
}

/// Writes the batches as one Parquet file at `path`, whole or not at all: a reader never sees half a file. All batches
/// have the schema of `table`.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_parquet(path: &Path, table: Table, batches: &[RecordBatch]) -> Result<(), TableError> {
    let parquet_error = |source| TableError::Parquet {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(file_error(folder))?;
    let mut file = NamedTempFile::new_in(folder).map_err(file_error(folder))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer =
        ArrowWriter::try_new(file.as_file_mut(), table.schema(), Some(properties)).map_err(parquet_error)?;
    for batch in batches {
        writer.write(batch).map_err(parquet_error)?;
    }
    writer.close().map_err(parquet_error)?;
    file.as_file().sync_all().map_err(file_error(path))?;
    file.persist(path).map_err(|error| file_error(path)(error.error))?;
    // The name lasts only once the folder is on disk too.
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(file_error(folder))?;
    Ok(())
}

/// Reads the rows of the Parquet file at `path`.
///
/// # Errors
/// When the file cannot be read, is no Parquet, or is another table.
pub fn read_parquet<R: TableRow>(path: &Path) -> Result<Vec<R>, TableError> {
    let parquet_error = |source| TableError::Parquet {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(file_error(path))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build());
    let mut rows = Vec::new();
    for batch in reader.map_err(parquet_error)? {
        rows.extend(from_batch::<R>(&batch.map_err(|source| parquet_error(source.into()))?)?);
    }
    Ok(rows)
}

/// Reads the rows of every part of `R`'s table below `folder`, as [`CorpusWriter`](super::CorpusWriter) writes them.
///
/// # Errors
/// As [`read_parquet`]; a table without parts has no rows and is no error.
pub fn read_parts<R: TableRow>(folder: &Path) -> Result<Vec<R>, TableError> {
    let mut rows = Vec::new();
    for (_, path) in parts(folder, R::TABLE)? {
        rows.extend(read_parquet::<R>(&path)?);
    }
    Ok(rows)
}

/// Number and path of each part of `table` below `folder`, in order.
pub(super) fn parts(folder: &Path, table: Table) -> Result<Vec<(u32, PathBuf)>, TableError> {
    let folder = folder.join(table.name());
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(file_error(&folder)(error)),
    };
    let mut parts = Vec::new();
    for entry in entries {
        let path = entry.map_err(file_error(&folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name
            .strip_prefix("part-")
            .and_then(|name| name.strip_suffix(".parquet"));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            parts.push((number, path));
        }
    }
    parts.sort();
    Ok(parts)
}

/// The path of part `number` of `table` below `folder`: `utterances/part-0000.parquet`.
pub(super) fn part_path(folder: &Path, table: Table, number: u32) -> PathBuf {
    folder.join(table.name()).join(format!("part-{number:04}.parquet"))
}

/// Writes the batches to `out` as an Arrow IPC stream. A stream has one schema, so it holds one table.
///
/// # Errors
/// When `out` cannot be written or a batch is of another table.
pub fn write_stream<'a>(
    out: impl Write,
    table: Table,
    batches: impl IntoIterator<Item = &'a RecordBatch>,
) -> Result<(), TableError> {
    let stream_error = |source| TableError::Stream { source };
    let mut writer = StreamWriter::try_new(out, &table.schema()).map_err(stream_error)?;
    for batch in batches {
        writer.write(batch).map_err(stream_error)?;
    }
    writer.finish().map_err(stream_error)
}

/// Reads the rows of an Arrow IPC stream.
///
/// # Errors
/// When the stream breaks off or holds another table.
pub fn read_stream<R: TableRow>(input: impl Read) -> Result<Vec<R>, TableError> {
    let stream_error = |source| TableError::Stream { source };
    let mut rows = Vec::new();
    for batch in StreamReader::try_new(input, None).map_err(stream_error)? {
        rows.extend(from_batch::<R>(&batch.map_err(stream_error)?)?);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::{Metric, to_batch};

    fn metrics() -> Vec<Metric> {
        let metric = |name: &str, value| Metric {
            meeting: None,
            name: name.to_owned(),
            value,
        };
        vec![metric("rouge1", 0.4), metric("rouge2", 0.09)]
    }

    #[test]
    fn a_stream_is_read_as_it_was_written() {
        let batch = to_batch(&metrics()).unwrap();
        let mut bytes = Vec::new();
        write_stream(&mut bytes, Table::Metrics, [&batch, &batch]).unwrap();
        assert_eq!(
            read_stream::<Metric>(bytes.as_slice()).unwrap(),
            [metrics(), metrics()].concat()
        );
        let half = bytes.get(..bytes.len() / 2).unwrap();
        assert!(read_stream::<Metric>(half).is_err());
    }

    #[test]
    fn parquet_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.parquet");
        write_parquet(&path, Table::Metrics, &[to_batch(&metrics()).unwrap()]).unwrap();
        assert_eq!(read_parquet::<Metric>(&path).unwrap(), metrics());
        std::fs::write(&path, b"PAR1 cut").unwrap();
        assert!(matches!(read_parquet::<Metric>(&path), Err(TableError::Parquet { .. })));
    }
}
