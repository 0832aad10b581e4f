//! Sounds that are not speech, made by rule and seed: what a detector must not fall for.

use std::f32::consts::TAU;

const RATE: f32 = 16_000.0;

/// Every kind by its name, `seconds` long each.
pub(crate) fn noises(seconds: usize) -> Vec<(&'static str, Vec<f32>)> {
    let length = seconds * 16_000;
    let mut random = Random(11);
    vec![
        ("digital silence", vec![0.0; length]),
        (
            "dither",
            (0..length)
                .map(|_| (random.uniform() * 3.0).floor() / 32_768.0 - 1.0 / 32_768.0)
                .collect(),
        ),
        (
            "white noise",
            scaled((0..length).map(|_| random.normal()).collect(), -30.0),
        ),
        ("pink noise", scaled(coloured(length, 0.95, &mut random), -30.0)),
        ("brown noise", scaled(coloured(length, 0.999, &mut random), -25.0)),
        (
            "mains hum",
            scaled(tones(length, &[(50.0, 1.0), (150.0, 0.3), (250.0, 0.2)]), -30.0),
        ),
        ("hum and noise", hum_and_noise(length, &mut random)),
        (
            "clicks",
            bursts(length, 4.0, &mut random, |t, random| {
                random.normal() * (-t * 200.0).exp() * 0.4
            }),
        ),
        (
            "typing",
            bursts(length, 7.0, &mut random, |t, random| {
                ((TAU * 3000.0 * t).sin() + random.normal()) * (-t * 120.0).exp() * 0.1
            }),
        ),
        (
            "coughs",
            bursts(length, 0.7, &mut random, |t, random| {
                random.normal() * (-t * 12.0).exp() * (t * 80.0).min(1.0) * 0.2
            }),
        ),
        ("thunder", thunder(length, &mut random)),
        (
            "beeps",
            (0..length)
                .map(|n| {
                    if n / 5_000 % 4 == 0 {
                        (TAU * 1000.0 * n as f32 / RATE).sin() * 0.2
                    } else {
                        0.0
                    }
                })
                .collect(),
        ),
        (
            "ring tone",
            (0..length)
                .map(|n| {
                    if n / 32_000 % 3 == 0 {
                        tone(440.0, n) * 0.1 + tone(480.0, n) * 0.1
                    } else {
                        0.0
                    }
                })
                .collect(),
        ),
        ("siren", swept(length, |t| 600.0 + 300.0 * (TAU * 0.4 * t).sin(), 3)),
        (
            "violin, vibrato",
            swept(length, |t| 440.0 + 4.4 * (TAU * 5.5 * t).sin(), 9),
        ),
        ("chords", chords(length)),
        ("plucked melody", melody(length)),
        ("drums", drums(length, &mut random)),
        ("chords, melody, drums", band(length, &mut random)),
    ]
}

fn hum_and_noise(length: usize, random: &mut Random) -> Vec<f32> {
    let hum = tones(length, &[(50.0, 1.0), (100.0, 0.3)]);
    scaled(hum.iter().map(|x| x + 0.3 * random.normal()).collect(), -35.0)
}

fn tone(hz: f32, sample: usize) -> f32 {
    // The phase is reduced in 64 bits: minutes of samples are too many for 32.
    (std::f64::consts::TAU * (f64::from(hz) * sample as f64 / f64::from(RATE)).fract()).sin() as f32
}

fn tones(length: usize, parts: &[(f32, f32)]) -> Vec<f32> {
    (0..length)
        .map(|n| parts.iter().map(|(hz, gain)| gain * tone(*hz, n)).sum())
        .collect()
}

fn coloured(length: usize, memory: f32, random: &mut Random) -> Vec<f32> {
    let mut state = 0.0;
    (0..length)
        .map(|_| {
            state = memory * state + random.normal();
            state
        })
        .collect()
}

