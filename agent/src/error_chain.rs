//! An error with its causes as one line.

use std::error::Error;

/// The error's message and those of its causes, each said once.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn names_each_cause_once() {
        let inner = io::Error::other("refused");
        assert_eq!(chain(&io::Error::other(inner)), "refused");
    }
}
