//! Imports go one way, without cycles: docs/architecture.md describes the modules, this test checks their imports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Each module of `src/` with the modules that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("log", &[]),
    ("human", &[]),
    ("config", &[]),
    ("source", &["log"]),
    ("demo", &["log", "source"]),
    ("cache", &["log"]),
    ("ingest", &["log", "source", "cache"]),
    ("identity", &["log"]),
    ("query", &["log", "cache", "identity"]),
    ("insight", &["log", "human", "identity", "query"]),
    ("export", &["log", "human", "query", "insight"]),
    ("tui", &["log", "human", "config", "identity", "source", "ingest", "query", "insight", "export"]),
    (
        "commands",
        &[
            "log", "human", "config", "identity", "source", "demo", "cache", "ingest", "query", "insight",
            "export", "tui",
        ],
    ),
];

/// Parts of the explorer with the parts of it that they may not import.
const MAY_NOT_IMPORT_IN_TUI: &[(&str, &[&str])] = &[
    ("format", &["app", "model", "update", "view"]),
    ("widgets", &["app", "model", "update", "view"]),
    ("model", &["app", "update", "view"]),
    ("update", &["app", "view"]),
    ("view", &["app", "update"]),
];

fn source_files(folder: &Path) -> Vec<PathBuf> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The names that follow `prefix` in paths, such as `cache` in `crate::cache::Writer` and in `crate::{cache, log}`.
fn names_after(prefix: &str, code: &str) -> BTreeSet<String> {
    let path = Regex::new(&format!(r"\b{prefix}::(?:(\w+)|\{{([^;]*?)\}};)")).unwrap();
    let mut names = BTreeSet::new();
    for found in path.captures_iter(code) {
        if let Some(name) = found.get(1) {
            names.insert(name.as_str().to_owned());
        }
        if let Some(list) = found.get(2) {
            let mut depth = 0;
            for part in list.as_str().split_inclusive(['{', '}', ',']) {
                let name: String =
                    part.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if depth == 0 && !name.is_empty() {
                    names.insert(name);
                }
                depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
            }
        }
    }
    names
}

/// The code of a file without comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_module_imports_a_module_to_its_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules: BTreeSet<&str> = MAY_IMPORT.iter().map(|(module, _)| *module).collect();
    let mut wrong = Vec::new();
    for path in source_files(&root) {
        let relative = path.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.strip_suffix(".rs").unwrap_or(first);
        if matches!(module, "lib" | "main") {
            continue;
        }
        let (_, allowed) = MAY_IMPORT.iter().find(|(name, _)| *name == module).unwrap_or_else(|| {
            panic!(
                "{module} is a new module: say in this test and in docs/architecture.md what it may import"
            )
        });
        for name in names_after("crate", &code(&path)) {
            if name != module && modules.contains(name.as_str()) && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} imports {name}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the direction:\n{}", wrong.join("\n"));
}

#[test]
fn update_and_view_share_the_model_and_do_not_import_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui");
    let mut wrong = Vec::new();
    for (part, forbidden) in MAY_NOT_IMPORT_IN_TUI {
        let (folder, file) = (root.join(part), root.join(format!("{part}.rs")));
        let mut files = if folder.exists() { source_files(&folder) } else { Vec::new() };
        files.extend(file.exists().then_some(file));
        assert!(!files.is_empty(), "src/tui has no {part}");
        for path in files {
            let code = code(&path);
            // Tests drive the whole explorer.
            let code = code.split("#[cfg(test)]").next().unwrap();
            let relative = path.strip_prefix(&root).unwrap();
            let mut names = names_after("crate::tui", code);
            // `super` is `tui` in the file of a part itself and in `mod.rs`, one level up from any other file.
            let is_root_of_part = relative.components().count() == 1 || relative.ends_with("mod.rs");
            names.extend(names_after(if is_root_of_part { "super" } else { "super::super" }, code));
            for name in forbidden.iter().filter(|name| names.contains(**name)) {
                wrong.push(format!("tui/{} imports tui/{name}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the direction:\n{}", wrong.join("\n"));
}

#[test]
fn names_are_found_in_every_form_of_an_import() {
    let code = "use crate::cache::{Writer, write};\nuse crate::{log::{self, time}, query};\nlet a = crate::tui::run();";
    let names: Vec<String> = names_after("crate", code).into_iter().collect();
    assert_eq!(names, ["cache", "log", "query", "tui"]);
}
