//! How long the threads of the speech engine spin before they sleep while they wait for one another.
//!
//! whisper.cpp splits every product over its threads and joins them at a barrier, thousands of times a second. Where a
//! processor is shared, as when two recordings are transcribed at once, a thread that spins at the barrier holds the very
//! processor that the awaited one needs: two runs that take 7 s each alone took 328 s together on two processors. With
//! [`SPINS`] they took 15 s, and one alone no longer than before; with none at all, one alone took 12 s.
//!
//! The engine is built on OpenMP for this. Its library reads the count from the environment as it is loaded, so it is
//! given to a new process.

use std::ffi::OsString;

/// What GCC's OpenMP library calls it.
pub(crate) const SPIN_COUNT: &str = "GOMP_SPINCOUNT";
/// How often a waiting thread looks before it sleeps: a few microseconds.
const SPINS: &str = "1000";

/// What the environment says, or [`SPINS`].
pub(crate) fn spin_count() -> OsString {
    std::env::var_os(SPIN_COUNT).unwrap_or_else(|| SPINS.into())
}

/// Starts this program anew in its place, for commands that have the engine in their own process; the second time it does
/// nothing. Where that cannot be done the engine waits as it did.
pub(crate) fn settle() {
    #[cfg(unix)]
    if std::env::var_os(SPIN_COUNT).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        use std::os::unix::process::CommandExt as _;
        let mut arguments = std::env::args_os();
        let mut again = std::process::Command::new(program);
        if let Some(name) = arguments.next() {
            again.arg0(name);
        }
        let error = again.args(arguments).env(SPIN_COUNT, SPINS).exec();
        tracing::debug!(%error, "the speech engine's threads wait as OpenMP has it");
    }
}
