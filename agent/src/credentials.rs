//! Where secrets come from: the environment, read once at the start.
//!
//! The names are those that the vendors' own tools use, as far as they have any.

use std::{error::Error, fmt};

use armol_analysis::provider::Api;

use crate::secret::Secret;

/// What a vendor asks for.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// AWS Signature Version 4.
    Aws {
        /// `AWS_ACCESS_KEY_ID`.
        access_key_id: Secret,
        /// `AWS_SECRET_ACCESS_KEY`.
        secret_access_key: Secret,
        /// `AWS_SESSION_TOKEN`, where the credentials are temporary.
        session_token: Option<Secret>,
    },
    /// `AZURE_VISION_KEY`.
    AzureKey(Secret),
    /// `GOOGLE_API_KEY`.
    GoogleKey(Secret),
    /// `GOOGLE_BEARER_TOKEN`.
    GoogleToken(Secret),
}

/// Variables of the environment that must be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingCredentials {
    /// The interface that needs them.
    pub api: Api,
    /// Their names.
    pub variables: &'static str,
}

impl fmt::Display for MissingCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} needs {} in the environment", self.api, self.variables)
    }
}

impl Error for MissingCredentials {}

impl Credentials {
    /// Takes what an interface needs from the environment, which `variable` looks up.
    ///
    /// # Errors
    /// Names the variables that must be set; an empty one counts as not set.
    pub fn from_environment(
        api: Api,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, MissingCredentials> {
        let secret = |name| variable(name).filter(|value| !value.is_empty()).map(Secret::new);
        let missing = |variables| MissingCredentials { api, variables };
        match api {
            Api::Rekognition => {
                let both = secret("AWS_ACCESS_KEY_ID").zip(secret("AWS_SECRET_ACCESS_KEY"));
                let (access_key_id, secret_access_key) =
                    both.ok_or_else(|| missing("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"))?;
                let session_token = secret("AWS_SESSION_TOKEN");
                Ok(Self::Aws { access_key_id, secret_access_key, session_token })
            }
            Api::AzureVision => secret("AZURE_VISION_KEY")
                .map(Self::AzureKey)
                .ok_or_else(|| missing("AZURE_VISION_KEY")),
            Api::GoogleVision => secret("GOOGLE_API_KEY")
                .map(Self::GoogleKey)
                .or_else(|| secret("GOOGLE_BEARER_TOKEN").map(Self::GoogleToken))
                .ok_or_else(|| missing("GOOGLE_API_KEY or GOOGLE_BEARER_TOKEN")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(api: Api, set: &[&str]) -> Result<Credentials, String> {
        let variable = |name: &str| {
            set.contains(&name).then(|| if name == "AWS_SESSION_TOKEN" { "" } else { "x" }.into())
        };
        Credentials::from_environment(api, variable).map_err(|missing| missing.to_string())
    }

    #[test]
    fn an_empty_token_counts_as_none() {
        let set = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        let credentials = read(Api::Rekognition, &set).unwrap();
        assert!(matches!(credentials, Credentials::Aws { session_token: None, .. }));
    }

    #[test]
    fn what_is_missing_is_named() {
        let message = read(Api::Rekognition, &["AWS_ACCESS_KEY_ID"]).unwrap_err();
        assert!(message.contains("AWS_SECRET_ACCESS_KEY"), "{message}");
        assert!(read(Api::GoogleVision, &["GOOGLE_BEARER_TOKEN"]).is_ok());
        assert!(read(Api::GoogleVision, &[]).unwrap_err().contains("GOOGLE_API_KEY"));
        assert!(read(Api::AzureVision, &[]).unwrap_err().contains("AZURE_VISION_KEY"));
    }
}
