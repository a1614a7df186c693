//! What is found in captures, for the subcommands that ask for exchanges and streams.

use std::{
    io::Write,
    net::{IpAddr, SocketAddr},
};

use armol_analysis::{
    capture_file::{CaptureFileError, Damage},
    fragments::Fragments,
    frame::{Frame, LinkType},
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
    /// The same for the finder.
    pub(super) fn filter(&self) -> StreamFilter {
        StreamFilter { server_ports: self.server_port.clone(), servers: self.server.clone() }
    }

    /// Whether a server is of interest.
    pub(super) fn wants(&self, server: SocketAddr) -> bool {
        self.filter().wants(server)
    }
}

/// How the reading of one capture went.
#[derive(Debug)]
pub(super) struct Reading {
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
            None => Ok(tell(input, reading, errors)),
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
        completion = completion.max(tell(input, reading, errors));
        Ok(())
    })?;
    Ok(completion)
}

/// Finds what is in a capture until `take` says that it is enough.
///
/// # Errors
/// Where the input cannot be opened or is no capture.
pub(super) fn read(
    input: &Input,
    filter: &StreamFilter,
    mut take: impl FnMut(Finding) -> bool,
) -> Result<Reading, CaptureFileError> {
    let mut finder = ExchangeFinder::new(filter.clone());
    let mut more = true;
    let mut sink = |finding| more = more && take(finding);
    let reading = read_frames(input, |link_type, frame| {
        finder.push(link_type, frame, &mut sink);
    })?;
    finder.finish(&mut sink);
    Ok(reading)
}

/// Hands over the frames of a capture that have a time, put together where they are fragments.
///
/// # Errors
/// Where the input cannot be opened or is no capture.
pub(super) fn read_frames(
    input: &Input,
    mut take: impl FnMut(LinkType, &Frame<'_>),
) -> Result<Reading, CaptureFileError> {
    let mut reader = open(input)?;
    let mut fragments = Fragments::new();
    let mut untimed = 0;
    while let Some(captured) = reader.next_frame() {
        if !captured.timed {
            untimed += 1;
        } else if let Some(whole) = fragments.whole(captured) {
            take(whole.link_type, &whole.frame);
        }
    }
    Ok(Reading { damage: reader.into_damage(), untimed })
}

/// Tells what kept a capture from being read as a whole; returns what that makes of all. Where
/// `errors` is gone, the exit code still tells.
pub(super) fn tell(
    input: &Input,
    reading: Result<Reading, CaptureFileError>,
    errors: &mut impl Write,
) -> Completion {
    let reading = match reading {
        Ok(reading) => reading,
        Err(error) => return tell_refused(input, &error, errors),
    };
    if reading.untimed > 0 {
        let untimed = reading.untimed;
        drop(writeln!(errors, "warning: {input} has {untimed} packets without a time, left out"));
    }
    tell_damage(input, reading.damage.as_ref(), errors)
}
