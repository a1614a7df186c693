//! Files and folders as all formats read and write them.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::{FormatError, Problem};

/// The first bytes of a file packed with gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The file's content, unpacked where it is packed with gzip.
///
/// # Errors
/// Where the file cannot be read or unpacked.
pub fn read(path: &Path) -> Result<Vec<u8>, FormatError> {
    let bytes = fs::read(path).map_err(FormatError::read(path))?;
    if !bytes.starts_with(&GZIP) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(&*bytes).read_to_end(&mut unpacked).map_err(FormatError::read(path))?;
    Ok(unpacked)
}

/// The file's content as text.
///
/// # Errors
/// Where the file cannot be read or unpacked, or is no UTF-8.
pub fn read_text(path: &Path) -> Result<String, FormatError> {
    let error = |source| FormatError::Read { path: path.to_owned(), source };
    String::from_utf8(read(path)?).map_err(|source| error(std::io::Error::other(source)))
}

/// What each line of a text says, with the line's number; empty lines say nothing.
///
/// # Errors
/// Where a line cannot be read; names the file at `path` and the line.
pub(super) fn parsed_lines<T>(
    text: &str,
    path: &Path,
    parse: impl Fn(&str) -> Result<T, Problem>,
) -> Result<Vec<(usize, T)>, FormatError> {
    let mut parsed = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let line = parse(line).map_err(|problem| problem.at(path, format!("line {number}")))?;
        parsed.push((number, line));
    }
    Ok(parsed)
}

/// Writes a file, and the folders that lead to it.
///
/// # Errors
/// Where the system refuses.
pub fn write(path: &Path, content: &[u8]) -> Result<(), FormatError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(FormatError::write(folder))?;
    }
    fs::write(path, content).map_err(FormatError::write(path))
}

/// The files of a folder with this ending, ordered by name; an ending of a folder does not count.
///
/// # Errors
/// Where the folder cannot be read.
pub fn with_ending(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, FormatError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(FormatError::read(folder))? {
        let path = entry.map_err(FormatError::read(folder))?.path();
        if path.extension().is_some_and(|found| found == ending) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The name of a file without folder and ending.
pub fn stem(name: &str) -> &str {
    let name = base(name);
    match name.rfind('.') {
        Some(dot) if dot > 0 => name.get(..dot).unwrap_or(name),
        _ => name,
    }
}

/// The name of a file without its folder, whichever slash the writer's system has.
pub fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// The stem of a path as text.
///
/// # Errors
/// Where it is no UTF-8.
pub(super) fn path_stem(path: &Path) -> Result<&str, FormatError> {
    path.file_stem().and_then(|stem| stem.to_str()).ok_or_else(|| {
        Problem::form(&path.to_string_lossy(), "a file name in UTF-8").at(path, "its name")
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn a_packed_file_reads_as_the_plain_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"[1]").unwrap();
        let path = folder.path().join("a.json.gz");
        let packed = encoder.finish().unwrap();
        write(&path, &packed).unwrap();
        assert_eq!(read(&path).unwrap(), b"[1]");
        write(&path, &packed[..packed.len() - 6]).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("a.json.gz"));
    }

    #[test]
    fn a_stem_is_the_name_without_folder_and_last_ending() {
        assert_eq!(stem("/data/val2017/000.a.jpg"), "000.a");
        assert_eq!(stem(".hidden"), ".hidden");
        assert_eq!(stem(r"C:\data\a.png"), "a");
        assert_eq!(stem("2010_004459"), "2010_004459");
    }
}
