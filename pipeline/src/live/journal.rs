//! What stands, on disk before it is shown: so that what was read on the screen is still there after a crash, under the
//! same utterance ids.
//!
//! One JSON object a line, appended. A line that a crash cut short ends the journal; what it held is heard again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;
use datasets::UtteranceId;
use serde::{Deserialize, Serialize};
use speech::sound::Span;
use speech::streaming::LiveEvent;
use speech::transcript::{Suppressed, TranscriptSegment, Word};

use super::utterance_ids::{Named, UtteranceIds, segment};

/// A journal being written.
pub(super) struct Journal {
    file: File,
}

/// One line.
#[derive(Debug, Deserialize)]
struct Entry {
    lane: usize,
    /// Nothing where the lane came to its end: then all its speech is accounted for.
    told: Option<LiveEvent>,
}

#[derive(Serialize)]
struct EntryToWrite<'a> {
    lane: usize,
    told: Option<&'a LiveEvent>,
}

/// What a journal tells of one lane.
#[derive(Debug, Default)]
pub(super) struct LaneJournal {
    pub(super) segments: Vec<TranscriptSegment>,
    pub(super) suppressed: Vec<Suppressed>,
    /// All speech that is accounted for, put off or not.
    pub(super) speech: Vec<Span>,
    pub(super) empty: Vec<Span>,
    /// Speech that was put off.
    pub(super) deferred: Vec<Span>,
    /// Words that stand of speech that still lasted when the journal ended.
    pub(super) lasting: Vec<Word>,
    /// Whether the lane came to its end.
    pub(super) ended: bool,
}

/// What a journal tells.
#[derive(Debug, Default)]
pub(super) struct JournalRead {
    pub(super) lanes: Vec<LaneJournal>,
    /// Committed utterances with the ids under which they were shown, and their lane.
    pub(super) utterances: BTreeMap<UtteranceId, (usize, Vec<Word>)>,
}

impl Journal {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create_new(true).append(true).open(path);
        Ok(Self {
            file: file.with_context(|| format!("writing `{}`", path.display()))?,
        })
    }

    /// Appends an event that accounts for speech, or with none that `lane` came to its end.
    pub(super) fn append(&mut self, lane: usize, told: Option<&LiveEvent>) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(&EntryToWrite { lane, told })?;
        line.push(b'\n');
        // At once: whatever becomes of the process, a line is there or is not.
        self.file.write_all(&line).context("writing the journal of the meeting")
    }
}

/// Reads the journal at `path`; without one nothing was told.
pub(super) fn read(path: &Path) -> anyhow::Result<JournalRead> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(JournalRead::default()),
        Err(error) => return Err(error).with_context(|| format!("reading `{}`", path.display())),
    };
    let mut told = JournalRead::default();
    let mut ids = UtteranceIds::default();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let Ok(entry) = serde_json::from_slice::<Entry>(line) else {
            break;
        };
        told.take(entry, &mut ids);
    }
    Ok(told)
}

impl JournalRead {
    fn take(&mut self, entry: Entry, ids: &mut UtteranceIds) {
        if self.lanes.len() <= entry.lane {
            self.lanes.resize_with(entry.lane + 1, LaneJournal::default);
        }
        let lane = &mut self.lanes[entry.lane];
        let Some(event) = entry.told else {
            lane.ended = true;
            return;
        };
        let covered_ms = lane.covered_ms();
        let covers = event.covers().filter(|span| span.duration_ms() > 0);
        lane.speech.extend(covers);
        if covers.is_some_and(|covers| covers.start_ms != covered_ms) {
            lane.lasting.clear();
        }
        match event {
            LiveEvent::Committed {
                words,
                language,
                covers,
            } => {
                lane.lasting.extend(words.iter().cloned());
                // The last run over speech covers it up to its end, which is after the last word.
                if lane.lasting.last().is_none_or(|word| word.end_ms < covers.end_ms) {
                    lane.lasting.clear();
                }
                for Named { id, words, .. } in ids.take(entry.lane, words.clone(), language.as_deref()) {
                    let utterance = self.utterances.entry(id).or_insert((entry.lane, Vec::new()));
                    utterance.1.extend(words);
                }
                if !words.is_empty() {
                    lane.segments.push(segment(words, language));
                }
            }
            LiveEvent::Suppressed { suppressed, .. } => {
                lane.suppressed.push(suppressed);
                lane.lasting.clear();
            }
            LiveEvent::Empty { covers } => {
                lane.empty.push(covers);
                lane.lasting.clear();
            }
            LiveEvent::Deferred { covers, .. } => {
                lane.deferred.push(covers);
                lane.lasting.clear();
            }
            LiveEvent::Partial { .. } | LiveEvent::Lag { .. } => {}
        }
    }
}

