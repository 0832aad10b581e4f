//! The spool keeps what was recorded, whatever happens to its recorder.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use audio::{LaneId, Spool, SpoolError, recover};
use proptest::strategy::{Strategy, ValueTree};

/// Samples that are written at once.
const PIECE: u64 = 160;

/// The piece before which the second lane joins.
const JOINED: u64 = 5;

/// Set for the child process that is to be killed: where it records.
const RECORD_INTO: &str = "AUDIO_TEST_RECORD_INTO";

/// The sample at `at` of `lane`: known, and different everywhere nearby.
fn sample(lane: usize, at: u64) -> i16 {
    ((at * 7_919 + lane as u64 * 104_729) % 65_521) as u16 as i16
}

fn samples(lane: usize, from: u64, to: u64) -> Vec<i16> {
    (from..to).map(|at| sample(lane, at)).collect()
}

/// The recorder that is killed: two lanes, the second of which joins later. It tells after each write what it has.
#[test]
fn child_recorder() {
    let Some(dir) = env::var_os(RECORD_INTO) else { return };
    let mut spool = Spool::create(Path::new(&dir)).unwrap();
    let first = spool.add_lane(Some("Alice"), Some("fr"), 0).unwrap();
    let mut second = None;
    let mut out = std::io::stdout();
    for block in 0..1_000_000 {
        // 10 ms, as a microphone hands them over, but as fast as the disk takes them.
        let (from, to) = (block * PIECE, (block + 1) * PIECE);
        spool.write(first, &samples(0, from, to)).unwrap();
        if block == JOINED {
            second = Some(spool.add_lane(Some("Bob"), None, from).unwrap());
        }
        if let Some(second) = second {
            spool.write(second, &samples(1, from, to)).unwrap();
        }
        writeln!(out, "recorded {to}").unwrap();
    }
}

