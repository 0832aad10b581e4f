//! Random weights in every format, and candle's dequantization of them, for the tests of this module.

use std::borrow::Cow;

use candle_core::Device;
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use half::{bf16, f16};

use super::Format;

/// Numbers that look random, in [-1, 1].
pub(crate) fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(next).collect()
}

/// Random blocks whose weights are of about unit size and mean zero.
pub(crate) fn random_blocks(format: Format, rows: usize, columns: usize, seed: u32) -> Vec<u8> {
    let count = rows * columns / format.block_weights();
    let random = numbers(count * format.block_bytes(), seed);
    let bytes: Vec<u8> = random.iter().map(|number| ((number + 1.0) * 127.99) as u8).collect();
    match format {
        Format::F32 => random[..count].iter().flat_map(|x| x.to_le_bytes()).collect(),
        Format::F16 => random[..count]
            .iter()
            .flat_map(|x| f16::from_f32(*x).to_le_bytes())
            .collect(),
        Format::Bf16 => random[..count]
            .iter()
            .flat_map(|x| bf16::from_f32(*x).to_le_bytes())
            .collect(),
        _ => blocks_with_scales(format, bytes),
    }
}

/// Puts sensible scales into blocks of random bytes.
fn blocks_with_scales(format: Format, mut bytes: Vec<u8>) -> Vec<u8> {
    for (index, block) in bytes.chunks_exact_mut(format.block_bytes()).enumerate() {
        let vary = 0.5 + (index % 7) as f32 / 7.0;
        let mut set = |at: usize, value: f32| block[at..at + 2].copy_from_slice(&f16::from_f32(value).to_le_bytes());
        match format {
            Format::Q4_0 => set(0, vary / 8.0),
            Format::Q4_1 => (set(0, vary / 8.0), set(2, -vary)).0,
            Format::Q5_0 => set(0, vary / 16.0),
            Format::Q5_1 => (set(0, vary / 16.0), set(2, -vary)).0,
            Format::Q8_0 => set(0, vary / 128.0),
            Format::Q4K => (set(0, vary / 480.0), set(2, vary / 64.0)).0,
            Format::Q5K => (set(0, vary / 960.0), set(2, vary / 64.0)).0,
            Format::Q6K => set(208, vary / 4096.0),
            Format::F32 | Format::F16 | Format::Bf16 => unreachable!("floats have no blocks"),
        }
    }
    bytes
}

/// The weights by candle.
pub(crate) fn reference_floats(format: Format, bytes: &[u8], rows: usize, columns: usize) -> Vec<f32> {
    let kind = match format {
        Format::F32 => GgmlDType::F32,
        Format::F16 => GgmlDType::F16,
        Format::Bf16 => GgmlDType::BF16,
        Format::Q4_0 => GgmlDType::Q4_0,
        Format::Q4_1 => GgmlDType::Q4_1,
        Format::Q5_0 => GgmlDType::Q5_0,
        Format::Q5_1 => GgmlDType::Q5_1,
        Format::Q8_0 => GgmlDType::Q8_0,
        Format::Q4K => GgmlDType::Q4K,
        Format::Q5K => GgmlDType::Q5K,
        Format::Q6K => GgmlDType::Q6K,
    };
    let storage = QStorage::from_data(Cow::Borrowed(bytes), &Device::Cpu, kind).unwrap();
    let tensor = QTensor::new(storage, (rows, columns)).unwrap();
    let tensor = tensor.dequantize(&Device::Cpu).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}
