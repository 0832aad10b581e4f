//! Any bytes as an invitation, applied to a meeting.
#![no_main]

use datasets::formats::invitation;
use datasets::{Meeting, MeetingId, Participant, SpeakerLabel};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for invitation in invitation::read("meeting.ics", bytes).unwrap_or_default() {
        let mut meeting = Meeting::new(MeetingId::new("m"), "m");
        meeting
            .participants
            .push(Participant::from_speaker(SpeakerLabel::new("Ann")));
        invitation.apply_to(&mut meeting);
        assert!(
            meeting.participants.iter().any(|participant| participant.attended),
            "the speaker stays"
        );
        invitation.to_context_item();
    }
});
