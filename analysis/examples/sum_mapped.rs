//! Maps a file and adds up its bytes: the least that reading all of it can cost.
//! `cargo run --release --example sum_mapped -- FILE`.

use std::{
    env,
    error::Error,
    fs::File,
    io::{self, Write},
};

use memmap2::Mmap;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: sum_mapped FILE")?;
    let file = File::open(path)?;
    // SAFETY: bytes of any value are fine, and the benchmark that runs this owns the file.
    #[expect(unsafe_code, reason = "a mapped file may be changed by others while it is read")]
    let bytes = unsafe { Mmap::map(&file)? };
    let sum: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
    Ok(writeln!(io::stdout(), "{sum}")?)
}
