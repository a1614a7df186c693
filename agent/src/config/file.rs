//! `agent.toml` as it is written, before anything is checked.
//!
//! Unknown keys are refused, so that a misspelt one cannot be ignored in silence.

use std::path::PathBuf;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    pub(super) agent: AgentSection,
    pub(super) collector: CollectorSection,
    pub(super) schedule: ScheduleSection,
    #[serde(default)]
    pub(super) capture: CaptureSection,
    #[serde(default, rename = "provider")]
    pub(super) providers: Vec<ProviderSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentSection {
    pub(super) name: String,
    pub(super) region: String,
    pub(super) state: PathBuf,
    #[serde(default = "spool_mebibytes")]
    pub(super) spool_mebibytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CollectorSection {
    pub(super) url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleSection {
    pub(super) event: PathBuf,
    pub(super) images: PathBuf,
    #[serde(default = "cron")]
    pub(super) cron: String,
    #[serde(default = "time_zone")]
    pub(super) time_zone: String,
    #[serde(default = "slice")]
    pub(super) slice: SliceSection,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected \"hourly\", \"all\" or a number of images")]
pub(super) enum SliceSection {
    Word(String),
    Count(i64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaptureSection {
    #[serde(default = "capture_mode")]
    pub(super) mode: String,
    pub(super) interface: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderSection {
    pub(super) name: String,
    pub(super) api: String,
    pub(super) region: String,
    pub(super) endpoint: Option<String>,
    pub(super) usd_per_1000: f64,
    #[serde(default = "timeout_seconds")]
    pub(super) timeout_seconds: u64,
    #[serde(default = "connection")]
    pub(super) connection: String,
    #[serde(default = "http")]
    pub(super) http: String,
    #[serde(default)]
    pub(super) expect_continue: bool,
    pub(super) ca: Option<PathBuf>,
    #[serde(default)]
    pub(super) simulated: bool,
}

impl Default for CaptureSection {
    fn default() -> Self {
        Self { mode: capture_mode(), interface: None }
    }
}

const fn spool_mebibytes() -> u64 {
    1024
}

fn cron() -> String {
    "23 * * * *".to_owned()
}

fn time_zone() -> String {
    "local".to_owned()
}

fn slice() -> SliceSection {
    SliceSection::Word("hourly".to_owned())
}

fn capture_mode() -> String {
    "auto".to_owned()
}

const fn timeout_seconds() -> u64 {
    30
}

fn connection() -> String {
    "reuse".to_owned()
}

fn http() -> String {
    "1.1".to_owned()
}
