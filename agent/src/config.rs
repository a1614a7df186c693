//! `agent.toml`, read once and turned into values that cannot be wrong.
//!
//! Relative paths in the file are taken from the file's own folder. Credentials are not in it:
//! they come from the environment, named in `credentials`.

mod file;

use std::{
    fs, io,
    num::NonZeroUsize,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use armol_analysis::{
    identity::{Name, NameError},
    provider::{Api, UnknownApi},
};
use thiserror::Error;
use url::{Host, Url};

use crate::{
    http::Protocol,
    schedule::{Schedule, ScheduleError},
    slice::SliceRule,
};

use file::{ConfigFile, ProviderSection, ScheduleSection, SliceSection};

/// All that an agent needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The agent's name, unique at its collector.
    pub agent: Name,
    /// The region that the agent is in.
    pub region: Name,
    /// The folder that the agent keeps its spool in.
    pub state: PathBuf,
    /// The most that the spool may take on disk, in bytes.
    pub spool_bytes: u64,
    /// Where measurements go.
    pub collector: Url,
    /// When runs are due.
    pub schedule: Schedule,
    /// Which images a run sends.
    pub slice: SliceRule,
    /// The list of images.
    pub event: PathBuf,
    /// The folder that the images lie in.
    pub images: PathBuf,
    /// Whether packets are captured.
    pub capture: CaptureMode,
    /// The network interface to capture on; `None` for the one that the route to the provider
    /// takes.
    pub interface: Option<String>,
    /// Whom to ask; at least one.
    pub providers: Vec<ProviderConfig>,
}

/// Whether packets are captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureMode {
    /// Where it is allowed; else the application's own times stand in, labelled.
    Auto,
    /// Without it the agent does not start.
    Required,
    /// Never.
    Off,
}

/// One provider to ask.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// What reports call it.
    pub name: Name,
    /// The wire format it speaks.
    pub api: Api,
    /// Where the service is.
    pub region: Name,
    /// Where to reach it; `None` for the vendor's public endpoint.
    pub endpoint: Option<Url>,
    /// What one call costs, in millionths of a US dollar.
    pub price_microusd: u64,
    /// The longest that a call may take.
    pub timeout: Duration,
    /// Whether calls share a connection.
    pub reuse_connection: bool,
    /// The version of HTTP that it is spoken to in.
    pub protocol: Protocol,
    /// A file of PEM certificates to trust beside the system's.
    pub ca: Option<PathBuf>,
    /// Whether its figures are a simulator's.
    pub simulated: bool,
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}; name the agent's configuration with --config", path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not TOML, or a key is missing or unknown.
    #[error("{}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value is not one that the key can have.
    #[error("{}: {key}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The key, with its section.
        key: String,
        /// What is wrong with it.
        #[source]
        reason: ValueError,
    },
}

