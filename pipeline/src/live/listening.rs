//! A live meeting from its first sound to its last: starts the threads, writes the journal, and tells what is heard.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use speech::streaming::{LiveEvent, LiveOptions};

use super::engine::LiveEngine;
use super::folder::LiveFolder;
use super::following::{Follower, Told};
use super::journal::Journal;
use super::lag::LagHistogram;
use super::message::{At, LiveMessage, SCHEMA_VERSION, WordTime};
use super::progress::Progress;
use super::recording::record;
use super::source::Source;
use super::stop::Stop;
use super::utterance_ids::UtteranceIds;
use crate::stages::diarize::anonymous;

/// What is told waits here while it is written down; followers that are further ahead wait.
const TOLD_MAX: usize = 256;
/// How often the audience is told that time passes.
const TICK: Duration = Duration::from_millis(200);
/// What a recorder program says goes to this file of the meeting's folder.
const RECORDER_LOG: &str = "recorder.log";

/// To whom a live meeting is told.
pub trait Audience {
    /// Something became known; what was committed is on the disk already.
    fn hear(&mut self, message: &LiveMessage);

    /// It is `now_ms` in the meeting, and `recorded` samples of each lane are on the disk.
    fn pass(&mut self, _now_ms: i64, _recorded: u64) {}
}

/// How a live meeting ended.
#[derive(Debug, Default)]
pub struct Listened {
    /// What was wrong with the sound.
    pub warnings: Vec<String>,
    /// What broke; all that came before is on the disk.
    pub failure: Option<anyhow::Error>,
    /// How late words were committed.
    pub lag: LagHistogram,
}

/// What tells messages from events.
struct Narrator<'a> {
    progress: &'a Progress,
    journal: Journal,
    ids: UtteranceIds,
    /// Names of the lanes as far as they joined.
    names: Vec<Option<String>>,
    listened: Listened,
}

/// Records `source` into `folder` and tells `audience` what is heard, until the sound ends or `stop` is asked for.
/// `vocabulary` are words that are likely to occur.
///
/// # Errors
/// When it cannot begin. What fails later is in [`Listened::failure`].
pub fn listen(
    folder: &LiveFolder,
    source: &Source,
    engine: &LiveEngine,
    vocabulary: &str,
    stop: &Stop,
    audience: &mut dyn Audience,
) -> anyhow::Result<Listened> {
    let options = LiveOptions {
        vocabulary: vocabulary.to_owned(),
        language: engine.options().language.map(|language| language.to_string()),
        ..LiveOptions::default()
    };
    // The first recognizer before the first sound: what is wrong with it is told now.
    drop(engine.lend()?);
    let progress = Arc::new(Progress::default());
    let journal = Journal::create(&folder.journal_path())?;
    let (pieces, running) = source.start(&folder.dir().join(RECORDER_LOG), &progress, stop)?;
    audience.hear(&LiveMessage::Started {
        version: SCHEMA_VERSION,
        session: folder.name(),
        source: source.describe(),
        model: engine.name(),
    });
    let workers = engine.plan().workers;
    let mut listened = std::thread::scope(|scope| {
        let progress: &Progress = &progress;
        let (tell, told) = sync_channel(TOLD_MAX);
        let recording = scope.spawn(move || record(folder.dir(), pieces, progress, stop));
        let followers: Vec<_> = (0..workers)
            .map(|number| {
                let follower = Follower {
                    number,
                    workers,
                    engine,
                    options: &options,
                    is_real_time: source.is_real_time(),
                    progress,
                    tell: tell.clone(),
                };
                scope.spawn(move || follower.follow())
            })
            .collect();
        drop(tell);
        let mut narrator = Narrator {
            progress,
            journal,
            ids: UtteranceIds::default(),
            names: Vec::new(),
            listened: Listened::default(),
        };
        narrator.narrate(&told, audience);
        for follower in followers {
            narrator.note(follower.join().unwrap_or_else(|_| Err(broken("follows a lane"))));
        }
        let recorded = recording.join();
        narrator.note(recorded.map_or_else(|_| Err(broken("records")), |recorded| Ok(recorded?)));
        audience.pass(progress.now_ms(), progress.recorded());
        narrator.listened
    });
    match running.end(stop) {
        Ok(warnings) => listened.warnings = warnings,
        Err(error) => listened.failure = Some(listened.failure.take().unwrap_or(error)),
    }
    Ok(listened)
}

