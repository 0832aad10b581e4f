//! The library as Parquet tables, for pyarrow, DuckDB and Spark. The tables are derived: each run writes them anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use datasets::library::Library;
use datasets::tables::{CorpusWriter, Metric};
use indicatif::ProgressBar;

/// Writes all meetings of `library` to `folder`, in place of what was there; counts what was written.
pub fn write_tables(library: &Library, folder: &Path, bar: &ProgressBar) -> anyhow::Result<BTreeMap<String, usize>> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("removing the tables `{}`", folder.display()));
        }
        _ => {}
    }
    let mut writer = CorpusWriter::open(folder)?;
    let mut rows = BTreeMap::new();
    let mut count = |name: &str, more: usize| *rows.entry(name.to_owned()).or_insert(0) += more;
    for id in library.meeting_ids()? {
        let meeting = library.meeting(&id)?;
        let transcript = library.transcript(&id)?.unwrap_or_default();
        let minutes = library.minutes(&id)?;
        let mut metrics = Vec::new();
        if let Some(minutes) = &minutes {
            count("decisions", minutes.decisions.len());
            count("actions", minutes.actions.len());
            count("topics", minutes.topics.len());
            let mut metric = |name: &str, value| {
                metrics.push(Metric {
                    meeting: Some(id.to_string()),
                    name: name.to_owned(),
                    value,
                });
            };
            metric("supported_share", minutes.supported_share());
            metric("coverage_share", minutes.coverage.share());
        }
        count("meetings", 1);
        count("utterances", transcript.utterances.len());
        writer.add(&meeting, &transcript, minutes.as_ref(), metrics)?;
        bar.inc(1);
    }
    writer.flush()?;
    Ok(rows)
}
