//! The configured providers, ready to be called, and the capture that watches the calls.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use armol_analysis::{cause::chain, identity::Name, measurement::ProviderIdentity};
use thiserror::Error;
use tokio::time;

use crate::{
    capture::{Capture, CaptureError, Interface, InterfaceError, interfaces_of},
    clock::Clock,
    config::{CaptureMode, Config, ProviderConfig},
    http::{Connector, TrustError, client_config},
    probe::Target,
    provider::{self, ProviderError},
};

/// How long resolving a provider's name may take when the agent starts.
const LONGEST_RESOLVING: Duration = Duration::from_secs(5);

/// Why a configured provider cannot be called.
#[derive(Debug, Error)]
#[error("provider {name}")]
pub struct TargetError {
    /// What the configuration calls it.
    pub name: Name,
    /// What is wrong.
    #[source]
    pub reason: TargetReason,
}

/// What is wrong with a configured provider.
#[derive(Debug, Error)]
pub enum TargetReason {
    /// Credentials or region.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Certificates.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Makes a provider ready to be called; `variable` looks up the environment.
///
/// # Errors
/// Where credentials are missing, or it cannot be said whom to trust.
pub fn target(
    config: &ProviderConfig,
    variable: impl Fn(&str) -> Option<String>,
    clock: &Arc<dyn Clock>,
) -> Result<Target, TargetError> {
    let failed = |reason| TargetError { name: config.name.clone(), reason };
    let endpoint = config.endpoint.as_ref();
    let provider = provider::provider(config.api, &config.region, endpoint, variable)
        .map_err(|error| failed(error.into()))?;
    let trust = client_config(config.ca.as_deref()).map_err(|error| failed(error.into()))?;
    let connector = Connector::new(provider.url(), &trust, config.protocol, Arc::clone(clock))
        .map_err(|error| failed(error.into()))?;
    let identity = ProviderIdentity {
        name: config.name.clone(),
        api: config.api,
        region: config.region.clone(),
        endpoint: provider.url().to_string(),
        simulated: config.simulated,
    };
    Ok(Target {
        identity,
        provider,
        connector,
        timeout: config.timeout,
        reuse_connection: config.reuse_connection,
        price_microusd: config.price_microusd,
    })
}

/// Whether and where packets are captured.
#[derive(Debug)]
pub enum CaptureState {
    /// On these interfaces.
    On(Arc<Capture>, Vec<Interface>),
    /// Not, because it is configured so.
    Off,
    /// Not, because it is not possible; application times stand in.
    Unavailable(UnavailableError),
}

/// Why packets are not captured.
#[derive(Debug, Error)]
pub enum UnavailableError {
    /// No interface.
    #[error(transparent)]
    Interface(#[from] InterfaceError),
    /// Not allowed.
    #[error(transparent)]
    Capture(#[from] CaptureError),
}

impl CaptureState {
    /// Opens the interfaces that lead to the targets, as the configuration wants it.
    ///
    /// # Errors
    /// Where capturing is required and not possible.
    pub async fn open(config: &Config, targets: &[Target]) -> Result<Self, UnavailableError> {
        if config.capture == CaptureMode::Off {
            return Ok(Self::Off);
        }
        match Self::try_open(config, targets).await {
            Ok(state) => Ok(state),
            Err(error) if config.capture == CaptureMode::Required => Err(error),
            Err(error) => Ok(Self::Unavailable(error)),
        }
    }

    async fn try_open(config: &Config, targets: &[Target]) -> Result<Self, UnavailableError> {
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for target in targets {
            let provider = target.identity.name.as_str();
            match time::timeout(LONGEST_RESOLVING, target.connector.resolve()).await {
                Ok(Ok(resolved)) => addresses.extend(resolved),
                // Its interface is not known; those of the others most likely are its own too.
                Ok(Err(error)) => {
                    tracing::warn!(provider, error = chain(&error), "cannot be reached");
                }
                Err(_elapsed) => tracing::warn!(provider, "its name does not resolve in time"),
            }
        }
        let interfaces = interfaces_of(config.interface.as_deref(), &addresses)?;
        let ports = targets.iter().map(|target| target.connector.port()).collect::<Vec<_>>();
        let capture = Capture::open(&interfaces, &ports)?;
        Ok(Self::On(Arc::new(capture), interfaces))
    }

    /// The capture, where there is one.
    pub fn capture(&self) -> Option<Arc<Capture>> {
        match self {
            Self::On(capture, _) => Some(Arc::clone(capture)),
            Self::Off | Self::Unavailable(_) => None,
        }
    }
}
