//! `armol-collector serve`: accept measurements until told to stop.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    server::{self, ServeError},
    store::{Store, StoreError},
};

/// What `serve` is told.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  armol-collector serve --db armol.sqlite --listen 127.0.0.1:7443")]
pub struct ServeArguments {
    /// The database; made where there is none.
    #[arg(long, value_name = "FILE")]
    pub db: PathBuf,
    /// Where agents connect: address:port on this machine, port 0 for any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7443")]
    pub listen: SocketAddr,
    /// A file to write the bound address:port into, once agents can connect.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

/// Why serving did not begin, or ended.
#[derive(Debug, Error)]
pub enum Error {
    /// The address could be reached from other machines.
    #[error(
        "--listen {0} is reachable from other machines, and connections are not encrypted yet; \
         listen on 127.0.0.1 and let agents come through a tunnel: \
         ssh -N -L 7443:127.0.0.1:7443 THIS-MACHINE"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; is another program there?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The ready file cannot be written.
    #[error("cannot write the ready file {path}; name another with --ready-file")]
    ReadyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The terminal is gone.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Serving failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl Error {
    /// Whether what was asked for is the mistake, rather than anything that happened since.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::NotLoopback(_) | Self::ReadyFile { .. } => true,
            Self::Store(error) => error.is_wrong_use(),
            _ => false,
        }
    }
}

/// Serves until `shutdown` is cancelled.
///
/// # Errors
/// Where the address is not this machine's own, or something cannot be opened or fails for good.
pub async fn run(
    arguments: &ServeArguments,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
    output: &mut impl Write,
) -> Result<(), Error> {
    let address = arguments.listen;
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback(address));
    }
    if let Some(path) = &arguments.ready_file {
        remove_stale(path).map_err(|source| Error::ReadyFile { path: path.clone(), source })?;
    }
    let refused = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    // After the address, so that one that is taken leaves no database behind.
    let store = Store::open(&arguments.db).await?;
    if let Some(path) = &arguments.ready_file {
        write_at_once(path, &bound.to_string())
            .map_err(|source| Error::ReadyFile { path: path.clone(), source })?;
    }
    writeln!(output, "listening on {bound}, storing in {}", arguments.db.display())
        .and_then(|()| output.flush())
        .map_err(Error::Output)?;
    server::run(listener, store, clock, shutdown).await?;
    writeln!(output, "stopped; all that was acknowledged is stored")
        .and_then(|()| output.flush())
        .map_err(Error::Output)
}

/// Removes what an earlier run left, for its address is no longer true.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a file so that whoever waits for it never sees half of it.
fn write_at_once(path: &Path, text: &str) -> io::Result<()> {
    let mut unfinished = path.to_owned().into_os_string();
    unfinished.push(".unfinished");
    fs::write(&unfinished, text)?;
    fs::rename(&unfinished, path)
}
