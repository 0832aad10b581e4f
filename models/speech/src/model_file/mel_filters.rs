//! The mel filter bank of Whisper: triangles on Slaney's scale, each of unit area, over 201 lines of 40 Hz.
//! Source of the scale: Slaney, "Auditory Toolbox", 1998; below 1 kHz linear, above it logarithmic.

use super::SPECTRUM_LINES;

/// Frequency between two lines of a spectrum of 400 samples at 16 kHz.
const LINE_HZ: f64 = 40.0;
/// Where the scale turns from linear to logarithmic.
const BREAK_HZ: f64 = 1000.0;
/// Mels per hertz below the break.
const MEL_PER_HZ: f64 = 3.0 / 200.0;
/// Ratio of frequencies a mel apart, above the break, as a logarithm: 27 mels for a factor of 6.4.
const LOG_STEP: f64 = 1.856_297_990_365_626 / 27.0;

/// `bands` rows of 201 weights.
pub(crate) fn mel_filters(bands: usize) -> Vec<f32> {
    let top = to_mel(8000.0);
    let corners: Vec<f64> = (0..bands + 2)
        .map(|corner| to_hz(top * corner as f64 / (bands + 1) as f64))
        .collect();
    let mut filters = Vec::with_capacity(bands * SPECTRUM_LINES as usize);
    for corner in corners.windows(3) {
        let area = 2.0 / (corner[2] - corner[0]);
        for line in 0..SPECTRUM_LINES {
            let hz = f64::from(line) * LINE_HZ;
            let rise = (hz - corner[0]) / (corner[1] - corner[0]);
            let fall = (corner[2] - hz) / (corner[2] - corner[1]);
            filters.push((rise.min(fall).max(0.0) * area) as f32);
        }
    }
    filters
}

fn to_mel(hz: f64) -> f64 {
    if hz < BREAK_HZ {
        hz * MEL_PER_HZ
    } else {
        BREAK_HZ * MEL_PER_HZ + (hz / BREAK_HZ).ln() / LOG_STEP
    }
}

fn to_hz(mel: f64) -> f64 {
    let break_mel = BREAK_HZ * MEL_PER_HZ;
    if mel < break_mel {
        mel / MEL_PER_HZ
    } else {
        BREAK_HZ * ((mel - break_mel) * LOG_STEP).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_band_hears_and_the_scale_goes_there_and_back() {
        for hz in [100.0, 999.0, 1000.0, 5000.0] {
            assert!((to_hz(to_mel(hz)) - hz).abs() < 1e-9);
        }
        let filters = mel_filters(80);
        assert_eq!(filters.len(), 80 * 201);
        for band in filters.chunks(201) {
            assert!(band.iter().any(|weight| *weight > 0.0));
        }
        // The first weight of Whisper's published bank: band 0, line 1.
        assert!((filters[1] - 0.024_862_594).abs() < 1e-6, "{}", filters[1]);
    }
}
