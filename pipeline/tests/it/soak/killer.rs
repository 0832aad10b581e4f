//! Kills the server again and again, at any moment or just as something begins, and starts it again.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::load::{Deed, Load};
use super::random::Random;
use super::{arguments, start};
use crate::server::Server;

/// Kills in a short soak; a longer one has one a minute.
const KILLS_MIN: u64 = 4;
/// How long a kill waits for its deed to begin.
const DEED_MAX: Duration = Duration::from_secs(5);
/// How long after the begin of a deed the server is killed: most take less.
const INTO_DEED: Duration = Duration::from_millis(40);
/// How long after its start a server is killed that is not waited for.
const INTO_START: Duration = Duration::from_millis(400);

/// Kills `server` and those after it, once in each stretch of `duration`; gives the last one.
pub(super) fn kill(load: &Load, mut server: Server, mut random: Random, duration: Duration) -> Server {
    let kills = (duration.as_secs() / 60).max(KILLS_MIN) as u32;
    let (began, stretch) = (Instant::now(), duration / kills);
    for number in 0..kills {
        load.wait(random.up_to(stretch * 4 / 5));
        let deed = random.choose(Deed::CHANGES.to_vec()).filter(|_| random.one_in(2));
        let deed = deed.filter(|&deed| load.wait_for(deed, DEED_MAX));
        if deed.is_some() {
            load.wait(random.up_to(INTO_DEED));
        }
        let killed_at = began.elapsed().as_secs_f64();
        let complaints = server.complaints();
        load.goes_down();
        server.kill();
        for complaint in complaints {
            load.fault(format!("the server logged {complaint}"));
        }
        let mut at_start = 0;
        while random.one_in(3) {
            kill_while_it_starts(load, random.up_to(INTO_START));
            at_start += 1;
        }
        let down = Instant::now();
        server = start(load);
        println!(
            "kill {number} at {killed_at:.1} s{}, {at_start} more while it started, ready after {:.2} s",
            deed.map_or(String::new(), |deed| format!(" into {deed:?}")),
            down.elapsed().as_secs_f64()
        );
        load.wait((stretch * (number + 1)).saturating_sub(began.elapsed()));
    }
    server
}

fn kill_while_it_starts(load: &Load, after: Duration) {
    let mut command = load.bench.command();
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments(load));
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    load.wait(after);
    process.kill().unwrap();
    process.wait().unwrap();
}
