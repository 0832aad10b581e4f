//! Which channels and tracks become lanes, under which names, and what happens when that changes on the way.

use std::f32::consts::TAU;
use std::path::Path;

use audio::{Dominance, LaneId, LaneLevels, LaneReader};

use crate::workbench::{Heard, ffmpeg, has_ffmpeg, hear, shared, tone_share};

const RATE: usize = 16_000;

/// Writes a WAV file of 16-bit samples at 16 kHz, one plane per channel.
fn write_wav(path: &Path, planes: &[Vec<f32>]) {
    let spec = hound::WavSpec {
        channels: planes.len() as u16,
        sample_rate: RATE as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for frame in 0..planes[0].len() {
        for plane in planes {
            writer.write_sample(audio::to_i16(plane[frame])).unwrap();
        }
    }
    writer.finalize().unwrap();
}

/// A voice-like sound: a tone of `hertz` that comes and goes, one second on and one off, from second `from` to `to`.
fn voice(hertz: f32, from: usize, to: usize, seconds: usize) -> Vec<f32> {
    (0..seconds * RATE)
        .map(|at| {
            let second = at / RATE;
            let on = (from..to).contains(&second) && (second - from).is_multiple_of(2);
            if on {
                0.3 * (TAU * hertz * (at % RATE) as f32 / RATE as f32).sin()
            } else {
                0.0
            }
        })
        .collect()
}

fn lanes_of(planes: &[Vec<f32>]) -> Heard {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meeting.wav");
    write_wav(&path, planes);
    hear(&path).unwrap()
}

fn scaled(plane: &[f32], gain: f32) -> Vec<f32> {
    plane.iter().map(|sample| sample * gain).collect()
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, sample| peak.max(sample.abs()))
}

#[test]
fn the_same_sound_in_both_channels_is_one_lane_whatever_its_gain_and_polarity() {
    let sound = voice(300.0, 0, 20, 20);
    for gain in [1.0, 0.1, -1.0, -0.3] {
        let heard = lanes_of(&[sound.clone(), scaled(&sound, gain)]);
        assert_eq!(heard.labels, ["track 1"], "{gain}");
        let expected = 0.3 * (1.0 + gain.abs()) / 2.0;
        assert!(
            (peak(&heard.lanes[0]) - expected).abs() < 0.01,
            "{gain}: opposite polarity must not cancel"
        );
    }
}

#[test]
fn a_speaker_per_channel_is_a_lane_per_channel() {
    let heard = lanes_of(&[voice(300.0, 0, 20, 20), voice(500.0, 1, 20, 20)]);
    assert_eq!(heard.labels, ["track 1, channel 1", "track 1, channel 2"]);
    assert!(tone_share(&heard.lanes[1][RATE..2 * RATE], 500.0) > 0.99);
}

#[test]
fn a_channel_is_a_lane_from_its_first_sound_on() {
    let heard = lanes_of(&[voice(300.0, 0, 30, 30), vec![0.0; 30 * RATE]]);
    assert_eq!(heard.labels, ["track 1, channel 1"]);
    // Longer than the first look: the second channel was silent in all of it.
    let seconds = 620;
    let heard = lanes_of(&[voice(300.0, 0, seconds, seconds), voice(500.0, 610, seconds, seconds)]);
    assert_eq!(heard.labels, ["track 1, channel 1", "track 1, channel 2"]);
    assert!(peak(&heard.lanes[1][..610 * RATE]) == 0.0);
    assert!(peak(&heard.lanes[1][610 * RATE..]) > 0.29, "its first second is there");
    let silence = lanes_of(&[vec![0.0; 5 * RATE], vec![0.0; 5 * RATE]]);
    assert!(silence.lanes.is_empty() && silence.samples == 5 * RATE as u64);
}

#[test]
fn channels_that_were_the_same_at_first_part_when_they_come_to_differ() {
    // Both hear the ringing for longer than the first look, then each party is on a channel of its own.
    let (ringing, seconds) = (300, 400);
    let mut left = voice(425.0, 0, ringing, seconds);
    let mut right = left.clone();
    for (at, sample) in voice(300.0, ringing, seconds, seconds).into_iter().enumerate() {
        left[at] += sample;
    }
    for (at, sample) in voice(500.0, ringing + 1, seconds, seconds).into_iter().enumerate() {
        right[at] += sample;
    }
    let heard = lanes_of(&[left, right]);
    let mut labels = heard.labels.clone();
    labels.sort();
    assert_eq!(labels, ["track 1", "track 1, channel 1", "track 1, channel 2"]);
    let parted = heard.lanes[0].len() / RATE;
    println!("parted {} s after they came to differ", parted - ringing);
    assert!((ringing + 1..ringing + 60).contains(&parted), "{parted}");
    // No second is lost: before in the mix, after in one of the two.
    for second in ringing..seconds - 1 {
        let span = second * RATE..(second + 1) * RATE;
        let loudest = heard
            .lanes
            .iter()
            .filter_map(|lane| lane.get(span.clone()))
            .map(peak)
            .fold(0.0, f32::max);
        assert!(loudest > 0.14, "second {second}");
    }
}

#[test]
fn one_microphone_array_is_one_lane_and_a_channel_per_speaker_is_two() {
    let Some(shared) = shared() else { return };
    let check = |file: &str, lanes: usize| {
        let heard = hear(&shared.join("audio").join(file)).unwrap();
        assert_eq!(heard.lanes.len(), lanes, "{file}");
    };
    check("faster-whisper/stereo_diarization.wav", 2);
    check("google/two_channel_16k.wav", 2);
    check("google/multi.wav", 1);
    check("speechbrain/speech_multimic.flac", 1);
    check("faster-whisper/hotwords.mp3", 1);
}

