//! The link type of a file or an interface, by number and as far as it is understood.

use crate::frame::LinkType;

/// A LINKTYPE number and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The number in the file.
    pub(super) number: u32,
    /// The link type; `None` where it is not one that is understood.
    pub(super) kind: Option<LinkType>,
}

impl Link {
    /// The link type of a number.
    pub(super) fn new(number: u32) -> Self {
        let kind = i32::try_from(number).ok().and_then(LinkType::from_number);
        Self { number, kind }
    }
}