impl LaneJournal {
    /// Up to where all speech is accounted for, in milliseconds.
    pub(super) fn covered_ms(&self) -> i64 {
        self.speech.last().map_or(0, |span| span.end_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(text: &str, start_ms: i64, end_ms: i64) -> LiveEvent {
        LiveEvent::Committed {
            words: vec![Word {
                start_ms,
                end_ms,
                text: text.to_owned(),
                probability: 0.5,
            }],
            language: Some("en".to_owned()),
            covers: Span::new(start_ms, end_ms),
        }
    }

    #[test]
    fn words_of_speech_that_had_not_ended_are_known() {
        let words_after = |events: &[LiveEvent]| -> String {
            let (mut told, mut ids) = (JournalRead::default(), UtteranceIds::default());
            for event in events {
                let told_event = Some(event.clone());
                told.take(
                    Entry {
                        lane: 0,
                        told: told_event,
                    },
                    &mut ids,
                );
            }
            speech::transcript::text_of(&told.lanes[0].lasting)
        };
        let to_the_end = LiveEvent::Committed {
            words: Vec::new(),
            language: None,
            covers: Span::new(600, 800),
        };
        let parts = [committed("we", 100, 300), committed("ship", 300, 600)];
        assert_eq!(words_after(&parts), "we ship");
        assert_eq!(words_after(&[parts[0].clone(), committed("it", 900, 1000)]), "it");
        let ended = [parts.as_slice(), &[to_the_end]].concat();
        assert_eq!(words_after(&ended), "");
        assert_eq!(
            words_after(&[ended.as_slice(), &[committed("it", 800, 900)]].concat()),
            "it"
        );
        let deferred = LiveEvent::Deferred {
            covers: Span::new(600, 900),
            error: None,
        };
        assert_eq!(words_after(&[parts.as_slice(), &[deferred]].concat()), "");
    }

    #[test]
    fn what_was_written_is_told_up_to_the_line_that_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        assert!(read(&path).unwrap().lanes.is_empty());
        let mut journal = Journal::create(&path).unwrap();
        let deferred = LiveEvent::Deferred {
            covers: Span::new(300, 900),
            error: None,
        };
        journal.append(0, Some(&committed("we", 0, 300))).unwrap();
        journal.append(1, Some(&committed("oui", 100, 200))).unwrap();
        journal.append(0, Some(&deferred)).unwrap();
        journal.append(0, Some(&committed("ship", 900, 1000))).unwrap();
        journal.append(1, None).unwrap();
        let told = read(&path).unwrap();
        let names: Vec<_> = told.utterances.keys().map(UtteranceId::as_str).collect();
        assert_eq!(names, ["u1", "u2"]);
        assert_eq!(told.utterances[&UtteranceId::new("u1")].1.len(), 2);
        assert_eq!((told.lanes[0].ended, told.lanes[1].ended), (false, true));
        assert_eq!(told.lanes[0].deferred, [Span::new(300, 900)]);
        assert_eq!(told.lanes[0].covered_ms(), 1000);

        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let told = read(&path).unwrap();
            let lines: usize = told
                .lanes
                .iter()
                .map(|lane| lane.speech.len() + usize::from(lane.ended))
                .sum();
            let written = whole[..cut].iter().filter(|&&byte| byte == b'\n').count();
            // The last line may be whole but for its end.
            assert!(lines == written || lines == written + 1, "{lines} of {written}");
        }
    }
}
