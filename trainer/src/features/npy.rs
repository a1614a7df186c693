//! One array of a `NumPy` archive: the `.npy` format (NEP 1), as far as features need it.
//!
//! After a magic number and a version comes the length of a header, a Python dictionary with type,
//! order and shape, and then the values.

use std::io;

/// The first bytes of every file.
const MAGIC: &[u8] = b"\x93NUMPY";

/// The length of the file before the values is a multiple of this, so that they are aligned.
const ALIGNMENT: usize = 64;

/// The magic string, two bytes of version, and two of the header's length.
const PREAMBLE: usize = 10;

/// An array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    /// Its length in each dimension; empty for a single number.
    pub(crate) shape: Vec<usize>,
    /// Its values, the last dimension together.
    pub(crate) values: Values,
}

/// The values of an array by their type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    Bytes(Vec<u8>),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
    Texts(Vec<String>),
}

/// The file's bytes before the values, version 1.0.
///
/// # Errors
/// Where the shape has too many dimensions for it.
pub(crate) fn header(kind: &str, shape: &[usize]) -> io::Result<Vec<u8>> {
    let mut sizes = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    if shape.len() == 1 {
        sizes.push(',');
    }
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let unpadded = PREAMBLE + header.len() + 1;
    header.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(ALIGNMENT) - unpadded));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(io::Error::other)?;
    Ok([MAGIC, &[1, 0], &length.to_le_bytes(), header.as_bytes()].concat())
}

/// Reads a file's bytes; says what is wrong where they are no array.
pub(crate) fn parse(bytes: &[u8]) -> Result<Array, String> {
    let no_array = || "is no .npy array".to_owned();
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(no_array)?;
    let (&[major, _minor], rest) = rest.split_first_chunk().ok_or_else(no_array)?;
    let (length, rest) = match major {
        1 => {
            let (length, rest) = rest.split_first_chunk().ok_or_else(no_array)?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk().ok_or_else(no_array)?;
            (usize::try_from(u32::from_le_bytes(*length)).map_err(|_| no_array())?, rest)
        }
        other => return Err(format!("has .npy version {other}, versions 1 to 3 are read")),
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(no_array)?;
    let header = std::str::from_utf8(header).map_err(|_| no_array())?;
    if value(header, "fortran_order").is_none_or(|value| !value.starts_with("False")) {
        return Err("is stored by columns; store it by rows (numpy.ascontiguousarray)".to_owned());
    }
    let shape = shape(header).ok_or_else(no_array)?;
    let kind = value(header, "descr").and_then(|value| value.split(['\'', '"']).nth(1));
    let values = values(kind.ok_or_else(no_array)?, data)?;
    if shape.iter().try_fold(1_usize, |all, &length| all.checked_mul(length)) != Some(values.len())
    {
        return Err(format!("has {} values, which its shape {shape:?} does not", values.len()));
    }
    Ok(Array { shape, values })
}

/// What stands behind a key of the header.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    rest.trim_start().strip_prefix(':').map(str::trim_start)
}

fn shape(header: &str) -> Option<Vec<usize>> {
    let (shape, _) = value(header, "shape")?.strip_prefix('(')?.split_once(')')?;
    let lengths = shape.split(',').map(str::trim).filter(|length| !length.is_empty());
    lengths.map(|length| length.parse().ok()).collect()
}

fn values(kind: &str, data: &[u8]) -> Result<Values, String> {
    Ok(match kind {
        "|u1" => Values::Bytes(data.to_vec()),
        "<i8" => Values::Integers(each(data, i64::from_le_bytes)?),
        "<f4" => Values::Floats(each(data, f32::from_le_bytes)?),
        "<f8" => Values::Doubles(each(data, f64::from_le_bytes)?),
        text if text.starts_with("|S") => Values::Texts(texts(data, width(text)?, from_bytes)?),
        text if text.starts_with("<U") => {
            Values::Texts(texts(data, width(text)?.saturating_mul(4), from_characters)?)
        }
        other => {
            return Err(format!(
                "holds values of type {other:?}; store uint8, float32 or int64, the first byte lowest"
            ));
        }
    })
}

