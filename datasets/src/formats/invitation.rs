//! Invitations from iCalendar files: what a meeting is called, when it is, who is asked, and its agenda.
//!
//! RFC 5545, read with `calcard`, which knows the time zone names of Windows and tolerates what calendars really write.

use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarParameterName,
    ICalendarParameterValue, ICalendarParticipationStatus, ICalendarProperty,
};
use calcard::{Entry, Parser};
use jiff::Timestamp;

use super::document::language_of;
use super::utterance_list::one_line;
use super::{Format, Input, ReadFileError, ReadProblem};
use crate::{ContextItem, ContextItemId, ContextKind, Meeting, Participant, PersonId, SeriesId};

mod matching;

/// An event that people are asked to.
#[derive(Clone, Debug, PartialEq)]
pub struct Invitation {
    /// Identifies the event, and all events of its series, across calendars; empty where the file gives none.
    pub uid: String,
    /// As people call it.
    pub title: String,
    /// When it begins; times without a zone are taken as UTC.
    pub starts_at: Option<Timestamp>,
    /// When it ends.
    pub ends_at: Option<Timestamp>,
    /// Who is asked, the organizer first.
    pub invitees: Vec<Invitee>,
    /// Description, agenda included; lines are kept.
    pub agenda: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// The series, where the event repeats.
    pub series: Option<SeriesId>,
}

/// A person who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitee {
    /// As the calendar knows the person; the address where it has no name.
    pub name: String,
    /// Mail address in lower case.
    pub email: Option<String>,
    /// What the person answered.
    pub response: Response,
    /// Whether the person invites.
    pub is_organizer: bool,
}

/// What an invitee answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Response {
    /// Nothing yet.
    #[default]
    None,
    /// Comes.
    Accepted,
    /// Does not come.
    Declined,
    /// May come.
    Tentative,
}

/// Reads every event in `bytes`.
///
/// # Errors
/// When the file holds no event: a file without text, without a calendar, or with tasks only.
pub fn read(file_name: &str, bytes: &[u8]) -> Result<Vec<Invitation>, ReadFileError> {
    let input = Input::new(file_name, bytes)?;
    let mut invitations = Vec::new();
    let mut parser = Parser::new(&input.text);
    loop {
        match parser.entry() {
            Entry::ICalendar(calendar) => invitations.extend(events(&calendar)),
            Entry::Eof => break,
            // What cannot be read is passed over; the events around it are whole.
            _ => {}
        }
    }
    if invitations.is_empty() {
        return Err(input.error(
            None,
            ReadProblem::NoEntry {
                format: Format::Calendar,
            },
        ));
    }
    Ok(invitations)
}

fn events(calendar: &ICalendar) -> Vec<Invitation> {
    let zones = calendar.build_owned_tz_resolver();
    let instant = |event: &ICalendarComponent, property: &ICalendarProperty| {
        let entry = event.property(property)?;
        let date = entry.values.first()?.as_partial_date_time()?;
        let zone = match zones.resolve_or_default(entry.tz_id()) {
            zone if zone.is_floating() => calcard::common::timezone::Tz::UTC,
            zone => zone,
        };
        Timestamp::from_second(date.to_date_time_with_tz(zone)?.timestamp()).ok()
    };
    let events = calendar
        .components
        .iter()
        .filter(|c| c.component_type == ICalendarComponentType::VEvent);
    events
        .map(|event| {
            let uid = text(event, &ICalendarProperty::Uid).unwrap_or_default();
            let repeats = event.is_recurrent_or_override() && !uid.is_empty();
            Invitation {
                title: text(event, &ICalendarProperty::Summary)
                    .map(|title| one_line(&title))
                    .unwrap_or_default(),
                starts_at: instant(event, &ICalendarProperty::Dtstart),
                ends_at: instant(event, &ICalendarProperty::Dtend),
                invitees: invitees(event),
                agenda: text(event, &ICalendarProperty::Description),
                location: text(event, &ICalendarProperty::Location).map(|location| one_line(&location)),
                series: repeats.then(|| SeriesId::new(&uid)),
                uid,
            }
        })
        .collect()
}