/// What is wrong with a value.
#[derive(Debug, Error)]
pub enum ValueError {
    /// It is no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// It names no vendor's interface.
    #[error(transparent)]
    Api(#[from] UnknownApi),
    /// It is no schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// It is no URL.
    #[error("{0:?} is not a URL such as \"https://host:port\"")]
    Url(String),
    /// It holds a user's name or password.
    #[error("a URL must not hold a user or password; credentials come from the environment")]
    UserInfo,
    /// Credentials would leave the machine unencrypted.
    #[error("{0:?} would carry credentials unencrypted; use https")]
    Unencrypted(String),
    /// It leads off this machine without encryption.
    #[error(
        "{0:?} is not plain http to this machine; reach a collector elsewhere through a tunnel, \
         such as: ssh -N -L 7443:127.0.0.1:7443 collector-host"
    )]
    Collector(String),
    /// It is none of the words that the key knows.
    #[error("{word:?} is unknown; use {known}")]
    Word {
        /// The word.
        word: String,
        /// The words that it could be.
        known: &'static str,
    },
    /// It is out of range.
    #[error("{value} is out of range; use {range}")]
    Range {
        /// The value.
        value: String,
        /// The values that it could have.
        range: &'static str,
    },
    /// HTTP/2 is agreed on in the TLS handshake.
    #[error("HTTP/2 is agreed on in TLS; give an https endpoint, or set http = \"1.1\"")]
    Http2WithoutTls,
    /// HTTP/2 has no use for it.
    #[error("a request's body waits in HTTP/1.1 only; leave it out, or set http = \"1.1\"")]
    ExpectContinue,
    /// Two providers have the same name.
    #[error("{0:?} names two providers; give each a name of its own")]
    Repeated(String),
    /// There is no provider.
    #[error("add at least one [[provider]] section")]
    NoProvider,
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// Names the file and the key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Unavailable { path: path.to_owned(), source })?;
        let file = toml::from_str(&text).map_err(|source| ConfigError::Malformed {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Self::check(file, folder).map_err(|Invalid { key, reason }| ConfigError::Invalid {
            path: path.to_owned(),
            key,
            reason,
        })
    }

    fn check(file: ConfigFile, folder: &Path) -> Result<Self, Invalid> {
        if file.providers.is_empty() {
            return Err(Invalid::new("provider", ValueError::NoProvider));
        }
        let mut providers: Vec<ProviderConfig> = Vec::with_capacity(file.providers.len());
        for (index, section) in file.providers.into_iter().enumerate() {
            let provider = ProviderConfig::check(section, index, folder)?;
            if providers.iter().any(|other| other.name == provider.name) {
                let reason = ValueError::Repeated(provider.name.to_string());
                return Err(Invalid::new(format!("provider[{index}].name"), reason));
            }
            providers.push(provider);
        }
        let (schedule, slice) = schedule(&file.schedule)?;
        Ok(Self {
            agent: name("agent.name", file.agent.name)?,
            region: name("agent.region", file.agent.region)?,
            state: folder.join(file.agent.state),
            spool_bytes: spool_bytes(file.agent.spool_mebibytes)?,
            collector: collector("collector.url", &file.collector.url)?,
            schedule,
            slice,
            event: folder.join(file.schedule.event),
            images: folder.join(file.schedule.images),
            capture: capture_mode(file.capture.mode)?,
            interface: file.capture.interface,
            providers,
        })
    }
}

impl ProviderConfig {
    fn check(section: ProviderSection, index: usize, folder: &Path) -> Result<Self, Invalid> {
        let key = |field: &str| format!("provider[{index}].{field}");
        let api =
            section.api.parse().map_err(|reason: UnknownApi| Invalid::new(key("api"), reason))?;
        let endpoint = match &section.endpoint {
            Some(text) => Some(endpoint(&key("endpoint"), text)?),
            None => None,
        };
        let timeout_seconds =
            in_range(key("timeout_seconds"), section.timeout_seconds, 1..=3600, "1 to 3600")?;
        let reuse_connection = match section.connection.as_str() {
            "reuse" => true,
            "new" => false,
            _ => {
                let known = "\"reuse\" or \"new\"";
                let reason = ValueError::Word { word: section.connection, known };
                return Err(Invalid::new(key("connection"), reason));
            }
        };
        let protocol = protocol(&section.http, section.expect_continue, endpoint.as_ref())
            .map_err(|(field, reason)| Invalid::new(key(field), reason))?;
        Ok(Self {
            name: name(&key("name"), section.name)?,
            api,
            region: name(&key("region"), section.region)?,
            endpoint,
            price_microusd: price(section.usd_per_1000)
                .map_err(|reason| Invalid::new(key("usd_per_1000"), reason))?,
            timeout: Duration::from_secs(timeout_seconds),
            reuse_connection,
            protocol,
            ca: section.ca.map(|path| folder.join(path)),
            simulated: section.simulated,
        })
    }
}

/// A key and what is wrong with its value.
struct Invalid {
    key: String,
    reason: ValueError,
}

impl Invalid {
    fn new(key: impl Into<String>, reason: impl Into<ValueError>) -> Self {
        Self { key: key.into(), reason: reason.into() }
    }
}

