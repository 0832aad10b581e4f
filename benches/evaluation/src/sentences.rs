//! How near one written sentence about a community of utterances comes to the one that an annotator linked to them, beside
//! sentences that are taken from the utterances themselves: the task of the OpenPaaS research on meeting summaries.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use datasets::Language;
use datasets::corpora::ami::AmiMeeting;
use datasets::corpora::{self, ReadCorpusError};
use regex::Regex;
use serde::Serialize;

use crate::metrics::rouge::rouge;

/// Mean ROUGE F1 in per cent, of what was written and of what is taken as it was said.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SentenceScores {
    /// By the model.
    pub written: RougeMeans,
    /// The first utterance.
    pub first: RougeMeans,
    /// The longest utterance.
    pub longest: RougeMeans,
    /// The utterance whose words the others share most.
    pub typical: RougeMeans,
    /// All utterances.
    pub all: RougeMeans,
    /// Communities.
    pub sentences: usize,
}

/// Means over communities, in per cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RougeMeans {
    /// Single words.
    pub rouge1: f64,
    /// Pairs of neighbouring words.
    pub rouge2: f64,
    /// Longest common subsequence.
    pub rouge_l: f64,
}

/// What was said, by whom, and the sentence that a person wrote about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Community {
    /// Speaker and words, in order.
    pub utterances: Vec<(String, String)>,
    /// Of the reference summary.
    pub sentence: String,
}

