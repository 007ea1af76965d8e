use super::*;

/// Prints what an entry costs: `cargo test --release -p mainstay-core -- --ignored --nocapture cost`.
#[test]
#[ignore = "a measurement, not a check"]
#[allow(clippy::print_stderr)]
fn cost_of_a_year_of_entries() {
    let journal = include_str!("../../../../examples/data/journal.ndjson");
    let start = std::time::Instant::now();
    let imports: Vec<_> =
        crate::ndjson::Reader::new(journal.as_bytes(), jiff::Timestamp::UNIX_EPOCH)
            .map(|parsed| parsed.unwrap().unwrap())
            .collect();
    let parsed = start.elapsed();
    let docs: Vec<_> =
        imports.iter().map(|i| EntryDoc::create(ANNA, 0, &i.fields).unwrap().save()).collect();
    let created = start.elapsed();
    let loaded: Vec<_> = docs.iter().map(|bytes| EntryDoc::load(bytes).unwrap()).collect();
    let load = start.elapsed();
    let rows: Vec<_> =
        imports.iter().zip(&loaded).map(|(i, doc)| Row::from_doc(i.id, doc)).collect();
    let read = start.elapsed();
    let page = minicbor::to_vec(&rows).unwrap();
    let written = start.elapsed();
    let again: Vec<Row> = minicbor::decode(&page).unwrap();
    eprintln!(
        "{} entries: parse {parsed:?}, create and save {:?} ({} bytes), load {:?}, rows {:?}, page {:?} ({} bytes), read page {:?}",
        again.len(),
        created - parsed,
        docs.iter().map(Vec::len).sum::<usize>(),
        load - created,
        read - load,
        written - read,
        page.len(),
        start.elapsed() - written,
    );
}
