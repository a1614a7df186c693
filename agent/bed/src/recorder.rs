//! Keeps the packets of a run as a capture file, for methods that read such files.
//!
//! A handle of its own, beside the agent's: whole packets, because methods without the agent's
//! markers look into TLS records' headers.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use pcap::{Active, BreakLoop, Packet, Precision};
use thiserror::Error;

/// Longer than the longest packet with its link-layer header: super-packets are up to 64 KB without.
const SNAPLEN: u32 = 256 * 1024;

/// The kernel's buffer, in bytes: several of the longest requests.
const BUFFER_BYTES: i32 = 64 * 1024 * 1024;

/// Why packets cannot be kept.
#[derive(Debug, Error)]
pub(crate) enum RecorderError {
    /// The interface cannot be opened.
    #[error("cannot record packets; run as root")]
    Open(#[source] pcap::Error),
    /// Reading them failed.
    #[error("the recording broke off")]
    Read(#[source] pcap::Error),
    /// The file cannot be written.
    #[error("cannot write {}; check --keep, TMPDIR and the disk's space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no thread for it.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The thread ended too early.
    #[error("the recording ended too early")]
    Ended,
}

/// A recording under way.
pub(crate) struct Recorder {
    stop: Arc<AtomicBool>,
    /// Wakes the thread, which otherwise waits for a packet however long it takes.
    wake: BreakLoop,
    thread: JoinHandle<Result<(), RecorderError>>,
}

/// A capture file being written.
struct CaptureFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Recorder {
    /// Begins to keep TCP packets of an interface and a port in a file.
    ///
    /// # Errors
    /// Where the interface cannot be opened or the file cannot be written.
    pub(crate) fn start(interface: &str, port: u16, path: &Path) -> Result<Self, RecorderError> {
        let mut handle = pcap::Capture::from_device(interface)
            .map_err(RecorderError::Open)?
            .immediate_mode(true)
            .promisc(false)
            .snaplen(i32::try_from(SNAPLEN).unwrap_or(i32::MAX))
            .buffer_size(BUFFER_BYTES)
            .precision(Precision::Nano)
            .open()
            .map_err(RecorderError::Open)?;
        handle.filter(&format!("tcp port {port}"), true).map_err(RecorderError::Open)?;
        let file = CaptureFile::create(path, handle.get_datalink().0)?;
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let wake = handle.breakloop_handle();
        let thread = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || keep(handle, file, &asked))
            .map_err(RecorderError::Thread)?;
        Ok(Self { stop, wake, thread })
    }

    /// Takes the packets that are in, and ends the file.
    ///
    /// # Errors
    /// Where packets could not be read or written.
    pub(crate) fn stop(self) -> Result<(), RecorderError> {
        self.stop.store(true, Ordering::Relaxed);
        self.wake.breakloop();
        self.thread.join().map_err(|_| RecorderError::Ended)?
    }
}

fn keep(
    mut handle: pcap::Capture<Active>,
    mut file: CaptureFile,
    stop: &AtomicBool,
) -> Result<(), RecorderError> {
    while !stop.load(Ordering::Relaxed) {
        match handle.next_packet() {
            Ok(packet) => file.write(&packet)?,
            Err(pcap::Error::TimeoutExpired) => {}
            Err(_woken) if stop.load(Ordering::Relaxed) => break,
            Err(error) => return Err(RecorderError::Read(error)),
        }
    }
    let mut handle = handle.setnonblock().map_err(RecorderError::Read)?;
    // Who asked to stop may have woken a read that was to come: that one brings nothing, the next may.
    let mut woken = false;
    loop {
        match handle.next_packet() {
            Ok(packet) => file.write(&packet)?,
            Err(pcap::Error::NoMorePackets) if !woken => woken = true,
            Err(_) => return file.end(),
        }
    }
}

impl CaptureFile {
    /// Begins a file of the pcap format, its stamps in nanoseconds.
    fn create(path: &Path, link_type: i32) -> Result<Self, RecorderError> {
        let failed = |source| RecorderError::Write { path: path.to_owned(), source };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        let mut header = Vec::with_capacity(24);
        header.extend(0xa1b2_3c4d_u32.to_le_bytes());
        header.extend([2, 0, 4, 0]);
        header.extend([0; 8]);
        header.extend(SNAPLEN.to_le_bytes());
        header.extend(link_type.to_le_bytes());
        file.write_all(&header).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file })
    }

    fn write(&mut self, packet: &Packet<'_>) -> Result<(), RecorderError> {
        let header = packet.header;
        // With `Precision::Nano` the field for microseconds holds nanoseconds.
        let words = [header.ts.tv_sec, header.ts.tv_usec, header.caplen.into(), header.len.into()];
        let words = words.map(|word| u32::try_from(word).unwrap_or(u32::MAX).to_le_bytes());
        let written = self.file.write_all(words.as_flattened());
        let written = written.and_then(|()| self.file.write_all(packet.data));
        written.map_err(|source| RecorderError::Write { path: self.path.clone(), source })
    }

    fn end(mut self) -> Result<(), RecorderError> {
        self.file.flush().map_err(|source| RecorderError::Write { path: self.path, source })
    }
}
