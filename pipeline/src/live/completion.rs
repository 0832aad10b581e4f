//! From what is on disk of a live meeting to its transcript: what stands in the journal stays, under the ids it was
//! shown with, and what is missing is heard from the recording. The same way for a meeting that ended and one that was
//! killed.

mod missing;
mod sound;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context as _;
use audio::{Lane, LaneId, LaneLevels, RecoveredSpool};
use datasets::formats::MeetingRead;
use datasets::library::Library;
use datasets::{Meeting, MeetingId, Source, SpeakerLabel, TimeSpan, Transcript, Utterance, anchors};
use speech::transcription::{LaneTranscript, UtteranceOptions};

use self::missing::{Found, Missing};
use super::engine::LiveEngine;
use super::folder::LiveFolder;
use super::journal::{self, JournalRead, LaneJournal};
use crate::stages::diarize::{TOLD_BY_VOICE, anonymous, turns_in_speech, voices_to_tell};
use crate::stages::keep_meeting::assign_id;
use crate::stages::read_transcript::{complete, complete_recording};
use crate::stages::transcribe::{LaneHeard, WindowJournal, merge_lanes, sha256_of, span};

/// A live meeting as it can be kept.
pub struct Completed {
    /// Record and transcript.
    pub read: MeetingRead,
    /// The recording: one file, or one for each lane where a WAV file would not hold them.
    pub recordings: Vec<PathBuf>,
    /// Speech that was not transcribed live, in milliseconds, over all lanes.
    pub missing_ms: i64,
}

