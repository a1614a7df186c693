//! What the names of capture files and their folders say: when they were taken, and between what.
//!
//! Captures of one experiment are often told apart by name alone: `us2sg/20210508_010101.cap` was
//! begun on 2021-05-08 at 01:01:01, by a client in the US of a server in Singapore; a folder
//! `hk-sg_08` is the eighth of a series between Hong Kong and Singapore.
//!
//! ```
//! use std::path::Path;
//!
//! use armol_analysis::capture_name::CaptureName;
//!
//! let name = CaptureName::of(Path::new("runs/hk-sg_08/20210508_010101.cap"));
//! assert_eq!(name.route.map(|route| route.to_string()), Some("hk-sg".to_owned()));
//! assert_eq!(name.begun.map(|begun| begun.to_string()), Some("2021-05-08 01:01:01".to_owned()));
//! ```

use std::{
    ffi::OsStr,
    fmt,
    ops::RangeInclusive,
    path::{Component, Path},
};

use chrono::NaiveDateTime;

/// How many letters a region's short name has.
const REGION_LETTERS: RangeInclusive<usize> = 2..=4;

/// What a capture's path says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureName {
    /// When the capture was begun, by the clock and in the zone of the machine that took it, which
    /// the name does not tell; `None` where the file is not named for a time.
    pub begun: Option<NaiveDateTime>,
    /// Between which regions; `None` where no folder is named for a route.
    pub route: Option<Route>,
}

/// Where the client and the server of a capture are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// The client's region.
    pub from: String,
    /// The server's region.
    pub to: String,
    /// What tells several series of the route apart: "08" of `hk-sg_08`; `None` for the only one.
    pub series: Option<String>,
}

impl CaptureName {
    /// What this path says; the nearest folder named for a route counts.
    pub fn of(path: &Path) -> Self {
        let begun = path.file_name().and_then(OsStr::to_str).and_then(begun);
        let mut folders = path.parent().into_iter().flat_map(Path::components).rev();
        let route = folders.find_map(|folder| match folder {
            Component::Normal(name) => Route::of(name.to_str()?),
            _ => None,
        });
        Self { begun, route }
    }
}

impl Route {
    /// The route that a folder is named for, `us2sg` or `us-sg`, either with `_` and a series.
    fn of(folder: &str) -> Option<Self> {
        let (ends, series) = match folder.split_once('_') {
            Some((ends, series)) => (ends, Some(series.to_owned())),
            None => (folder, None),
        };
        let (from, to) = ends.split_once('2').or_else(|| ends.split_once('-'))?;
        let is_region = |name: &str| {
            REGION_LETTERS.contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase())
        };
        let is_series = series.as_ref().is_none_or(|series| {
            !series.is_empty() && series.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        (is_region(from) && is_region(to) && is_series).then(|| Self {
            from: from.to_owned(),
            to: to.to_owned(),
            series,
        })
    }
}

impl fmt::Display for Route {
    /// The two regions, without the series.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.from, self.to)
    }
}

/// The time that a file is named for, as `20210508_010101.cap`.
fn begun(file_name: &str) -> Option<NaiveDateTime> {
    const LENGTH: usize = "YYYYmmdd_HHMMSS".len();
    let (stem, _) = file_name.split_once('.')?;
    // chrono takes years of any length, too.
    if stem.len() != LENGTH {
        return None;
    }
    NaiveDateTime::parse_from_str(stem, "%Y%m%d_%H%M%S").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(path: &str) -> (Option<String>, Option<(String, Option<String>)>) {
        let CaptureName { begun, route } = CaptureName::of(Path::new(path));
        (begun.map(|begun| begun.to_string()), route.map(|route| (route.to_string(), route.series)))
    }

    #[test]
    fn file_and_folder_tell_time_and_route() {
        let begun = Some("2021-05-08 01:01:01".to_owned());
        let route = |series: Option<&str>| Some(("us-sg".to_owned(), series.map(str::to_owned)));
        assert_eq!(name("us2sg/20210508_010101.cap"), (begun.clone(), route(None)));
        assert_eq!(name("/x/us-sg_08/20210508_010101.cap.gz"), (begun, route(Some("08"))));
        assert_eq!(name("us2sg_a/monday/run.pcap"), (None, route(Some("a"))));
    }

    #[test]
    fn other_names_tell_nothing() {
        for path in ["a.cap", "h1-rtt40-small/capture.pcap", "b2b/x.cap", "us2sg", "../us2_/x.cap"]
        {
            assert_eq!(name(path), (None, None), "{path}");
        }
        for file in ["20211308_010101.cap", "20210508_0101.cap", "120210508_01010.cap", "x.cap"] {
            assert_eq!(name(file).0, None, "{file}");
        }
    }
}
