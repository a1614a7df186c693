//! `armol-agent simulate images` and `simulate serve`: what is asked on the command line, checked
//! and carried out.

use std::{io::Write, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use tokio::task;
use tokio_util::sync::CancellationToken;

use super::{
    SimulationError,
    fault::FaultRates,
    image_set::ImageSet,
    inference_time::{InferenceTimes, TimeRange, TimeScale},
    provider::SimulatedProvider,
    server::{Settings, Simulation},
    tls_version::TlsVersion,
};
use crate::clock::Clock;

/// Simulated providers and images for them; no cloud account is needed.
#[derive(Clone, Debug, Subcommand)]
pub enum SimulateCommand {
    /// Makes a set of images with ground truth.
    Images(ImagesArguments),
    /// Answers as AWS, Azure and Google do, over TLS on this machine, until stopped.
    Serve(ServeArguments),
}

/// The arguments of `simulate images`.
#[derive(Clone, Debug, Args)]
pub struct ImagesArguments {
    /// The folder to make; one made by this command before is made again.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// How many images to make.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub count: u32,
    /// The same seed gives the same images.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
}

/// The arguments of `simulate serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArguments {
    /// The image set that the providers know, as made by `simulate images`.
    #[arg(long, value_name = "DIR")]
    pub images: PathBuf,
    /// Where to write ca.pem, a truth log for each provider and, when ready, endpoints.env.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Whom to simulate; repeat for several.
    #[arg(
        long = "provider",
        value_name = "PROVIDER",
        value_enum,
        default_values_t = SimulatedProvider::ALL
    )]
    pub providers: Vec<SimulatedProvider>,
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// The first provider's port, the others' following it; without it, any that are free.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// The same seed gives the same answers and credentials, and faults and inference times in the
    /// order in which requests come.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// The factor on inference times, whose means are 330 (aws), 278 (azure) and 312 ms (google).
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub time_scale: f64,
    /// Inference times anywhere between two numbers of milliseconds, in place of the published.
    #[arg(long, value_name = "MIN-MAX", conflicts_with = "time_scale")]
    pub inference_ms: Option<TimeRange>,
    /// How long a response's body comes after its head, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub body_pause_ms: u32,
    /// The version of TLS that the providers speak.
    #[arg(long, value_name = "VERSION", value_enum, default_value_t = TlsVersion::Tls13)]
    pub tls_version: TlsVersion,
    /// The share of requests that are told to slow down.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub throttle_rate: f64,
    /// The share of requests at which the provider fails.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub error_rate: f64,
    /// The share of requests whose connection is reset.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub reset_rate: f64,
    /// The share of requests that are never answered.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub stall_rate: f64,
}

/// Carries out a command until it is done or a shutdown is asked for; says on `output` what was
/// made.
///
/// # Errors
/// Where an argument is out of range, a file cannot be read or written, or a port is taken.
pub async fn run(
    command: SimulateCommand,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
    output: &mut impl Write,
) -> Result<(), SimulationError> {
    match command {
        SimulateCommand::Images(arguments) => make_images(arguments, shutdown, output).await,
        SimulateCommand::Serve(arguments) => serve(arguments, clock, shutdown, output).await,
    }
}

async fn make_images(
    arguments: ImagesArguments,
    shutdown: CancellationToken,
    output: &mut impl Write,
) -> Result<(), SimulationError> {
    let ImagesArguments { out: folder, count, seed } = arguments;
    let set = ImageSet { folder: folder.clone(), count, seed };
    // Drawn on standard error where that is a terminal, else not at all.
    let bar = ProgressBar::new(count.into());
    let making = task::spawn_blocking(move || {
        let made = set.make(|made| {
            bar.set_position(made.into());
            !shutdown.is_cancelled()
        });
        bar.finish_and_clear();
        made
    });
    let objects = making.await.map_err(SimulationError::Stopped)??;
    writeln!(output, "made {count} images with {objects} objects in {}", folder.display())
        .map_err(SimulationError::Output)
}

async fn serve(
    arguments: ServeArguments,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
    output: &mut impl Write,
) -> Result<(), SimulationError> {
    let simulation = Simulation::start(arguments.check()?, clock, shutdown).await?;
    for (provider, address) in simulation.endpoints() {
        writeln!(output, "{} at https://{address}", provider.name())
            .map_err(SimulationError::Output)?;
    }
    output.flush().map_err(SimulationError::Output)?;
    simulation.run().await;
    Ok(())
}

impl ServeArguments {
    fn check(self) -> Result<Settings, SimulationError> {
        let rates = [self.throttle_rate, self.error_rate, self.reset_rate, self.stall_rate];
        let mut providers = self.providers;
        providers.sort_unstable();
        providers.dedup();
        Ok(Settings {
            images: self.images,
            out: self.out,
            providers,
            listen: self.listen,
            port: self.port,
            seed: self.seed,
            inference: match self.inference_ms {
                Some(range) => InferenceTimes::Within(range),
                None => InferenceTimes::Published(TimeScale::new(self.time_scale)?),
            },
            body_pause: Duration::from_millis(self.body_pause_ms.into()),
            tls_version: self.tls_version,
            faults: FaultRates::new(rates)?,
        })
    }
}
