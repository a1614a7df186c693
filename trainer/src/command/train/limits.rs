//! What waiting costs, and what must not be exceeded, as the command line says it.

use std::{str::FromStr, time::Duration};

use armol_analysis::identity::Name;
use clap::Args;

use crate::training::{Quota, WaitingOptions};

/// What waiting costs, and what must not be exceeded.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Waiting and quotas")]
pub(super) struct LimitArguments {
    /// What a second of waiting takes from the value of an answer, by the calls that the data set
    /// holds
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0, value_parser = super::not_negative,
        allow_negative_numbers = true)]
    pub(super) latency_weight: f64,
    /// Never ask whom it would take longer to ask, at the mean, than so many seconds an image
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_latency: Option<Duration>,
    /// Of the stored calls, replay only those that were sent from this region
    #[arg(long, value_name = "REGION", value_parser = |text: &str| Name::new(text))]
    region: Option<Name>,
    /// Ask a provider no more often a day than that; may be repeated
    #[arg(long, value_name = "NAME=CALLS", requires = "images_a_day")]
    quota: Vec<DailyCalls>,
    /// How many images a day quotas are for
    #[arg(long, value_name = "COUNT", value_parser = positive)]
    pub(super) images_a_day: Option<f64>,
}

/// How many calls a provider may get a day.
#[derive(Clone, Debug, PartialEq)]
struct DailyCalls {
    provider: String,
    calls: f64,
}

impl LimitArguments {
    /// How long calls may take, and which calls tell.
    pub(super) fn waiting(&self) -> WaitingOptions {
        let region = self.region.as_ref().map(|region| region.as_str().to_owned());
        WaitingOptions { region, most: self.max_latency }
    }

    /// How often providers may be asked.
    pub(super) fn quotas(&self) -> Vec<Quota> {
        let quota = |DailyCalls { provider, calls }: &DailyCalls| Quota {
            provider: provider.clone(),
            calls_a_day: *calls,
        };
        self.quota.iter().map(quota).collect()
    }
}

impl FromStr for DailyCalls {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (provider, calls) = text.split_once('=').ok_or("write it as NAME=CALLS")?;
        let calls = calls.parse().ok().filter(|calls: &f64| calls.is_finite() && *calls >= 0.0);
        let calls = calls.ok_or("what follows = must be a number that is not below 0")?;
        Ok(Self { provider: provider.to_owned(), calls })
    }
}

/// A length of time above 0.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = positive(text)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "it is too long")
}

/// A number above 0.
fn positive(text: &str) -> Result<f64, &'static str> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or("it must be a number above 0")
}
