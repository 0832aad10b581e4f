//! `evaluate summary`: the minutes that the product makes of recorded meetings, beside summaries that people wrote.

mod references;

use std::path::Path;

use datasets::formats::TextLayer;
use datasets::{Language, MeetingId, Minutes};
use minuting::generative::GenerateError;
use minuting::{MinutesEngine, MinutesOptions};

pub use references::{ReadReferencesError, ReferencedMeeting, read_references};

use crate::metrics::rouge::{Rouge, rouge};

/// Means over the meetings of a file; ROUGE as F measures in per cent.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct SummaryScores {
    /// Shared words.
    pub rouge1: f64,
    /// Shared pairs of neighbouring words.
    pub rouge2: f64,
    /// Longest common subsequence.
    #[serde(rename = "rougeL")]
    pub rouge_l: f64,
    /// Longest common subsequence, line by line.
    #[serde(rename = "rougeLsum")]
    pub rouge_lsum: f64,
    /// Statements of the whole minutes that are proven, in per cent.
    pub supported: f64,
    /// Utterances that stand in a passage that was read, in per cent.
    pub coverage: f64,
    /// Texts that were scored: one for each meeting and query.
    pub meetings: usize,
    /// Mean words of the abstract that was scored.
    pub words: f64,
}

/// A set could not be scored.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateSummaryError {
    /// Its file.
    #[error(transparent)]
    Read(#[from] ReadReferencesError),
    /// The engine.
    #[error("no minutes of `{meeting}`")]
    Minutes {
        /// Of which record.
        meeting: MeetingId,
        /// Why.
        source: GenerateError,
    },
}

/// What is asked of [`evaluate_summary`].
#[derive(Clone, Debug)]
pub struct SummaryEvaluation {
    /// Words of the abstract, at most.
    pub words_max: usize,
    /// Which text of the record is read.
    pub layer: TextLayer,
    /// Style of the reference, 1 to 3; only FREDSum has several. `None` scores against each of them.
    pub style: Option<u8>,
}

/// Makes minutes of each meeting in the JSONL file at `data` (AMI, ICSI, QMSum or FREDSum records) with `engine` and
/// scores their abstract. A meeting without a reference is passed over; with several, the mean over them counts.
///
/// # Errors
/// When the file cannot be read, a line is not a record of these sets, or the engine cannot go on.
pub fn evaluate_summary(
    data: &Path,
    evaluation: &SummaryEvaluation,
    engine: &mut dyn MinutesEngine,
) -> Result<SummaryScores, EvaluateSummaryError> {
    let meetings = read_references(data, evaluation.layer, evaluation.style)?;
    let mut totals = Totals::default();
    let options = MinutesOptions {
        abstract_words: evaluation.words_max,
        ..MinutesOptions::default()
    };
    for meeting in &meetings {
        let minutes = engine
            .summarize(&meeting.meeting, &meeting.transcript, &options)
            .map_err(|source| EvaluateSummaryError::Minutes {
                meeting: meeting.meeting.id.clone(),
                source,
            })?;
        totals.add(&minutes, &meeting.references);
    }
    Ok(totals.mean())
}

#[derive(Default)]
struct Totals {
    sums: SummaryScores,
    scored: usize,
}

impl Totals {
    fn add(&mut self, minutes: &Minutes, references: &[String]) {
        let lines: Vec<&str> = minutes
            .abstract_
            .iter()
            .map(|statement| statement.text.as_str())
            .collect();
        let text = lines.join("\n");
        self.sums.meetings += 1;
        self.sums.supported += minutes.supported_share();
        self.sums.coverage += minutes.coverage.share();
        self.sums.words += text.split_whitespace().count() as f64;
        for reference in references {
            self.add_rouge(rouge(reference, &text, language_of(minutes)));
        }
    }

    fn add_rouge(&mut self, rouge: Rouge) {
        self.scored += 1;
        self.sums.rouge1 += rouge.rouge1;
        self.sums.rouge2 += rouge.rouge2;
        self.sums.rouge_l += rouge.rouge_l;
        self.sums.rouge_lsum += rouge.rouge_lsum;
    }

    fn mean(self) -> SummaryScores {
        let per_cent = |sum: f64, count: usize| 100.0 * sum / count.max(1) as f64;
        let meetings = self.sums.meetings;
        SummaryScores {
            rouge1: per_cent(self.sums.rouge1, self.scored),
            rouge2: per_cent(self.sums.rouge2, self.scored),
            rouge_l: per_cent(self.sums.rouge_l, self.scored),
            rouge_lsum: per_cent(self.sums.rouge_lsum, self.scored),
            supported: per_cent(self.sums.supported, meetings),
            coverage: per_cent(self.sums.coverage, meetings),
            meetings,
            words: self.sums.words / meetings.max(1) as f64,
        }
    }
}

fn language_of(minutes: &Minutes) -> Language {
    minutes.language
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use minuting::Extractive;

    use super::*;

    fn evaluate(lines: &str, style: Option<u8>) -> Result<SummaryScores, EvaluateSummaryError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(lines.as_bytes()).unwrap();
        let evaluation = SummaryEvaluation {
            words_max: 20,
            layer: TextLayer::Manual,
            style,
        };
        evaluate_summary(file.path(), &evaluation, &mut Extractive)
    }

    #[test]
    fn a_summary_in_the_words_of_the_meeting_scores_in_full() {
        let record = r#"{"id":"x","domain":"Product","split":"val","topic_list":[],"specific_query_list":[],
            "general_query_list":[{"query":"Summarize the whole meeting.","answer":"The remote control needs a kinetic battery."}],
            "meeting_transcripts":[{"speaker":"Marketing","content":"The remote control needs a kinetic battery ."}]}"#;
        let scores = evaluate(&record.replace('\n', " "), None).unwrap();
        assert!((scores.rouge1 - 100.0).abs() < 1e-9, "{scores:?}");
        assert!((scores.supported - 100.0).abs() < 1e-9);
        assert_eq!((scores.meetings, scores.words), (1, 7.0));
    }

    #[test]
    fn the_promised_figures_are_reached() {
        let shared = std::env::var_os("GREFFIER_SHARED").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
            std::path::PathBuf::from,
        );
        for (file, layer, words_max, style, [rouge1, rouge2]) in [
            ("ami/test.jsonl", TextLayer::Manual, 350, None, [40.0, 9.0]),
            ("ami/test.jsonl", TextLayer::Asr, 350, None, [39.0, 8.0]),
            ("fredsum/debates.jsonl", TextLayer::Manual, 239, Some(1), [37.5, 10.5]),
        ] {
            let data = shared.join("datasets").join(file);
            if !data.exists() {
                println!(
                    "skipped: {} is not there (GREFFIER_SHARED names the folder)",
                    data.display()
                );
                return;
            }
            let evaluation = SummaryEvaluation {
                words_max,
                layer,
                style,
            };
            let scores = evaluate_summary(&data, &evaluation, &mut Extractive).unwrap();
            assert!(scores.rouge1 >= rouge1 && scores.rouge2 >= rouge2, "{file}: {scores:?}");
            assert!(scores.words <= words_max as f64);
        }
    }

    #[test]
    fn a_line_that_is_no_record_is_named() {
        let error = evaluate("{\"id\":1}", None).unwrap_err();
        assert!(error.to_string().contains(":1"), "{error}");
    }
}
