//! How long meetings are kept: rules by series or domain, applied once a day by a server and by `greffier retain`. Each
//! deletion leaves a receipt, as those that people ask for do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use datasets::library::{Library, Receipt};
use datasets::{Meeting, MeetingId, SeriesId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Service;
use super::audit::AuditRecord;
use crate::stages::transcribe::has_recording;

/// Between two looks of a server.
const PAUSE: Duration = Duration::from_secs(24 * 3600);
const DAY_MS: i64 = 24 * 3600 * 1000;

/// How long the meetings of a series, of a domain, or all of them are kept. Of the rules that delete the same, the first
/// that concerns a meeting counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RetentionRule {
    /// Only meetings of this series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesId>,
    /// Only meetings whose owner has a mail address of this domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Days from the beginning of a meeting until it goes; at least one.
    pub keep_days: u32,
    /// What goes then.
    #[serde(default)]
    pub delete: Part,
}

/// What of a meeting a rule deletes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Everything.
    #[default]
    Meeting,
    /// The recording; transcript and minutes stay.
    Sound,
}

/// Something whose time is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Due {
    /// The meeting.
    pub meeting: MeetingId,
    /// What of it goes.
    pub delete: Part,
    /// Whole days since it began.
    pub age_days: i64,
    /// The days that the rule gives it.
    pub keep_days: u32,
}

/// What the rules say of a library at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RetentionPlan {
    /// What goes, in the order of the meetings.
    pub due: Vec<Due>,
    /// Meetings that a rule concerns and that have no date: they stay until somebody gives them one.
    pub undated: BTreeSet<MeetingId>,
}

impl RetentionRule {
    /// Whether the rule makes sense.
    ///
    /// # Errors
    /// What to write instead.
    pub fn check(&self) -> Result<(), String> {
        if self.keep_days == 0 {
            return Err("keep-days is at least 1: a meeting is not deleted on the day it is held".to_owned());
        }
        Ok(())
    }

    fn concerns(&self, meeting: &Meeting) -> bool {
        let owner = meeting.access.owner.as_ref();
        let domain = owner.and_then(|owner| owner.as_str().rsplit_once('@'));
        let is_of_series = self
            .series
            .as_ref()
            .is_none_or(|series| meeting.series.as_ref() == Some(series));
        let is_of_domain = self
            .domain
            .as_ref()
            .is_none_or(|wanted| domain.is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(wanted)));
        is_of_series && is_of_domain
    }
}

impl RetentionPlan {
    /// What `rules` say of `meetings` at `now`. `has_sound` tells whether there is a recording to delete.
    pub fn of<'a>(
        rules: &[RetentionRule],
        meetings: impl IntoIterator<Item = &'a Meeting>,
        now: Timestamp,
        has_sound: impl Fn(&Meeting) -> bool,
    ) -> Self {
        let mut plan = Self::default();
        for meeting in meetings {
            // The whole before its part: what goes as a whole has no part left.
            let mut parts = [Part::Meeting, Part::Sound].into_iter();
            let due = parts.find_map(|part| plan.judge(rules, meeting, part, now));
            plan.due
                .extend(due.filter(|due| due.delete == Part::Meeting || has_sound(meeting)));
        }
        plan
    }

    /// What the library's meetings are due for.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn of_library(rules: &[RetentionRule], library: &Library, now: Timestamp) -> anyhow::Result<Self> {
        let ids = library.meeting_ids()?;
        let meetings: Vec<Meeting> = ids.iter().map(|id| library.meeting(id)).collect::<Result<_, _>>()?;
        Ok(Self::of(rules, &meetings, now, |meeting| {
            has_recording(library, meeting)
        }))
    }

    fn judge(&mut self, rules: &[RetentionRule], meeting: &Meeting, part: Part, now: Timestamp) -> Option<Due> {
        let rule = rules
            .iter()
            .find(|rule| rule.delete == part && rule.concerns(meeting))?;
        let Some(began) = meeting.started_at else {
            self.undated.insert(meeting.id.clone());
            return None;
        };
        let age_days = (now.as_millisecond() - began.as_millisecond()).div_euclid(DAY_MS);
        (age_days >= i64::from(rule.keep_days)).then(|| Due {
            meeting: meeting.id.clone(),
            delete: part,
            age_days,
            keep_days: rule.keep_days,
        })
    }
}

impl Service {
    /// Deletes what is due at `now`, with receipts. What cannot be deleted is reported and tried again the next day: the
    /// others are not kept longer for it.
    pub fn retain(&self, now: Timestamp) -> Vec<Receipt> {
        let entries = self.catalog.all_visible(&datasets::Viewer::Operator);
        let meetings = entries.iter().map(|entry| &entry.meeting);
        let plan = RetentionPlan::of(&self.retention, meetings, now, |meeting| {
            has_recording(&self.library, meeting)
        });
        for meeting in &plan.undated {
            tracing::warn!(%meeting, "a retention rule concerns a meeting without a date: it is kept until it has one");
        }
        plan.due.iter().filter_map(|due| self.delete(due)).collect()
    }

