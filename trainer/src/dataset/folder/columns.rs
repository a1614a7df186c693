//! Rows of one kind as a Parquet file, and back, a group of rows at a time.
//!
//! A kind of row says its schema and turns rows into columns and columns into rows, in the schema's
//! order. Groups are small enough that reading holds little at once, whatever the file's length.

use std::{
    collections::VecDeque,
    fs::File,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use parquet::{
    basic::{Compression, ZstdLevel},
    column::reader::get_typed_column_reader,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        reader::{FileReader, RowGroupReader, SerializedFileReader},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::{parser::parse_message_type, printer::print_schema, types::Type},
};

use super::{FileDescription, FolderError, Manifest};

/// How many rows a group has.
const ROWS_IN_GROUP: usize = 1 << 17;

/// What the files say made them; no version, so that the same data is the same bytes.
const CREATED_BY: &str = "armol-trainer";

/// One kind of row.
pub(super) trait Row: Sized {
    /// The name of the file.
    const FILE: &'static str;

    /// The columns in Parquet's own notation.
    const SCHEMA: &'static str;

    /// Writes the columns of rows.
    fn write(rows: &[Self], columns: &mut ColumnWriter<'_>) -> Result<(), ParquetError>;

    /// Makes rows of columns.
    fn read(columns: &mut ColumnReader<'_>) -> Result<Vec<Self>, ParquetError>;
}

/// A value that a column can hold.
pub(super) trait Value: Sized {
    type Physical: DataType;

    fn to_physical(self) -> <Self::Physical as DataType>::T;

    fn from_physical(value: <Self::Physical as DataType>::T) -> Result<Self, ParquetError>;
}

/// Writes the columns of one group of rows, one after the other.
pub(super) struct ColumnWriter<'a> {
    group: SerializedRowGroupWriter<'a, File>,
}

/// Reads the columns of one group of rows, one after the other.
pub(super) struct ColumnReader<'a> {
    group: Box<dyn RowGroupReader + 'a>,
    next: usize,
    rows: usize,
}

impl ColumnWriter<'_> {
    /// Writes a column that every row has.
    pub(super) fn required<T: Value>(
        &mut self,
        values: impl Iterator<Item = T>,
    ) -> Result<(), ParquetError> {
        let values: Vec<_> = values.map(T::to_physical).collect();
        self.write::<T::Physical>(&values, None)
    }

    /// Writes a column that a row may lack.
    pub(super) fn optional<T: Value>(
        &mut self,
        values: impl Iterator<Item = Option<T>>,
    ) -> Result<(), ParquetError> {
        let mut present = Vec::new();
        let mut levels = Vec::new();
        for value in values {
            levels.push(i16::from(value.is_some()));
            present.extend(value.map(T::to_physical));
        }
        self.write::<T::Physical>(&present, Some(&levels))
    }

    fn write<D: DataType>(
        &mut self,
        values: &[D::T],
        levels: Option<&[i16]>,
    ) -> Result<(), ParquetError> {
        let column = self.group.next_column()?;
        let mut column = column.ok_or_else(|| other("there are more values than columns"))?;
        column.typed::<D>().write_batch(values, levels, None)?;
        column.close()
    }
}

impl ColumnReader<'_> {
    /// Reads a column that every row has.
    pub(super) fn required<T: Value>(&mut self) -> Result<Vec<T>, ParquetError> {
        let (values, _) = self.read::<T::Physical>(false)?;
        values.into_iter().map(T::from_physical).collect()
    }

    /// Reads a column that a row may lack.
    pub(super) fn optional<T: Value>(&mut self) -> Result<Vec<Option<T>>, ParquetError> {
        let (values, levels) = self.read::<T::Physical>(true)?;
        let mut values = values.into_iter();
        let value = |level: i16| {
            if level == 0 {
                return Ok(None);
            }
            let value = values.next().ok_or_else(|| other("a column lacks values"))?;
            T::from_physical(value).map(Some)
        };
        levels.into_iter().map(value).collect()
    }

    fn read<D: DataType>(&mut self, optional: bool) -> Result<(Vec<D::T>, Vec<i16>), ParquetError> {
        let reader = self.group.get_column_reader(self.next)?;
        self.next += 1;
        let mut reader = get_typed_column_reader::<D>(reader);
        // The file says how many there are, which need not be true.
        let mut values = Vec::with_capacity(self.rows.min(ROWS_IN_GROUP));
        let mut levels = Vec::new();
        let mut read = 0;
        while read < self.rows {
            let levels = optional.then_some(&mut levels);
            let (records, _, _) =
                reader.read_records(self.rows - read, levels, None, &mut values)?;
            if records == 0 {
                return Err(other("a column is shorter than the others"));
            }
            read += records;
        }
        Ok((values, levels))
    }
}

/// Writes rows to a file as they come.
pub(super) struct TableWriter<R> {
    path: PathBuf,
    writer: SerializedFileWriter<File>,
    waiting: Vec<R>,
    rows: usize,
}

