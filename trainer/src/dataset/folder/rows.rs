//! The kinds of rows that a data set's folder has, and their columns.
//!
//! docs/datasets.md describes each column. Ids and costs are unsigned in code and keep their bits in
//! Parquet's signed integers, which is what Parquet's own annotation for unsigned numbers does.

use std::time::Duration;

use armol_analysis::{
    detection::{BoundingBox, Detection},
    outcome::Outcome,
    time::{Timestamp, duration_from_ns, nanoseconds},
};
use parquet::errors::ParquetError;

use super::columns::{ColumnReader, ColumnWriter, Row, other};
use crate::dataset::records::CallRecord;

/// A row of `images.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ImageRow {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
}

/// A row of `objects.parquet`: an object, or a label where there is no box.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ObjectRow {
    pub(super) image: u64,
    pub(super) category: u16,
    pub(super) bbox: Option<BoundingBox>,
    pub(super) crowd: bool,
    pub(super) difficult: bool,
    pub(super) area: Option<f64>,
}

/// A row of `answers.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AnswerRow {
    pub(super) image: u64,
    pub(super) provider: u16,
    pub(super) cost_microusd: u64,
    pub(super) started_at: Option<Timestamp>,
    pub(super) region: Option<String>,
    pub(super) simulated: bool,
    pub(super) transmission: Option<Duration>,
    pub(super) inference: Option<Duration>,
}

/// A row of `detections.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DetectionRow {
    pub(super) image: u64,
    pub(super) provider: u16,
    pub(super) detection: Detection,
}

impl Row for ImageRow {
    const FILE: &'static str = "images.parquet";

    const SCHEMA: &'static str = "message images {
        required int64 id (integer(64,false));
        required binary name (string);
        optional int64 width;
        optional int64 height;
    }";

    fn write(rows: &[Self], columns: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        columns.required(rows.iter().map(|row| row.id.cast_signed()))?;
        columns.required(rows.iter().map(|row| row.name.clone()))?;
        columns.optional(rows.iter().map(|row| row.width.map(i64::from)))?;
        columns.optional(rows.iter().map(|row| row.height.map(i64::from)))
    }

    fn read(columns: &mut ColumnReader<'_>) -> Result<Vec<Self>, ParquetError> {
        let ids = columns.required::<i64>()?;
        let names = columns.required::<String>()?;
        let widths = columns.optional::<i64>()?;
        let heights = columns.optional::<i64>()?;
        let side = |value: Option<i64>| value.map(|value| in_range(value, "width, height"));
        let rows = ids.into_iter().zip(names).zip(widths.into_iter().zip(heights));
        rows.map(|((id, name), (width, height))| {
            let (width, height) = (side(width).transpose()?, side(height).transpose()?);
            Ok(Self { id: id.cast_unsigned(), name, width, height })
        })
        .collect()
    }
}

impl Row for ObjectRow {
    const FILE: &'static str = "objects.parquet";

    const SCHEMA: &'static str = "message objects {
        required int64 image (integer(64,false));
        required int64 category;
        optional double left;
        optional double top;
        optional double right;
        optional double bottom;
        required boolean crowd;
        required boolean difficult;
        optional double area;
    }";

    fn write(rows: &[Self], columns: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        columns.required(rows.iter().map(|row| row.image.cast_signed()))?;
        columns.required(rows.iter().map(|row| i64::from(row.category)))?;
        write_boxes(&rows.iter().map(|row| row.bbox), columns)?;
        columns.required(rows.iter().map(|row| row.crowd))?;
        columns.required(rows.iter().map(|row| row.difficult))?;
        columns.optional(rows.iter().map(|row| row.area))
    }

    fn read(columns: &mut ColumnReader<'_>) -> Result<Vec<Self>, ParquetError> {
        let images = columns.required::<i64>()?;
        let categories = columns.required::<i64>()?;
        let boxes = read_boxes(columns)?;
        let crowds = columns.required::<bool>()?;
        let difficult = columns.required::<bool>()?;
        let areas = columns.optional::<f64>()?;
        let places = images.into_iter().zip(categories).zip(boxes);
        let flags = crowds.into_iter().zip(difficult).zip(areas);
        places
            .zip(flags)
            .map(|(((image, category), bbox), ((crowd, difficult), area))| {
                let (image, category) = (image.cast_unsigned(), in_range(category, "category")?);
                Ok(Self { image, category, bbox, crowd, difficult, area })
            })
            .collect()
    }
}

impl Row for AnswerRow {
    const FILE: &'static str = "answers.parquet";

