//! Agreement with tshark on captures of other programs, where these are on the machine.
//!
//! They are not part of the repository: each lies beside a file of tshark's counts in the folder
//! `shared/data/captures`, next to the repository or next to the folder of its working trees.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use armol_analysis::capture_file::CaptureReader;
use serde_json::Value;

fn captures() -> Vec<PathBuf> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let near = ["../../shared", "../../../shared"].map(|near| crate_folder.join(near));
    let Some(folder) =
        near.iter().map(|near| near.join("data/captures")).find(|near| near.is_dir())
    else {
        return Vec::new();
    };
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect()
}

/// The nanoseconds of a time that tshark wrote as seconds with nine decimals.
fn nanoseconds(time: &Value) -> i64 {
    time.as_str().unwrap().replace('.', "").parse().unwrap()
}

#[test]
fn packets_and_times_are_those_of_tshark() {
    for path in captures() {
        let expected: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let capture = path.with_extension("");
        let mut reader = CaptureReader::new(File::open(&capture).unwrap()).unwrap();
        while reader.next_frame().is_some() {}
        let tally = reader.tally();
        let name = capture.display();
        let numbered = tally.packets + tally.other_records;
        assert_eq!(Some(numbered), expected["packets"].as_u64(), "{name}");
        assert_eq!(Some(tally.cut_packets), expected["truncated_packets"].as_u64(), "{name}");
        assert_eq!(tally.first.unwrap().unix_ns(), nanoseconds(&expected["first"]), "{name}");
        assert_eq!(tally.last.unwrap().unix_ns(), nanoseconds(&expected["last"]), "{name}");
        let is_whole = expected["exit"].as_u64() == Some(0);
        assert_eq!(reader.end().damage().is_none(), is_whole, "{name}");
    }
}
