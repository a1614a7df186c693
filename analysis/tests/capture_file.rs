//! Captures built in memory: what each form of them means, and how damage is told.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Read};

use armol_analysis::{
    capture_file::{CaptureFileError, CaptureReader, Damage, Fault, Tally},
    frame::LinkType,
    testing::{CaptureFormat, CaptureWriter, CapturedFrame, Connection, client, moment, server},
};

/// All frames of a capture, what was counted, and what is wrong with it.
fn read(source: impl Read) -> (Vec<CapturedFrame>, Tally, Option<Damage>) {
    let mut reader = CaptureReader::new(source).unwrap();
    let mut frames = Vec::new();
    while let Some(captured) = reader.next_frame() {
        let frame = captured.frame;
        let (timestamp, wire_len) = (frame.timestamp, frame.wire_len);
        frames.push(CapturedFrame { timestamp, wire_len, bytes: frame.bytes.to_vec() });
    }
    (frames, reader.tally().clone(), reader.into_damage())
}

fn conversation() -> Vec<CapturedFrame> {
    Connection::ipv4().frames(&[
        client(0).syn(),
        server(40_000).syn().acknowledges(0),
        client(40_100).data(0..1000).acknowledges(0),
    ])
}

fn written(format: CaptureFormat, big_endian: bool) -> Vec<u8> {
    let mut writer = CaptureWriter::new(format, big_endian, 1);
    writer.frames(&conversation());
    writer.bytes().to_vec()
}

fn pcapng() -> CaptureWriter {
    CaptureWriter::new(CaptureFormat::Pcapng, false, 1)
}

#[test]
fn every_format_and_byte_order_reads_the_same() {
    for format in CaptureFormat::ALL {
        for big_endian in [false, true] {
            let (frames, tally, damage) = read(&written(format, big_endian)[..]);
            assert_eq!(frames, conversation(), "{format:?} {big_endian}");
            assert!(damage.is_none());
            assert_eq!((tally.packets, tally.cut_packets), (3, 1));
            assert_eq!((tally.first, tally.last), (Some(moment(0)), Some(moment(40_100))));
        }
    }
}

#[test]
fn a_modified_pcap_has_longer_record_headers() {
    let plain = written(CaptureFormat::Pcap, true);
    let mut modified = plain[..24].to_vec();
    modified[2..4].copy_from_slice(&[0xcd, 0x34]);
    let mut rest = &plain[24..];
    for frame in conversation() {
        let (record, behind) = rest.split_at(16 + frame.bytes.len());
        modified.extend([&record[..16], &[0; 8], &record[16..]].concat());
        rest = behind;
    }
    assert_eq!(read(&modified[..]).0, conversation());
}

#[test]
fn an_old_pcap_may_have_its_lengths_swapped() {
    let mut bytes = written(CaptureFormat::Pcap, false);
    bytes[6] = 3;
    let last = bytes.len() - 256 - 16;
    let (captured, on_wire) =
        (bytes[last + 8..last + 12].to_vec(), bytes[last + 12..last + 16].to_vec());
    bytes[last + 8..last + 12].copy_from_slice(&on_wire);
    bytes[last + 12..last + 16].copy_from_slice(&captured);
    assert_eq!(read(&bytes[..]).0, conversation());
}

