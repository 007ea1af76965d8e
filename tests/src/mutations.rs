//! The code, broken on purpose: what `tests/mutations/` lists.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One way to break the code, and the tests that are to notice.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    /// What is broken, in words.
    pub name: String,
    /// In which file, from the workspace's root.
    pub file: PathBuf,
    /// What stands there, in one place.
    pub find: String,
    /// What stands there instead.
    pub replace: String,
    /// The package whose tests are run.
    pub package: String,
    /// What is said to `cargo test` after the package.
    pub tests: String,
}

#[derive(Deserialize)]
struct List {
    mutation: Vec<Mutation>,
}

/// All that are listed.
///
/// # Errors
/// When a list cannot be read, in words.
pub fn listed(root: &Path) -> Result<Vec<Mutation>, String> {
    let folder = root.join("tests/mutations");
    let failed = |e: std::io::Error| format!("tests/mutations: {e}");
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        let list: List = toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        all.extend(list.mutation);
    }
    Ok(all)
}

impl Mutation {
    /// The file with this broken in it.
    ///
    /// # Errors
    /// When what is to be broken does not stand in exactly one place, in words.
    pub fn broken(&self, root: &Path) -> Result<String, String> {
        let file = self.file.display();
        let text = std::fs::read_to_string(root.join(&self.file));
        let text = text.map_err(|e| format!("{}: {file}: {e}", self.name))?;
        match text.matches(&self.find).count() {
            1 => Ok(text.replacen(&self.find, &self.replace, 1)),
            found => Err(format!("{}: {found} places in {file}, not one", self.name)),
        }
    }
}