fn start_recorder(dir: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "spool::child_recorder", "--nocapture"])
        .env(RECORD_INTO, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the recorder told last, once it has told `count` times and `after` has passed, when it is killed.
fn kill_after(mut child: Child, count: usize, after: Duration) -> u64 {
    let output = child.stdout.take().unwrap();
    let (sender, told) = mpsc::channel();
    let reading = std::thread::spawn(move || {
        let mut last = 0;
        let mut times = 0;
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(samples) = line.split("recorded ").nth(1) {
                // A line that the kill cut is shorter, hence a smaller number: still told.
                last = samples.trim().parse().unwrap_or(last).max(last);
                times += 1;
                if times == count {
                    let _ = sender.send(());
                }
            }
        }
        last
    });
    if count > 0 {
        told.recv_timeout(Duration::from_secs(60)).unwrap();
    }
    // Nobody sends again: this waits for the moment, wherever in its work the recorder then is.
    let _ = told.recv_timeout(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap()
}

#[test]
fn kill_9_costs_nothing_that_was_written() {
    let mut random = proptest::test_runner::TestRunner::default();
    for round in 0..24 {
        let dir = tempfile::tempdir().unwrap();
        let spool = dir.path().join("meeting");
        // One that lasts beyond a sync, some that are killed while they begin, and the others at their work.
        let (counts, micros) = match round {
            0 => (1_usize..2, 1_000_000_u64..1_100_000),
            1..8 => (0..1, 0..6_000),
            _ => (1..400, 0..30_000),
        };
        let (count, micros) = (counts, micros).new_tree(&mut random).unwrap().current();
        let told = kill_after(start_recorder(&spool), count, Duration::from_micros(micros));
        let recovered = match recover(&spool) {
            Err(SpoolError::NotASpool { .. }) if told == 0 => continue,
            recovered => recovered.unwrap(),
        };
        println!(
            "killed after {told:>8} samples told, {:?} recovered",
            recovered.duration()
        );
        assert!(!recovered.finished);
        if told == 0 {
            continue;
        }
        assert_eq!(recovered.lanes[0].name.as_deref(), Some("Alice"));
        assert!(
            recovered.lanes[0].samples >= told,
            "round {round}: {} < {told}",
            recovered.lanes[0].samples
        );
        check_content(&recovered);
        if told > (JOINED + 1) * PIECE {
            assert_eq!(recovered.lanes[1].name.as_deref(), Some("Bob"));
            assert!(recovered.lanes[1].samples >= told, "round {round}");
        }
    }
}

/// Every sample is the one that was recorded, on its place, in the file and in the blocks made of it.
fn check_content(recovered: &audio::RecoveredSpool) {
    for (lane, found) in recovered.lanes.iter().enumerate() {
        let bytes = fs::read(&found.path).unwrap();
        let begin = if lane == 1 { JOINED * PIECE } else { 0 };
        for (at, bytes) in (0..).zip(bytes.chunks_exact(2)) {
            let expected = if at < begin { 0 } else { sample(lane, at) };
            assert_eq!(
                i16::from_le_bytes([bytes[0], bytes[1]]),
                expected,
                "lane {lane}, sample {at}"
            );
        }
    }
    let mut read = 0;
    for block in recovered.read().unwrap() {
        let first = block.lane(LaneId(0)).unwrap();
        for (at, &value) in (block.start..recovered.lanes[0].samples).zip(first) {
            assert_eq!(audio::to_i16(value), sample(0, at));
        }
        read = block.end();
    }
    assert_eq!(read, recovered.lanes.iter().map(|lane| lane.samples).max().unwrap());
}

#[test]
fn a_recording_is_there_when_it_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::create(dir.path()).unwrap();
    let lane = spool.add_lane(None, None, 0).unwrap();
    let sound = samples(0, 0, 40_000);
    for piece in sound.chunks(777) {
        spool.write(lane, piece).unwrap();
    }
    assert_eq!(spool.samples(lane).unwrap(), 40_000);
    assert!(matches!(
        spool.write(LaneId(7), &[0]),
        Err(SpoolError::NoLane { lane: 7 })
    ));
    assert!(matches!(recover(dir.path()), Err(SpoolError::InUse { .. })));
    let recovered = spool.finish().unwrap();
    assert!(recovered.finished);
    assert_eq!(recovered.duration(), Duration::from_millis(2_500));
    let heard = recovered
        .read()
        .unwrap()
        .flat_map(|mut block| block.lanes.remove(0).samples);
    assert_eq!(heard.map(audio::to_i16).collect::<Vec<_>>(), sound);
    assert!(matches!(Spool::create(dir.path()), Err(SpoolError::Exists { .. })));
}

#[test]
fn what_a_crash_or_a_broken_disk_leaves_is_recovered() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(recover(dir.path()), Err(SpoolError::NotASpool { .. })));
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        0,
        "asking leaves nothing behind"
    );
    let mut spool = Spool::create(dir.path()).unwrap();
    let lane = spool.add_lane(Some("Alice"), None, 0).unwrap();
    spool.write(lane, &samples(0, 0, 100)).unwrap();
    drop(spool);
    // Half a sample.
    let path = dir.path().join("lane-000.pcm");
    let mut bytes = Vec::new();
    fs::File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
    fs::write(&path, &bytes[..151]).unwrap();
    assert_eq!(recover(dir.path()).unwrap().lanes[0].samples, 75);
    // A side file that is lost or spoilt costs the name alone.
    fs::write(dir.path().join("spool.json"), "{\"for").unwrap();
    let recovered = recover(dir.path()).unwrap();
    assert_eq!((recovered.lanes[0].samples, &recovered.lanes[0].name), (75, &None));
    fs::write(
        dir.path().join("spool.json"),
        r#"{"format":9,"sample_rate_hz":16000,"lanes":[],"finished":true}"#,
    )
    .unwrap();
    assert!(matches!(
        recover(dir.path()),
        Err(SpoolError::LaterFormat { found: 9, .. })
    ));
}
