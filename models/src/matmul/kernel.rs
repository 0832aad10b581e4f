//! The ways of computing a tile, which of them this processor has, and how each wants its numbers.
#![allow(
    unsafe_code,
    reason = "a kernel's functions may only run on processors that have its instructions"
)]

use super::elementwise::Level;
use super::{Strided, TILE_ROWS, TileRow, portable};
#[cfg(target_arch = "x86_64")]
use super::{amx, avx2, avx512};

/// Calls a tile function for groups of rows, the largest that fit first.
macro_rules! by_rows {
    ($rows:expr, $x:expr, $panel:expr, $steps:expr, $tile:expr, $module:ident::$function:ident, [$($count:literal),*]) => {{
        let mut row = 0;
        $(
            while $rows - row >= $count {
                $module::$function::<$count>($x.skip(row * $x.stride), $panel, $steps, &mut $tile[row..]);
                row += $count;
            }
        )*
    }};
}
/// A way of multiplying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kernel {
    /// Any processor: the `gemm` crate, f32.
    Portable,
    /// AVX2 and FMA, f32.
    Avx2,
    /// AVX-512 with bf16 products, sums in f32. Below f32 in rank, since the processors measured so far (Sapphire
    /// Rapids) multiply bf16 at half the rate of f32 outside AMX.
    Avx512Bf16,
    /// AVX-512F, f32.
    Avx512,
    /// AVX-512 with f16 products, sums in f16 over short stretches, then in f32. Values beyond 65504 overflow.
    Avx512F16,
    /// AMX tiles with bf16 products, sums in f32.
    Amx,
}

/// What a word of a packed matrix holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    F32,
    Bf16Pair,
    F16Pair,
}

impl Kernel {
    /// All kernels, slowest first.
    pub const ALL: [Kernel; 6] = [
        Kernel::Portable,
        Kernel::Avx2,
        Kernel::Avx512Bf16,
        Kernel::Avx512,
        Kernel::Avx512F16,
        Kernel::Amx,
    ];

