//! Eight hours of a meeting go through in the memory of a few seconds.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use audio::{LaneId, LaneLevels, LaneReader};

use crate::workbench::{ffmpeg, has_ffmpeg, peak_memory};

const HOURS: u64 = 8;

/// Set for the child process whose memory is measured: what it reads.
const READ_FILE: &str = "AUDIO_TEST_READ_FILE";

/// Memory that reading may take beyond the program itself. Measured: 2 to 5 MiB, the most for the tables of an MP4 file.
const MEMORY_MAX: u64 = 16 << 20;

/// Reads a file as the pipeline does, live or not: blocks and levels, of which the past is forgotten.
#[test]
fn child_reader() {
    let Some(path) = env::var_os(READ_FILE) else { return };
    let before = peak_memory();
    let begin = Instant::now();
    let mut reader = LaneReader::open(Path::new(&path)).unwrap();
    let mut levels = LaneLevels::default();
    let (mut samples, mut heard) = (0, 0);
    for block in reader.by_ref() {
        levels.push(&block);
        levels.forget_before(block.end().saturating_sub(16_000 * 60));
        heard += block.lane(LaneId(0)).map_or(0, <[f32]>::len) as u64;
        samples = block.end();
    }
    assert_eq!(heard, samples, "the lane is awake all along");
    println!(
        "measured {} {samples} {}",
        peak_memory() - before,
        begin.elapsed().as_millis()
    );
}

fn check(path: &Path) {
    let run = Command::new(env::current_exe().unwrap())
        .args(["--exact", "eight_hours::child_reader", "--nocapture"])
        .env(READ_FILE, path)
        .output()
        .unwrap();
    let output = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{output}{}", String::from_utf8_lossy(&run.stderr));
    let measured = output.split("measured ").nth(1).unwrap().lines().next().unwrap();
    let measured = measured
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect::<Vec<u64>>();
    let [memory, samples, millis] = measured[..] else {
        panic!("{output}")
    };
    let name = path.file_name().unwrap().display();
    println!(
        "{name}: {:.1} MiB, {millis} ms, {} x real time",
        memory as f64 / 1_048_576.0,
        samples / 16 / millis.max(1)
    );
    assert!(
        samples.abs_diff(HOURS * 3600 * 16_000) < 1_600,
        "{name}: {samples} samples"
    );
    assert!(memory < MEMORY_MAX, "{name}: {memory} bytes");
}

#[test]
fn eight_hours_take_the_memory_of_seconds() {
    let dir = tempfile::tempdir().unwrap();
    // 16 kHz mono: a click each second, else a hole in the file, which takes no room on disk.
    let path = dir.path().join("plain.wav");
    let bytes = HOURS as u32 * 3600 * 32_000;
    let mut file = File::create(&path).unwrap();
    let rates = [16_000_u32.to_le_bytes(), 32_000_u32.to_le_bytes()].concat();
    let head = [
        &b"RIFF"[..],
        &(bytes + 36).to_le_bytes(),
        b"WAVEfmt \x10\0\0\0\x01\0\x01\0",
        &rates,
        b"\x02\0\x10\0data",
    ];
    file.write_all(&head.concat()).unwrap();
    file.write_all(&bytes.to_le_bytes()).unwrap();
    file.write_all(&[0x20; 640]).unwrap();
    file.set_len(44 + u64::from(bytes)).unwrap();
    drop(file);
    check(&path);
    fs::remove_file(&path).unwrap();
    if env::var_os("RUN_SLOW_TESTS").is_none() {
        println!("skipped: eight hours in compressed formats take minutes to make; set RUN_SLOW_TESTS=1");
    } else if has_ffmpeg() {
        for (name, arguments) in [
            ("stereo.webm", "-ac 2 -c:a libopus -b:a 16k -compression_level 0"),
            ("mono.m4a", "-ac 1 -ar 16000 -c:a aac -b:a 24k -aac_coder fast"),
        ] {
            let path = dir.path().join(name);
            ffmpeg(
                &format!(
                    "-f lavfi -i sine=frequency=440:sample_rate=48000:duration={} {arguments}",
                    HOURS * 3600
                ),
                &path,
            );
            check(&path);
        }
    }
}
