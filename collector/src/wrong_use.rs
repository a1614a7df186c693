//! Which errors are a mistake in what was asked, rather than anything that happened since.

use std::error::Error;

use crate::{report::ReportError, serve, store::StoreError};

/// Whether another command line is the remedy.
pub fn is_wrong_use(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_some_and(StoreError::is_wrong_use)
        || error.downcast_ref().is_some_and(serve::Error::is_wrong_use)
        || error.downcast_ref().is_some_and(ReportError::is_wrong_use)
}
