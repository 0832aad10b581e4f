//! FREDSum: French political debates with summaries in three styles and published predictions.
//!
//! Rennard et al., "FREDSum: a dialogue summarization corpus for French political debates", Findings of EMNLP 2023;
//! CC BY-SA 4.0.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::CorpusRecord;

/// One part of a debate with its summaries.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct FredsumDebate {
    /// The debate and, after `--`, its part.
    pub id: String,
    /// The authors' `train` or `test`; `None` where the file does not say.
    #[serde(default)]
    pub official_split: Option<String>,
    /// What was said.
    pub transcript: Vec<FredsumTurn>,
    /// Summary by style: 1 near-extractive without coreference, 2 with coreference, 3 free. A style may be missing.
    #[serde(default, rename = "abstractive")]
    pub abstractive: BTreeMap<u8, String>,
    /// Chosen turns by style (1, 2), some cut.
    #[serde(default)]
    pub extractive: BTreeMap<u8, Vec<FredsumTurn>>,
    /// Published summaries by the name of the system; empty for a few debates.
    #[serde(default)]
    pub predictions: BTreeMap<String, String>,
}

/// What one speaker says in one go.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct FredsumTurn {
    /// Initials or a name, not always spelled alike.
    pub speaker: String,
    /// The words.
    pub text: String,
}

impl FredsumDebate {
    /// The debate this is a part of.
    pub fn series(&self) -> &str {
        self.id.split("--").next().unwrap_or(&self.id)
    }
}

impl CorpusRecord for FredsumDebate {
    const CORPUS: &'static str = "FREDSum";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gives_typed_fields() {
        let debate: FredsumDebate = serde_json::from_str(
            r#"{"id":"Un_Deux--Partie_1","transcript":[{"speaker":"P1","text":"Bonsoir."}],"abstractive":{"1":"A","3":"C"},
               "extractive":{"1":[{"speaker":"P1","text":"Bonsoir."}]}}"#,
        )
        .unwrap();
        assert_eq!(debate.series(), "Un_Deux");
        assert_eq!(debate.abstractive.keys().copied().collect::<Vec<_>>(), [1, 3]);
        assert_eq!(debate.extractive[&1], debate.transcript);
    }
}
