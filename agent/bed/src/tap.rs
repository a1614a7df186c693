//! A TAP device: an Ethernet port whose cable ends in this process.
//!
//! The only file with unsafe code. Every frame is read and written with the header in which the
//! kernel says what the sender's network card would still have to do (`virtio_net_hdr`); handing
//! it on unchanged lets a frame of up to 64 KB cross as one, where that is allowed.

use std::{
    ffi::c_int,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{Mode, OFlags},
    ioctl,
    thread::UnshareFlags,
};

/// The length of `virtio_net_hdr`.
pub(crate) const OFFLOAD_HEADER: usize = 10;

/// Room for the largest frame with its offload header.
pub(crate) const LARGEST_FRAME: usize = OFFLOAD_HEADER + 14 + 65_536;

/// `IFF_TAP | IFF_NO_PI | IFF_VNET_HDR` of `linux/if_tun.h`.
const DEVICE_KIND: u16 = 0x0002 | 0x1000 | 0x4000;

/// `TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6`: the process takes super-packets without checksums.
const SUPER_PACKETS: usize = 0x01 | 0x02 | 0x04;

const TUNSETIFF: ioctl::Opcode = ioctl::opcode::write::<c_int>(b'T', 202);
const TUNSETOFFLOAD: ioctl::Opcode = ioctl::opcode::write::<c_int>(b'T', 208);

/// The device's end in this process; the device is there for as long as this is.
#[derive(Debug)]
pub(crate) struct Tap(OwnedFd);

/// `struct ifreq` as `TUNSETIFF` takes it.
#[derive(Debug)]
#[repr(C)]
struct InterfaceRequest {
    name: [u8; 16],
    kind: u16,
    rest: [u8; 22],
}

impl Tap {
    /// Makes a device in the network namespace of the thread that asks.
    ///
    /// # Errors
    /// Where `/dev/net/tun` is missing, or making devices needs more privileges.
    pub(crate) fn make(name: &str, super_packets: bool) -> io::Result<Self> {
        let file = rustix::fs::open(
            "/dev/net/tun",
            OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let mut request = InterfaceRequest { name: [0; 16], kind: DEVICE_KIND, rest: [0; 22] };
        // The last byte stays zero and ends the name.
        for (place, byte) in request.name.iter_mut().take(15).zip(name.bytes()) {
            *place = byte;
        }
        let offload = if super_packets { SUPER_PACKETS } else { 0 };
        #[expect(unsafe_code, reason = "there is no other way to make a TAP device")]
        // SAFETY: TUNSETIFF reads and writes one `struct ifreq`, 40 bytes long, which is what
        // `InterfaceRequest` is laid out as; TUNSETOFFLOAD takes an integer. `file` is open.
        unsafe {
            ioctl::ioctl(&file, ioctl::Setter::<TUNSETIFF, _>::new(request))?;
            ioctl::ioctl(&file, ioctl::IntegerSetter::<TUNSETOFFLOAD>::new_usize(offload))?;
        }
        Ok(Self(file))
    }

    /// Reads the next frame that the kernel sent; `None` where there is none yet.
    ///
    /// # Errors
    /// Where the device is broken.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match rustix::io::read(&self.0, buffer) {
            Ok(length) => Ok(Some(length)),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Hands the kernel a frame, as if it had arrived.
    ///
    /// # Errors
    /// Where the device is broken or the kernel does not like the frame.
    pub(crate) fn write(&self, frame: &[u8]) -> io::Result<()> {
        rustix::io::write(&self.0, frame)?;
        Ok(())
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Gives the calling thread a network namespace of its own, which ends with its last user.
///
/// # Errors
/// Where that needs more privileges.
pub(crate) fn leave_network() -> io::Result<()> {
    #[expect(unsafe_code, reason = "a network of one's own cannot be had otherwise")]
    // SAFETY: unsharing is unsafe for what the standard library takes to be shared among threads:
    // descriptors and the working directory. NEWNET touches neither.
    unsafe {
        rustix::thread::unshare_unsafe(UnshareFlags::NEWNET)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_as_long_as_the_kernels() {
        assert_eq!(size_of::<InterfaceRequest>(), 40);
    }
}
