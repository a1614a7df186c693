//! Names that agents, images and streams go by.
//!
//! A name reaches file names, SQL and web pages, so it is checked once, here, and is safe to use
//! from then on.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest name, in bytes.
const LONGEST: usize = 128;

/// A name of an agent, a region or a provider: letters, digits, `.`, `_`, `-`, and not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is no [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "name {0:?} must be 1 to {LONGEST} letters, digits, '.', '_' or '-', the first a letter or digit"
)]
pub struct NameError(pub String);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// Returns the text where it is empty, too long, or holds any other character.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if starts_well && text.len() <= LONGEST && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(NameError(text))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_could_leave_a_folder_or_a_page() {
        for bad in ["", "..", "../x", "a/b", "<b>", "ü", &"x".repeat(129)] {
            assert!(Name::new(bad).is_err(), "{bad}");
        }
        assert_eq!(Name::new("us-east-1a.b_2").unwrap().as_str(), "us-east-1a.b_2");
    }
}
