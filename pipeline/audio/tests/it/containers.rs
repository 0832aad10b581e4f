//! Every container and codec of a meeting, made by ffmpeg, whole and cut.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use audio::{OpenError, Warning};

use crate::workbench::{Heard, ffmpeg, has_ffmpeg, hear, tone_share};

const SECONDS: f64 = 12.0;

/// File name and ffmpeg's arguments for it. The tone is 440 Hz at 48 kHz mono where nothing else is said.
const WHOLE: [(&str, &str); 32] = [
    ("s16.wav", "-c:a pcm_s16le"),
    ("u8.wav", "-c:a pcm_u8 -ar 8000"),
    ("s24.wav", "-c:a pcm_s24le -ac 2"),
    ("s32.wav", "-c:a pcm_s32le -ar 44100"),
    ("f32.wav", "-c:a pcm_f32le"),
    ("alaw.wav", "-c:a pcm_alaw -ar 8000"),
    ("mulaw.wav", "-c:a pcm_mulaw -ar 8000"),
    ("ima.wav", "-c:a adpcm_ima_wav -ar 22050"),
    ("ms.wav", "-c:a adpcm_ms -ar 11025"),
    ("pcm.aiff", "-c:a pcm_s16be"),
    ("pcm.caf", "-c:a pcm_s16le"),
    ("alac.caf", "-c:a alac"),
    ("opus.caf", "-c:a libopus"),
    ("flac.flac", "-c:a flac"),
    ("flac.oga", "-c:a flac"),
    ("layer3.mp3", "-c:a libmp3lame -ac 2 -ar 44100"),
    ("layer2.mp2", "-c:a mp2"),
    ("aac.m4a", "-c:a aac"),
    ("moov_first.mp4", "-c:a aac -movflags +faststart"),
    (
        "fragmented.mp4",
        "-c:a aac -movflags frag_keyframe+empty_moov -frag_duration 1000000",
    ),
    ("alac.m4a", "-c:a alac"),
    ("opus.mp4", "-c:a libopus"),
    ("raw.aac", "-c:a aac"),
    ("vorbis.ogg", "-c:a libvorbis"),
    ("opus.ogg", "-c:a libopus"),
    ("opus.webm", "-c:a libopus"),
    ("live.webm", "-c:a libopus -live 1 -f webm"),
    ("vorbis.mka", "-c:a libvorbis"),
    ("aac.mkv", "-c:a aac"),
    ("windows.wma", "-c:a wmav2"),
    ("dolby.ac3", "-c:a ac3"),
    ("transport.ts", "-c:a aac"),
];

fn tone(arguments: &str, path: &Path) {
    let source = format!("-f lavfi -i sine=frequency=440:sample_rate=48000:duration={SECONDS}");
    ffmpeg(&format!("{source} {arguments}"), path);
}

/// Share of the tone in the middle of the only lane.
fn middle(heard: &Heard) -> f64 {
    assert_eq!(heard.lanes.len(), 1, "{:?}", heard.labels);
    tone_share(&heard.lanes[0][16_000..heard.lanes[0].len() - 16_000], 440.0)
}

#[test]
fn every_container_and_codec_is_decoded() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    println!("{:<16} {:>8} {:>7} {:>11}", "file", "seconds", "440 Hz", "x real time");
    for (name, arguments) in WHOLE {
        let path = dir.path().join(name);
        tone(arguments, &path);
        let begin = Instant::now();
        let heard = hear(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let speed = SECONDS / begin.elapsed().as_secs_f64();
        println!(
            "{name:<16} {:>8.3} {:>7.4} {speed:>11.0}",
            heard.seconds(),
            middle(&heard)
        );
        assert!((heard.seconds() - SECONDS).abs() < 0.1, "{name}: {} s", heard.seconds());
        assert!(middle(&heard) > 0.98, "{name}: the tone is gone");
        assert_eq!(heard.warnings, [], "{name}");
    }
}

/// What remains of a file that was cut at 60 %.
enum Remains {
    /// At least this share of the sound, and a warning that some is missing.
    Sound(f64),
    /// The same without a warning: the file does not say how long it was.
    Unnoticed(f64),
    /// None: an error.
    Nothing,
}

#[test]
fn what_was_cut_yields_what_is_there() {
    if !has_ffmpeg() {
        return;
    }
    let cases = [
        ("s16.wav", Remains::Sound(0.58)),
        ("flac.flac", Remains::Sound(0.55)),
        ("layer3.mp3", Remains::Sound(0.55)),
        ("vorbis.ogg", Remains::Sound(0.4)),
        ("opus.ogg", Remains::Sound(0.4)),
        ("live.webm", Remains::Unnoticed(0.4)),
        ("opus.webm", Remains::Sound(0.4)),
        ("aac.mkv", Remains::Sound(0.4)),
        ("moov_first.mp4", Remains::Sound(0.5)),
        ("fragmented.mp4", Remains::Sound(0.4)),
        ("raw.aac", Remains::Sound(0.55)),
        ("aac.m4a", Remains::Nothing),
        ("alac.m4a", Remains::Nothing),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (name, remains) in cases {
        let path = dir.path().join(name);
        tone(WHOLE.iter().find(|(whole, _)| *whole == name).unwrap().1, &path);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() * 6 / 10]).unwrap();
        let heard = hear(&path);
        match &heard {
            Ok(heard) => println!(
                "{name:<16} {:>8.3} {:>7.4}  {:?}",
                heard.seconds(),
                middle(heard),
                heard.warnings
            ),
            Err(error) => println!("{name:<16} {error}"),
        }
        let (share, noticed) = match remains {
            Remains::Sound(share) => (share, true),
            Remains::Unnoticed(share) => (share, false),
            Remains::Nothing => {
                assert!(matches!(heard, Err(OpenError::NoFrames { .. })), "{name}");
                continue;
            }
        };
        let heard = heard.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            heard.seconds() > share * SECONDS && heard.seconds() < SECONDS,
            "{name}: {} s",
            heard.seconds()
        );
        assert!(middle(&heard) > 0.98, "{name}");
        let told = heard
            .warnings
            .iter()
            .any(|warning| matches!(warning, Warning::Truncated { .. }));
        assert_eq!(told, noticed, "{name}: {:?}", heard.warnings);
    }
}

