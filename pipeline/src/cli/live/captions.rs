//! Captions for people: each utterance as a line once it is over, and below them, replaced in place, what is being said.

use std::collections::BTreeMap;

use datasets::UtteranceId;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use speech::streaming::LoadLevel;

use crate::cli::terminal::{FAINT, TITLE, Terminal};
use crate::live::{At, Audience, LiveMessage};

/// An utterance to which nothing was added for this long is printed.
const OVER_MS: i64 = 4000;

/// What is on the screen.
pub(super) struct Captions {
    terminal: Terminal,
    screen: MultiProgress,
    lanes: BTreeMap<usize, LaneCaption>,
    is_read: bool,
}

/// What is being said on a lane.
struct LaneCaption {
    line: ProgressBar,
    open: Option<OpenUtterance>,
    partial: String,
}

struct OpenUtterance {
    id: UtteranceId,
    at: At,
    text: String,
}

impl Captions {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self {
            screen: terminal.lines_below(),
            terminal,
            lanes: BTreeMap::new(),
            is_read: true,
        }
    }

    fn lane(&mut self, lane: usize) -> &mut LaneCaption {
        let screen = &self.screen;
        self.lanes.entry(lane).or_insert_with(|| {
            let line = screen.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
                line.set_style(style);
            }
            LaneCaption {
                line,
                open: None,
                partial: String::new(),
            }
        })
    }

    fn committed(&mut self, at: &At, id: &UtteranceId, text: &str) {
        let lane = self.lane(at.lane);
        lane.partial.clear();
        match &mut lane.open {
            Some(open) if open.id == *id => {
                open.text.push(' ');
                open.text.push_str(text);
                open.at.end_ms = at.end_ms;
            }
            _ => {
                let next = OpenUtterance {
                    id: id.clone(),
                    at: at.clone(),
                    text: text.to_owned(),
                };
                let before = lane.open.replace(next);
                self.print(before);
            }
        }
    }

    fn print(&mut self, utterance: Option<OpenUtterance>) {
        if let Some(OpenUtterance { at, text, .. }) = utterance {
            self.print_line(&format!("{}{text}", head(&at)));
        }
    }

    fn print_line(&mut self, line: &str) {
        // A recording does not end because nobody reads along.
        self.is_read = self.is_read && self.screen.suspend(|| self.terminal.line(line)).is_ok();
    }

    fn clear_partial(&mut self, lane: usize) {
        self.lane(lane).partial.clear();
        self.redraw(lane);
    }

    fn redraw(&mut self, lane: usize) {
        let lane = self.lane(lane);
        let said = lane
            .open
            .as_ref()
            .map(|open| format!("{}{}", head(&open.at), open.text))
            .unwrap_or_default();
        lane.line
            .set_message(format!("{said} {FAINT}{}{FAINT:#}", lane.partial));
    }
}

impl Audience for Captions {
    fn hear(&mut self, message: &LiveMessage) {
        match message {
            LiveMessage::Committed {
                at,
                utterance: Some(id),
                text,
                ..
            } => {
                self.committed(at, id, text);
                self.redraw(at.lane);
            }
            LiveMessage::Partial { at, text } => {
                self.lane(at.lane).partial.clone_from(text);
                self.redraw(at.lane);
            }
            LiveMessage::Lag { backlog_ms, level, .. } => {
                let note = level_note(*level, self.terminal.phrases.is_french());
                self.print_line(&format!(
                    "{FAINT}[{note} ({:.1} s)]{FAINT:#}",
                    *backlog_ms as f64 / 1000.0
                ));
            }
            LiveMessage::Suppressed { at, .. } | LiveMessage::Empty { at, .. } => self.clear_partial(at.lane),
            LiveMessage::Deferred { at, error, .. } => {
                self.clear_partial(at.lane);
                if let Some(error) = error {
                    self.print_line(&format!("{FAINT}[{error}]{FAINT:#}"));
                }
            }
            _ => {}
        }
    }

    fn pass(&mut self, now_ms: i64, _recorded: u64) {
        let over = |lane: &&mut LaneCaption| {
            let open = lane.open.as_ref();
            open.is_some_and(|open| now_ms - open.at.end_ms > OVER_MS && lane.partial.is_empty())
        };
        let ended: Vec<_> = self
            .lanes
            .values_mut()
            .filter(over)
            .map(|lane| {
                lane.line.set_message("");
                lane.open.take()
            })
            .collect();
        ended.into_iter().for_each(|utterance| self.print(utterance));
    }
}

impl Drop for Captions {
    /// What is on the screen below is printed too.
    fn drop(&mut self) {
        let open: Vec<_> = self.lanes.values_mut().map(|lane| lane.open.take()).collect();
        for lane in self.lanes.values() {
            lane.line.finish_and_clear();
        }
        open.into_iter().for_each(|utterance| self.print(utterance));
    }
}

/// Time and speaker of an utterance.
fn head(at: &At) -> String {
    let seconds = at.start_ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let time = if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    };
    match &at.speaker {
        Some(speaker) => format!("{FAINT}{time}{FAINT:#} {TITLE}{speaker}{TITLE:#} "),
        None => format!("{FAINT}{time}{FAINT:#} "),
    }
}

fn level_note(level: LoadLevel, is_french: bool) -> &'static str {
    match (level, is_french) {
        (LoadLevel::Normal, false) => "caught up",
        (LoadLevel::WithoutPartials, false) => "this machine is behind: text comes at the end of each sentence",
        (LoadLevel::SmallerModel, false) => "this machine is behind: the smaller model takes over",
        (LoadLevel::Deferred, false) => "this machine is behind: this part will be transcribed at the end",
        (LoadLevel::Normal, true) => "retard rattrapé",
        (LoadLevel::WithoutPartials, true) => "machine en retard : le texte vient à la fin de chaque phrase",
        (LoadLevel::SmallerModel, true) => "machine en retard : le petit modèle prend le relais",
        (LoadLevel::Deferred, true) => "machine en retard : cette partie sera transcrite à la fin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_begins_with_its_time() {
        let head_of = |start_ms, speaker: Option<&str>| {
            let at = At {
                lane: 0,
                speaker: speaker.map(str::to_owned),
                start_ms,
                end_ms: start_ms,
                lag_ms: 0,
            };
            anstream::adapter::strip_str(&head(&at)).to_string()
        };
        assert_eq!(head_of(61_500, None), "01:01 ");
        assert_eq!(head_of(3_661_000, Some("Ann")), "1:01:01 Ann ");
    }
}
