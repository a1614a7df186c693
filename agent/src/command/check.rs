//! `check`: what a run would do, and what is missing for it; sends nothing.

use std::{io::Write, sync::Arc};

use armol_analysis::{
    cause::chain,
    report::{plain_table, table_text},
    split::SplitMethod,
    time::Timestamp,
};
use clap::Args;
use serde::Serialize;

use super::{CommandError, ConfigArgs, tally::dollars};
use crate::{
    agent::{AgentError, slice},
    clock::Clock,
    config::{CaptureMode, Config},
    cursor::Cursor,
    event::Event,
    http::method_without_packets,
    probe::Target,
    provider,
    spool::{Contents, Spool, SpoolError},
    targets::{CaptureState, target},
    upload::Collector,
};

/// Says what a run would do, what it would cost, and what is missing; sends no image.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  armol-agent check --config agent.toml\n\n\
    Exit codes: 0 ready (a collector that is down is only mentioned: measurements are kept); \
    2 something is missing, which the output names.")]
pub struct Check {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// All that is found.
#[derive(Debug, Serialize)]
struct Findings {
    agent: String,
    region: String,
    /// RFC 3339.
    next_run: Option<String>,
    images: usize,
    /// How many of the images a run at the present time sends.
    slice: usize,
    calls_per_run: usize,
    cost_per_run_microusd: u64,
    capture: String,
    collector: String,
    /// What waits for the collector, and who has it.
    spool: String,
    providers: Vec<ProviderFindings>,
    /// What keeps the agent from running.
    missing: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ProviderFindings {
    name: String,
    api: String,
    region: String,
    url: String,
    price_microusd: u64,
    simulated: bool,
    ready: bool,
}

impl Check {
    /// Does it.
    ///
    /// # Errors
    /// Where the configuration or the list of images cannot be used, or anything is missing.
    pub async fn run(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        clock: Arc<dyn Clock>,
        out: &mut dyn Write,
    ) -> Result<(), CommandError> {
        let config = Config::read(&self.config.config)?;
        let event = Event::read(&config.event, &config.images).map_err(AgentError::from)?;
        let mut missing = Vec::new();
        let mut targets = Vec::new();
        let mut providers = Vec::new();
        for section in &config.providers {
            let ready = match target(section, &variable, &clock) {
                Ok(target) => {
                    targets.push(target);
                    true
                }
                Err(error) => {
                    missing.push(chain(&error));
                    false
                }
            };
            let url = provider::url(section.api, &section.region, section.endpoint.as_ref());
            providers.push(ProviderFindings {
                name: section.name.to_string(),
                api: section.api.to_string(),
                region: section.region.to_string(),
                url: url.map_or_else(|error| chain(&error), |url| url.to_string()),
                price_microusd: section.price_microusd,
                simulated: section.simulated,
                ready,
            });
        }
        let now = clock.now();
        let cursor = Cursor::in_folder(&config.state).read();
        let images = slice(&config, &event, now, cursor).len();
        let price = config.providers.iter().map(|provider| provider.price_microusd).sum::<u64>();
        let findings = Findings {
            agent: config.agent.to_string(),
            region: config.region.to_string(),
            next_run: config.schedule.next_after(now).map(|due| due.to_string()),
            images: event.len(),
            slice: images,
            calls_per_run: images * providers.len(),
            cost_per_run_microusd: price * u64::try_from(images).unwrap_or(u64::MAX),
            capture: capture(&config, &targets, &mut missing).await,
            collector: collector(&config).await?,
            spool: spool(&config, now, &mut missing).await,
            providers,
            missing,
        };
        findings.write(self.json, out)?;
        if findings.missing.is_empty() {
            return Ok(());
        }
        Err(CommandError::NotReady(format!("not ready: {}", findings.missing.join("; "))))
    }
}

/// Tries to capture, and says where or why not.
async fn capture(config: &Config, targets: &[Target], missing: &mut Vec<String>) -> String {
    match CaptureState::open(config, targets).await {
        Ok(CaptureState::On(_, interfaces)) => {
            let names = interfaces.iter().map(|interface| interface.name.as_str());
            format!("on {}", names.collect::<Vec<_>>().join(", "))
        }
        Ok(CaptureState::Off) => format!("off: times are {}", without_packets()),
        Ok(CaptureState::Unavailable(error)) => {
            format!("not possible, times would be {}: {}", without_packets(), chain(&error))
        }
        Err(error) => {
            debug_assert_eq!(config.capture, CaptureMode::Required);
            missing.push(chain(&error));
            "required, but not possible".to_owned()
        }
    }
}

/// Whose times are taken where no packets are captured.
fn without_packets() -> &'static str {
    match method_without_packets() {
        SplitMethod::Packets | SplitMethod::Socket => "the kernel's stamps of the agent's sockets",
        SplitMethod::Application => "the program's own",
    }
}

/// Says Hello to the collector, and what it answers.
async fn collector(config: &Config) -> Result<String, CommandError> {
    let (agent, region) = (config.agent.clone(), config.region.clone());
    let collector = Collector::new(&config.collector, agent, region).map_err(AgentError::from)?;
    Ok(match collector.greet().await {
        Ok(build) => format!("{} answers, version {build}", config.collector),
        Err(error) => format!("out of reach, measurements would be kept: {}", chain(&error)),
    })
}

/// Looks into the spool, where there is one.
async fn spool(config: &Config, now: Timestamp, missing: &mut Vec<String>) -> String {
    if !Spool::exists_in(&config.state) {
        return format!("none yet, to be made in {}", config.state.display());
    }
    match Spool::open(&config.state, &config.agent, config.spool_bytes, now).await {
        Ok((spool, task)) => {
            let contents = spool.contents().await;
            drop(spool);
            task.join().await;
            match contents {
                Ok(Contents { rows, planned, dead, .. }) => format!(
                    "{rows} measurements wait for the collector, {dead} were refused by it, \
                     {planned} calls were left unfinished"
                ),
                Err(error) => chain(&error),
            }
        }
        Err(SpoolError::InUse { .. }) => "in use: an agent is running".to_owned(),
        Err(error) => {
            missing.push(chain(&error));
            "cannot be used".to_owned()
        }
    }
}

impl Findings {
    fn write(&self, json: bool, out: &mut dyn Write) -> Result<(), CommandError> {
        if json {
            serde_json::to_writer_pretty(&mut *out, self).map_err(std::io::Error::from)?;
            writeln!(out)?;
            return Ok(());
        }
        writeln!(out, "agent      {} in {}", self.agent, self.region)?;
        writeln!(out, "collector  {}", self.collector)?;
        writeln!(out, "spool      {}", self.spool)?;
        writeln!(out, "capture    {}", self.capture)?;
        writeln!(out, "next run   {}", self.next_run.as_deref().unwrap_or("never"))?;
        writeln!(
            out,
            "a run      {} of {} images to {} providers: {} calls, {} USD",
            self.slice,
            self.images,
            self.providers.len(),
            self.calls_per_run,
            dollars(self.cost_per_run_microusd)
        )?;
        let mut table = plain_table();
        table.set_header(["provider", "api", "region", "USD a call", "url", "ready"]);
        for provider in &self.providers {
            let simulated = if provider.simulated { " (SIMULATED)" } else { "" };
            table.add_row([
                format!("{}{simulated}", provider.name),
                provider.api.clone(),
                provider.region.clone(),
                dollars(provider.price_microusd),
                provider.url.clone(),
                if provider.ready { "yes".to_owned() } else { "no".to_owned() },
            ]);
        }
        writeln!(out, "{}", table_text(&table))?;
        Ok(())
    }
}
