//! Writes sentences of the minutes: numbered, with a capital and a stop, and with the utterances that prove them.

use datasets::{Statement, StatementId, Support, Transcript};

/// Makes the statements of one meeting's minutes; each gets the next id.
pub(crate) struct StatementWriter<'a> {
    transcript: &'a Transcript,
    written: usize,
}

impl<'a> StatementWriter<'a> {
    /// Writes about `transcript`, from id `s1` on.
    pub(crate) fn new(transcript: &'a Transcript) -> Self {
        Self { transcript, written: 0 }
    }

    /// `text` as a statement that the utterances at the positions `evidence` prove.
    pub(crate) fn statement(&mut self, text: &str, mut evidence: Vec<usize>) -> Statement {
        self.written += 1;
        evidence.sort_unstable();
        evidence.dedup();
        let ids = evidence
            .into_iter()
            .map(|position| self.transcript.utterances[position].id.clone());
        Statement {
            id: StatementId::new(format!("s{}", self.written)),
            text: as_sentence(text),
            evidence: ids.collect(),
            support: Support::Proven,
        }
    }
}

/// `text` with a capital and a mark at its end.
pub(crate) fn as_sentence(text: &str) -> String {
    let text = text.trim().trim_end_matches([',', ';', ':', '-', ' ']);
    let mut characters = text.chars();
    let mut sentence = String::with_capacity(text.len() + 2);
    if let Some(first) = characters.next() {
        sentence.extend(first.to_uppercase());
        sentence.push_str(characters.as_str());
    }
    if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?', '…', '"', '»', '”']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_a_capital_and_a_stop() {
        assert_eq!(as_sentence("so the remote is yellow ,"), "So the remote is yellow.");
        assert_eq!(as_sentence("Élan?"), "Élan?");
        assert_eq!(as_sentence("écoute"), "Écoute.");
        assert_eq!(as_sentence(""), "");
    }
}
