//! Small files of every dialect, written for these tests; they are the fuzz targets' seeds too.

use std::fmt::Write as _;
use std::path::Path;

use datasets::formats::{self, MeetingRead};

/// Every fixture of a transcript, as one text: who says what when, and what was warned of.
#[test]
fn every_dialect_reads_as_it_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .flat_map(|entry| std::fs::read_dir(entry.unwrap().path()).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            !["invitation", "context"]
                .iter()
                .any(|kind| path.parent().unwrap().ends_with(kind))
        })
        .collect();
    files.sort();
    assert!(files.len() > 15);
    let mut shown = String::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let read = formats::read(name, &std::fs::read(&path).unwrap()).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        read.iter().for_each(|read| show(&mut shown, name, read));
    }
    insta::assert_snapshot!(shown);
}

/// Writing to a string cannot fail.
fn show(shown: &mut String, name: &str, read: &MeetingRead) {
    let MeetingRead { meeting, transcript } = read;
    let _ = writeln!(
        shown,
        "== {name} as {}: {}",
        transcript.provenance.engine, meeting.title
    );
    for participant in &meeting.participants {
        let role = participant.role.as_deref().unwrap_or("-");
        let _ = writeln!(shown, "   {} = {} ({role})", participant.name, participant.person);
    }
    for utterance in &transcript.utterances {
        let span = utterance
            .span
            .map_or("-".to_owned(), |span| format!("{}..{}", span.start.0, span.end.0));
        let speaker = utterance.speaker.as_ref().map_or("-", |speaker| speaker.as_str());
        let words = utterance.words.len();
        let _ = writeln!(
            shown,
            "   {} {span} {speaker}: {} [{words}]",
            utterance.id, utterance.text
        );
    }
    for warning in &transcript.warnings {
        let _ = writeln!(shown, "   ! {warning}");
    }
}
