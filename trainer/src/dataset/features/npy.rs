//! One array of a `NumPy` archive: the `.npy` format, as far as features need it.
//!
//! After a magic number and a version comes the length of a header, a Python dictionary with type,
//! order and shape, and then the values.

/// The first bytes of every file.
const MAGIC: &[u8] = b"\x93NUMPY";

/// An array.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array {
    /// Its length in each dimension; empty for a single number.
    pub(super) shape: Vec<usize>,
    /// Its values, the last dimension together.
    pub(super) values: Values,
}

/// The values of an array by their type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    Bytes(Vec<u8>),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
}

/// Reads a file's bytes; says what is wrong where they are no array.
pub(super) fn parse(bytes: &[u8]) -> Result<Array, String> {
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

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Doubles(values) => values.len(),
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    /// A file as `NumPy` writes it.
    pub(in super::super) fn file(kind: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
        let shape = match shape {
            [] => "()".to_owned(),
            [length] => format!("({length},)"),
            several => format!("{several:?}").replace('[', "(").replace(']', ")"),
        };
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = [super::MAGIC, &[1, 0]].concat();
        bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
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
        let huge = [usize::MAX, 2];
        assert!(parse(&file("|u1", &huge, &[0; 2])).unwrap_err().contains("has 2 values"));
        let text = String::from_utf8_lossy(&file("|u1", &[1], &[0])).replace("False", "True");
        assert!(parse(text.as_bytes()).is_err());
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
