//! Bytes that make no sense give a result or an error, never a panic, and take bounded memory.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use audio::LaneReader;
use proptest::prelude::*;

use crate::workbench::{ffmpeg, has_ffmpeg, peak_memory, shared};

/// What takes longer hangs: a sample rate that a flipped bit made absurdly low asks for hours of resampled sound, which
/// takes some seconds, and more on a busy machine.
const HANG: Duration = Duration::from_secs(300);

/// The most memory that the whole program may take, other tests included; this one alone takes 11 MiB.
const MEMORY_MAX: u64 = 1 << 30;

/// How files of known kinds begin, so that arbitrary bytes get past the probe.
const BEGINNINGS: [&[u8]; 12] = [
    b"",
    b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x02\0\x80\xbb\0\0\0\xee\x02\0\x04\0\x10\0data",
    b"FORM\0\0\xff\xffAIFFCOMM\0\0\0\x12",
    b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20",
    b"fLaC\0\0\0\x22\x10\0\x10\0\0\0\0\0\0\0\x0a\xc4\x42\xf0",
    b"ID3\x04\0\0\0\0\0\x0a",
    b"\xff\xfb\x90\x64",
    b"\xff\xf1\x50\x80",
    b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead\x01\x02",
    b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x1e\x01vorbis\0\0\0\0\x02",
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff\x16\x54\xae\x6b",
    b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2\0\0\xff\xffmoov",
];

/// Reads `content`, and fails when that hangs. A panic fails by itself.
fn survives(dir: &Path, content: &[u8]) {
    let path = dir.join("damaged");
    fs::write(&path, content).unwrap();
    let begin = Instant::now();
    // Nothing is kept: a flipped time stamp may make for hours of silence.
    if let Ok(mut reader) = LaneReader::open(&path) {
        for block in reader.by_ref() {
            assert!(
                block
                    .lanes
                    .iter()
                    .flat_map(|lane| &lane.samples)
                    .all(|sample| sample.abs() <= 1.0)
            );
        }
        assert!(!reader.position().is_zero(), "no frame is an error");
    }
    assert!(begin.elapsed() < HANG, "{:?}", begin.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn arbitrary_bytes_are_survived(
        beginning in proptest::sample::select(BEGINNINGS.to_vec()),
        rest in proptest::collection::vec(any::<u8>(), 0..20_000),
    ) {
        let dir = tempfile::tempdir().unwrap();
        survives(dir.path(), &[beginning, &rest].concat());
    }
}

/// One real clip in every container, a few seconds each.
fn real_files(dir: &Path) -> Option<Vec<Vec<u8>>> {
    let clip = shared()?.join("audio/jfk/jfk.wav");
    let source = format!("-i {} -t 3", clip.display());
    let made = [
        ("a.wav", "-c:a pcm_s16le"),
        ("b.wav", "-c:a adpcm_ima_wav"),
        ("c.wav", "-c:a adpcm_ms"),
        ("d.aiff", ""),
        ("e.caf", "-c:a alac"),
        ("f.flac", ""),
        ("g.mp3", ""),
        ("h.m4a", "-c:a aac"),
        (
            "i.mp4",
            "-c:a aac -movflags frag_keyframe+empty_moov -frag_duration 1000000",
        ),
        ("j.m4a", "-c:a alac"),
        ("k.aac", ""),
        ("l.ogg", "-c:a libvorbis"),
        ("m.ogg", "-c:a libopus"),
        ("n.webm", "-c:a libopus"),
        ("o.mka", "-c:a libvorbis"),
    ];
    let file = |(name, arguments): (&str, &str)| {
        let path = dir.join(name);
        ffmpeg(&format!("{source} {arguments}"), &path);
        fs::read(&path).unwrap()
    };
    Some(made.map(file).to_vec())
}

/// Damage: where, as a share of the file, and what is done to the byte there.
fn damages() -> impl Strategy<Value = Vec<(f64, u8)>> {
    // Headers are where damage does most, so half of it goes there.
    let place = prop_oneof![0.0..0.02_f64, 0.0..1.0_f64];
    proptest::collection::vec((place, 1_u8..), 1..12)
}

#[test]
fn real_files_cut_and_flipped_are_survived() {
    let dir = tempfile::tempdir().unwrap();
    let Some(files) = has_ffmpeg().then(|| real_files(dir.path())).flatten() else {
        return;
    };
    let cases = std::env::var("AUDIO_DAMAGE_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: cases.unwrap_or(100),
        failure_persistence: None,
        ..Default::default()
    });
    let strategy = (0..files.len(), damages(), prop_oneof![Just(1.0), 0.0..1.0_f64]);
    let run = runner.run(&strategy, |(file, damages, kept)| {
        let mut bytes = files[file].clone();
        for (place, flip) in damages {
            let at = (place * bytes.len() as f64) as usize;
            bytes[at] ^= flip;
        }
        bytes.truncate((kept * bytes.len() as f64) as usize);
        survives(dir.path(), &bytes);
        Ok(())
    });
    println!("peak memory {} MiB", peak_memory() >> 20);
    assert!(peak_memory() < MEMORY_MAX, "{}", peak_memory());
    run.unwrap();
}
