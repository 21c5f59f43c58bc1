//! Writes the same requests of the demo as text, JSON and Parquet, each in one file: `access.log`, `access.json` and
//! `access.parquet`. `benches/structured.py` compares how fast they are pulled.
//!
//! `cargo run --release --example structured_logs -- FOLDER REQUESTS`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use tamarin::demo::{Demo, DemoOptions, LogFormat};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, requests] = arguments.as_slice() else {
        return Err("usage: structured_logs FOLDER REQUESTS".into());
    };
    let demo = Demo::new(DemoOptions { requests: requests.parse()?, seed: 7 });
    let mut text = Vec::new();
    demo.write_to_file(&mut text)?;
    for (name, format) in [
        ("access.log", LogFormat::Text),
        ("access.json", LogFormat::Json),
        ("access.parquet", LogFormat::Parquet),
    ] {
        let mut file = BufWriter::new(File::create(Path::new(folder).join(name))?);
        format.write(&text, &mut file)?;
        file.flush()?;
    }
    Ok(())
}
