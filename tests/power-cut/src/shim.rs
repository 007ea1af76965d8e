//! Compiles the recorder. The tests fail without a C compiler: they prove nothing without it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Names the folder to watch.
pub const ROOT: &str = "MAINSTAY_SHIM_ROOT";
/// Names the file whose writes are acknowledgements.
pub const ACKS: &str = "MAINSTAY_SHIM_ACKS";
/// Names the record.
pub const LOG: &str = "MAINSTAY_SHIM_LOG";
/// Which call is to fail, from 1.
pub const FAIL_AT: &str = "MAINSTAY_SHIM_FAIL_AT";
/// With which error.
pub const ERRNO: &str = "MAINSTAY_SHIM_ERRNO";

/// Linux' `EIO`.
pub const IO_ERROR: i32 = 5;
/// Linux' `ENOSPC`.
pub const NO_SPACE: i32 = 28;

/// The compiled shim in `folder`, made once per run.
pub fn library(folder: &Path) -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/shim.c");
        // Two runs of the tests at once must not see half of each other's file.
        let fresh = folder.join(format!("shim-{}.so", std::process::id()));
        let library = folder.join("mainstay-shim.so");
        let compiled = Command::new("cc")
            .args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
            .args([&fresh, &source])
            .arg("-lpthread")
            .status()
            .expect("the power-loss tests need a C compiler called cc");
        assert!(compiled.success(), "cc could not compile {}", source.display());
        std::fs::rename(&fresh, &library).unwrap();
        library
    })
}