fn each<const SIZE: usize, T>(data: &[u8], value: fn([u8; SIZE]) -> T) -> Result<Vec<T>, String> {
    let (chunks, rest) = data.as_chunks::<SIZE>();
    if rest.is_empty() {
        Ok(chunks.iter().copied().map(value).collect())
    } else {
        Err("is cut short".to_owned())
    }
}

/// How many characters each text of this type has.
fn width(kind: &str) -> Result<usize, String> {
    let width = kind.get(2..).and_then(|width| width.parse().ok()).filter(|width| *width > 0);
    width.ok_or_else(|| format!("holds texts of type {kind:?}, which have no length"))
}

/// Texts of a fixed length in bytes.
fn texts(
    data: &[u8],
    length: usize,
    text: fn(&[u8]) -> Option<String>,
) -> Result<Vec<String>, String> {
    let chunks = data.chunks_exact(length);
    if !chunks.remainder().is_empty() {
        return Err("is cut short".to_owned());
    }
    let texts = chunks.map(|bytes| Some(text(bytes)?.trim_end_matches('\0').to_owned()));
    texts.collect::<Option<_>>().ok_or_else(|| "holds what is no text in Unicode".to_owned())
}

fn from_bytes(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn from_characters(bytes: &[u8]) -> Option<String> {
    let (characters, _) = bytes.as_chunks();
    characters.iter().map(|four| char::from_u32(u32::from_le_bytes(*four))).collect()
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Doubles(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    /// A file as `NumPy` writes it.
    pub(crate) fn file(kind: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
        [&super::header(kind, shape).unwrap(), data].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_array_is_refused_with_the_reason() {
        let file = testing::file;
        assert!(parse(&file("|u1", &[2, 2], &[0; 3])).unwrap_err().contains("has 3 values"));
        assert!(parse(&file("<f4", &[1], &[0; 3])).unwrap_err().contains("cut short"));
        assert!(parse(&file(">f4", &[1], &[0; 4])).unwrap_err().contains(r#"type ">f4""#));
        assert!(parse(&file("|S0", &[1], &[])).unwrap_err().contains("no length"));
        assert!(parse(&file("|S2", &[1], &[0; 3])).unwrap_err().contains("cut short"));
        assert!(parse(&file("|S1", &[1], &[0xff])).unwrap_err().contains("no text"));
        let huge = [usize::MAX, 2];
        assert!(parse(&file("|u1", &huge, &[0; 2])).unwrap_err().contains("has 2 values"));
        let text = String::from_utf8_lossy(&file("|u1", &[1], &[0])).replace("False", "True");
        assert!(parse(text.as_bytes()).is_err());
    }

    #[test]
    fn headers_are_as_numpy_writes_them() {
        let shown = |shape: &[usize]| {
            let bytes = header("<f4", shape).unwrap();
            assert_eq!((bytes.len(), &bytes[..10]), (128, b"\x93NUMPY\x01\x00\x76\x00".as_slice()));
            String::from_utf8(bytes[10..].to_vec()).unwrap().trim_end().to_owned()
        };
        assert_eq!(shown(&[2, 3]), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
        assert!(shown(&[2]).ends_with("'shape': (2,), }"));
        assert!(shown(&[]).ends_with("'shape': (), }"));
    }

    #[test]
    fn texts_are_read_in_bytes_and_in_characters() {
        let bytes = parse(&testing::file("|S3", &[2], b"a\0\0bcd")).unwrap();
        let expected = Values::Texts(vec!["a".to_owned(), "bcd".to_owned()]);
        assert_eq!(bytes.values, expected);
        let characters: Vec<u8> =
            "a\0\0bcd".chars().flat_map(|one| u32::from(one).to_le_bytes()).collect();
        assert_eq!(parse(&testing::file("<U3", &[2], &characters)).unwrap().values, expected);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(
            cut in 0..80_usize,
            noise in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let whole = testing::file("|u1", &[1, 3], &[1, 2, 3]);
            let head = whole.get(..cut).unwrap_or(&whole);
            drop(parse(&[head, &noise].concat()));
            drop(parse(&noise));
        }
    }
}
