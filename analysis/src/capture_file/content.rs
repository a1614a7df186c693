//! What a file that is no capture looks like, so that its owner can see the mistake.

/// Beginnings of files that are mistaken for captures.
const BEGINNINGS: [(&[u8], &str); 16] = [
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"\xfd7zXZ\0", "xz data; unpack it first"),
    (b"BZh", "bzip2 data; unpack it first"),
    (b"\x04\x22\x4d\x18", "lz4 data; unpack it first"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"snoop\0\0\0", "a snoop capture; convert it with editcap"),
    (b"GMBU", "a Network Monitor capture; convert it with editcap"),
    (b"RTSS", "a Network Monitor capture; convert it with editcap"),
    (b"\x0a\x0d\x0d\x0a", "a pcapng file with a damaged first block"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"%PDF", "a PDF document"),
    (b"\0\0\0\0", "zeros"),
];

/// What the file is that begins with these bytes.
pub(super) fn looks_like(beginning: &[u8]) -> &'static str {
    let known = BEGINNINGS.iter().find(|(bytes, _)| beginning.starts_with(bytes));
    if let Some((_, name)) = known {
        return name;
    }
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    if !beginning.iter().all(is_text) {
        return "data of another format";
    }
    match beginning.trim_ascii_start() {
        [b'{', ..] | [b'[', b'{' | b'[' | b'"', ..] => "JSON",
        [b'<', ..] => "HTML or XML",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_people_mix_up() {
        assert_eq!(looks_like(b" {\"packets\": 5}"), "JSON");
        assert_eq!(looks_like(b"time,packets\n"), "text");
        assert_eq!(looks_like(b"[package]\n"), "text");
        assert_eq!(looks_like(&[0x7f, 0x45, 0x4c, 0x46, 2]), "a program");
        assert_eq!(looks_like(&[7, 7, 7, 7]), "data of another format");
    }
}