/// The value of a property with its line breaks; `None` where it says nothing.
fn text(event: &ICalendarComponent, property: &ICalendarProperty) -> Option<String> {
    let values: Vec<&str> = event
        .property(property)?
        .values
        .iter()
        .filter_map(|value| value.as_text())
        .collect();
    let text = values.join(", ").replace('\r', "");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn invitees(event: &ICalendarComponent) -> Vec<Invitee> {
    let organizer = event
        .properties(&ICalendarProperty::Organizer)
        .map(|entry| (entry, true));
    let attendees = event
        .properties(&ICalendarProperty::Attendee)
        .map(|entry| (entry, false));
    let mut invitees: Vec<Invitee> = Vec::new();
    for invitee in organizer
        .chain(attendees)
        .filter_map(|(entry, is_organizer)| invitee(entry, is_organizer))
    {
        match invitees.iter_mut().find(|known| known.person() == invitee.person()) {
            // The organizer is often among the attendees, with the answer there.
            Some(known) => known.response = invitee.response,
            None => invitees.push(invitee),
        }
    }
    invitees
}

fn invitee(entry: &ICalendarEntry, is_organizer: bool) -> Option<Invitee> {
    let parameter = |name: &ICalendarParameterName| entry.parameter(name).and_then(|value| value.as_text());
    let address = parameter(&ICalendarParameterName::Email).or_else(|| entry.calendar_address());
    let email = address
        .map(str::trim)
        .filter(|address| address.contains('@'))
        .map(str::to_lowercase);
    let name = parameter(&ICalendarParameterName::Cn).map(|name| one_line(name.trim_matches(['"', '\''])));
    let name = name.filter(|name| !name.is_empty()).or_else(|| email.clone())?;
    let response = match entry.parameter(&ICalendarParameterName::Partstat) {
        Some(ICalendarParameterValue::Partstat(ICalendarParticipationStatus::Accepted)) => Response::Accepted,
        Some(ICalendarParameterValue::Partstat(ICalendarParticipationStatus::Declined)) => Response::Declined,
        Some(ICalendarParameterValue::Partstat(ICalendarParticipationStatus::Tentative)) => Response::Tentative,
        _ => Response::None,
    };
    Some(Invitee {
        name,
        email,
        response,
        is_organizer,
    })
}

impl Invitee {
    /// The person across meetings.
    pub fn person(&self) -> PersonId {
        PersonId::from_contact(&self.name, self.email.as_deref())
    }

    /// The invitee as a participant who has not been heard.
    pub fn to_participant(&self) -> Participant {
        Participant {
            person: self.person(),
            name: self.name.clone(),
            email: self.email.clone(),
            role: None,
            speaker: None,
            attended: false,
        }
    }
}

impl Invitation {
    /// Tells `meeting` what the invitation knows: title, beginning, series, agenda, and who its speakers are. A speaker
    /// whose label fits the name of exactly one invitee becomes that person; other invitees are added as not attended.
    pub fn apply_to(&self, meeting: &mut Meeting) {
        if !self.title.is_empty() {
            meeting.title.clone_from(&self.title);
        }
        meeting.started_at = self.starts_at.or(meeting.started_at);
        if self.series.is_some() {
            meeting.series.clone_from(&self.series);
        }
        if self.agenda.is_some() {
            meeting.agenda.clone_from(&self.agenda);
        }
        matching::join(&mut meeting.participants, &self.invitees);
    }

    /// The event as something that can be recommended; visible to those invited.
    pub fn to_context_item(&self) -> ContextItem {
        let at = self.starts_at.map(|at| at.to_string()).unwrap_or_default();
        let text = [self.agenda.as_deref(), self.location.as_deref()];
        let text = text.into_iter().flatten().collect::<Vec<_>>().join("\n");
        ContextItem {
            id: ContextItemId::new(format!("event:{}:{at}:{}", self.uid, self.title)),
            kind: ContextKind::Event,
            title: self.title.clone(),
            language: language_of(&format!("{} {text}", self.title)),
            text,
            people: self.invitees.iter().map(Invitee::person).collect(),
            at: self.starts_at,
            series: self.series.clone(),
            link: None,
            access: crate::Access::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:abc\r\nSUMMARY:Point hebdo\\, équipe\r\n\
        DTSTART;TZID=Romance Standard Time:20261123T100000\r\nDTEND:20261123T100000Z\r\nRRULE:FREQ=WEEKLY\r\n\
        ORGANIZER;CN=Ann Lee:mailto:Ann@example.org\r\nATTENDEE;CN=Ann Lee;PARTSTAT=ACCEPTED:mailto:ann@example.org\r\n\
        ATTENDEE;PARTSTAT=DECLINED:MAILTO:bob@example.org\r\nDESCRIPTION:1. Budget\\n2. Pla\r\n nning\r\nEND:VEVENT\r\n\
        END:VCALENDAR\r\n";

    fn invitation() -> Invitation {
        read("a.ics", EVENT.as_bytes()).unwrap().remove(0)
    }

    #[test]
    fn an_event_tells_all_it_knows() {
        let invitation = invitation();
        assert_eq!(invitation.title, "Point hebdo, équipe");
        assert_eq!(invitation.starts_at.unwrap().to_string(), "2026-11-23T09:00:00Z");
        assert_eq!(invitation.ends_at.unwrap().to_string(), "2026-11-23T10:00:00Z");
        assert_eq!(invitation.agenda.as_deref(), Some("1. Budget\n2. Planning"));
        assert_eq!(invitation.series, Some(SeriesId::new("abc")));
        let found: Vec<_> = invitation
            .invitees
            .iter()
            .map(|i| (i.name.as_str(), i.response, i.is_organizer))
            .collect();
        assert_eq!(
            found,
            [
                ("Ann Lee", Response::Accepted, true),
                ("bob@example.org", Response::Declined, false)
            ]
        );
    }

    #[test]
    fn speakers_become_the_people_invited() {
        let mut meeting = Meeting::new(crate::MeetingId::new("m"), "a.vtt");
        for label in ["LEE, Ann", "Bob", "Speaker 3"] {
            meeting
                .participants
                .push(Participant::from_speaker(crate::SpeakerLabel::new(label)));
        }
        invitation().apply_to(&mut meeting);
        let found: Vec<_> = meeting
            .participants
            .iter()
            .map(|p| (p.person.as_str(), p.attended))
            .collect();
        assert_eq!(
            found,
            [
                ("ann@example.org", true),
                ("bob@example.org", true),
                ("speaker 3", true)
            ]
        );
        assert_eq!(meeting.participants[0].speaker.as_ref().unwrap().as_str(), "LEE, Ann");
        assert_eq!(meeting.series, Some(SeriesId::new("abc")));
    }

    #[test]
    fn a_file_without_events_is_an_error() {
        for text in [
            "hello",
            "BEGIN:VCALENDAR\nEND:VCALENDAR\n",
            "BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:x\n",
        ] {
            let error = read("a.ics", text.as_bytes()).unwrap_err();
            assert!(matches!(error.problem, ReadProblem::NoEntry { .. }));
        }
    }
}
