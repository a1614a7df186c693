//! Puts the commit into the version that every binary prints.
//!
//! A release build follows the checkout's HEAD; a debug build says only that it is one, so that a
//! commit does not rebuild the workspace.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let package = env!("CARGO_PKG_VERSION");
    let debug = std::env::var_os("PROFILE").is_some_and(|profile| profile == "debug");
    let detail = if debug { "debug build".to_owned() } else { commit() };
    println!("cargo::rustc-env=ARMOL_VERSION={package} ({detail})");
}

/// The short commit of the checkout, and that it was changed where it was; "unknown commit"
/// outside a checkout, such as a source archive.
fn commit() -> String {
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["describe", "--always", "--dirty=+changes", "--exclude=*"])
        .unwrap_or_else(|| "unknown commit".to_owned())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
