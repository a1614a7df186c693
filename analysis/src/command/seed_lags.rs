//! `armol-analysis seed-lags`: captures as the lag files of the scripts published with Armol.

use std::{
    collections::HashSet,
    fs,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use armol_analysis::{
    capture_file::CaptureFileError,
    offline::{Finding, FoundExchange, PublishedRule, published_terms},
    split::SplitFlags,
};
use clap::Args;

use super::{
    CommandError, Completion,
    findings::{self, Reading, StreamArguments},
    inputs::{Input, inputs},
    parallel,
};

/// Writes for each capture a file [[upload], [rtt], [inference]] of seconds.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  armol-analysis seed-lags 20210508_010101.cap --out lags/
  armol-analysis seed-lags us2sg/ --out lags/ --as-published

Each file has the name of its capture with the ending .json; the means are printed. The round trip
is no part of the upload here. Left out are exchanges without times or with the flag implausible.
--as-published applies the published scripts' own rule, with all that it gets wrong.")]
pub(crate) struct SeedLagsArguments {
    /// Captures, folders of captures, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    streams: StreamArguments,
    /// The folder for the files, made where it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Split by the published rule instead
    #[arg(long, conflicts_with_all = ["server_port", "server"])]
    as_published: bool,
}

/// Upload, round trip and inference of one request.
type Lag = [Duration; 3];

/// Reads the captures and writes their lag files.
///
/// # Errors
/// Where an input is not there, two captures would have the same file, or a file or `output` cannot
/// be written.
pub(crate) fn run(
    arguments: &SeedLagsArguments,
    output: &mut impl Write,
    errors: &mut impl Write,
) -> Result<Completion, CommandError> {
    let inputs = inputs(&arguments.files)?;
    refuse_same_names(&inputs)?;
    let folder = &arguments.out;
    let cannot_write = |path: &PathBuf| {
        let path = path.clone();
        |source| CommandError::File { path, source }
    };
    fs::create_dir_all(folder).map_err(cannot_write(folder))?;
    let mut completion = Completion::Whole;
    let read = |input: &Input| lags(input, arguments);
    parallel::in_order(&inputs, read, |input, made| -> Result<(), CommandError> {
        let (lags, reading) = match made {
            Ok((lags, reading)) => (lags, Ok(reading)),
            Err(error) => (Vec::new(), Err(error)),
        };
        if reading.is_ok() {
            let path = folder.join(file_name(input));
            fs::write(&path, columns(&lags)?).map_err(cannot_write(&path))?;
            write_means(&lags, input, output)?;
        }
        completion = completion.max(findings::tell(input, reading, errors));
        Ok(())
    })?;
    output.flush()?;
    Ok(completion)
}

fn lags(
    input: &Input,
    arguments: &SeedLagsArguments,
) -> Result<(Vec<Lag>, Reading), CaptureFileError> {
    if arguments.as_published {
        let mut rule = PublishedRule::new();
        let reading = findings::read_frames(input, |link_type, frame| rule.push(link_type, frame))?;
        let terms = rule.finish().into_iter();
        let lags = terms.map(|lag| [lag.upload, lag.round_trip, lag.inference]).collect();
        return Ok((lags, reading));
    }
    let mut lags = Vec::new();
    let reading = findings::read(input, &arguments.streams.filter(), |finding| {
        if let Finding::Exchange(found) = finding {
            lags.extend(lag(&found).map(|lag| (found.split.request_first, lag)));
        }
        true
    })?;
    lags.sort_by_key(|(first, _)| *first);
    Ok((lags.into_iter().map(|(_, lag)| lag).collect(), reading))
}

fn lag(found: &FoundExchange) -> Option<Lag> {
    if found.split.flags.contains(SplitFlags::IMPLAUSIBLE) {
        return None;
    }
    published_terms(found.split.times?, found.split.rtt)
}

fn refuse_same_names(inputs: &[Input]) -> Result<(), CommandError> {
    let mut names = HashSet::new();
    for input in inputs {
        let name = file_name(input);
        if !names.insert(name.clone()) {
            return Err(CommandError::SameName(name));
        }
    }
    Ok(())
}

/// The capture's name up to its first dot, with the ending of JSON.
fn file_name(input: &Input) -> String {
    let name = match input {
        Input::Standard => "stdin".into(),
        Input::File(path) => path.file_name().unwrap_or_default().to_string_lossy(),
    };
    let stem = name.split('.').next().unwrap_or_default();
    format!("{stem}.json")
}

/// The lags column by column, in seconds.
fn columns(lags: &[Lag]) -> io::Result<String> {
    let column = |part: usize| -> Vec<f64> {
        lags.iter().filter_map(|lag| lag.get(part)).map(Duration::as_secs_f64).collect()
    };
    Ok(serde_json::to_string(&[column(0), column(1), column(2)])?)
}

fn write_means(lags: &[Lag], input: &Input, output: &mut impl Write) -> io::Result<()> {
    let Some(count) = u32::try_from(lags.len()).ok().filter(|count| *count > 0) else {
        return writeln!(output, "{input}: no requests found");
    };
    let mut sums = Lag::default();
    for lag in lags {
        for (sum, part) in sums.iter_mut().zip(lag) {
            *sum = sum.saturating_add(*part);
        }
    }
    let [upload, rtt, inference] = sums.map(|sum| (sum / count).as_secs_f64());
    writeln!(
        output,
        "{input}: {count} requests, mean upload {upload:.6} s, rtt {rtt:.6} s, \
         inference {inference:.6} s"
    )
}
