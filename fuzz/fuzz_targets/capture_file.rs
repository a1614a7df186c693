//! Any bytes as a capture file: `cargo +nightly fuzz run capture_file`.

#![no_main]

use armol_analysis::capture_file::CaptureReader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = CaptureReader::new(bytes) else { return };
    let mut packets = 0;
    while let Some(captured) = reader.next_frame() {
        assert!(captured.frame.wire_len as usize >= captured.frame.bytes.len());
        packets += 1;
    }
    assert_eq!(packets + reader.tally().not_understood(), reader.tally().packets);
    let unread = reader.end().damage().and_then(|damage| damage.unread_bytes).unwrap_or(0);
    assert!(reader.tally().captured_bytes + unread <= bytes.len() as u64);
});