/// Completes the meeting in `folder`; `None` when no sound was recorded. `warnings` are told with the transcript.
/// `on_progress` hears how much of what is missing was heard, in milliseconds, and of how much.
///
/// # Errors
/// When its files cannot be read, or the engine fails; it can be done again.
pub fn complete_meeting(
    folder: &LiveFolder,
    library: &Library,
    engine: &LiveEngine,
    warnings: Vec<String>,
    on_progress: &mut dyn FnMut(u64, u64),
) -> anyhow::Result<Option<Completed>> {
    let spool = match audio::recover(folder.dir()) {
        Ok(spool) => spool,
        Err(audio::SpoolError::NotASpool { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if spool.duration().is_zero() {
        return Ok(None);
    }
    let mut levels = LaneLevels::default();
    let recordings = sound::write_recordings(&spool, folder.dir(), &folder.name(), &mut levels)?;
    let mut read = meeting(folder, &recordings[0], library)?;
    let facts = folder.facts()?;
    let vocabulary = folder.vocabulary()?;
    let sha256 = read.meeting.source.as_ref().map_or("", |source| source.sha256.as_str());
    let provenance = engine.provenance(sha256, &vocabulary);
    let told = journal::read(&folder.journal_path())?;
    let missing = Missing::of(&spool, &told);
    let missing_ms = missing.duration_ms();
    let held = match library.contains(&read.meeting.id)? {
        true => library.transcript(&read.meeting.id)?,
        false => None,
    };
    read.transcript = match held.filter(|held| held.provenance == provenance) {
        // Kept before a crash, which came before the folder was taken away.
        Some(held) => held,
        None => {
            let mut windows = WindowJournal::open(&folder.windows_path(&provenance)?)?;
            let found = missing.hear(engine, &vocabulary, &mut windows, on_progress)?;
            let mut transcript = Transcript {
                provenance,
                warnings,
                ..Transcript::default()
            };
            let mut heard = lanes_heard(&spool, &told, found);
            let encoder = engine.options().voice_encoder.as_deref();
            let tell = voices_to_tell(engine.options().speakers, encoder);
            if let ([only], Some(speakers)) = (heard.as_mut_slice(), tell) {
                only.turns = turns_in_speech(&recordings[0], only.lane.id, &only.transcript.speech, speakers, encoder)?;
                transcript.warnings.push(TOLD_BY_VOICE.to_owned());
            }
            merge_lanes(&heard, &levels, &mut transcript);
            anchors::carry(&shown(&told, &spool), &mut transcript);
            transcript
        }
    };
    let file_name = read
        .meeting
        .source
        .as_ref()
        .map_or_else(String::new, |source| source.file_name.clone());
    complete_recording(&mut read, &facts, &file_name);
    Ok(Some(Completed {
        read,
        recordings,
        missing_ms,
    }))
}

/// What is known of the meeting beside what was said.
fn meeting(folder: &LiveFolder, recording: &std::path::Path, library: &Library) -> anyhow::Result<MeetingRead> {
    let file_name = recording.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut meeting = Meeting::new(MeetingId::new(folder.name()), folder.order().untitled.clone());
    meeting.access = folder.order().access.clone();
    meeting.source = Some(Source {
        sha256: sha256_of(recording)?,
        file_name: file_name.clone(),
    });
    let mut read = MeetingRead {
        meeting,
        transcript: Transcript::default(),
    };
    complete(&mut read, &folder.facts()?, true, &file_name);
    assign_id(library, &mut read, &mut BTreeSet::new()).context("naming the meeting")?;
    Ok(read)
}

/// Lanes with what stands and what was found beside it.
fn lanes_heard(spool: &RecoveredSpool, told: &JournalRead, found: Vec<Found>) -> Vec<LaneHeard> {
    let lanes = spool.lanes.iter().enumerate().zip(found);
    lanes
        .map(|((number, lane), found)| LaneHeard {
            lane: Lane {
                id: LaneId(number),
                name: lane.name.clone(),
                language: lane.language.clone(),
                channels: Vec::new(),
                start: 0,
            },
            transcript: found.with_live(told.lanes.get(number)),
            turns: Vec::new(),
        })
        .collect()
}

impl Found {
    /// Together with what stands.
    fn with_live(self, live: Option<&LaneJournal>) -> LaneTranscript {
        let mut segments = self.segments;
        let mut transcript = LaneTranscript {
            utterances: Vec::new(),
            suppressed: self.suppressed,
            speech: self.speech,
            empty: self.empty,
        };
        if let Some(live) = live {
            let is_deferred = |speech: &speech::sound::Span| live.deferred.contains(speech);
            segments.extend(live.segments.iter().cloned());
            transcript.suppressed.extend(live.suppressed.iter().cloned());
            transcript
                .speech
                .extend(live.speech.iter().filter(|speech| !is_deferred(speech)));
            transcript.empty.extend(&live.empty);
        }
        segments.sort_by_key(|segment| segment.span);
        transcript.suppressed.sort_by_key(|suppressed| suppressed.segment.span);
        transcript.speech.sort();
        transcript.empty.sort();
        transcript.utterances = speech::transcription::utterances(&segments, &UtteranceOptions::default());
        transcript
    }
}

/// What was shown, with its ids.
fn shown(told: &JournalRead, spool: &RecoveredSpool) -> Transcript {
    let label = |lane: usize| {
        let name = spool.lanes.get(lane).and_then(|lane| lane.name.as_deref());
        let anonymous = (spool.lanes.len() > 1).then(|| anonymous(lane));
        name.map(SpeakerLabel::new)
            .filter(|_| spool.lanes.len() > 1)
            .or(anonymous)
    };
    let utterance = |(id, (lane, words)): (&datasets::UtteranceId, &(usize, Vec<speech::transcript::Word>))| {
        let ends = words.first().zip(words.last());
        Utterance {
            speaker: label(*lane),
            span: ends.map(|(first, last)| span(speech::sound::Span::new(first.start_ms, last.end_ms))),
            ..Utterance::new(id.clone(), speech::transcript::text_of(words))
        }
    };
    let mut utterances: Vec<Utterance> = told.utterances.iter().map(utterance).collect();
    utterances.sort_by_key(|utterance| utterance.span.map(|span: TimeSpan| (span.start, span.end)));
    Transcript {
        utterances,
        ..Transcript::default()
    }
}
