//! Compiles the recorder. The tests fail without a C compiler: they prove nothing without it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The compiled shim, made once per run.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/shim.c");
        // Two runs of the tests at once must not see half of each other's file.
        let fresh = folder.join(format!("shim-{}.so", std::process::id()));
        let library = folder.join("mainstay-shim.so");
        let compiled = Command::new("cc")
            .args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
            .args([&fresh, &source])
            .arg("-lpthread")
            .status()
            .expect("the power-loss tests need a C compiler called cc");
        assert!(compiled.success(), "cc could not compile tests/power/shim.c");
        std::fs::rename(&fresh, &library).unwrap();
        library
    })
}
