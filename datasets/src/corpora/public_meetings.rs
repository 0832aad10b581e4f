//! French public meetings: what a recognizer heard, aligned with the professional report.
//!
//! Tardy et al., "Align then summarize: automatic alignment methods for summarization corpus creation", LREC 2020; MIT.

use serde::Deserialize;

use super::CorpusRecord;
use crate::Language;

/// One meeting: transcript and report in segments.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PublicMeeting {
    /// A digest; the source names no meeting.
    pub id: String,
    /// Always French so far.
    pub language: Language,
    /// The report in order, with tags `<nom>` (speaker), `<p>` (paragraph), `<h>` (heading), `<unk>`.
    pub report: Vec<ReportSegment>,
    /// The automatic transcript in order.
    pub asr: Vec<AsrSegment>,
}

/// A piece of the report.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ReportSegment {
    /// Unique within the report.
    pub id: String,
    /// Tagged text.
    pub text: String,
}

/// A piece of the automatic transcript.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AsrSegment {
    /// Unique within the transcript.
    pub id: String,
    /// Lower case, without speakers; `<unk>` for a word outside the vocabulary.
    pub text: String,
    /// Id of the report segment it belongs to; empty where it belongs to none.
    pub aligned: String,
}

impl CorpusRecord for PublicMeeting {
    const CORPUS: &'static str = "public_meetings";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gives_typed_fields() {
        let meeting: PublicMeeting = serde_json::from_str(
            r#"{"id":"ab","language":"fr","report":[{"id":"0_0_0","text":"<p> bonjour . </p>"}],
               "asr":[{"id":"0_0_0","text":"bonjour","aligned":""}]}"#,
        )
        .unwrap();
        assert_eq!(meeting.language, Language::FRENCH);
        assert_eq!(meeting.asr[0].aligned, "");
    }
}
