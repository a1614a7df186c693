//! Any bytes as the packets of a capture, through the finding of exchanges: each packet's length
//! comes before it. `cargo +nightly fuzz run exchanges`.

#![no_main]

use armol_analysis::{
    frame::{Frame, LinkType},
    offline::{ExchangeFinder, Finding, StreamFilter},
    time::Timestamp,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut finder = ExchangeFinder::new(StreamFilter::default());
    let mut sink = |finding| {
        if let Finding::Exchange(found) = finding
            && let Some(times) = found.split.times
        {
            assert_eq!(times.total(), times.transmission() + times.inference());
        }
    };
    let mut rest = bytes;
    let mut at = 0;
    while let [length, behind @ ..] = rest {
        let (packet, behind) = behind.split_at(behind.len().min(usize::from(*length)));
        let timestamp = Timestamp::from_unix_ns(at);
        let frame = Frame { timestamp, wire_len: packet.len() as u32, bytes: packet };
        finder.push(LinkType::Raw, &frame, &mut sink);
        at += 1_000_000;
        rest = behind;
    }
    finder.finish(&mut sink);
});
