//! What waiting costs, and what must not be exceeded, as the command line says it.

use std::time::Duration;

use armol_analysis::identity::Name;
use clap::Args;

use crate::{
    command::numbers,
    latency::ReplayOptions,
    training::{Quota, WaitingOptions},
};

/// What waiting costs, and what must not be exceeded.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Waiting and quotas")]
pub(super) struct LimitArguments {
    /// What a second of waiting takes from the value of an answer, by the calls that the data set
    /// holds; those that failed fail again
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0, value_parser = numbers::not_negative,
        allow_negative_numbers = true)]
    pub(super) latency_weight: f64,
    /// Never ask whom it would take longer to ask, at the mean, than so many seconds an image
    #[arg(long, value_name = "SECONDS", value_parser = numbers::seconds)]
    max_latency: Option<Duration>,
    /// Of the stored calls, replay only those that were sent from this region
    #[arg(long, value_name = "REGION", value_parser = |text: &str| Name::new(text))]
    region: Option<Name>,
    /// Of the stored calls, replay only those of this hour of the day, in UTC
    #[arg(long, value_name = "HOUR", value_parser = clap::value_parser!(u8).range(0..24))]
    hour: Option<u8>,
    /// Take an answer that comes after so many seconds for none
    #[arg(long, value_name = "SECONDS", value_parser = numbers::seconds)]
    deadline: Option<Duration>,
    /// Ask a provider no more often a day than that; may be repeated
    #[arg(long, value_name = "NAME=CALLS", requires = "images_a_day")]
    pub(super) quota: Vec<Quota>,
    /// How many images a day quotas are for
    #[arg(long, value_name = "COUNT", value_parser = numbers::positive)]
    pub(super) images_a_day: Option<f64>,
}

impl LimitArguments {
    /// How long calls may take, and which calls tell.
    pub(super) fn waiting(&self) -> WaitingOptions {
        let region = self.region.as_ref().map(|region| region.as_str().to_owned());
        let replay = ReplayOptions { region, hour: self.hour, deadline: self.deadline };
        WaitingOptions { replay, most: self.max_latency }
    }
}
