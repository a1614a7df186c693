//! What stands behind an error.

use std::{error::Error, io, iter};

/// What the error says, and behind a colon each what its cause says.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
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
