//! Prints the findings of a cache, and how long the analysis took: `cargo run --release --example findings -- CACHE`.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tamarin::cache::Cache;
use tamarin::insight::{Scope, findings};
use tamarin::query::LocalEngine;
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: findings CACHE")?;
    let engine = LocalEngine::new(Arc::new(Cache::open(Path::new(&path))?));
    let begun = Instant::now();
    let found = findings::find(&engine, &Scope::default(), &CancellationToken::new(), &mut |found, done| {
        let ms = begun.elapsed().as_millis();
        println!("{ms:6} ms  {:3.0} %  {} findings", done * 100.0, found.findings.len());
    })?;
    println!("{:6} ms", begun.elapsed().as_millis());
    for (heading, list) in [("findings", &found.findings), ("ordinary", &found.benign)] {
        println!("{heading}:");
        for finding in list {
            println!("{:5.1} {:18} {}", finding.score, finding.kind.name(), finding.explanation);
            println!("      {}  {}", finding.filter, finding.label.map_or("", |label| label.name()));
        }
    }
    Ok(())
}
