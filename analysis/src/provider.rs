//! The vendors' interfaces that an agent can speak.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A vendor's wire format; two providers may speak the same one from different regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// AWS Rekognition `DetectLabels`.
    Rekognition,
    /// Azure Computer Vision 3.2 `analyze` with the features Objects and Tags.
    AzureVision,
    /// Google Cloud Vision `images:annotate` with `OBJECT_LOCALIZATION`.
    GoogleVision,
}

/// A word that names no [`Api`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown api {0:?}; use rekognition, azure_vision or google_vision")]
pub struct UnknownApi(pub String);

impl Api {
    /// Every interface, in the order that reports list them.
    pub const ALL: [Self; 3] = [Self::Rekognition, Self::AzureVision, Self::GoogleVision];

    /// The word used in configuration, on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rekognition => "rekognition",
            Self::AzureVision => "azure_vision",
            Self::GoogleVision => "google_vision",
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Api {
    type Err = UnknownApi;

    fn from_str(word: &str) -> Result<Self, UnknownApi> {
        Self::ALL
            .into_iter()
            .find(|api| api.as_str() == word)
            .ok_or_else(|| UnknownApi(word.to_owned()))
    }
}
