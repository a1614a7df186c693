//! A folder of simulated images: JPEG files, `event.json` and `ground_truth.json`.
//!
//! Each image has a generator of its own, seeded by the set's seed and the image's number, so the
//! same seed gives the same files, and a larger set begins with a smaller one's images. The ground
//! truth is written last: a set without it is unfinished.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use image::codecs::jpeg::JpegEncoder;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    SimulationError,
    ground_truth::{self, InstancesFile},
    painter,
    scene::Scene,
};

/// The list of images for the agent.
const EVENT_FILE_NAME: &str = "event.json";

/// Says that a folder was made here and may be made again.
const MARKER_FILE_NAME: &str = ".armol-simulated-images";

/// The JPEG encoder's quality, as of a camera.
const JPEG_QUALITY: u8 = 88;

/// Which images to make, and where.
#[derive(Clone, Debug)]
pub struct ImageSet {
    /// The folder.
    pub folder: PathBuf,
    /// How many images.
    pub count: u32,
    /// What they are drawn from.
    pub seed: u64,
}

/// The list in the form that the agent reads.
#[derive(Serialize, Deserialize)]
struct EventFile {
    bucket: String,
    key: Vec<String>,
}

impl ImageSet {
    /// Makes the set, in place of one that was made there before; says how many objects it holds.
    /// `go_on` is asked before each image, and told how many are made.
    ///
    /// # Errors
    /// Where the folder holds anything that was not made here, a file cannot be written, or
    /// `go_on` says no; the folder then holds no ground truth.
    pub fn make(&self, go_on: impl Fn(u32) -> bool) -> Result<usize, SimulationError> {
        self.take_folder()?;
        let mut truth = InstancesFile::new();
        let mut keys = Vec::new();
        for number in 1..=self.count {
            if !go_on(number - 1) {
                return Err(SimulationError::Interrupted);
            }
            let file_name = format!("{number:012}.jpg");
            let scene = Scene::draw(&mut self.generator(number));
            write_jpeg(&self.folder.join(&file_name), &scene)?;
            truth.add(u64::from(number), file_name.clone(), &scene);
            keys.push(file_name);
        }
        let event = EventFile { bucket: "simulated-images".to_owned(), key: keys };
        write_json(&self.folder.join(EVENT_FILE_NAME), &event)?;
        write_json(&self.folder.join(ground_truth::FILE_NAME), &truth)?;
        Ok(truth.object_count())
    }

    fn generator(&self, number: u32) -> ChaCha8Rng {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(u64::from(number));
        generator
    }

    /// Makes the folder, or takes out of one that was made here what was made.
    fn take_folder(&self) -> Result<(), SimulationError> {
        let folder = &self.folder;
        fs::create_dir_all(folder).map_err(cannot_write(folder))?;
        let marker = folder.join(MARKER_FILE_NAME);
        let is_empty = fs::read_dir(folder).map_err(cannot_write(folder))?.next().is_none();
        if !is_empty && !marker.exists() {
            return Err(SimulationError::ForeignFolder { path: folder.clone() });
        }
        fs::write(&marker, "made by armol-agent simulate images\n")
            .map_err(cannot_write(&marker))?;
        let event = folder.join(EVENT_FILE_NAME);
        // The ground truth goes first: without it, what is left is no set.
        let mut ours = vec![folder.join(ground_truth::FILE_NAME)];
        ours.extend(images_listed_in(&event).into_iter().map(|name| folder.join(name)));
        ours.push(event);
        for path in ours.iter().filter(|path| path.exists()) {
            fs::remove_file(path).map_err(cannot_write(path))?;
        }
        Ok(())
    }
}

/// The images of a set that was made before, as far as they bear names that are given here; none
/// where there is no readable list. Other files in the folder are somebody's own.
fn images_listed_in(event: &Path) -> Vec<String> {
    let is_number = |stem: &str| stem.len() == 12 && stem.bytes().all(|byte| byte.is_ascii_digit());
    let is_ours = |name: &String| name.strip_suffix(".jpg").is_some_and(is_number);
    let read = fs::read(event).ok();
    let listed = read.and_then(|bytes| serde_json::from_slice::<EventFile>(&bytes).ok());
    listed.map(|list| list.key.into_iter().filter(is_ours).collect()).unwrap_or_default()
}

fn write_jpeg(path: &Path, scene: &Scene) -> Result<(), SimulationError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
        .encode_image(&painter::paint(scene))
        .map_err(|source| SimulationError::Encode { path: path.to_owned(), source })?;
    fs::write(path, bytes).map_err(cannot_write(path))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), SimulationError> {
    let mut file = BufWriter::new(fs::File::create(path).map_err(cannot_write(path))?);
    serde_json::to_writer(&mut file, value)
        .map_err(io::Error::from)
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.flush())
        .map_err(cannot_write(path))
}

fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> SimulationError {
    let path = path.to_owned();
    move |source| SimulationError::Write { path, source }
}
