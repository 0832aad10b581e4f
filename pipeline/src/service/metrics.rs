//! What a server counts of itself, in the text form of Prometheus. Numbers only: nothing of who asked, or what was said.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datasets::{Minutes, Support, Transcript};

/// Upper ends of the classes of the times of calls, in seconds: Prometheus' own defaults.
const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Counters since the server was started.
#[derive(Debug, Default)]
pub struct Metrics {
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    calls: BTreeMap<Call, Times>,
    jobs_failed: u64,
    heard: Duration,
    hearing: Duration,
    heard_live: Duration,
    suppressed: Duration,
    tokens: u64,
    writing: Duration,
    statements: u64,
    proven: u64,
    struck: u64,
}

/// Calls that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Times {
    count: u64,
    seconds: f64,
    at_most: [u64; SECONDS.len()],
}

/// What is as it is when somebody asks, rather than counted.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// Meetings in the library.
    pub meetings: usize,
    /// Jobs by state.
    pub jobs: Vec<(String, u64)>,
    /// Calls that wait for a permit, by kind of work.
    pub waiting: Vec<(&'static str, usize)>,
    /// Live meetings that are held.
    pub live: usize,
    /// How late the latest words of the latest live meeting were.
    pub live_lag: Duration,
}

impl Metrics {
    /// Counts a call. `route` is the address as the interface names it, without the values in it.
    pub fn call(&self, method: &str, route: &str, status: u16, took: Duration) {
        // Anybody may make methods up; a class for each would fill the memory.
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
        let call = Call {
            method: known.into_iter().find(|known| *known == method).unwrap_or("other"),
            route: route.to_owned(),
            status,
        };
        let seconds = took.as_secs_f64();
        let mut counted = self.counted();
        let times = counted.calls.entry(call).or_default();
        times.count += 1;
        times.seconds += seconds;
        for (count, end) in times.at_most.iter_mut().zip(SECONDS) {
            *count += u64::from(seconds <= end);
        }
    }

    /// Counts an attempt at a job that failed.
    pub fn job_failed(&self) {
        self.counted().jobs_failed += 1;
    }

    /// Counts a recording that was transcribed.
    pub fn heard(&self, transcript: &Transcript, sound: Duration, took: Duration) {
        let mut counted = self.counted();
        counted.heard += sound;
        counted.hearing += took;
        counted.suppressed += suppressed(transcript);
    }

    /// Counts the sound of a live meeting: apart, because hearing it takes as long as it lasts.
    pub fn heard_live(&self, sound: Duration) {
        self.counted().heard_live += sound;
    }

    /// Counts what was taken out of the transcript of a live meeting.
    pub fn suppressed_live(&self, transcript: &Transcript) {
        self.counted().suppressed += suppressed(transcript);
    }

    /// Counts tokens of a language model that wrote minutes, and the time it took.
    pub fn written(&self, tokens: usize, took: Duration) {
        let mut counted = self.counted();
        counted.tokens += tokens as u64;
        counted.writing += took;
    }

    /// Counts minutes that were made.
    pub fn minuted(&self, minutes: &Minutes) {
        let proven = minutes
            .statements()
            .filter(|statement| statement.support == Support::Proven);
        let mut counted = self.counted();
        counted.statements += minutes.statements().count() as u64;
        counted.proven += proven.count() as u64;
        counted.struck += minutes.dropped.len() as u64;
    }

