//! What the splitter keeps over days of the agent's traffic, which is made up as fast as it goes:
//! `cargo run --release --example live_memory -- HOURS [generate]`.
//!
//! Prints a line of CSV for each simulated hour, with the memory of the whole process. With
//! `generate` the traffic is made and thrown away, so that its own cost can be told apart.

use std::{
    env,
    error::Error,
    fs,
    hint::black_box,
    io::{self, Write},
};

use armol_analysis::{frame::LinkType, splitter::Splitter};

use self::traffic::{Step, Traffic};

#[path = "../tests/support/traffic.rs"]
mod traffic;

const REQUESTS_A_SECOND: i64 = 100;
const HOUR: i64 = 3600 * 1_000_000;

#[derive(Default)]
struct Counts {
    frames: u64,
    asked: u64,
    with_times: u64,
    /// Splits that are more than 2 ms off the truth, of those with times.
    far_off: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (hours, splits) = match arguments.as_slice() {
        [hours] => (hours.parse::<i64>()?, true),
        [hours, word] if word == "generate" => (hours.parse::<i64>()?, false),
        _ => return Err("usage: live_memory HOURS [generate]".into()),
    };
    let mut output = io::stdout().lock();
    writeln!(
        output,
        "hour,frames,asked,with_times,far_off,connections,held_bytes,resident_kib,anonymous_kib"
    )?;
    let mut traffic = Traffic::new(1, REQUESTS_A_SECOND);
    let mut splitter = Splitter::new(LinkType::Ethernet);
    let mut counts = Counts::default();
    for hour in 1..=hours {
        loop {
            let (at, step) = traffic.next();
            if splits {
                take(&mut splitter, step, &mut counts);
            } else {
                counts.frames += u64::from(matches!(black_box(step), Step::Frame(_)));
            }
            if at >= hour * HOUR {
                break;
            }
        }
        let Counts { frames, asked, with_times, far_off } = counts;
        let (connections, held) = (splitter.connections(), splitter.held_bytes());
        let (resident, anonymous) = (memory("VmRSS:")?, memory("RssAnon:")?);
        writeln!(
            output,
            "{hour},{frames},{asked},{with_times},{far_off},{connections},{held},{resident},{anonymous}"
        )?;
    }
    Ok(())
}

fn take(splitter: &mut Splitter, step: Step, counts: &mut Counts) {
    match step {
        Step::Watch(port) => splitter.watch(port),
        Step::Unwatch(port) => splitter.unwatch(port),
        Step::Frame(frame) => {
            splitter.push(&frame.as_frame());
            counts.frames += 1;
        }
        Step::Ask(markers, inference) => {
            splitter.has_seen(&markers);
            counts.asked += 1;
            let Some(times) = splitter.resolve(&markers).and_then(|split| split.times) else {
                return;
            };
            counts.with_times += 1;
            let truth = u128::from(inference.unwrap_or_default().unsigned_abs());
            let error = times.inference().as_micros().abs_diff(truth);
            counts.far_off += u64::from(error > 2000);
        }
    }
}

/// The memory of this process that is resident, or a part of it, in KiB as the kernel counts it.
fn memory(field: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or_else(|| format!("/proc/self/status names no {field}"))?.parse()?)
}
