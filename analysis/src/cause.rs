//! What stands behind an error, as every program prints and logs it.

use std::{error::Error, io, iter};

/// What the error says, and behind a colon each what its cause says. A cause that the error before
/// it repeats, as sqlx's do, is said once.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error).map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Whether whoever read the output, such as `head`, has had enough of it.
pub fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let mut inner = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    inner.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

fn causes<'error>(
    error: &'error (dyn Error + 'static),
) -> impl Iterator<Item = &'error (dyn Error + 'static)> {
    iter::successors(Some(error), |error: &&'error (dyn Error + 'static)| (*error).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_said_once() {
        let inner = io::Error::other("refused");
        assert_eq!(chain(&io::Error::other(inner)), "refused");
    }
}