fn bursts(length: usize, per_second: f32, random: &mut Random, shape: impl Fn(f32, &mut Random) -> f32) -> Vec<f32> {
    let mut sound = vec![0.0; length];
    for _ in 0..(per_second * length as f32 / RATE) as usize {
        let from = (random.uniform() * length as f32) as usize;
        for (n, to) in sound[from..].iter_mut().take(6_000).enumerate() {
            *to += shape(n as f32 / RATE, random);
        }
    }
    sound
}

fn thunder(length: usize, random: &mut Random) -> Vec<f32> {
    let rumble = scaled(coloured(length, 0.995, random), -18.0);
    let every = 80_000;
    rumble
        .iter()
        .enumerate()
        .map(|(n, x)| x * (-((n % every) as f32) / RATE / 1.2).exp())
        .collect()
}

fn swept(length: usize, hz: impl Fn(f32) -> f32, harmonics: usize) -> Vec<f32> {
    let mut phase = 0.0;
    let sound = (0..length)
        .map(|n| {
            phase = (phase + TAU * hz(n as f32 / RATE) / RATE) % TAU;
            (1..=harmonics).map(|h| (phase * h as f32).sin() / h as f32).sum()
        })
        .collect();
    scaled(sound, -20.0)
}

fn chords(length: usize) -> Vec<f32> {
    let roots = [110.0, 146.8, 164.8, 130.8, 196.0];
    let sound = (0..length)
        .map(|n| {
            let (bar, within) = (n / 24_000, (n % 24_000) as f32 / 24_000.0);
            let swell = (within * 30.0).min(1.0) * ((1.0 - within) * 30.0).min(1.0);
            let chord = [1.0, 1.26, 1.5, 2.0]
                .iter()
                .flat_map(|interval| (1..=6).map(move |h| tone(roots[bar % 5] * interval * h as f32, n) / h as f32));
            chord.sum::<f32>() * swell
        })
        .collect();
    scaled(sound, -20.0)
}

fn melody(length: usize) -> Vec<f32> {
    let steps = [0, 4, 7, 12, 9, 5, 2, 7];
    let mut sound = vec![0.0; length];
    for (note, from) in (0..length).step_by(4_000).enumerate() {
        let hz = 220.0 * 2.0_f32.powf(steps[note * 5 % 8] as f32 / 12.0);
        for (n, to) in sound[from..].iter_mut().take(12_800).enumerate() {
            let decay = (-(n as f32) / RATE * 4.0).exp();
            *to += (1..=8).map(|h| tone(hz * h as f32, n) / h as f32).sum::<f32>() * decay;
        }
    }
    scaled(sound, -20.0)
}

fn drums(length: usize, random: &mut Random) -> Vec<f32> {
    let sound = (0..length)
        .map(|n| {
            let t = (n % 8_000) as f32 / RATE;
            (TAU * 60.0 * t * (-t * 3.0).exp()).sin() * (-t * 8.0).exp() + 0.4 * random.normal() * (-t * 30.0).exp()
        })
        .collect();
    scaled(sound, -18.0)
}

fn band(length: usize, random: &mut Random) -> Vec<f32> {
    let (chords, melody, drums) = (chords(length), melody(length), drums(length, random));
    scaled(
        (0..length).map(|n| chords[n] + 0.8 * melody[n] + drums[n]).collect(),
        -18.0,
    )
}

/// Brings the mean power to `db` of full scale.
pub(crate) fn scaled(mut sound: Vec<f32>, db: f32) -> Vec<f32> {
    let power = sound.iter().map(|x| x * x).sum::<f32>() / sound.len() as f32;
    let gain = 10.0_f32.powf(db / 20.0) / power.sqrt();
    sound.iter_mut().for_each(|x| *x *= gain);
    sound
}

/// Draws by seed (xorshift, Marsaglia 2003).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn uniform(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1_u32 << 24) as f32
    }

    pub(crate) fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.uniform()).sum::<f32>() - 6.0
    }
}
