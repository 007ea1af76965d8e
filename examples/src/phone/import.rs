//! Entries from a file, and to one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use jiff::Timestamp;
use mainstay_core::engine::{Engine, Imported};
use mainstay_core::journal::Entry;
use mainstay_core::ndjson::{self, Reader};
use serde_json::{Value as Json, json};

use super::args::{ExportArgs, ExportFormat, ImportArgs};
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::{progress, words};

/// Entries handed to the engine at a time: the memory an import needs, whatever the file's size.
const AT_ONCE: usize = 256;

/// What came of an import so far.
#[derive(Default)]
struct Tally {
    added: usize,
    known: usize,
    rejected: Vec<(u64, String)>,
}

pub(super) async fn import(home: &Home, out: &Output, args: ImportArgs) -> Result<(), Failure> {
    let name = args.file.display().to_string();
    let cannot =
        |error: io::Error| Failure::new(format!("{name} cannot be read: {error}; check its name"));
    let (input, length): (Box<dyn BufRead>, u64) = match name.as_str() {
        "-" => (Box::new(BufReader::new(io::stdin())), 0),
        _ => {
            let file = File::open(&args.file).map_err(cannot)?;
            let about = file.metadata().map_err(cannot)?;
            if about.is_dir() {
                return Err(Failure::new(format!("{name} is a folder; name a file in it")));
            }
            (Box::new(BufReader::new(file)), about.len())
        }
    };
    let engine = home.open().await?;
    let tally = take_in(&engine, input, length).await;
    engine.suspend().await?;
    let tally = tally?;
    out.say(to_json(&tally), || text(&tally))
}

async fn take_in(engine: &Engine, input: Box<dyn BufRead>, length: u64) -> Result<Tally, Failure> {
    let bar = progress::bar(length, "importing");
    let input = bar.wrap_read(input);
    let mut reader = Reader::new(BufReader::new(input), Timestamp::now());
    let mut tally = Tally::default();
    let mut batch = Vec::with_capacity(AT_ONCE);
    loop {
        let next = reader.next_entry();
        let ended = !matches!(next, Ok(Some(_)));
        match &next {
            Ok(Some(Ok(import))) => match Entry::from_fields(import.id, &import.fields) {
                Ok(entry) => batch.push(entry),
                Err(error) => return Err(Failure::new(error.to_string())),
            },
            Ok(Some(Err(rejected))) => {
                tally.rejected.push((rejected.line, rejected.why.to_string()));
            }
            Ok(None) | Err(_) => {}
        }
        if batch.len() == AT_ONCE || ended {
            let Imported { added, known } = engine.import(std::mem::take(&mut batch)).await?;
            tally.added += added;
            tally.known += known;
        }
        match next {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                return Err(Failure::new(format!(
                    "the file broke off: {error}; {} entries were added, import it again",
                    tally.added
                )));
            }
        }
    }
    bar.finish_and_clear();
    Ok(tally)
}

fn to_json(tally: &Tally) -> Json {
    let rejected = tally.rejected.iter().map(|(line, why)| json!({ "line": line, "why": why }));
    json!({
        "added": tally.added,
        "known": tally.known,
        "rejected": rejected.collect::<Vec<_>>(),
    })
}

fn text(tally: &Tally) -> String {
    let mut text = format!("{} added", words::entries(tally.added as u64));
    if tally.known > 0 {
        text.push_str(&format!(", {} were here already", tally.known));
    }
    for (line, why) in &tally.rejected {
        text.push_str(&format!("\nline {line} was left out: {why}"));
    }
    text
}

pub(super) async fn export(home: &Home, out: &Output, args: ExportArgs) -> Result<(), Failure> {
    let ExportFormat::Ndjson = args.format;
    let engine = home.open().await?;
    let entries = match &args.output {
        None => {
            let mut stdout = BufWriter::new(io::stdout());
            write_all(&engine, &mut stdout).await?;
            return Ok(engine.suspend().await?);
        }
        Some(path) => to_file(&engine, path).await?,
    };
    engine.suspend().await?;
    out.say(json!({ "entries": entries }), || format!("{} written", words::entries(entries)))
}

/// For the owner alone, and all of it or nothing: what was in the file before stays until then.
async fn to_file(engine: &Engine, path: &Path) -> Result<u64, Failure> {
    let cannot = |error: io::Error| {
        Failure::new(format!("{} cannot be written: {error}; name another file", path.display()))
    };
    if path.is_dir() {
        return Err(Failure::new(format!("{} is a folder; name a file in it", path.display())));
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = BufWriter::new(tempfile::NamedTempFile::new_in(dir).map_err(cannot)?);
    let entries = write_all(engine, &mut file).await?;
    let file = file.into_inner().map_err(|error| cannot(error.into_error()))?;
    file.as_file().sync_all().map_err(cannot)?;
    file.persist(path).map_err(|error| cannot(error.error))?;
    Ok(entries)
}

/// One chapter at a time, so that ten years need the memory of a month.
async fn write_all(engine: &Engine, to: &mut impl Write) -> Result<u64, Failure> {
    let mut entries = 0;
    for month in engine.chapters().await? {
        for row in engine.chapter(month).await? {
            writeln!(to, "{}", ndjson::to_line(&row))?;
            entries += 1;
        }
    }
    to.flush()?;
    Ok(entries)
}