/// No score.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateSentencesError {
    /// The data cannot be read.
    #[error(transparent)]
    Data(#[from] ReadCorpusError),
    /// The model fails.
    #[error("the model cannot write")]
    Write(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Writes a sentence for the utterances of a prompt.
pub type WriteSentence<'a> = dyn FnMut(&Community) -> Result<String, Box<dyn std::error::Error + Send + Sync>> + 'a;

/// Scores `write` on all linked sentences of the AMI or ICSI file at `data`.
///
/// # Errors
/// When the file cannot be read or `write` fails.
pub fn evaluate_sentences(
    data: &Path,
    write: &mut WriteSentence<'_>,
) -> Result<SentenceScores, EvaluateSentencesError> {
    let meetings: Vec<AmiMeeting> = corpora::read_file(data)?;
    let mut sums = [RougeMeans::default(); 5];
    let mut count = 0;
    for community in meetings.iter().flat_map(communities) {
        let texts: Vec<&str> = community.utterances.iter().map(|(_, text)| text.as_str()).collect();
        let written = write(&community).map_err(EvaluateSentencesError::Write)?;
        let longest = texts.iter().copied().rev().max_by_key(|text| text.chars().count());
        let all = texts.join(" ");
        let candidates = [
            written.as_str(),
            texts[0],
            longest.unwrap_or_default(),
            typical(&texts),
            &all,
        ];
        for (sum, candidate) in sums.iter_mut().zip(candidates) {
            let score = rouge(&community.sentence, candidate, Language::ENGLISH);
            sum.rouge1 += 100.0 * score.rouge1;
            sum.rouge2 += 100.0 * score.rouge2;
            sum.rouge_l += 100.0 * score.rouge_l;
        }
        count += 1;
    }
    let mean = |sum: RougeMeans| RougeMeans {
        rouge1: sum.rouge1 / f64::from(count.max(1)),
        rouge2: sum.rouge2 / f64::from(count.max(1)),
        rouge_l: sum.rouge_l / f64::from(count.max(1)),
    };
    let [written, first, longest, typical, all] = sums.map(mean);
    Ok(SentenceScores {
        written,
        first,
        longest,
        typical,
        all,
        sentences: count as usize,
    })
}

/// The sentences of a meeting's summary that utterances are linked to.
fn communities(meeting: &AmiMeeting) -> Vec<Community> {
    let Some(summary) = &meeting.summary else {
        return Vec::new();
    };
    let sections = [
        &summary.abstract_,
        &summary.actions,
        &summary.decisions,
        &summary.problems,
        &summary.progress,
    ];
    let sentences: BTreeMap<&str, &str> = sections
        .into_iter()
        .flatten()
        .map(|sentence| (sentence.id.as_str(), sentence.text.as_str()))
        .collect();
    let of_link = |link: &datasets::corpora::ami::SummaryLink| {
        let mut positions = link.utterances.clone();
        positions.sort_unstable();
        let said = positions.iter().map(|&position| {
            let utterance = &meeting.utterances[position];
            (speaker(meeting, &utterance.speaker), tidy(&utterance.text))
        });
        let utterances: Vec<(String, String)> = said.filter(|(_, text)| !text.is_empty()).collect();
        let sentence = tidy(sentences.get(link.sentence.as_str())?);
        (!utterances.is_empty()).then_some(Community { utterances, sentence })
    };
    meeting.links.iter().filter_map(of_link).collect()
}

/// By role, as the writers of the summaries name them.
fn speaker(meeting: &AmiMeeting, letter: &str) -> String {
    match meeting.roles.get(letter).map_or("Speaker", String::as_str) {
        "PM" => "Project Manager".to_owned(),
        "ME" => "Marketing Expert".to_owned(),
        "UI" => "User Interface".to_owned(),
        "ID" => "Industrial Designer".to_owned(),
        role => format!("{role} {letter}"),
    }
}

impl Community {
    /// The prompt of a sentence model: a line for each speaker in turn, neighbours of one speaker in one line, at most
    /// `tokens_max` tokens by `count`. The shortest utterances are left out first, as they say least.
    pub fn prompt(&self, tokens_max: usize, count: &dyn Fn(&str) -> usize) -> String {
        let mut kept = self.utterances.clone();
        loop {
            let text = lines(&kept);
            if kept.len() < 2 || count(&text) <= tokens_max {
                return text;
            }
            let shortest = (0..kept.len()).min_by_key(|&position| kept[position].1.chars().count());
            kept.remove(shortest.unwrap_or_default());
        }
    }
}

fn lines(utterances: &[(String, String)]) -> String {
    let mut text = String::new();
    let mut last = None;
    for (speaker, said) in utterances {
        if last == Some(speaker) {
            text.push(' ');
        } else {
            if last.is_some() {
                text.push('\n');
            }
            text.push_str(speaker);
            text.push_str(": ");
            last = Some(speaker);
        }
        text.push_str(said);
    }
    text
}

/// Without annotators' marks and the blanks before punctuation.
fn tidy(text: &str) -> String {
    static MARKS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{\w+\}").expect("it is a pattern"));
    static LOOSE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" ([.,?!;:%)]|'\w|n't\b)").expect("it is a pattern"));
    let text = MARKS.replace_all(text, " ");
    let text = LOOSE.replace_all(&text, "$1");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text whose words the others share most, for its length.
fn typical<'a>(texts: &[&'a str]) -> &'a str {
    let words = |text: &str| -> BTreeMap<String, f64> {
        let mut counts = BTreeMap::new();
        for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
            if !word.is_empty() {
                *counts.entry(word.to_owned()).or_default() += 1.0;
            }
        }
        counts
    };
    let mut every: BTreeMap<String, f64> = BTreeMap::new();
    for text in texts {
        for (word, count) in words(text) {
            *every.entry(word).or_default() += count;
        }
    }
    let shared = |text: &str| {
        let own = words(text);
        let others: f64 = own.iter().map(|(word, count)| every[word] - count).sum();
        others / (1.0 + own.values().sum::<f64>()).sqrt()
    };
    let mut best: Option<(f64, &'a str)> = None;
    for &text in texts {
        let score = shared(text);
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, text));
        }
    }
    best.map_or("", |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn community(said: &[(&str, &str)]) -> Community {
        let utterances = said
            .iter()
            .map(|(speaker, text)| ((*speaker).to_owned(), (*text).to_owned()));
        Community {
            utterances: utterances.collect(),
            sentence: String::new(),
        }
    }

    #[test]
    fn a_prompt_has_a_line_for_each_turn_and_leaves_out_the_shortest() {
        let said = [("Ann", "we ship on Monday"), ("Ann", "yes"), ("Ben", "fine by me")];
        let words = |text: &str| text.split_whitespace().count();
        let community = community(&said);
        assert_eq!(
            community.prompt(99, &words),
            "Ann: we ship on Monday yes\nBen: fine by me"
        );
        assert_eq!(community.prompt(9, &words), "Ann: we ship on Monday\nBen: fine by me");
        assert_eq!(community.prompt(1, &words), "Ann: we ship on Monday");
    }

    #[test]
    fn annotators_marks_and_loose_punctuation_are_no_words() {
        assert_eq!(tidy("We do n't , {vocalsound} it 's done ."), "We don't, it's done.");
    }

    #[test]
    fn the_typical_text_shares_most_words() {
        assert_eq!(
            typical(&["so", "the red button", "a red button is fine", "hm"]),
            "the red button"
        );
    }
}