fn schedule(section: &ScheduleSection) -> Result<(Schedule, SliceRule), Invalid> {
    let zone = section
        .time_zone
        .parse()
        .map_err(|reason: ScheduleError| Invalid::new("schedule.time_zone", reason))?;
    let schedule = Schedule::new(&section.cron, zone)
        .map_err(|reason| Invalid::new("schedule.cron", reason))?;
    let slice = match &section.slice {
        SliceSection::Word(word) if word == "hourly" => SliceRule::Hourly,
        SliceSection::Word(word) if word == "all" => SliceRule::All,
        SliceSection::Word(word) => {
            let known = "\"hourly\", \"all\" or a number of images";
            let reason = ValueError::Word { word: word.clone(), known };
            return Err(Invalid::new("schedule.slice", reason));
        }
        SliceSection::Count(count) => {
            let length = usize::try_from(*count).ok().and_then(NonZeroUsize::new);
            let range = ValueError::Range { value: count.to_string(), range: "1 or more images" };
            SliceRule::Fixed(length.ok_or_else(|| Invalid::new("schedule.slice", range))?)
        }
    };
    Ok((schedule, slice))
}

fn spool_bytes(mebibytes: u64) -> Result<u64, Invalid> {
    let mebibytes = in_range("agent.spool_mebibytes", mebibytes, 8..=1 << 20, "8 to 1048576")?;
    Ok(mebibytes << 20)
}

fn capture_mode(word: String) -> Result<CaptureMode, Invalid> {
    match word.as_str() {
        "auto" => Ok(CaptureMode::Auto),
        "required" => Ok(CaptureMode::Required),
        "off" => Ok(CaptureMode::Off),
        _ => {
            let known = "\"auto\", \"required\" or \"off\"";
            Err(Invalid::new("capture.mode", ValueError::Word { word, known }))
        }
    }
}

/// The version of HTTP; of a wrong one the field, and what is wrong with it.
fn protocol(
    http: &str,
    expect_continue: bool,
    endpoint: Option<&Url>,
) -> Result<Protocol, (&'static str, ValueError)> {
    match http {
        "1.1" => Ok(Protocol::Http1 { expect_continue }),
        "2" if expect_continue => Err(("expect_continue", ValueError::ExpectContinue)),
        "2" if endpoint.is_some_and(|url| url.scheme() != "https") => {
            Err(("http", ValueError::Http2WithoutTls))
        }
        "2" => Ok(Protocol::Http2),
        word => {
            let known = "\"1.1\" or \"2\"";
            Err(("http", ValueError::Word { word: word.to_owned(), known }))
        }
    }
}

/// A price in US dollars for a thousand calls, as millionths of a dollar for one.
fn price(usd_per_1000: f64) -> Result<u64, ValueError> {
    const LARGEST_USD: f64 = 1e6;
    if !(0.0..=LARGEST_USD).contains(&usd_per_1000) {
        let range = "0 to 1000000 US dollars";
        return Err(ValueError::Range { value: usd_per_1000.to_string(), range });
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked: 0 to 1e9 fits"
    )]
    Ok((usd_per_1000 * 1000.0).round() as u64)
}

fn name(key: &str, text: String) -> Result<Name, Invalid> {
    Name::new(text).map_err(|reason| Invalid::new(key, reason))
}

fn url(key: &str, text: &str) -> Result<Url, Invalid> {
    match Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Err(Invalid::new(key, ValueError::UserInfo))
        }
        Ok(url) if url.has_host() && matches!(url.scheme(), "http" | "https") => Ok(url),
        _ => Err(Invalid::new(key, ValueError::Url(text.to_owned()))),
    }
}

/// A collector's URL: until collectors have certificates, it must not leave this machine.
fn collector(key: &str, text: &str) -> Result<Url, Invalid> {
    let url = url(key, text)?;
    if is_here(&url) && url.scheme() == "http" {
        return Ok(url);
    }
    Err(Invalid::new(key, ValueError::Collector(text.to_owned())))
}

