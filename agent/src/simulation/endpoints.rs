//! `endpoints.env`: where the simulated providers listen, and with which credentials.
//!
//! A shell or an agent's environment reads it. It appears all at once and last, so that its being
//! there says that the simulator is ready; it is for its owner's eyes only.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::{SimulationError, credentials::Credentials, provider::SimulatedProvider};

const FILE_NAME: &str = "endpoints.env";

/// Takes away what a simulation that ended has left, so that nobody takes it for ready.
///
/// # Errors
/// Where the file is there and cannot be removed.
pub(super) fn remove(folder: &Path) -> Result<(), SimulationError> {
    let path = folder.join(FILE_NAME);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(SimulationError::Write { path, source })
        }
        _ => Ok(()),
    }
}

/// Writes the file.
///
/// # Errors
/// Where it cannot be written.
pub(super) fn write(
    folder: &Path,
    endpoints: &[(SimulatedProvider, SocketAddr)],
    credentials: &Credentials,
) -> Result<(), SimulationError> {
    let path = folder.join(FILE_NAME);
    let lines = endpoints
        .iter()
        .flat_map(|(provider, address)| variables(*provider, *address, credentials))
        .map(|(name, value)| format!("{name}={value}\n"));
    let text = lines.collect::<Vec<_>>().concat();
    replace(&path, &text).map_err(|source| SimulationError::Write { path, source })
}

fn variables(
    provider: SimulatedProvider,
    address: SocketAddr,
    credentials: &Credentials,
) -> Vec<(&'static str, String)> {
    let url = format!("https://{address}");
    match provider {
        SimulatedProvider::Aws => vec![
            ("AWS_ENDPOINT_URL", url),
            ("AWS_ACCESS_KEY_ID", credentials.aws_access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", credentials.aws_secret_access_key.clone()),
        ],
        SimulatedProvider::Azure => vec![
            ("AZURE_VISION_ENDPOINT", url),
            ("AZURE_VISION_KEY", credentials.azure_vision_key.clone()),
        ],
        SimulatedProvider::Google => vec![
            ("GOOGLE_VISION_ENDPOINT", url),
            ("GOOGLE_API_KEY", credentials.google_api_key.clone()),
        ],
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    // A file left by a crash may be readable by others; a fresh one is not.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&unfinished, path)
}
