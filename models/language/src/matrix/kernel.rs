//! The ways of computing, and which of them this processor has.

/// A way of multiplying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kernel {
    /// No rounding of activations: weights are brought to f32 and multiplied by the `gemm` crate. Slow; the reference.
    Exact,
    /// 8-bit products on any processor.
    Portable,
    /// 8-bit products on AVX2 and FMA.
    Avx2,
    /// 8-bit products on AVX2 with AVX-VNNI (laptops since 2021).
    AvxVnni,
    /// 8-bit products on AVX-512 with VNNI.
    Avx512Vnni,
}

impl Kernel {
    /// All kernels, slowest first.
    pub const ALL: [Kernel; 5] = [
        Kernel::Exact,
        Kernel::Portable,
        Kernel::Avx2,
        Kernel::AvxVnni,
        Kernel::Avx512Vnni,
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

    /// Whether this processor can run it.
    #[cfg(target_arch = "x86_64")]
    pub fn is_available(self) -> bool {
        let avx2 =
            || is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        match self {
            Kernel::Exact | Kernel::Portable => true,
            Kernel::Avx2 => avx2(),
            Kernel::AvxVnni => avx2() && is_x86_feature_detected!("avxvnni"),
            Kernel::Avx512Vnni => {
                avx2()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
        }
    }

    /// Whether this processor can run it.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available(self) -> bool {
        matches!(self, Kernel::Exact | Kernel::Portable)
    }

    /// Its name in reports and settings.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Exact => "exact",
            Kernel::Portable => "portable",
            Kernel::Avx2 => "avx2",
            Kernel::AvxVnni => "avx-vnni",
            Kernel::Avx512Vnni => "avx512-vnni",
        }
    }

    /// The kernel whose vector instructions go with this one: the fastest for the exact one, which differs in what it
    /// rounds, not in what it runs on.
    pub(crate) fn instructions(self) -> Kernel {
        if self == Kernel::Exact { Kernel::fastest() } else { self }
    }

    /// Whether offsets of 8-bit formats go into the product apart. Without VNNI a sum of two products of 8 bits does
    /// not fit 16 bits, so codes are taken as signed, and then there is no offset.
    pub(crate) fn has_signed_bytes(self) -> bool {
        self == Kernel::Avx2
    }
}