    /// Those that this processor can run, slowest first.
    pub fn available() -> Vec<Kernel> {
        Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()).collect()
    }

    /// The fastest that this processor can run.
    pub fn fastest() -> Kernel {
        Kernel::ALL
            .into_iter()
            .rfind(|kernel| kernel.is_available())
            .unwrap_or(Kernel::Portable)
    }

    /// Whether this processor (and the system, for AMX) can run it.
    #[cfg(target_arch = "x86_64")]
    pub fn is_available(self) -> bool {
        let avx512 = || is_x86_feature_detected!("avx512f") && Kernel::Avx2.is_available();
        match self {
            Kernel::Portable => true,
            Kernel::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Kernel::Avx512 => avx512(),
            Kernel::Avx512Bf16 => avx512() && is_x86_feature_detected!("avx512bf16"),
            Kernel::Avx512F16 => avx512() && is_x86_feature_detected!("avx512fp16"),
            Kernel::Amx => avx512() && amx::is_available(),
        }
    }

    /// Whether this processor can run it.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available(self) -> bool {
        self == Kernel::Portable
    }

    /// Its name in reports and settings.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Portable => "portable",
            Kernel::Avx2 => "avx2",
            Kernel::Avx512 => "avx512",
            Kernel::Avx512Bf16 => "avx512-bf16",
            Kernel::Avx512F16 => "avx512-f16",
            Kernel::Amx => "amx",
        }
    }

    /// The vector instructions that go with it.
    pub(crate) fn level(self) -> Level {
        match self {
            Kernel::Portable => Level::baseline(),
            Kernel::Avx2 => Level::avx2().unwrap_or(Level::baseline()),
            _ => Level::avx512().unwrap_or(Level::baseline()),
        }
    }

    pub(super) fn word(self) -> Word {
        match self {
            Kernel::Portable | Kernel::Avx2 | Kernel::Avx512 => Word::F32,
            Kernel::Avx512Bf16 | Kernel::Amx => Word::Bf16Pair,
            Kernel::Avx512F16 => Word::F16Pair,
        }
    }

    /// Steps are counted in words; AMX takes 16 of them at a time.
    pub(super) fn step_multiple(self) -> usize {
        if self == Kernel::Amx { 16 } else { 1 }
    }

    /// Rows that are read at a time, whether or not they are wanted.
    pub(super) fn row_multiple(self) -> usize {
        if self == Kernel::Amx { 32 } else { 1 }
    }

    /// Rows of its largest tile.
    pub(super) fn tile_rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Kernel::Amx => amx::ROWS,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 | Kernel::Avx512Bf16 | Kernel::Avx512F16 => avx512::ROWS,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::ROWS,
            _ => portable::ROWS,
        }
    }

    /// Prepares this thread, computes, and cleans up.
    ///
    /// # Safety
    /// The kernel is available.
    pub(super) unsafe fn with_thread_prepared<R>(self, compute: impl FnOnce() -> R) -> R {
        #[cfg(target_arch = "x86_64")]
        if self == Kernel::Amx {
            // SAFETY: AMX is available.
            unsafe { amx::configure() };
            let result = compute();
            // SAFETY: AMX is available.
            unsafe { amx::release() };
            return result;
        }
        compute()
    }

    /// Computes `rows` rows of a tile.
    ///
    /// # Safety
    /// The kernel is available and the thread prepared; `rows`, at most [`Kernel::tile_rows`], rounded up to
    /// [`Kernel::row_multiple`], can be read at `x`, and `steps` rows of 32 words at `panel`; `steps` is a positive
    /// multiple of [`Kernel::step_multiple`]; the words are of the kernel's kind.
    pub(super) unsafe fn tile(self, rows: usize, x: Strided, panel: Strided, steps: usize, tile: &mut Tile) {
        // SAFETY: as the caller says; a group of rows is among those that can be read.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Kernel::Amx => amx::tile_bf16(x, panel, steps, &mut tile[..]),
                #[cfg(target_arch = "x86_64")]
                Kernel::Avx512F16 => by_rows!(rows, x, panel, steps, tile, avx512::tile_f16, [12, 8, 4, 1]),
                #[cfg(target_arch = "x86_64")]
                Kernel::Avx512Bf16 => by_rows!(rows, x, panel, steps, tile, avx512::tile_bf16, [12, 8, 4, 1]),
                #[cfg(target_arch = "x86_64")]
                Kernel::Avx512 => by_rows!(rows, x, panel, steps, tile, avx512::tile_f32, [12, 8, 4, 1]),
                #[cfg(target_arch = "x86_64")]
                Kernel::Avx2 => by_rows!(rows, x, panel, steps, tile, avx2::tile_f32, [6, 4, 2, 1]),
                _ => by_rows!(rows, x, panel, steps, tile, portable::tile_f32, [4, 2, 1]),
            }
        }
    }
}

/// A tile of sums, on the stack.
pub(super) type Tile = [TileRow; TILE_ROWS];

/// Multiplies rows of f32 (at most [`TILE_ROWS`]) with one panel of f32, on the f32 instructions that go with a kernel.
/// The result is the first `rows` rows of `tile`.
///
/// # Safety
/// The kernel is available; `rows` rows of `steps` f32 can be read at `x`, and `steps` rows of 32 at `panel`;
/// `steps` is not 0.
pub(crate) unsafe fn multiply_f32(
    kernel: Kernel,
    rows: usize,
    x: Strided,
    panel: Strided,
    steps: usize,
    tile: &mut [TileRow; TILE_ROWS],
) {
    // SAFETY: whoever has one of the later kernels has AVX-512F.
    unsafe { kernel.for_f32().tile(rows, x, panel, steps, tile) };
}

impl Kernel {
    /// The kernel for f32 on the processors that have this one.
    pub(crate) fn for_f32(self) -> Kernel {
        match self {
            Kernel::Portable | Kernel::Avx2 => self,
            _ => Kernel::Avx512,
        }
    }
}