    const SCHEMA: &'static str = "message answers {
        required int64 image (integer(64,false));
        required int64 provider;
        required int64 cost_microusd (integer(64,false));
        optional int64 started_at_ns;
        optional binary region (string);
        required boolean simulated;
        optional int64 transmission_ns;
        optional int64 inference_ns;
    }";

    fn write(rows: &[Self], columns: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        columns.required(rows.iter().map(|row| row.image.cast_signed()))?;
        columns.required(rows.iter().map(|row| i64::from(row.provider)))?;
        columns.required(rows.iter().map(|row| row.cost_microusd.cast_signed()))?;
        columns.optional(rows.iter().map(|row| row.started_at.map(Timestamp::unix_ns)))?;
        columns.optional(rows.iter().map(|row| row.region.clone()))?;
        columns.required(rows.iter().map(|row| row.simulated))?;
        columns.optional(rows.iter().map(|row| row.transmission.map(nanoseconds)))?;
        columns.optional(rows.iter().map(|row| row.inference.map(nanoseconds)))
    }

    fn read(columns: &mut ColumnReader<'_>) -> Result<Vec<Self>, ParquetError> {
        let images = columns.required::<i64>()?;
        let providers = columns.required::<i64>()?;
        let costs = columns.required::<i64>()?;
        let times = columns.optional::<i64>()?;
        let regions = columns.optional::<String>()?;
        let simulated = columns.required::<bool>()?;
        let latencies = read_latencies(columns)?;
        let calls = images.into_iter().zip(providers).zip(costs);
        let origins = times.into_iter().zip(regions).zip(simulated);
        calls
            .zip(origins)
            .zip(latencies)
            .map(|((((image, provider), cost), ((time, region), simulated)), (sent, inference))| {
                Ok(Self {
                    image: image.cast_unsigned(),
                    provider: in_range(provider, "provider")?,
                    cost_microusd: cost.cast_unsigned(),
                    started_at: time.map(Timestamp::from_unix_ns),
                    region,
                    simulated,
                    transmission: sent,
                    inference,
                })
            })
            .collect()
    }
}

impl Row for DetectionRow {
    const FILE: &'static str = "detections.parquet";

    const SCHEMA: &'static str = "message detections {
        required int64 image (integer(64,false));
        required int64 provider;
        required binary word (string);
        required double score;
        optional double left;
        optional double top;
        optional double right;
        optional double bottom;
    }";

    fn write(rows: &[Self], columns: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        columns.required(rows.iter().map(|row| row.image.cast_signed()))?;
        columns.required(rows.iter().map(|row| i64::from(row.provider)))?;
        columns.required(rows.iter().map(|row| row.detection.label.clone()))?;
        columns.required(rows.iter().map(|row| row.detection.score))?;
        write_boxes(&rows.iter().map(|row| row.detection.bbox), columns)
    }

    fn read(columns: &mut ColumnReader<'_>) -> Result<Vec<Self>, ParquetError> {
        let images = columns.required::<i64>()?;
        let providers = columns.required::<i64>()?;
        let words = columns.required::<String>()?;
        let scores = columns.required::<f64>()?;
        let boxes = read_boxes(columns)?;
        let seen = words.into_iter().zip(scores).zip(boxes);
        images
            .into_iter()
            .zip(providers)
            .zip(seen)
            .map(|((image, provider), ((word, score), bbox))| {
                let detection = Detection::new(word, score, bbox);
                Ok(Self {
                    image: image.cast_unsigned(),
                    provider: in_range(provider, "provider")?,
                    detection: detection.map_err(|error| other(&error.to_string()))?,
                })
            })
            .collect()
    }
}

impl Row for CallRecord {
    const FILE: &'static str = "calls.parquet";

