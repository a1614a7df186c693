//! Properties of the capture reader: what is written is read, and nothing makes it fail.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use armol_analysis::{
    capture_file::CaptureReader,
    fragments::Fragments,
    frame::LinkType,
    splitter::Splitter,
    testing::{CaptureFormat, CaptureWriter, CapturedFrame, Connection, client, moment},
};
use proptest::prelude::*;

fn frames() -> impl Strategy<Value = Vec<CapturedFrame>> {
    let frame = (0..4_000_000_i64, prop::collection::vec(any::<u8>(), 0..200), 0..2000_u32);
    let frame = frame.prop_map(|(microseconds, bytes, cut)| CapturedFrame {
        timestamp: moment(microseconds),
        wire_len: u32::try_from(bytes.len()).unwrap() + cut,
        bytes,
    });
    prop::collection::vec(frame, 0..20)
}

fn format() -> impl Strategy<Value = CaptureFormat> {
    prop::sample::select(&CaptureFormat::ALL[..])
}

fn written(format: CaptureFormat, big_endian: bool, frames: &[CapturedFrame]) -> Vec<u8> {
    let mut writer = CaptureWriter::new(format, big_endian, 1);
    writer.frames(frames);
    writer.bytes().to_vec()
}

/// Reads all there is, through everything that frames go through; `None` where it is no capture.
fn read_all(bytes: &[u8]) -> Option<Vec<CapturedFrame>> {
    let mut reader = CaptureReader::new(bytes).ok()?;
    let mut fragments = Fragments::new();
    let mut splitters = LinkType::ALL.map(Splitter::new);
    let mut frames = Vec::new();
    while let Some(captured) = reader.next_frame() {
        let frame = captured.frame;
        let (timestamp, wire_len) = (frame.timestamp, frame.wire_len);
        frames.push(CapturedFrame { timestamp, wire_len, bytes: frame.bytes.to_vec() });
        for splitter in &mut splitters {
            splitter.push(&frame);
        }
        if let Some(whole) = fragments.whole(captured) {
            assert!(usize::try_from(whole.frame.wire_len).unwrap() >= whole.frame.bytes.len());
        }
    }
    let unread = reader.end().damage().and_then(|damage| damage.unread_bytes).unwrap_or(0);
    assert!(reader.tally().captured_bytes + unread <= bytes.len() as u64);
    Some(frames)
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        frames in frames(),
        format in format(),
        big_endian in any::<bool>(),
    ) {
        prop_assert_eq!(read_all(&written(format, big_endian, &frames)), Some(frames));
    }

    #[test]
    fn damage_leaves_what_is_before_it(
        frames in frames(),
        format in format(),
        place in any::<prop::sample::Index>(),
        damage in prop::collection::vec(any::<u8>(), 1..16),
    ) {
        let whole = written(format, false, &frames);
        let place = place.index(whole.len());
        let mut damaged = whole.clone();
        damaged.splice(place.., damage);
        let before = read_all(&whole[..place]).unwrap_or_default();
        if let Some(read) = read_all(&damaged) {
            prop_assert!(place < 64 || read.starts_with(&before));
        }
    }

    #[test]
    fn any_bytes_are_read_to_an_end(
        kind in 0..4_usize,
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let beginning = match kind {
            0 => written(CaptureFormat::Pcap, false, &[]),
            1 => written(CaptureFormat::Pcapng, false, &[]),
            2 => written(CaptureFormat::PcapNanoseconds, true, &[]),
            _ => Vec::new(),
        };
        read_all(&[beginning, bytes].concat());
    }

    #[test]
    fn any_packet_passes_every_link_layer(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        link_type in prop::sample::select(&LinkType::ALL[..]),
        six in any::<bool>(),
        changes in prop::collection::vec((0..80_usize, any::<u8>()), 0..8),
    ) {
        let connection = if six { Connection::ipv6() } else { Connection::ipv4() };
        let connection = Connection { link_type, extension_header: six, ..connection };
        let mut frame = connection.frame(&client(0).data(0..100));
        for (place, value) in changes {
            if let Some(byte) = frame.bytes.get_mut(place) {
                *byte = value;
            }
        }
        let any = CapturedFrame { timestamp: moment(0), wire_len: 200, bytes };
        let number = match link_type {
            LinkType::Loopback => 0,
            LinkType::Ethernet => 1,
            LinkType::Raw => 101,
            LinkType::LinuxCooked => 113,
            LinkType::LinuxCooked2 => 276,
        };
        let mut writer = CaptureWriter::new(CaptureFormat::Pcapng, false, number);
        writer.frame(&frame);
        writer.frame(&any);
        prop_assert_eq!(read_all(writer.bytes()), Some(vec![frame, any]));
    }
}