impl Narrator<'_> {
    /// Tells until all followers have ended.
    fn narrate(&mut self, told: &Receiver<Told>, audience: &mut dyn Audience) {
        loop {
            match told.recv_timeout(TICK) {
                Ok(told) => {
                    let messages = self.write_down(told);
                    messages.iter().for_each(|message| audience.hear(message));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            audience.pass(self.progress.now_ms(), self.progress.recorded());
        }
    }

    /// Keeps the first failure: the others follow from it.
    fn note(&mut self, result: anyhow::Result<()>) {
        if let Err(error) = result {
            self.listened.failure.get_or_insert(error);
        }
    }

    /// Writes down what stands, and gives what is told of it.
    fn write_down(&mut self, told: Told) -> Vec<LiveMessage> {
        match told {
            Told::Joined { lane, name, start_ms } => {
                if self.names.len() <= lane {
                    self.names.resize(lane + 1, None);
                }
                let speaker = name.clone().unwrap_or_else(|| anonymous(lane).to_string());
                self.names[lane] = name;
                let at = At {
                    speaker: Some(speaker),
                    ..self.at(lane, start_ms, start_ms)
                };
                vec![LiveMessage::Speaker { at }]
            }
            Told::Ended { lane } => {
                let written = self.journal.append(lane, None);
                self.note(written);
                Vec::new()
            }
            Told::Event { lane, event } => {
                if event.covers().is_some() {
                    let written = self.journal.append(lane, Some(&event));
                    self.note(written);
                }
                self.messages(lane, event)
            }
        }
    }

    fn messages(&mut self, lane: usize, event: LiveEvent) -> Vec<LiveMessage> {
        let message = match event {
            LiveEvent::Committed {
                words,
                language,
                covers,
            } => return self.committed(lane, words, language, covers),
            LiveEvent::Partial { words } => {
                let now_ms = self.progress.now_ms();
                let ends = words.first().zip(words.last());
                let (start_ms, end_ms) = ends.map_or((now_ms, now_ms), |(first, last)| (first.start_ms, last.end_ms));
                LiveMessage::Partial {
                    at: self.at(lane, start_ms, end_ms),
                    text: speech::transcript::text_of(&words),
                }
            }
            LiveEvent::Suppressed { suppressed, covers } => LiveMessage::Suppressed {
                at: self.at(lane, suppressed.segment.span.start_ms, suppressed.segment.span.end_ms),
                text: suppressed.segment.text(),
                reason: suppressed.reason,
                covers,
            },
            LiveEvent::Empty { covers } => LiveMessage::Empty {
                at: self.at(lane, covers.start_ms, covers.end_ms),
                covers,
            },
            LiveEvent::Deferred { covers, error } => LiveMessage::Deferred {
                at: self.at(lane, covers.start_ms, covers.end_ms),
                covers,
                error,
            },
            LiveEvent::Lag { backlog_ms, level } => {
                let at_ms = self.progress.now_ms() - backlog_ms;
                LiveMessage::Lag {
                    at: self.at(lane, at_ms, at_ms),
                    backlog_ms,
                    level,
                }
            }
        };
        vec![message]
    }

    /// A message for each utterance that the words belong to; together they cover what the event does.
    fn committed(
        &mut self,
        lane: usize,
        words: Vec<speech::transcript::Word>,
        language: Option<String>,
        mut covers: speech::sound::Span,
    ) -> Vec<LiveMessage> {
        let now_ms = self.progress.now_ms();
        for word in &words {
            self.listened.lag.add(now_ms - word.end_ms);
        }
        let named = self.ids.take(lane, words, language.as_deref());
        if named.is_empty() {
            return vec![LiveMessage::Committed {
                at: self.at(lane, covers.start_ms, covers.end_ms),
                utterance: None,
                text: String::new(),
                words: Vec::new(),
                language,
                covers,
            }];
        }
        let count = named.len();
        let mut messages = Vec::with_capacity(count);
        for (number, named) in named.into_iter().enumerate() {
            let (start_ms, end_ms) = (named.words[0].start_ms, named.words[named.words.len() - 1].end_ms);
            let mut part = covers;
            if number + 1 < count {
                part.end_ms = end_ms.clamp(covers.start_ms, covers.end_ms);
                covers.start_ms = part.end_ms;
            }
            messages.push(LiveMessage::Committed {
                at: self.at(lane, start_ms, end_ms),
                utterance: Some(named.id),
                text: speech::transcript::text_of(&named.words),
                words: named.words.iter().map(WordTime::from).collect(),
                language: named.language,
                covers: part,
            });
        }
        messages
    }

    fn at(&self, lane: usize, start_ms: i64, end_ms: i64) -> At {
        let name = self.names.get(lane).cloned().flatten();
        let speaker = name.or_else(|| (self.names.len() > 1).then(|| anonymous(lane).to_string()));
        At {
            lane,
            speaker,
            start_ms,
            end_ms,
            lag_ms: self.progress.now_ms() - end_ms,
        }
    }
}

fn broken(what: &str) -> anyhow::Error {
    anyhow::anyhow!("the thread that {what} broke down")
}