    /// All of it, as Prometheus reads it.
    pub fn render(&self, gauges: &Gauges) -> String {
        let mut page = Page::default();
        page.head("greffier_meetings", "gauge", "Meetings in the library.");
        page.line("greffier_meetings", "", gauges.meetings as f64);
        page.head("greffier_jobs", "gauge", "Jobs by state.");
        for (state, count) in &gauges.jobs {
            page.line("greffier_jobs", &format!("state=\"{state}\""), *count as f64);
        }
        page.head("greffier_calls_waiting", "gauge", "Calls that wait for a processor.");
        for (work, count) in &gauges.waiting {
            page.line("greffier_calls_waiting", &format!("work=\"{work}\""), *count as f64);
        }
        page.head("greffier_live_meetings", "gauge", "Live meetings that are held.");
        page.line("greffier_live_meetings", "", gauges.live as f64);
        page.head(
            "greffier_live_lag_seconds",
            "gauge",
            "How late the last words were, of the live meeting that is furthest behind.",
        );
        page.line("greffier_live_lag_seconds", "", gauges.live_lag.as_secs_f64());
        let counted = self.counted();
        let counters = [
            (
                "greffier_job_failures_total",
                "Attempts at jobs that failed.",
                counted.jobs_failed as f64,
            ),
            (
                "greffier_sound_seconds_total",
                "Sound that was transcribed, all lanes together.",
                counted.heard.as_secs_f64(),
            ),
            (
                "greffier_transcribing_seconds_total",
                "Time that transcribing took; by the sound, the real-time factor.",
                counted.hearing.as_secs_f64(),
            ),
            (
                "greffier_live_sound_seconds_total",
                "Sound of live meetings that have ended, all tracks together.",
                counted.heard_live.as_secs_f64(),
            ),
            (
                "greffier_suppressed_seconds_total",
                "Sound whose words were taken out as invented.",
                counted.suppressed.as_secs_f64(),
            ),
            (
                "greffier_language_model_tokens_total",
                "Tokens that a language model read and wrote for minutes; by the seconds, its tokens per second.",
                counted.tokens as f64,
            ),
            (
                "greffier_language_model_seconds_total",
                "Time that the writing of minutes by a language model took.",
                counted.writing.as_secs_f64(),
            ),
            (
                "greffier_statements_total",
                "Statements of minutes that were made.",
                counted.statements as f64,
            ),
            (
                "greffier_statements_proven_total",
                "Statements whose evidence holds all of them; by the statements, the share that is proven.",
                counted.proven as f64,
            ),
            (
                "greffier_statements_struck_total",
                "Statements that the verifier struck.",
                counted.struck as f64,
            ),
        ];
        for (name, help, value) in counters {
            page.head(name, "counter", help);
            page.line(name, "", value);
        }
        page.head("greffier_call_seconds", "histogram", "Times of calls.");
        for (call, times) in &counted.calls {
            page.times(call, times);
        }
        page.text
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn suppressed(transcript: &Transcript) -> Duration {
    let spans = transcript.suppressed.iter().map(|one| one.span);
    let ms: i64 = spans.map(|span| span.end.0 - span.start.0).sum();
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: f64) {
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{labels}}}")
        };
        let _ = writeln!(self.text, "{name}{labels} {value}");
    }

    fn times(&mut self, call: &Call, times: &Times) {
        let Call { method, route, status } = call;
        let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
        let ends = SECONDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (end, count) in ends.zip(times.at_most.into_iter().chain([times.count])) {
            self.line(
                "greffier_call_seconds_bucket",
                &format!("{labels},le=\"{end}\""),
                count as f64,
            );
        }
        self.line("greffier_call_seconds_sum", &labels, times.seconds);
        self.line("greffier_call_seconds_count", &labels, times.count as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_classed_as_prometheus_adds_them_up_and_methods_are_few() {
        let metrics = Metrics::default();
        metrics.call("GET", "/v1/search", 200, Duration::from_millis(30));
        metrics.call("GET", "/v1/search", 200, Duration::from_secs(60));
        metrics.call("BREW", "none", 404, Duration::ZERO);
        let page = metrics.render(&Gauges::default());
        let labels = "method=\"GET\",route=\"/v1/search\",status=\"200\"";
        for line in [
            format!("greffier_call_seconds_bucket{{{labels},le=\"0.025\"}} 0"),
            format!("greffier_call_seconds_bucket{{{labels},le=\"0.05\"}} 1"),
            format!("greffier_call_seconds_bucket{{{labels},le=\"10\"}} 1"),
            format!("greffier_call_seconds_bucket{{{labels},le=\"+Inf\"}} 2"),
            format!("greffier_call_seconds_count{{{labels}}} 2"),
            "greffier_call_seconds_count{method=\"other\",route=\"none\",status=\"404\"} 1".to_owned(),
            "greffier_meetings 0".to_owned(),
        ] {
            assert!(page.lines().any(|known| known == line), "{line} is not in\n{page}");
        }
    }
}
