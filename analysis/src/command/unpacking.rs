//! Captures packed with gzip or zstd, told by their first bytes and unpacked while they are read.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// What is inside a source, whatever it was packed with.
pub(super) type Unpacked = Box<dyn Read + Send>;

/// The content of a source: unpacked where it is packed, else as it is.
///
/// # Errors
/// Where the source fails.
pub(super) fn unpack(source: Box<dyn Read + Send>) -> io::Result<Unpacked> {
    let mut source = source;
    let mut beginning = Vec::new();
    let length = u64::try_from(ZSTD.len()).unwrap_or(u64::MAX);
    source.by_ref().take(length).read_to_end(&mut beginning)?;
    let is_gzip = beginning.starts_with(&GZIP);
    let is_zstd = beginning.starts_with(&ZSTD);
    let whole = Cursor::new(beginning).chain(source);
    Ok(if is_gzip {
        Box::new(MultiGzDecoder::new(whole))
    } else if is_zstd {
        Box::new(zstd::Decoder::new(whole)?)
    } else {
        Box::new(whole)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn unpacked(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        unpack(Box::new(Cursor::new(bytes)))?.read_to_end(&mut content)?;
        Ok(content)
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn content_is_the_same_however_it_is_packed() {
        let content = b"some packets".repeat(1000);
        assert_eq!(unpacked(content.clone()).unwrap(), content);
        assert_eq!(unpacked(zstd::encode_all(&content[..], 1).unwrap()).unwrap(), content);
        let (one, other) = content.split_at(500);
        assert_eq!(unpacked([gzip(one), gzip(other)].concat()).unwrap(), content);
        assert_eq!(unpacked(vec![0x1f]).unwrap(), [0x1f]);
    }

    #[test]
    fn what_is_cut_ends_in_an_error() {
        let packed = gzip(&b"some packets".repeat(1000));
        assert!(unpacked(packed[..packed.len() - 9].to_vec()).is_err());
    }
}