#[test]
fn a_length_that_is_only_estimated_is_no_reason_for_a_warning() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // Silence takes few bits: the rest of the file is thought to be longer than it is.
    let quiet_then_loud = "-f lavfi -i aevalsrc=random(0)*gt(t\\,8)*0.3:s=44100:d=12";
    for (name, arguments) in [
        ("untold.mp3", "-c:a libmp3lame -q:a 4 -write_xing 0"),
        ("tagged.mp3", "-c:a libmp3lame -q:a 4"),
        ("raw.aac", "-c:a aac -q:a 1"),
    ] {
        let path = dir.path().join(name);
        ffmpeg(&format!("{quiet_then_loud} {arguments}"), &path);
        let heard = hear(&path).unwrap();
        assert!((heard.seconds() - SECONDS).abs() < 0.1, "{name}: {} s", heard.seconds());
        assert_eq!(heard.warnings, [], "{name}");
    }
}

#[test]
fn a_wav_through_a_pipe_does_not_know_its_length() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("piped.wav");
    tone("-c:a pcm_s16le", &path);
    let mut bytes = fs::read(&path).unwrap();
    let data = bytes.windows(4).position(|word| word == b"data").unwrap() + 4;
    for size in [4, data] {
        bytes[size..size + 4].fill(0xff);
    }
    fs::write(&path, &bytes).unwrap();
    let heard = hear(&path).unwrap();
    assert!((heard.seconds() - SECONDS).abs() < 0.1, "{} s", heard.seconds());
    assert_eq!(heard.warnings, []);
    assert_eq!(audio::LaneReader::open(&path).unwrap().duration(), None);
}

#[test]
fn a_container_without_a_frame_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("began.wav");
    hound::WavWriter::create(
        &path,
        hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        },
    )
    .unwrap()
    .finalize()
    .unwrap();
    let error = hear(&path).err().unwrap();
    assert!(
        matches!(error, OpenError::NoFrames { .. }) && error.to_string().contains("began.wav"),
        "{error}"
    );
    if has_ffmpeg() {
        let path = dir.path().join("fragmented.mp4");
        tone(
            WHOLE.iter().find(|(whole, _)| *whole == "fragmented.mp4").unwrap().1,
            &path,
        );
        let bytes = fs::read(&path).unwrap();
        let first_fragment = bytes.windows(4).position(|kind| kind == b"moof").unwrap() - 4;
        fs::write(&path, &bytes[..first_fragment]).unwrap();
        let error = hear(&path).err().unwrap();
        assert!(matches!(error, OpenError::NoFrames { .. }), "{error}");
    }
}

/// Set for the child process that runs where there is no ffmpeg: what it reads.
const WITHOUT_FFMPEG: &str = "AUDIO_TEST_WITHOUT_FFMPEG";

#[test]
fn child_without_ffmpeg() {
    let Some(path) = env::var_os(WITHOUT_FFMPEG) else {
        return;
    };
    let error = hear(Path::new(&path)).err().unwrap();
    assert!(matches!(error, OpenError::NeedsFfmpeg { .. }), "{error:?}");
    println!("told: {error}");
}

#[test]
fn what_only_ffmpeg_knows_is_an_error_with_the_remedy_where_it_is_missing() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("windows.wma");
    tone("-c:a wmav2", &path);
    let run = Command::new(env::current_exe().unwrap())
        .args(["--exact", "containers::child_without_ffmpeg", "--nocapture"])
        .env(WITHOUT_FFMPEG, &path)
        .env("PATH", dir.path())
        .output()
        .unwrap();
    let told = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{told}");
    assert!(
        told.contains("windows.wma") && told.contains("install ffmpeg"),
        "{told}"
    );
}

#[test]
fn what_is_no_recording_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let check = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        let error = hear(&path).err().unwrap_or_else(|| panic!("{name} is no recording"));
        assert!(error.to_string().contains(name), "{error}");
        error
    };
    for error in [
        check("letter.wav", b"Dear all, the meeting is moved to Friday."),
        check("empty.mp3", b""),
        check("list.m3u8", b"#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n"),
    ] {
        assert!(
            matches!(error, OpenError::NoAudio { .. } | OpenError::NeedsFfmpeg { .. }),
            "{error:?}"
        );
    }
    assert!(matches!(hear(dir.path()), Err(OpenError::NotAFile { .. })));
    assert!(matches!(
        hear(&dir.path().join("none.wav")),
        Err(OpenError::Read { .. })
    ));
}
