//! Action items as iCalendar tasks, one VTODO each, for any task list that speaks the format.
//!
//! RFC 5545, section 3.6.2, written with `calcard`.

use std::collections::BTreeMap;

use calcard::common::PartialDateTime;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarParameter, ICalendarProperty, ICalendarStatus,
    ICalendarValue, ICalendarValueType,
};
use jiff::Timestamp;
use jiff::civil::Date;

use super::utterance_list::one_line;
use crate::{ActionItem, ActionStatus, Meeting, Minutes, Owner, StatementId, Transcript};

/// Writes every action item of `minutes`. `statuses` holds what was ticked off since, anything else is open; `stamp` is
/// the time of writing; `transcript` gives the words behind each task.
pub fn write(
    meeting: &Meeting,
    minutes: &Minutes,
    transcript: Option<&Transcript>,
    statuses: &BTreeMap<StatementId, ActionStatus>,
    stamp: Timestamp,
) -> String {
    let tasks = minutes.actions.iter().map(|action| {
        let status = statuses.get(&action.statement.id).copied().unwrap_or_default();
        task(meeting, action, transcript, status, stamp)
    });
    calendar(tasks)
}

/// Writes actions of many meetings, each with its state, as one calendar.
pub fn write_all<'a>(
    actions: impl Iterator<Item = (&'a Meeting, &'a ActionItem, ActionStatus)>,
    stamp: Timestamp,
) -> String {
    calendar(actions.map(|(meeting, action, status)| task(meeting, action, None, status, stamp)))
}

fn calendar(tasks: impl Iterator<Item = ICalendarComponent>) -> String {
    let mut calendar = ICalendarComponent::new(ICalendarComponentType::VCalendar);
    calendar.add_property(ICalendarProperty::Version, "2.0");
    calendar.add_property(ICalendarProperty::Prodid, "-//greffier//greffier//EN");
    let mut components = vec![calendar];
    for (number, task) in (1..).zip(tasks) {
        components.push(task);
        components[0].component_ids.push(number);
    }
    ICalendar { components }.to_string()
}

fn task(
    meeting: &Meeting,
    action: &ActionItem,
    transcript: Option<&Transcript>,
    status: ActionStatus,
    stamp: Timestamp,
) -> ICalendarComponent {
    let mut task = ICalendarComponent::new(ICalendarComponentType::VTodo);
    task.add_uid(&format!("{}/{}@greffier", meeting.id, action.statement.id));
    task.add_dtstamp(PartialDateTime::from_utc_timestamp(stamp.as_second()));
    task.add_property(ICalendarProperty::Summary, one_line(&action.statement.text));
    task.add_property(ICalendarProperty::Description, description(meeting, action, transcript));
    let status = match status {
        ActionStatus::Open => ICalendarStatus::NeedsAction,
        ActionStatus::Done => ICalendarStatus::Completed,
    };
    task.add_property(ICalendarProperty::Status, status);
    if let Some(date) = action.due.as_ref().and_then(|due| due.date) {
        let is_date = vec![ICalendarParameter::value(ICalendarValueType::Date)];
        task.add_property_with_params(ICalendarProperty::Due, is_date, day(date));
    }
    if let Some(owner) = &action.owner {
        let name = vec![ICalendarParameter::cn(one_line(&owner.name))];
        task.add_property_with_params(ICalendarProperty::Attendee, name, address(meeting, owner));
    }
    task
}

/// Where the task was taken on, and the words.
fn description(meeting: &Meeting, action: &ActionItem, transcript: Option<&Transcript>) -> String {
    let mut lines = vec![meeting.title.clone()];
    if let Some(due) = &action.due {
        lines.push(due.text.clone());
    }
    let said = action
        .statement
        .evidence
        .iter()
        .filter_map(|id| transcript?.utterance(id));
    lines.extend(said.map(|utterance| {
        let clock = utterance
            .span
            .map(|span| format!("{} ", span.start.clock()))
            .unwrap_or_default();
        let name = utterance
            .speaker
            .as_ref()
            .map(|speaker| format!("{}: ", meeting.speaker_name(speaker)));
        format!("{clock}{}{}", name.unwrap_or_default(), utterance.text)
    }));
    lines.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n")
}

/// A person without a mail address gets the address that calendars use for that.
fn address(meeting: &Meeting, owner: &Owner) -> String {
    let participant = meeting
        .participants
        .iter()
        .find(|participant| participant.person == owner.person);
    let email = participant.and_then(|participant| participant.email.as_deref());
    email.map_or_else(|| "invalid:nomail".to_owned(), |email| format!("mailto:{email}"))
}

fn day(date: Date) -> ICalendarValue {
    let part = |value: i8| u8::try_from(value).ok();
    PartialDateTime {
        year: u16::try_from(date.year()).ok(),
        month: part(date.month()),
        day: part(date.day()),
        ..PartialDateTime::default()
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::sample;

    #[test]
    fn each_action_is_a_task() {
        let (meeting, transcript, minutes) = sample::meeting();
        let done = BTreeMap::from([(minutes.actions[1].statement.id.clone(), ActionStatus::Done)]);
        let stamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let written = write(&meeting, &minutes, Some(&transcript), &done, stamp);
        insta::assert_snapshot!(written.replace('\r', ""));
    }

    #[test]
    fn the_calendar_reads_back() {
        let (meeting, _, minutes) = sample::meeting();
        let written = write(&meeting, &minutes, None, &BTreeMap::new(), Timestamp::UNIX_EPOCH);
        let calendar = ICalendar::parse(&written).unwrap();
        let tasks = calendar
            .components
            .iter()
            .filter(|c| c.component_type == ICalendarComponentType::VTodo);
        let found: Vec<_> = tasks
            .map(|task| {
                let summary = task.property(&ICalendarProperty::Summary).unwrap();
                let due = task.property(&ICalendarProperty::Due);
                let day = due.and_then(|due| due.values[0].as_partial_date_time()?.day);
                (summary.values[0].as_text().unwrap().to_owned(), day)
            })
            .collect();
        let expected: Vec<_> = minutes
            .actions
            .iter()
            .map(|a| a.statement.text.clone())
            .zip([Some(27), None])
            .collect();
        assert_eq!(found, expected);
    }
}
