//! Kills a writing process again and again, wherever it is, and reads what it leaves.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use datasets::library::{Library, LibraryWriter};
use datasets::{Meeting, MeetingId, Minutes, Transcript, Utterance};

const LIBRARY_VARIABLE: &str = "GREFFIER_TEST_KILLED_LIBRARY";
const KILLS: u64 = 25;
/// The writer makes this file when it begins to write: how long a process takes to start depends on the machine.
const BEGUN: &str = "begun";

/// Not a test of its own: the process that [`no_kill_leaves_anything_half_written`] starts and kills.
#[test]
fn writer_process() {
    let Some(root) = std::env::var_os(LIBRARY_VARIABLE) else {
        return;
    };
    let writer = LibraryWriter::open(&root).unwrap();
    std::fs::write(Path::new(&root).join(BEGUN), []).unwrap();
    for round in 0_usize.. {
        let id = MeetingId::new(format!("meeting-{}", round % 7));
        if round % 11 == 10 {
            // The meeting may be one that was not written yet.
            let _ = writer.forget_meeting(&id, 0);
            continue;
        }
        let utterances = (0..200)
            .map(|n| Utterance::new(Utterance::id_at(n), format!("round {round}")))
            .collect();
        writer
            .put_source(&id, "source.txt", format!("round {round}").as_bytes())
            .unwrap();
        writer
            .put_transcript(
                &id,
                &Transcript {
                    utterances,
                    ..Transcript::default()
                },
            )
            .unwrap();
        writer
            .put_minutes(&id, &Minutes::empty(datasets::Language::FRENCH))
            .unwrap();
        writer.put_meeting(&Meeting::new(id, format!("round {round}"))).unwrap();
    }
}

#[test]
fn no_kill_leaves_anything_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut meetings_seen = 0;
    // How long a meeting takes to be written depends on the machine and its disk: longer waits until one is there.
    let mut slowness = 1;
    for kill in 0..KILLS {
        if kill % 5 == 4 && meetings_seen == 0 {
            slowness *= 3;
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed_writer::writer_process"])
            .env(LIBRARY_VARIABLE, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = folder.path().join(BEGUN);
        while !begun.exists() {
            assert_eq!(child.try_wait().unwrap(), None, "the writer ended by itself");
            std::thread::yield_now();
        }
        std::fs::remove_file(begun).unwrap();
        // A different instant of the work each time.
        let until = Instant::now() + Duration::from_millis(kill * 7 % 60 * slowness);
        while Instant::now() < until {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if let Ok(library) = Library::open(folder.path()) {
            meetings_seen += check_every_artifact(&library);
        }
        // The lock of the killed process is free, and what it left is accepted.
        drop(LibraryWriter::open(folder.path()).unwrap());
        check_every_artifact(&Library::open(folder.path()).unwrap());
    }
    assert!(meetings_seen > 0, "the writer was always killed before it wrote");
}

const READABLE: &str = "what a kill leaves can be read";

fn check_every_artifact(library: &Library) -> usize {
    let ids = library.meeting_ids().expect(READABLE);
    for id in &ids {
        library.meeting(id).expect(READABLE);
        let transcript = library
            .transcript(id)
            .expect(READABLE)
            .expect("a meeting has its transcript");
        assert_eq!(transcript.utterances.len(), 200);
        assert!(
            transcript
                .utterances
                .iter()
                .all(|utterance| utterance.text == transcript.utterances[0].text)
        );
        library.minutes(id).expect(READABLE).expect("and its minutes");
    }
    library.receipts().expect(READABLE);
    ids.len()
}
