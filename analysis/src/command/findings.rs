//! What is found in captures, for the subcommands that ask for exchanges and streams.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use armol_analysis::{
    capture_file::{CaptureFileError, Damage},
    offline::{ExchangeFinder, Finding, StreamFilter},
};
use clap::Args;

use super::{CommandError, Completion, inputs::Input, open, parallel, tell_damage, tell_refused};

/// Which streams of the captures are of interest.
#[derive(Clone, Debug, Args)]
pub(super) struct StreamArguments {
    /// Only servers on these ports
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    server_port: Vec<u16>,
    /// Only servers with these addresses
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    server: Vec<IpAddr>,
}

impl StreamArguments {
    fn filter(&self) -> StreamFilter {
        StreamFilter { server_ports: self.server_port.clone(), servers: self.server.clone() }
    }
}

/// How the reading of one capture went.
struct Reading {
    damage: Option<Damage>,
    untimed: u64,
}

/// Finds what is in the captures and hands it over, capture by capture in their order.
///
/// A capture alone is handed over while it is read, in constant memory; of several, what was found
/// in one waits until it is its turn.
///
/// # Errors
/// Where `take` or `errors` fails.
pub(super) fn for_each(
    inputs: &[Input],
    streams: &StreamArguments,
    errors: &mut impl Write,
    mut take: impl FnMut(&Input, Finding) -> Result<(), CommandError>,
) -> Result<Completion, CommandError> {
    let filter = streams.filter();
    let mut completion = Completion::Whole;
    if let [input] = inputs {
        let mut failure = None;
        let reading = read(input, &filter, |finding| {
            if failure.is_none() {
                failure = take(input, finding).err();
            }
            failure.is_none()
        });
        return match failure {
            Some(error) => Err(error),
            None => Ok(tell(input, reading, errors)?),
        };
    }
    let find = |input: &Input| {
        let mut found = Vec::new();
        let reading = read(input, &filter, |finding| {
            found.push(finding);
            true
        });
        (found, reading)
    };
    parallel::in_order(inputs, find, |input, (found, reading)| -> Result<(), CommandError> {
        for finding in found {
            take(input, finding)?;
        }
        completion = completion.max(tell(input, reading, errors)?);
        Ok(())
    })?;
    Ok(completion)
}

/// Reads a capture until `take` says that it is enough.
fn read(
    input: &Input,
    filter: &StreamFilter,
    mut take: impl FnMut(Finding) -> bool,
) -> Result<Reading, CaptureFileError> {
    let mut reader = open(input)?;
    let mut finder = ExchangeFinder::new(filter.clone());
    let mut untimed = 0;
    let mut enough = false;
    let mut sink = |finding| enough |= !take(finding);
    while let Some(captured) = reader.next_frame() {
        if captured.timed {
            finder.push(captured.link_type, &captured.frame, &mut sink);
        } else {
            untimed += 1;
        }
    }
    finder.finish(&mut sink);
    Ok(Reading { damage: reader.into_damage(), untimed })
}

fn tell(
    input: &Input,
    reading: Result<Reading, CaptureFileError>,
    errors: &mut impl Write,
) -> io::Result<Completion> {
    let reading = match reading {
        Ok(reading) => reading,
        Err(error) => return tell_refused(input, error, errors),
    };
    if reading.untimed > 0 {
        let untimed = reading.untimed;
        writeln!(errors, "warning: {input} has {untimed} packets without a time, left out")?;
    }
    tell_damage(input, reading.damage.as_ref(), errors)
}
