//! What a command says and where: results on standard output, notes and progress on standard error, colours and bars
//! only on a terminal.

use std::fmt::Display;
use std::io::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::phrases::Phrases;
use crate::session::IndexProgress;
use crate::settings::Settings;

/// Titles.
pub(super) const TITLE: Style = Style::new().bold();
/// What stands beside the point.
pub(super) const FAINT: Style = Style::new().dimmed();
/// Matched words.
pub(super) const MATCH: Style = AnsiColor::Yellow.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// The standard streams, as the settings want them used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    pub(super) json: bool,
    quiet: bool,
    pub(super) phrases: Phrases,
}

impl Terminal {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            json: settings.json,
            quiet: settings.quiet,
            phrases: Phrases::of(settings.display_language()),
        }
    }

    /// Prints a line of the result.
    pub(super) fn line(&self, text: impl Display) -> anyhow::Result<()> {
        Ok(writeln!(anstream::stdout().lock(), "{text}")?)
    }

    /// Prints the result as JSON, indented.
    pub(super) fn print_json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut stdout = std::io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, value)?;
        Ok(writeln!(stdout)?)
    }

    /// Prints one event as a line of JSON, at once.
    pub(super) fn print_json_line(&self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut stdout = std::io::stdout().lock();
        serde_json::to_writer(&mut stdout, value)?;
        writeln!(stdout)?;
        Ok(stdout.flush()?)
    }

    /// Says something beside the result; not with `--quiet`.
    pub(super) fn note(&self, text: impl Display) {
        if !self.quiet {
            // A standard error that is closed is no reason to fail.
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        }
    }

    /// Says that an input was skipped, even with `--quiet`.
    pub(super) fn skipped(&self, error: &anyhow::Error) {
        let _ = writeln!(anstream::stderr().lock(), "{ERROR}skipped:{ERROR:#} {error:#}");
    }

    /// Prints an error with its causes.
    pub(super) fn error(&self, error: &anyhow::Error) {
        let _ = writeln!(anstream::stderr().lock(), "{ERROR}error:{ERROR:#} {error:#}");
    }

    /// A bar over `total` things; invisible off a terminal and with `--quiet`.
    pub(super) fn bar(&self, total: usize, label: &'static str) -> ProgressBar {
        self.styled_bar(total as u64, label, "{prefix} {wide_bar} {pos}/{len} {eta} {msg}")
    }

    /// A bar over bytes.
    pub(super) fn byte_bar(&self, label: &'static str) -> ProgressBar {
        self.styled_bar(
            0,
            label,
            "{prefix} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {msg}",
        )
    }

    fn styled_bar(&self, total: u64, label: &'static str, template: &str) -> ProgressBar {
        let target = if self.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_prefix(label);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Lines below the result that are replaced in place; invisible off a terminal and with `--quiet`.
    pub(super) fn lines_below(&self) -> MultiProgress {
        MultiProgress::with_draw_target(if self.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        })
    }

    /// Shows the progress of bringing the index up to date, once it takes more than one meeting.
    pub(super) fn index_progress(&self) -> impl FnMut(IndexProgress) + use<> {
        let terminal = *self;
        let mut bar: Option<ProgressBar> = None;
        move |progress| {
            if progress.total > 1 {
                bar.get_or_insert_with(|| terminal.bar(progress.total, "indexing"))
                    .set_position(progress.done as u64);
            }
        }
    }
}

/// `text` with the byte ranges in `highlights` coloured.
pub(super) fn highlighted(text: &str, highlights: &[std::ops::Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len() + highlights.len() * 12);
    let mut position = 0;
    for range in highlights {
        let (Some(before), Some(inside)) = (text.get(position..range.start), text.get(range.clone())) else {
            continue;
        };
        out.push_str(before);
        out.push_str(&format!("{MATCH}{inside}{MATCH:#}"));
        position = range.end;
    }
    out.push_str(text.get(position..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_highlight_out_of_place_is_left_out() {
        assert_eq!(
            anstream::adapter::strip_str(&highlighted("été ici", &[0..5, 6..9])).to_string(),
            "été ici"
        );
        assert_eq!(highlighted("été", std::slice::from_ref(&(1..2))), "été");
    }
}