#[test]
fn each_section_has_its_own_interfaces_and_clocks() {
    let frame = &conversation()[0];
    let mut writer = pcapng();
    writer.interface(276, None, None);
    writer.packet(0, 7, 60, &frame.bytes);
    writer.packet(1, 7, 60, &frame.bytes);
    writer.section();
    writer.interface(0, Some(0), Some(100));
    writer.packet(0, 7, 60, &frame.bytes);
    let mut reader = CaptureReader::new(writer.bytes()).unwrap();
    let mut seen = Vec::new();
    while let Some(captured) = reader.next_frame() {
        seen.push((captured.link_type, captured.frame.timestamp.unix_ns()));
    }
    let expected = [
        (LinkType::Ethernet, 7),
        (LinkType::LinuxCooked2, 7000),
        (LinkType::Loopback, 107_000_000_000),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_section_may_be_of_the_other_byte_order() {
    let both =
        [written(CaptureFormat::Pcapng, false), written(CaptureFormat::Pcapng, true)].concat();
    let (frames, _, damage) = read(&both[..]);
    assert_eq!(frames, [conversation(), conversation()].concat());
    assert!(damage.is_none());
}

#[test]
fn packets_in_a_form_out_of_use_are_read() {
    let frame = &conversation()[0];
    let mut writer = pcapng();
    writer.block(2, |body| {
        body.put_u16(0);
        body.put_u16(9);
        for number in [0, 5, 60, 99] {
            body.put_u32(number);
        }
        frame.bytes.iter().chain(&[0; 6]).for_each(|byte| body.put_u8(*byte));
    });
    let (frames, ..) = read(writer.bytes());
    assert_eq!((frames[0].timestamp.unix_ns(), frames[0].wire_len), (5, 99));
    assert_eq!(frames[0].bytes[..54], frame.bytes[..54]);
}

#[test]
fn a_simple_packet_has_no_time_and_as_many_bytes_as_are_kept() {
    let mut writer = pcapng();
    writer.section();
    writer.block(1, |body| [1, 0, 0, 0, 8, 0, 0, 0].into_iter().for_each(|byte| body.put_u8(byte)));
    for wire_len in [5, 500] {
        writer.block(3, |body| {
            body.put_u32(wire_len);
            (0..8).for_each(|byte| body.put_u8(byte));
        });
    }
    let mut reader = CaptureReader::new(writer.bytes()).unwrap();
    let first = reader.next_frame().unwrap();
    assert_eq!((first.timed, first.frame.bytes), (false, &[0, 1, 2, 3, 4][..]));
    let second = reader.next_frame().unwrap();
    assert_eq!((second.frame.wire_len, second.frame.bytes.len()), (500, 8));
    assert_eq!(reader.tally().untimed_packets, 2);
    assert_eq!(reader.tally().first, None);
}

#[test]
fn a_length_without_padding_is_as_good() {
    let mut bytes = pcapng().bytes().to_vec();
    for number in [6_u32, 34, 0, 0, 9, 2, 2, 0xaabb, 34] {
        bytes.extend(number.to_le_bytes());
    }
    let (frames, _, damage) = read(&bytes[..]);
    assert_eq!((frames[0].timestamp.unix_ns(), &frames[0].bytes[..]), (9, &[0xbb, 0xaa][..]));
    assert!(damage.is_none());
}

#[test]
fn blocks_without_packets_are_skipped_and_those_numbered_counted() {
    let mut writer = pcapng();
    for kind in [4, 5, 10, 9, 0x0bad, 0x4000_0bad, 0x8000_0001] {
        writer.block(kind, |body| body.put_u32(7));
    }
    writer.frames(&conversation());
    let (frames, tally, damage) = read(writer.bytes());
    assert_eq!((frames, tally.other_records), (conversation(), 3));
    assert!(damage.is_none());
}

#[test]
fn frames_of_link_types_that_are_not_understood_are_counted() {
    let mut writer = pcapng();
    writer.interface(249, None, None);
    writer.packet(1, 7, 60, &[0; 60]);
    writer.frames(&conversation());
    let (frames, tally, _) = read(writer.bytes());
    assert_eq!(frames, conversation());
    assert_eq!((tally.packets, tally.not_understood()), (4, 1));
}

#[test]
fn every_cut_leaves_the_frames_before_it_and_says_where() {
    for format in CaptureFormat::ALL {
        let bytes = written(format, false);
        let mut whole = 0;
        for length in 24..bytes.len() {
            let (frames, tally, damage) = read(&bytes[..length]);
            assert_eq!(frames, conversation()[..frames.len()], "{format:?} {length}");
            assert!(frames.len() >= whole && tally.packets == frames.len() as u64);
            whole = frames.len();
            if let Some(Damage { offset, unread_bytes, fault }) = damage {
                assert_eq!(offset + unread_bytes.unwrap(), length as u64);
                assert!(matches!(fault, Fault::Cut), "{fault}");
            }
        }
        assert_eq!(whole, 2, "only the last byte completes the last frame");
    }
}

#[test]
fn a_corrupt_length_ends_the_file_and_costs_no_memory() {
    let mut bytes = written(CaptureFormat::Pcap, false);
    let second = 24 + 16 + conversation()[0].bytes.len();
    bytes[second + 8..second + 12].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    let (frames, _, damage) = read(&bytes[..]);
    let damage = damage.unwrap();
    assert_eq!(frames, conversation()[..1]);
    assert!(matches!(damage.fault, Fault::PacketLength { length: 0x7fff_ffff }));
    assert_eq!(damage.offset, second as u64);
    assert_eq!(damage.unread_bytes, Some((bytes.len() - second) as u64));
}

/// The fault that ends a file of these blocks behind one good packet.
fn fault(write: impl FnOnce(&mut CaptureWriter)) -> Fault {
    let mut writer = pcapng();
    writer.frame(conversation().first().unwrap());
    write(&mut writer);
    writer.frames(&conversation());
    let (frames, _, damage) = read(writer.bytes());
    assert_eq!(frames.len(), 1);
    damage.unwrap().fault
}

#[test]
fn blocks_that_cannot_be_end_the_file() {
    let numbers = |numbers: &'static [u32]| {
        move |writer: &mut CaptureWriter| numbers.iter().for_each(|number| writer.put_u32(*number))
    };
    assert!(matches!(fault(numbers(&[5, 8])), Fault::BlockLength { length: 8 }));
    let beyond_any = fault(numbers(&[5, u32::MAX]));
    assert!(matches!(beyond_any, Fault::BlockLength { length: u32::MAX }));
    assert!(matches!(fault(numbers(&[6, 0x0200_0000])), Fault::BlockLength { .. }));
    let ends = fault(numbers(&[5, 16, 0, 20]));
    assert!(matches!(ends, Fault::BlockEnds { first: 16, last: 20 }));
    assert!(matches!(fault(numbers(&[3, 12, 12])), Fault::ShortBlock { kind: 3 }));
    assert!(matches!(fault(numbers(&[6, 16, 0, 16])), Fault::ShortBlock { kind: 6 }));
    assert!(matches!(fault(numbers(&[3, 16, 9, 16])), Fault::ShortBlock { kind: 3 }));
    assert!(matches!(fault(|writer| writer.packet(4, 0, 0, &[])), Fault::UnknownInterface { .. }));
}

#[test]
fn sections_that_cannot_be_end_the_file() {
    const SECTION: u32 = 0x0a0d_0d0a;
    let section = |fields: [u32; 4]| {
        fault(|writer| {
            writer.block(SECTION, |body| fields.iter().for_each(|field| body.put_u32(*field)));
        })
    };
    assert!(matches!(section([1, 1, 1, 1]), Fault::ByteOrder { magic: 0x0100_0000 }));
    assert!(matches!(section([0x1a2b_3c4d, 2, 0, 0]), Fault::Version { major: 2 }));
    let short = fault(|writer| writer.block(SECTION, |body| body.put_u32(0x1a2b_3c4d)));
    assert!(matches!(short, Fault::Version { .. } | Fault::ShortBlock { .. }));
}

#[test]
fn a_source_that_fails_leaves_what_it_gave() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let bytes = written(CaptureFormat::Pcap, false);
    let (frames, _, damage) = read(bytes[..bytes.len() - 1].chain(Failing));
    let damage = damage.unwrap();
    assert_eq!((frames.len(), damage.unread_bytes), (2, None));
    assert!(matches!(damage.fault, Fault::Read(_)));
}

#[test]
fn what_is_no_capture_is_refused_with_what_it_looks_like() {
    let refused = |bytes: &[u8]| CaptureReader::new(bytes).unwrap_err();
    assert!(matches!(refused(b""), CaptureFileError::Empty));
    let json = refused(b"{\"packets\": 3}").to_string();
    assert_eq!(json, "it looks like JSON, a pcap or pcapng file is wanted");
    assert!(matches!(refused(&[0xd4, 0xc3, 0xb2, 0xa1, 2]), CaptureFileError::CutHeader));
    let mut other_version = written(CaptureFormat::Pcap, false);
    other_version[4] = 9;
    assert!(matches!(refused(&other_version), CaptureFileError::Version { major: 9, minor: 4 }));
}