impl<R: Row> TableWriter<R> {
    /// Makes the file in a folder.
    pub(super) fn create(folder: &Path) -> Result<Self, FolderError> {
        let path = folder.join(R::FILE);
        let file = File::create(&path)
            .map_err(|source| FolderError::Write { path: path.clone(), source })?;
        let writer = schema::<R>().and_then(|schema| {
            let level = ZstdLevel::try_new(3)?;
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(level))
                .set_created_by(CREATED_BY.to_owned())
                .build();
            SerializedFileWriter::new(file, schema, Arc::new(properties))
        });
        let writer = writer.map_err(damaged(&path))?;
        Ok(Self { path, writer, waiting: Vec::new(), rows: 0 })
    }

    /// Takes a row.
    pub(super) fn push(&mut self, row: R) -> Result<(), FolderError> {
        self.waiting.push(row);
        if self.waiting.len() == ROWS_IN_GROUP { self.write_group() } else { Ok(()) }
    }

    /// Writes what is left, and has the system put it on the disk; says how many rows there are.
    pub(super) fn finish(mut self) -> Result<usize, FolderError> {
        if !self.waiting.is_empty() {
            self.write_group()?;
        }
        let file = self.writer.into_inner().map_err(damaged(&self.path))?;
        file.sync_all().map_err(|source| FolderError::Write { path: self.path, source })?;
        Ok(self.rows)
    }

    fn write_group(&mut self) -> Result<(), FolderError> {
        self.rows += self.waiting.len();
        let written = self.writer.next_row_group().and_then(|group| {
            let mut columns = ColumnWriter { group };
            R::write(&self.waiting, &mut columns)?;
            columns.group.close().map(drop)
        });
        self.waiting.clear();
        written.map_err(damaged(&self.path))
    }
}

/// Reads rows from a file in their order.
pub(super) struct TableReader<R> {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    next_group: usize,
    waiting: VecDeque<R>,
}

impl<R: Row> TableReader<R> {
    /// Opens the file of a folder, which must be the one that the manifest describes.
    pub(super) fn open(folder: &Path, manifest: &Manifest) -> Result<Self, FolderError> {
        let path = folder.join(R::FILE);
        let found = FileDescription::of(&path)
            .map_err(|source| FolderError::Read { path: path.clone(), source })?;
        if manifest.files.get(R::FILE) != Some(&found) {
            return Err(FolderError::Changed { path });
        }
        let file =
            File::open(&path).map_err(|source| FolderError::Read { path: path.clone(), source })?;
        let reader = guarded(|| SerializedFileReader::new(file)).map_err(damaged(&path))?;
        let expected = schema::<R>().map_err(damaged(&path))?;
        let found = reader.metadata().file_metadata().schema();
        if printed(found) != printed(&expected) {
            return Err(FolderError::Columns { path, expected: R::SCHEMA });
        }
        Ok(Self { path, reader, next_group: 0, waiting: VecDeque::new() })
    }

    /// The next row, if it is the one that is looked for.
    pub(super) fn next_if(
        &mut self,
        wanted: impl FnOnce(&R) -> bool,
    ) -> Result<Option<R>, FolderError> {
        while self.waiting.is_empty() {
            if self.next_group == self.reader.num_row_groups() {
                return Ok(None);
            }
            self.waiting = guarded(|| self.read_group()).map_err(damaged(&self.path))?.into();
        }
        let wanted = self.waiting.front().is_some_and(wanted);
        Ok(if wanted { self.waiting.pop_front() } else { None })
    }

    fn read_group(&mut self) -> Result<Vec<R>, ParquetError> {
        let group = self.reader.get_row_group(self.next_group)?;
        self.next_group += 1;
        let rows = usize::try_from(group.metadata().num_rows())
            .map_err(|_| other("a group has a negative number of rows"))?;
        R::read(&mut ColumnReader { group, next: 0, rows })
    }
}

/// Reads by way of the Parquet library, which panics on some damaged pages.
///
/// Hashes keep from it what was damaged later; a file that was damaged, or made up, before the
/// manifest described it gets here. What is half read is dropped, so that nothing of it is seen.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let read = panic::catch_unwind(AssertUnwindSafe(read));
    read.unwrap_or_else(|_| Err(other("a page holds what no writer of Parquet writes")))
}

fn schema<R: Row>() -> Result<Arc<Type>, ParquetError> {
    parse_message_type(R::SCHEMA).map(Arc::new)
}

fn printed(schema: &Type) -> Vec<u8> {
    let mut text = Vec::new();
    print_schema(&mut text, schema);
    text
}

fn damaged(path: &Path) -> impl Fn(ParquetError) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Table { path: path.clone(), source }
}

/// What is wrong with a file that no library sees.
pub(super) fn other(message: &str) -> ParquetError {
    ParquetError::General(message.to_owned())
}

impl Value for i64 {
    type Physical = Int64Type;

    fn to_physical(self) -> Self {
        self
    }

    fn from_physical(value: Self) -> Result<Self, ParquetError> {
        Ok(value)
    }
}

impl Value for f64 {
    type Physical = DoubleType;

    fn to_physical(self) -> Self {
        self
    }

    fn from_physical(value: Self) -> Result<Self, ParquetError> {
        Ok(value)
    }
}

impl Value for bool {
    type Physical = BoolType;

    fn to_physical(self) -> Self {
        self
    }

    fn from_physical(value: Self) -> Result<Self, ParquetError> {
        Ok(value)
    }
}

impl Value for String {
    type Physical = ByteArrayType;

    fn to_physical(self) -> ByteArray {
        ByteArray::from(Bytes::from(self.into_bytes()))
    }

    fn from_physical(value: ByteArray) -> Result<Self, ParquetError> {
        value.as_utf8().map(str::to_owned)
    }
}
