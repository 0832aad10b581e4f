//! Records as Arrow tables and back, in Parquet files and in Arrow streams.
//!
//! [`MeetingTables`] spreads meetings over the tables and puts them together again; [`CorpusWriter`] keeps the tables of
//! a corpus as Parquet parts; [`write_stream`] sends one table to any [`Write`](std::io::Write) as Arrow IPC.

use std::path::PathBuf;

use arrow::datatypes::FieldRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::errors::ParquetError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arrow_schema::Table;

mod assembly;
mod context_rows;
mod corpus_writer;
mod files;
mod meeting_rows;
mod minutes_rows;

pub use assembly::{MeetingRecords, MeetingTables};
pub use context_rows::{ContextItemRow, Metric};
pub use corpus_writer::CorpusWriter;
pub use files::{read_parquet, read_parts, read_stream, write_parquet, write_stream};
pub use meeting_rows::{
    AccessColumns, DelegationColumns, MeetingRow, ParameterColumns, ParticipantRow, ProvenanceColumns, ReplacedColumns,
    SuppressedColumns, TranscriptRow, UtteranceRow, WordColumns,
};
pub use minutes_rows::{
    ActionRow, CoverageRow, DecisionRow, DroppedColumns, PassageColumns, StatementRow, TopicRow, UnsupportedColumns,
};

/// A row of one of the tables; its fields are the table's columns.
pub trait TableRow: Serialize + DeserializeOwned {
    /// The table.
    const TABLE: Table;
}

/// A table could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Rows and columns do not fit: a file of another table, or a value out of range.
    #[error("rows do not fit the table `{}`", table.name())]
    Rows {
        /// Which table.
        table: Table,
        /// What does not fit.
        source: Box<serde_arrow::Error>,
    },
    /// A value that no record can have, in a file that somebody else wrote.
    #[error("`{value}` is no {column} of the table `{}`", table.name())]
    Value {
        /// Which table.
        table: Table,
        /// Which column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// A file could not be opened, made or renamed.
    #[error("cannot use {}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A Parquet file could not be written, or is none.
    #[error("cannot use {} as Parquet", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ParquetError,
    },
    /// An Arrow stream broke off, or is none.
    #[error("cannot use the Arrow stream")]
    Stream {
        /// What is wrong.
        source: ArrowError,
    },
}

/// The rows as one batch with the table's schema.
///
/// # Errors
/// When a value does not fit its column.
pub fn to_batch<R: TableRow>(rows: &[R]) -> Result<RecordBatch, TableError> {
    let fields: Vec<FieldRef> = R::TABLE.fields().iter().cloned().collect();
    serde_arrow::to_record_batch(&fields, &rows).map_err(|source| rows_error(R::TABLE, source))
}

/// The rows of a batch of the table.
///
/// # Errors
/// When a column is missing or of another type.
pub fn from_batch<R: TableRow>(batch: &RecordBatch) -> Result<Vec<R>, TableError> {
    serde_arrow::from_record_batch(batch).map_err(|source| rows_error(R::TABLE, source))
}

fn rows_error(table: Table, source: serde_arrow::Error) -> TableError {
    TableError::Rows {
        table,
        source: Box::new(source),
    }
}

/// Reads a record's value out of a column of text, or says which value is none.
fn parse<T>(
    table: Table,
    column: &'static str,
    value: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, TableError> {
    read(value).ok_or_else(|| TableError::Value {
        table,
        column,
        value: value.to_owned(),
    })
}
