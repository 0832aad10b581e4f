//! Events for programs: one JSON object a line. When nobody reads them any more, the recording goes on.

use crate::cli::terminal::Terminal;
use crate::live::{Audience, LiveMessage};

/// Prints each message as a line, at once.
pub(super) struct JsonLines {
    terminal: Terminal,
    is_read: bool,
}

impl JsonLines {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self {
            terminal,
            is_read: true,
        }
    }
}

impl Audience for JsonLines {
    fn hear(&mut self, message: &LiveMessage) {
        if self.is_read && self.terminal.print_json_line(message).is_err() {
            self.is_read = false;
            self.terminal
                .note("note: nobody reads the events any more; the recording goes on, Ctrl-C ends it");
        }
    }
}