/// A provider's URL: credentials leave this machine encrypted or not at all.
fn endpoint(key: &str, text: &str) -> Result<Url, Invalid> {
    let url = url(key, text)?;
    if is_here(&url) || url.scheme() == "https" {
        return Ok(url);
    }
    Err(Invalid::new(key, ValueError::Unencrypted(text.to_owned())))
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn in_range(
    key: impl Into<String>,
    value: u64,
    range: RangeInclusive<u64>,
    words: &'static str,
) -> Result<u64, Invalid> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(Invalid::new(key, ValueError::Range { value: value.to_string(), range: words }))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    const SMALL: &str = r#"
        [agent]
        name = "us-1"
        region = "us"
        state = "state"
        [collector]
        url = "http://127.0.0.1:7443"
        [schedule]
        event = "event.json"
        images = "images"
        [[provider]]
        name = "aws"
        api = "rekognition"
        region = "ap-southeast-1"
        usd_per_1000 = 1.0
    "#;

    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        fs::write(&path, text).unwrap();
        Config::read(&path).map_err(|error| {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            format!("{error}: {cause}").replace(&folder.path().display().to_string(), "")
        })
    }

    fn refused(from: &str, to: &str) -> String {
        assert!(SMALL.contains(from));
        read(&SMALL.replace(from, to)).unwrap_err()
    }

    #[test]
    fn fills_in_what_the_published_system_did() {
        let config = read(SMALL).unwrap();
        assert_eq!(config.slice, SliceRule::Hourly);
        assert_eq!(config.capture, CaptureMode::Auto);
        assert_eq!(config.providers[0].price_microusd, 1000);
        assert!(config.providers[0].reuse_connection);
        assert_eq!(config.providers[0].protocol, Protocol::Http1 { expect_continue: false });
    }

    #[test]
    fn the_version_of_http_is_the_providers_own() {
        let with = |keys: &str| {
            let config = read(&SMALL.replace("[[provider]]", &format!("[[provider]]\n{keys}")));
            config.unwrap().providers[0].protocol
        };
        assert_eq!(with("http = \"2\""), Protocol::Http2);
        assert_eq!(with("expect_continue = true"), Protocol::Http1 { expect_continue: true });
    }

    #[test]
    fn reads_the_example() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("agent.toml");
        let config = Config::read(&path).unwrap();
        assert_eq!(config.providers.len(), 3);
    }

    #[test]
    fn refusals_name_the_key_and_the_remedy() {
        for (from, to, said) in [
            ("name = \"us-1\"", "name = \"../x\"", "/agent.toml: agent.name: name \"../x\""),
            ("name = \"us-1\"", "nmae = \"us-1\"", "unknown field `nmae`"),
            ("state = \"state\"", "", "missing field `state`"),
            ("rekognition", "recognition", "provider[0].api: unknown api"),
            ("usd_per_1000 = 1.0", "usd_per_1000 = -1.0", "provider[0].usd_per_1000: -1 is out"),
            ("usd_per_1000 = 1.0", "usd_per_1000 = nan", "provider[0].usd_per_1000: NaN is out"),
            ("http://127.0.0.1:7443", "collector", "collector.url: \"collector\" is not a URL"),
            ("http://127.0.0.1:7443", "http://10.1.2.3:7443", "is not plain http to this machine"),
            ("http://127.0.0.1:7443", "http://a:b@[::1]:7443", "must not hold a user"),
            ("images = \"images\"", "images = \"images\"\ncron = \"* *\"", "schedule.cron: "),
            ("images = \"images\"", "images = \"images\"\nslice = 0", "schedule.slice: 0 is out"),
            ("images = \"images\"", "images = \"images\"\nslice = 1.5", "or a number of images"),
            ("[[provider]]", "[[provider]]\nhttp = \"3\"", "provider[0].http: \"3\" is unknown"),
            (
                "[[provider]]",
                "[[provider]]\nhttp = \"2\"\nexpect_continue = true",
                "provider[0].expect_continue: a request's body waits in HTTP/1.1 only",
            ),
            (
                "[[provider]]",
                "[[provider]]\nhttp = \"2\"\nendpoint = \"http://localhost\"",
                "provider[0].http: HTTP/2 is agreed on in TLS",
            ),
            ("[[provider]]", "[[provider]]\ntimeout_seconds = 0", "timeout_seconds: 0 is out"),
            (
                "[[provider]]",
                "[[provider]]\nendpoint = \"http://a.example\"",
                "unencrypted; use https",
            ),
        ] {
            let message = refused(from, to);
            assert!(message.contains(said), "{message:?} should say {said:?}");
        }
        let (without_providers, _) = SMALL.split_once("[[provider]]").unwrap();
        assert!(read(without_providers).unwrap_err().contains("add at least one [[provider]]"));
    }

    #[test]
    fn two_providers_of_one_name_are_refused() {
        let (_, provider) = SMALL.split_once("[[provider]]").unwrap();
        let message = read(&format!("{SMALL}[[provider]]{provider}")).unwrap_err();
        assert!(message.contains("provider[1].name: \"aws\" names two"), "{message}");
    }
}
