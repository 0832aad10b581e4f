//! The shared clips of real speech: all decode, at the length of the manifest.

use std::fs;

use crate::workbench::{hear, shared};

#[test]
fn every_clip_of_the_manifest_is_decoded() {
    let Some(shared) = shared() else { return };
    let manifest = fs::read_to_string(shared.join("audio/manifest.tsv")).unwrap();
    let (mut clips, mut warned) = (0, Vec::new());
    for row in manifest.lines().skip(1) {
        let fields = row.split('\t').collect::<Vec<_>>();
        let (file, seconds, channels) = (fields[0], fields[2].parse::<f64>().unwrap(), fields[4]);
        let heard = hear(&shared.join("audio").join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(
            (heard.seconds() - seconds).abs() < 0.1,
            "{file}: {} of {seconds} s",
            heard.seconds()
        );
        if channels != "1" || !heard.warnings.is_empty() || heard.lanes.len() != 1 {
            println!(
                "{file}: {channels} channels, lanes {:?} {:?}",
                heard.labels, heard.warnings
            );
        }
        if !heard.warnings.is_empty() {
            warned.push(file.to_owned());
        }
        clips += 1;
    }
    println!("{clips} clips decoded");
    assert_eq!(clips, 120);
    // The header of this one promises half an hour; 18 s are there.
    assert_eq!(warned, ["azure/enrollment_audio_katie.wav"]);
}