    const SCHEMA: &'static str = "message calls {
        required binary provider (string);
        required binary region (string);
        required int64 started_at_ns;
        optional int64 image (integer(64,false));
        optional int64 bytes;
        required binary outcome (string);
        optional binary outcome_detail (string);
        optional int64 transmission_ns;
        optional int64 inference_ns;
        optional int64 total_ns;
        required int64 cost_microusd (integer(64,false));
        required boolean simulated;
    }";

    fn write(rows: &[Self], columns: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        columns.required(rows.iter().map(|row| row.provider.clone()))?;
        columns.required(rows.iter().map(|row| row.region.clone()))?;
        columns.required(rows.iter().map(|row| row.started_at.unix_ns()))?;
        columns.optional(rows.iter().map(|row| row.image.map(u64::cast_signed)))?;
        columns.optional(rows.iter().map(|row| row.bytes.map(u64::cast_signed)))?;
        columns.required(rows.iter().map(|row| row.outcome.as_str().to_owned()))?;
        columns.optional(rows.iter().map(|row| row.outcome.detail().map(str::to_owned)))?;
        columns.optional(rows.iter().map(|row| row.transmission.map(nanoseconds)))?;
        columns.optional(rows.iter().map(|row| row.inference.map(nanoseconds)))?;
        columns.optional(rows.iter().map(|row| row.total().map(nanoseconds)))?;
        columns.required(rows.iter().map(|row| row.cost_microusd.cast_signed()))?;
        columns.required(rows.iter().map(|row| row.simulated))
    }

    fn read(columns: &mut ColumnReader<'_>) -> Result<Vec<Self>, ParquetError> {
        let providers = columns.required::<String>()?;
        let regions = columns.required::<String>()?;
        let times = columns.required::<i64>()?;
        let images = columns.optional::<i64>()?;
        let bytes = columns.optional::<i64>()?;
        let outcomes = columns.required::<String>()?;
        let details = columns.optional::<String>()?;
        let latencies = read_latencies(columns)?;
        // The sum of both parts, for readers of the file who have no code for it.
        columns.optional::<i64>()?;
        let costs = columns.required::<i64>()?;
        let simulated = columns.required::<bool>()?;
        let whom = providers.into_iter().zip(regions).zip(times);
        let what = images.into_iter().zip(bytes);
        let how = outcomes.into_iter().zip(details).zip(latencies);
        let charge = costs.into_iter().zip(simulated);
        whom.zip(what)
            .zip(how.zip(charge))
            .map(|((((provider, region), time), (image, bytes)), (how, (cost, simulated)))| {
                let ((word, detail), (transmission, inference)) = how;
                let unknown = || other("outcome holds a word that no call ends with");
                Ok(Self {
                    provider,
                    region,
                    started_at: Timestamp::from_unix_ns(time),
                    image: image.map(i64::cast_unsigned),
                    bytes: bytes.map(i64::cast_unsigned),
                    outcome: Outcome::from_words(&word, detail.as_deref()).ok_or_else(unknown)?,
                    transmission,
                    inference,
                    cost_microusd: cost.cast_unsigned(),
                    simulated,
                })
            })
            .collect()
    }
}

fn write_boxes(
    boxes: &(impl Iterator<Item = Option<BoundingBox>> + Clone),
    columns: &mut ColumnWriter<'_>,
) -> Result<(), ParquetError> {
    for side in 0..4 {
        let corner = |bbox: BoundingBox| bbox.corners().get(side).copied();
        columns.optional(boxes.clone().map(|bbox| bbox.and_then(corner)))?;
    }
    Ok(())
}

fn read_boxes(columns: &mut ColumnReader<'_>) -> Result<Vec<Option<BoundingBox>>, ParquetError> {
    let lefts = columns.optional::<f64>()?;
    let tops = columns.optional::<f64>()?;
    let rights = columns.optional::<f64>()?;
    let bottoms = columns.optional::<f64>()?;
    let corners = lefts.into_iter().zip(tops).zip(rights.into_iter().zip(bottoms));
    corners
        .map(|((left, top), (right, bottom))| match [left, top, right, bottom] {
            [None, None, None, None] => Ok(None),
            [Some(left), Some(top), Some(right), Some(bottom)] => {
                let bbox = BoundingBox::from_corners([left, top, right, bottom]);
                bbox.map(Some).map_err(|error| other(&error.to_string()))
            }
            _ => Err(other("a box has only some of its corners")),
        })
        .collect()
}

/// Transmission and inference.
type Latency = (Option<Duration>, Option<Duration>);

/// The two columns of latencies.
fn read_latencies(columns: &mut ColumnReader<'_>) -> Result<Vec<Latency>, ParquetError> {
    let length = |value: Option<i64>| match value {
        None => Ok(None),
        Some(value) => {
            duration_from_ns(value).map(Some).ok_or_else(|| other("a length of time is negative"))
        }
    };
    let transmissions = columns.optional::<i64>()?;
    let inferences = columns.optional::<i64>()?;
    let pairs = transmissions.into_iter().zip(inferences);
    pairs.map(|(sent, inference)| Ok((length(sent)?, length(inference)?))).collect()
}

fn in_range<T: TryFrom<i64>>(value: i64, column: &str) -> Result<T, ParquetError> {
    T::try_from(value).map_err(|_| other(&format!("{column} holds {value}, which is out of range")))
}