    fn delete(&self, due: &Due) -> Option<Receipt> {
        let deleted = match due.delete {
            Part::Meeting => self.forget(&due.meeting).map(Some),
            Part::Sound => self.forget_recording(&due.meeting),
        };
        let (meeting, part) = (&due.meeting, due.delete);
        match deleted {
            Ok(receipt) => {
                self.audit.append(&AuditRecord {
                    at: Timestamp::now(),
                    who: "retention",
                    method: "DELETE",
                    route: match part {
                        Part::Meeting => "/v1/meetings/{meeting}",
                        Part::Sound => "/v1/meetings/{meeting}/recording",
                    },
                    subject: Some(meeting.as_str()),
                    status: 200,
                });
                tracing::info!(%meeting, ?part, age_days = due.age_days, "deleted by a retention rule");
                receipt
            }
            Err(error) => {
                tracing::error!(%meeting, ?part, error = format!("{error:#}"), "a retention rule cannot be applied");
                None
            }
        }
    }
}

/// Applies the rules once now and once a day, until the other end of `stop` is gone.
pub fn keep_on(service: &Arc<Service>, stop: &Receiver<()>) {
    if service.retention.is_empty() {
        return;
    }
    loop {
        service.retain(Timestamp::now());
        if stop.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use datasets::PersonId;

    use super::*;

    fn rule(series: Option<&str>, domain: Option<&str>, keep_days: u32, delete: Part) -> RetentionRule {
        RetentionRule {
            series: series.map(SeriesId::new),
            domain: domain.map(str::to_owned),
            keep_days,
            delete,
        }
    }

    fn meeting(name: &str, series: Option<&str>, owner: Option<&str>, began: Option<&str>) -> Meeting {
        let mut meeting = Meeting::new(MeetingId::new(name), name);
        meeting.series = series.map(SeriesId::new);
        meeting.access.owner = owner.map(PersonId::new);
        meeting.started_at = began.map(|began| began.parse().unwrap());
        meeting
    }

    fn due(rules: &[RetentionRule], meetings: &[Meeting], now: &str) -> Vec<(String, Part)> {
        let plan = RetentionPlan::of(rules, meetings, now.parse().unwrap(), |meeting| {
            meeting.title != "silent"
        });
        plan.due
            .into_iter()
            .map(|due| (due.meeting.to_string(), due.delete))
            .collect()
    }

    #[test]
    fn a_meeting_goes_on_the_day_its_time_is_over() {
        let rules = [rule(None, None, 30, Part::Meeting)];
        let meetings = [meeting("weekly", None, None, Some("2026-01-01T09:00:00Z"))];
        assert!(due(&rules, &meetings, "2026-01-31T08:59:59Z").is_empty());
        assert_eq!(
            due(&rules, &meetings, "2026-01-31T09:00:00Z"),
            [("weekly".to_owned(), Part::Meeting)]
        );
        assert!(due(&[], &meetings, "2036-01-01T00:00:00Z").is_empty());
        // One that is to come.
        assert!(due(&rules, &meetings, "2025-01-01T00:00:00Z").is_empty());
    }

    #[test]
    fn the_first_rule_that_concerns_a_meeting_counts_for_each_part() {
        let rules = [
            rule(Some("board"), None, 3650, Part::Meeting),
            rule(None, Some("example.org"), 90, Part::Meeting),
            rule(None, None, 7, Part::Sound),
        ];
        let of = |name, series, owner| meeting(name, series, owner, Some("2026-01-01T09:00:00Z"));
        let meetings = [
            of("board", Some("board"), Some("ann@example.org")),
            of("ours", Some("weekly"), Some("ann@Example.org")),
            of("theirs", None, Some("bob@example.com")),
            of("silent", None, None),
        ];
        let sound = |name: &str| (name.to_owned(), Part::Sound);
        assert_eq!(
            due(&rules, &meetings, "2026-01-10T00:00:00Z"),
            [sound("board"), sound("ours"), sound("theirs")]
        );
        let later = due(&rules, &meetings, "2026-06-01T00:00:00Z");
        assert_eq!(
            later,
            [sound("board"), ("ours".to_owned(), Part::Meeting), sound("theirs")]
        );
    }

    #[test]
    fn a_meeting_without_a_date_is_told_of_and_stays() {
        let rules = [rule(Some("weekly"), None, 1, Part::Meeting)];
        let meetings = [
            meeting("lost", Some("weekly"), None, None),
            meeting("other", None, None, None),
        ];
        let plan = RetentionPlan::of(&rules, &meetings, Timestamp::MAX, |_| true);
        assert_eq!(plan.due, []);
        assert_eq!(plan.undated, BTreeSet::from([MeetingId::new("lost")]));
    }

    #[test]
    fn a_rule_that_keeps_nothing_is_refused() {
        assert!(rule(None, None, 0, Part::Sound).check().is_err());
        assert!(rule(None, None, 1, Part::Sound).check().is_ok());
    }
}
