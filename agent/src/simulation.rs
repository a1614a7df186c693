//! The providers that no cloud account is needed for, and images for them.
//!
//! `simulate images` makes a set of images with ground truth. `simulate serve` answers requests
//! about them in the vendors' own wire formats over TLS, after inference times like those that the
//! published system measured, and writes down what is true of each request, so that what agents
//! measure can be compared with it. Nothing here is used when real clouds are measured.
//!
//! `command` is the way in; `server` listens, `service` handles a request, the vendor modules know
//! the wire formats, `answer` what is seen.

mod answer;
mod azure_vision;
mod catalogue;
mod certificate;
mod class;
mod command;
mod credentials;
mod drawing;
mod endpoints;
mod fault;
mod google_vision;
mod ground_truth;
mod image_set;
mod inference_time;
mod painter;
mod paused_body;
mod provider;
mod rekognition;
mod scene;
mod server;
mod service;
mod stamped_stream;
mod tls_version;
mod truth_log;
mod vendor;

use std::{io, net::SocketAddr, path::PathBuf};

use thiserror::Error;
use tokio::task::JoinError;

pub use command::{ImagesArguments, ServeArguments, SimulateCommand, run};
pub use fault::{Fault, FaultRates};
pub use image_set::ImageSet;
pub use inference_time::{InferenceTimes, TimeRange, TimeRangeError, TimeScale};
pub use provider::SimulatedProvider;
pub use server::{Settings, Simulation};
pub use tls_version::TlsVersion;

/// Why something cannot be simulated.
#[derive(Debug, Error)]
pub enum SimulationError {
    /// A file of an image set is missing or cannot be read.
    #[error(
        "cannot read {}; make an image set with `armol-agent simulate images --out DIR` and name \
         its folder in --images",
        path.display()
    )]
    NoImageSet {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A ground truth is not of the form that is expected.
    #[error("{} is not in COCO's instances form; make the image set again", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// An entry of a ground truth makes no sense.
    #[error("{}: {entry} {remedy}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The entry.
        entry: String,
        /// What it has to be.
        remedy: &'static str,
    },
    /// The folder for an image set holds something else.
    #[error(
        "{} is not empty and was not made by `simulate images`; choose another folder for --out",
        path.display()
    )]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}; check --out, its permissions and the disk's space", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An image cannot be encoded.
    #[error("cannot encode {}", path.display())]
    Encode {
        /// The file that it was for.
        path: PathBuf,
        /// Why.
        #[source]
        source: image::ImageError,
    },
    /// A port cannot be listened on.
    #[error("cannot listen on {address}; choose another --listen or --port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The ports after the first one do not exist.
    #[error("--port {0} leaves no ports for the other providers; choose a lower one")]
    Port(u16),
    /// The certificates cannot be made.
    #[error("cannot make certificates")]
    Certificate(#[from] rcgen::Error),
    /// The certificates cannot be used.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The shares of faults are none.
    #[error(
        "fault rates {0:?} must each be from 0 to 1 and together at most 1; change --throttle-rate, \
         --error-rate, --reset-rate or --stall-rate"
    )]
    FaultRates([f64; 4]),
    /// The factor on times is none.
    #[error("time scale {0} must be a number from 0 to 1000; change --time-scale")]
    TimeScale(f64),
    /// What was made cannot be said.
    #[error("cannot write to the output")]
    Output(#[source] io::Error),
    /// A thread that did a part of the work ended too early.
    #[error("a part of the simulation stopped")]
    Stopped(#[source] JoinError),
    /// A shutdown was asked for before all images were made.
    #[error("stopped before all images were made; run the command again")]
    Interrupted,
}
