//! Tiles for processors with AMX: 32 rows by 32 columns, products of pairs of bf16, sums in f32.
//!
//! The instructions are written out because the compiler's intrinsics for them are not stable. The compiler knows
//! nothing of tile registers, so a tile's whole life (clear, multiply, store) is one `asm!` block; their shapes are set
//! by [`configure`], whose block clobbers memory so that the configuration it reads can't be left unwritten (GCC 12
//! drops such stores). Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.
#![allow(
    unsafe_code,
    reason = "the tile instructions can only be reached through inline assembly"
)]

use std::arch::asm;

use super::{Strided, TileRow};

/// Rows of a tile of sums: two tile registers of 16.
pub(super) const ROWS: usize = 32;

/// Steps (of two bf16 each) that one instruction takes.
pub(super) const STEPS: usize = 16;

/// Whether the processor has AMX with bf16, and the system lets this process use it.
#[cfg(target_os = "linux")]
pub(super) fn is_available() -> bool {
    use std::sync::OnceLock;
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| has_instructions() && ask_for_tile_data() && gives_right_sums())
}

/// Elsewhere the system's way of granting the tile registers is not known here.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_available() -> bool {
    false
}

/// CPUID leaf 7: AMX-BF16 is bit 22, AMX-TILE bit 24 of EDX; the kernel saves tiles when XCR0 has bits 17 and 18.
#[cfg(target_os = "linux")]
fn has_instructions() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    const OSXSAVE: u32 = 1 << 27;
    const AMX: u32 = 1 << 22 | 1 << 24;
    const TILE_STATE: u64 = 1 << 17 | 1 << 18;
    #[target_feature(enable = "xsave")]
    fn saved_state() -> u64 {
        // SAFETY: register 0 exists wherever the system has turned XSAVE on, which the caller has checked.
        unsafe { _xgetbv(0) }
    }
    let enough_leaves = __cpuid(0).eax >= 7;
    // SAFETY: OSXSAVE says that `xgetbv` may be used.
    enough_leaves
        && __cpuid(1).ecx & OSXSAVE != 0
        && __cpuid_count(7, 0).edx & AMX == AMX
        && unsafe { saved_state() } & TILE_STATE == TILE_STATE
}

/// Linux keeps the large tile state off until a process asks for it.
#[cfg(target_os = "linux")]
fn ask_for_tile_data() -> bool {
    const SYS_ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    const XTILEDATA: u64 = 18;
    let result: i64;
    // SAFETY: the call takes two numbers and changes nothing but this process's permission.
    unsafe {
        asm!("syscall", inout("rax") SYS_ARCH_PRCTL => result, in("rdi") ARCH_REQ_XCOMP_PERM, in("rsi") XTILEDATA,
            out("rcx") _, out("r11") _, options(nostack));
    }
    result == 0
}

/// Computes one tile of whole numbers and compares it with plain sums. Hypervisors differ in how much of AMX they let
/// through, and a wrong tile would be a wrong vector everywhere.
#[cfg(target_os = "linux")]
fn gives_right_sums() -> bool {
    let value = |row: usize, column: usize| ((row * 7 + column * 3) % 11) as f32 - 5.0;
    let pair = |row: usize, step: usize| {
        let half = |column| half::bf16::from_f32(value(row, column)).to_bits();
        u32::from(half(2 * step)) | u32::from(half(2 * step + 1)) << 16
    };
    let depth = 4 * STEPS;
    let rows: Vec<u32> = (0..ROWS * 2 * STEPS)
        .map(|index| pair(index / (2 * STEPS), index % (2 * STEPS)))
        .collect();
    let weights: Vec<u32> = (0..2 * STEPS * 32)
        .map(|index| pair(100 + index % 32, index / 32))
        .collect();
    let x = Strided {
        start: rows.as_ptr(),
        stride: 2 * STEPS,
    };
    let panel = Strided {
        start: weights.as_ptr(),
        stride: 32,
    };
    let mut tile = [[0.0; 32]; ROWS];
    // SAFETY: the instructions are there and allowed; x has 32 rows and the panel 32 rows of 32 words.
    unsafe {
        configure();
        tile_bf16(x, panel, 2 * STEPS, &mut tile);
        release();
    }
    let expected = |row, column| {
        (0..depth)
            .map(|index| value(row, index) * value(100 + column, index))
            .sum::<f32>()
    };
    tile.iter()
        .enumerate()
        .all(|(row, sums)| (0..32).all(|column| sums[column] == expected(row, column)))
}

/// What `ldtilecfg` reads: palette 1, and for each of eight tiles 16 rows of 64 bytes.
#[repr(C, align(64))]
struct TileShapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Sets the shapes of this thread's tiles; they stay until [`release`].
///
/// # Safety
/// [`is_available`] said yes.
pub(super) unsafe fn configure() {
    let mut shapes = TileShapes {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        row_bytes: [0; 16],
        rows: [0; 16],
    };
    shapes.row_bytes[..8].fill(64);
    shapes.rows[..8].fill(16);
    // SAFETY: the block reads 64 bytes; without `nomem` or `readonly` the compiler must have written them before.
    unsafe { asm!("ldtilecfg [{shapes}]", shapes = in(reg) &raw const shapes, options(nostack, preserves_flags)) };
}

/// Clears this thread's tiles, so that the system no longer has to save them.
///
/// # Safety
/// [`is_available`] said yes.
pub(super) unsafe fn release() {
    // SAFETY: the instruction touches tile state alone.
    unsafe { asm!("tilerelease", options(nostack, preserves_flags)) };
}

/// Products of pairs of bf16 for 32 rows and 32 columns.
///
/// # Safety
/// The tiles of this thread are configured; 32 rows of `x` and `steps` rows of `panel` can be read; `steps` is a
/// multiple of [`STEPS`], not 0; `tile` has 32 rows.
pub(super) unsafe fn tile_bf16(x: Strided, panel: Strided, steps: usize, tile: &mut [TileRow]) {
    let (x_bytes, panel_bytes) = (x.stride * 4, panel.stride * 4);
    // Tiles 0 to 3: sums, by rows then columns; 4, 5: 16 rows of x each; 6, 7: 16 columns of the panel each.
    // SAFETY: the caller vouches for what is read; 32 rows of 128 bytes are written to `tile`.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm6, [{panel} + {panel_bytes}]",
            "tileloadd tmm4, [{upper} + {x_bytes}]",
            "tileloadd tmm7, [{panel} + {panel_bytes} + 64]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{lower} + {x_bytes}]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {upper}, 64",
            "add {lower}, 64",
            "add {panel}, {panel_advance}",
            "dec {rounds}",
            "jnz 2b",
            "tilestored [{tile} + {tile_bytes}], tmm0",
            "tilestored [{tile} + {tile_bytes} + 64], tmm1",
            "tilestored [{tile_lower} + {tile_bytes}], tmm2",
            "tilestored [{tile_lower} + {tile_bytes} + 64], tmm3",
            upper = inout(reg) x.start => _,
            lower = inout(reg) x.start.add(16 * x.stride) => _,
            panel = inout(reg) panel.start => _,
            rounds = inout(reg) steps / STEPS => _,
            x_bytes = in(reg) x_bytes,
            panel_bytes = in(reg) panel_bytes,
            panel_advance = in(reg) STEPS * panel_bytes,
            tile = in(reg) tile.as_mut_ptr(),
            tile_lower = in(reg) tile.as_mut_ptr().add(16),
            tile_bytes = in(reg) size_of::<TileRow>(),
            options(nostack),
        );
    }
}