#[test]
fn the_speaking_lane_dominates_where_each_speaker_has_a_channel() {
    let Some(shared) = shared() else { return };
    let mut reader = LaneReader::open(&shared.join("audio/faster-whisper/stereo_diarization.wav")).unwrap();
    let mut levels = LaneLevels::default();
    let mut end = 0;
    for block in reader.by_ref() {
        levels.push(&block);
        end = block.end();
    }
    let heard = |from_ms: u64, to_ms: u64| levels.dominant_within(from_ms * 16, to_ms * 16);
    // The voice on the right channel ends at 2.5 s; before, it is the louder one from 1.6 s to 2 s, and at 0.5 s.
    assert_eq!(heard(1_600, 2_000), Dominance::Lane(LaneId(1)));
    assert_eq!(heard(500, 700), Dominance::Lane(LaneId(1)));
    for start in (2_600..4_800).step_by(200) {
        assert_eq!(heard(start, start + 200), Dominance::Lane(LaneId(0)), "{start} ms");
    }
    // Both at once, at the same level.
    assert_eq!(heard(1_200, 1_400), Dominance::Shared);
    assert_eq!(heard(60_000, 61_000), Dominance::Nobody, "after the end");
    assert_eq!(end, 5 * RATE as u64);
}

#[test]
fn tracks_stay_apart_under_their_names_and_on_one_clock() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let inputs = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=10 \
                  -itsoffset 4 -f lavfi -i sine=frequency=880:sample_rate=48000:duration=6 -map 0 -map 1 \
                  -metadata:s:a:0 title=Alice -metadata:s:a:0 language=fra \
                  -metadata:s:a:1 title=Bob -metadata:s:a:1 language=eng";
    for (name, arguments) in [
        ("two.mka", "-c:a libopus"),
        ("two.mkv", "-c:a aac"),
        ("two.mp4", "-c:a aac"),
        ("two_dolby.mka", "-c:a:0 libopus -c:a:1 ac3"),
    ] {
        let path = dir.path().join(name);
        ffmpeg(&format!("{inputs} {arguments}"), &path);
        let mut reader = LaneReader::open(&path).unwrap();
        while reader.next().is_some() {}
        let languages = reader
            .lanes()
            .iter()
            .map(|lane| lane.language.clone().unwrap())
            .collect::<Vec<_>>();
        assert_eq!(languages, ["fra", "eng"], "{name}");
        let heard = hear(&path).unwrap();
        assert_eq!(heard.labels, ["Alice", "Bob"], "{name}");
        let begin = heard.lanes[1].iter().position(|sample| sample.abs() > 0.02).unwrap() as f64 / RATE as f64;
        println!("{name}: Bob begins at {begin:.3} s, {:?}", heard.warnings);
        assert!((begin - 4.0).abs() < 0.1, "{name}: {begin}");
        assert!(tone_share(&heard.lanes[0][RATE..9 * RATE], 440.0) > 0.98, "{name}");
        assert!(tone_share(&heard.lanes[1][5 * RATE..9 * RATE], 880.0) > 0.98, "{name}");
        assert_eq!(heard.warnings, [], "{name}");
    }
}

#[test]
fn a_piece_of_a_longer_recording_begins_at_zero() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for name in ["piece.mka", "piece.webm", "piece.mp4"] {
        let path = dir.path().join(name);
        ffmpeg(
            "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=4 \
             -itsoffset 2 -f lavfi -i sine=frequency=880:sample_rate=48000:duration=2 -map 0 -map 1 \
             -c:a libopus -output_ts_offset 1000",
            &path,
        );
        let heard = hear(&path).unwrap();
        assert!((heard.seconds() - 4.0).abs() < 0.1, "{name}: {}", heard.seconds());
        let begin = heard.lanes[1].iter().position(|sample| sample.abs() > 0.02).unwrap() as f64 / RATE as f64;
        assert!((begin - 2.0).abs() < 0.1, "{name}: {begin}");
        assert_eq!(heard.warnings, [], "{name}");
    }
}

#[test]
fn whoever_is_silent_for_long_among_others_is_still_heard() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("late.mka");
    // 400 packets a second on the first track: more of them before the second begins than may be empty in a row.
    ffmpeg(
        "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=302 \
         -itsoffset 300 -f lavfi -i sine=frequency=880:sample_rate=48000:duration=2 -map 0 -map 1 \
         -c:a libopus -compression_level 0 -frame_duration 2.5",
        &path,
    );
    let heard = hear(&path).unwrap();
    assert_eq!((heard.lanes.len(), &heard.warnings[..]), (2, &[][..]));
    assert!(tone_share(&heard.lanes[1][300 * RATE + RATE / 2..301 * RATE], 880.0) > 0.98);
}

#[test]
fn a_gap_in_a_track_is_silence_and_moves_nothing() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("muted.mka");
    // Two seconds of packets in the middle were never sent.
    ffmpeg(
        "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=8 -af aselect=lt(t\\,3)+gt(t\\,5) -c:a libopus",
        &path,
    );
    let heard = hear(&path).unwrap();
    assert!((heard.seconds() - 8.0).abs() < 0.1, "{}", heard.seconds());
    assert!(peak(&heard.lanes[0][3 * RATE + RATE / 2..5 * RATE - RATE / 2]) < 1e-3);
    assert!(tone_share(&heard.lanes[0][6 * RATE..7 * RATE], 440.0) > 0.98);
}
