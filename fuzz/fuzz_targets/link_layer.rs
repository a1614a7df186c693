//! Any bytes as a frame of any link type, through fragments to the splitter: the first byte picks
//! the link type, the second cuts the rest in two frames.
//! `cargo +nightly fuzz run link_layer`.

#![no_main]

use armol_analysis::{
    capture_file::CapturedFrame,
    fragments::Fragments,
    frame::{Frame, LinkType},
    splitter::Splitter,
    time::Timestamp,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [number, cut, rest @ ..] = bytes else { return };
    let Some(link_type) =
        LinkType::from_number(i32::from(*number)).or_else(|| LinkType::from_number(276))
    else {
        return;
    };
    let mut fragments = Fragments::new();
    let mut splitter = Splitter::new(link_type);
    let (first, second) = rest.split_at(rest.len().min(usize::from(*cut)));
    for (bytes, at) in [(first, 0), (second, 1)] {
        let frame =
            Frame { timestamp: Timestamp::from_unix_ns(at), wire_len: bytes.len() as u32, bytes };
        splitter.push(&frame);
        let captured = CapturedFrame { link_type, frame, timed: true };
        if let Some(whole) = fragments.whole(captured) {
            let mut raw = Splitter::new(whole.link_type);
            raw.push(&whole.frame);
        }
    }
});
