//! Tells what a ridge and principal components of generated states take, always the same:
//! `cargo run --release -p armol-trainer --example time_linear -- [ROWS] [COLUMNS] [OUTPUTS]`.
//!
//! Prints the seconds of fitting a ridge with a lambda of its own choice and 64 components, and the
//! most memory held, in KiB.

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write},
};

use armol_trainer::linear::{Components, Ridge, Table};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut size = |default| arguments.next().map_or(Ok(default), |text| text.parse::<usize>());
    let (rows, columns, outputs) = (size(20_000)?, size(1001)?, size(7)?);
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    // A few directions that all numbers share, and noise, as in a model's output.
    let shared: Vec<f32> = (0..16 * columns).map(|_| generator.random_range(-1.0..1.0)).collect();
    let mut states = Vec::with_capacity(rows * columns);
    for _ in 0..rows {
        let place = generator.random_range(0..16) * columns;
        let direction = shared.get(place..place + columns).unwrap_or_default();
        states.extend(direction.iter().map(|value| value + generator.random_range(-0.5..0.5)));
    }
    let fill = |row: usize, values: &mut [f64]| {
        let state = states.get(row * columns..).unwrap_or_default();
        for (value, number) in values.iter_mut().zip(state) {
            *value = f64::from(*number);
        }
    };
    let target = |row: usize, values: &mut [f64]| {
        let state = states.get(row * columns..).unwrap_or_default();
        for (value, numbers) in values.iter_mut().zip(state.windows(2)) {
            *value = numbers.iter().copied().map(f64::from).product();
        }
    };
    let inputs = Table { rows, columns, fill: &fill };
    let started = seconds()?;
    let ridge = Ridge::fit(inputs, Table { rows, columns: outputs, fill: &target }, None)?;
    let fitted = seconds()?;
    let components = Components::fit(inputs, columns.min(64))?;
    let found = seconds()?;
    writeln!(
        io::stdout(),
        "ridge {:.2} s, lambda {}; components {:.2} s, {:.3} explained; {} KiB",
        fitted - started,
        ridge.lambda(),
        found - fitted,
        components.explained(),
        most_memory_kib()?
    )?;
    Ok(())
}

/// How long the machine has been up.
fn seconds() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/uptime")?;
    Ok(text.split_whitespace().next().ok_or("an empty uptime")?.parse()?)
}

fn most_memory_kib() -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?.to_owned())
}
