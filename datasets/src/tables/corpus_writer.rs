//! The tables of a corpus as Parquet parts: a job adds meetings, stops at any moment, and goes on where it was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::files::{part_path, parts, read_parquet, write_parquet};
use super::{MeetingRow, MeetingTables, Metric, TableError, to_batch};
use crate::arrow_schema::Table;
use crate::{Meeting, MeetingId, Minutes, Transcript};

/// Utterances that are gathered before a part is written: some megabytes on disk, tens in memory.
const UTTERANCES_PER_PART: usize = 65_536;

/// Writes `utterances/part-0000.parquet` and its like below one folder. A part number is the same meetings in every
/// table; `meetings` is written last, so that a part counts only when all its tables are there.
#[derive(Debug)]
pub struct CorpusWriter {
    folder: PathBuf,
    next_part: u32,
    written: BTreeSet<MeetingId>,
    waiting: MeetingTables,
    waiting_metrics: Vec<Metric>,
}

impl CorpusWriter {
    /// Opens `folder`, which may not exist yet. Parts that an interrupted job left incomplete are taken away.
    ///
    /// # Errors
    /// When the folder cannot be read or its parts are not the tables' own.
    pub fn open(folder: &Path) -> Result<Self, TableError> {
        let complete = parts(folder, Table::Meetings)?;
        let numbers: BTreeSet<u32> = complete.iter().map(|(number, _)| *number).collect();
        for table in Table::ALL.into_iter().filter(|table| *table != Table::ContextItems) {
            for (_, path) in parts(folder, table)?
                .into_iter()
                .filter(|(number, _)| !numbers.contains(number))
            {
                std::fs::remove_file(&path).map_err(|source| TableError::File { path, source })?;
            }
        }
        let mut written = BTreeSet::new();
        for (_, path) in &complete {
            let rows = read_parquet::<MeetingRow>(path)?;
            written.extend(rows.into_iter().map(|row| MeetingId::new(row.meeting)));
        }
        Ok(Self {
            folder: folder.to_owned(),
            next_part: numbers.last().map_or(0, |last| last + 1),
            written,
            waiting: MeetingTables::default(),
            waiting_metrics: Vec::new(),
        })
    }

    /// Whether the meeting stands in a part that was written, now or by an earlier job.
    pub fn contains(&self, meeting: &MeetingId) -> bool {
        self.written.contains(meeting)
    }

    /// Adds a meeting and the values measured on it; once enough are gathered, a part is written.
    ///
    /// # Errors
    /// When the part cannot be written. What was gathered is kept, so that a later call tries again.
    pub fn add(
        &mut self,
        meeting: &Meeting,
        transcript: &Transcript,
        minutes: Option<&Minutes>,
        metrics: impl IntoIterator<Item = Metric>,
    ) -> Result<(), TableError> {
        self.waiting.add(meeting, transcript, minutes);
        self.waiting_metrics.extend(metrics);
        if self.waiting.utterances.len() >= UTTERANCES_PER_PART {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes what is gathered as a part of its own; nothing if there is nothing.
    ///
    /// # Errors
    /// When the part cannot be written.
    pub fn flush(&mut self) -> Result<(), TableError> {
        if self.waiting.meetings.is_empty() {
            return Ok(());
        }
        let path = |table| part_path(&self.folder, table, self.next_part);
        write_parquet(
            &path(Table::Metrics),
            Table::Metrics,
            &[to_batch(&self.waiting_metrics)?],
        )?;
        let batches = self.waiting.batches()?;
        let is_last = |table: &Table| *table == Table::Meetings;
        for (table, batch) in batches.iter().filter(|(table, _)| !is_last(table)) {
            write_parquet(&path(*table), *table, std::slice::from_ref(batch))?;
        }
        for (table, batch) in batches.iter().filter(|(table, _)| is_last(table)) {
            write_parquet(&path(*table), *table, std::slice::from_ref(batch))?;
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.written
            .extend(waiting.meetings.into_iter().map(|row| MeetingId::new(row.meeting)));
        self.waiting_metrics.clear();
        self.next_part += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::sample;
    use crate::tables::{ActionRow, UtteranceRow, read_parts};

    fn add(writer: &mut CorpusWriter, id: &str) {
        let (mut meeting, transcript, minutes) = sample::meeting();
        meeting.id = MeetingId::new(id);
        let metric = Metric {
            meeting: Some(id.to_owned()),
            name: "minutes_ms".to_owned(),
            value: 3.0,
        };
        writer.add(&meeting, &transcript, Some(&minutes), [metric]).unwrap();
    }

    #[test]
    fn a_later_job_goes_on_after_the_last_whole_part() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = CorpusWriter::open(folder.path()).unwrap();
        add(&mut writer, "a");
        add(&mut writer, "b");
        writer.flush().unwrap();
        writer.flush().unwrap();
        add(&mut writer, "lost");
        drop(writer);

        // A job that was killed between two tables of its part.
        let left = part_path(folder.path(), Table::Utterances, 1);
        std::fs::copy(part_path(folder.path(), Table::Utterances, 0), &left).unwrap();
        let mut writer = CorpusWriter::open(folder.path()).unwrap();
        assert!(!left.exists());
        let known = ["a", "b", "lost"].map(|id| writer.contains(&MeetingId::new(id)));
        assert_eq!(known, [true, true, false]);
        add(&mut writer, "lost");
        writer.flush().unwrap();

        let names = |rows: Vec<UtteranceRow>| rows.into_iter().map(|row| row.meeting).collect::<Vec<_>>();
        let expected = ["a", "a", "a", "b", "b", "b", "lost", "lost", "lost"];
        assert_eq!(names(read_parts(folder.path()).unwrap()), expected);
        assert_eq!(read_parts::<ActionRow>(folder.path()).unwrap().len(), 6);
        assert_eq!(read_parts::<Metric>(folder.path()).unwrap().len(), 3);
    }
}
