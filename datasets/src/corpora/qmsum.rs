//! QMSum: meetings of three domains with queries, answers, and the turns that answer them.
//!
//! Zhong et al., "QMSum: a new benchmark for query-based multi-domain meeting summarization", NAACL 2021; MIT.

use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer};

use super::CorpusRecord;

/// One meeting with its queries.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct QmsumMeeting {
    /// Unique within the set; empty in the files as their authors publish them, one per meeting.
    #[serde(default)]
    pub id: String,
    /// `Product`, `Academic` or `Committee`; empty where the file does not say.
    #[serde(default)]
    pub domain: String,
    /// `train`, `val` or `test`; `None` where the file does not say.
    #[serde(default)]
    pub split: Option<String>,
    /// Topics with the turns they span.
    #[serde(default, rename = "topic_list")]
    pub topics: Vec<QmsumTopic>,
    /// Queries about the whole meeting.
    #[serde(default, rename = "general_query_list")]
    pub general_queries: Vec<GeneralQuery>,
    /// Queries about a part, with the turns that answer them.
    #[serde(default, rename = "specific_query_list")]
    pub specific_queries: Vec<SpecificQuery>,
    /// What was said, with marks such as `{vocalsound}`.
    #[serde(rename = "meeting_transcripts")]
    pub turns: Vec<QmsumTurn>,
}

/// A topic and where it is spoken of.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct QmsumTopic {
    /// A few words.
    pub topic: String,
    /// Positions of turns; may reach past the last one.
    #[serde(rename = "relevant_text_span", deserialize_with = "spans")]
    pub spans: Vec<RangeInclusive<usize>>,
}

/// A query about the whole meeting.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct GeneralQuery {
    /// "Summarize the whole meeting".
    pub query: String,
    /// The reference answer.
    pub answer: String,
}

/// A query about a part of the meeting.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SpecificQuery {
    /// The question.
    pub query: String,
    /// The reference answer.
    pub answer: String,
    /// Positions of the turns that answer it; may reach past the last one.
    #[serde(rename = "relevant_text_span", deserialize_with = "spans")]
    pub spans: Vec<RangeInclusive<usize>>,
}

/// What one speaker says in one go.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct QmsumTurn {
    /// Name or role, as in the source.
    pub speaker: String,
    /// The words, punctuation between spaces.
    pub content: String,
}

impl QmsumMeeting {
    /// The series: the team (`Product`), the research group (`Academic`), the committee (`education` of `education_12`).
    pub fn series(&self) -> &str {
        match self.domain.as_str() {
            "Product" => super::ami::AmiMeeting::series_of(&self.id),
            "Academic" => super::icsi::series(&self.id),
            _ => self.id.split('_').next().unwrap_or(&self.id),
        }
    }
}

impl CorpusRecord for QmsumMeeting {
    const CORPUS: &'static str = "QMSum";
}

/// The file writes positions as text: `[["0", "90"]]`.
fn spans<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RangeInclusive<usize>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Position {
        Number(usize),
        Text(String),
    }
    impl Position {
        fn value<E: serde::de::Error>(self) -> Result<usize, E> {
            match self {
                Self::Number(value) => Ok(value),
                Self::Text(text) => text
                    .trim()
                    .parse()
                    .map_err(|_| E::custom(format_args!("`{text}` is no position of a turn"))),
            }
        }
    }
    Vec::<(Position, Position)>::deserialize(deserializer)?
        .into_iter()
        .map(|(first, last)| Ok(first.value()?..=last.value()?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(domain: &str, id: &str, span: &str) -> Result<QmsumMeeting, serde_json::Error> {
        serde_json::from_str(&format!(
            r#"{{"id":"{id}","domain":"{domain}","specific_query_list":[{{"query":"q","answer":"a",
               "relevant_text_span":[{span}]}}],"meeting_transcripts":[{{"speaker":"A","content":"Hi ."}}]}}"#
        ))
    }

    #[test]
    fn spans_are_read_as_text_and_as_numbers() {
        let spans = |span| parse("Product", "a", span).unwrap().specific_queries.remove(0).spans;
        assert_eq!(spans(r#"["0","90"]"#), vec![0..=90]);
        assert_eq!(spans(r#"[3, 4], ["5","6"]"#), vec![3..=4, 5..=6]);
        assert!(parse("Product", "a", r#"["x","2"]"#).is_err());
    }

    #[test]
    fn the_series_depends_on_the_domain() {
        let series = |domain, id| parse(domain, id, "").unwrap().series().to_owned();
        assert_eq!(series("Product", "ES2004a"), "ES2004");
        assert_eq!(series("Academic", "Bmr012"), "Bmr");
        assert_eq!(series("Committee", "education_12"), "education");
    }
}
