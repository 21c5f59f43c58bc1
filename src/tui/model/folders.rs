//! Walking the folders of keys: a table by [`Dimension::Path`] lists the subfolders and files of the folder that the filter
//! names.

use crate::log::Field;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Value};
use crate::tui::model::{Layer, TableKind};
use crate::tui::{cell_text, format};

/// What a row of a table of folders or of prefixes is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FolderRow {
    /// A folder, with the `/` at its end.
    Folder(Vec<u8>),
    /// The keys directly in this folder; empty: those without a folder.
    FilesOf(Vec<u8>),
    /// A file: its key.
    File(Value),
}

fn slashes(text: &[u8]) -> usize {
    memchr::memchr_iter(b'/', text).count()
}

/// What the row with this value is; `None` if `by` is about something else, or the key is absent.
pub(crate) fn row(by: &Dimension, value: &Value) -> Option<FolderRow> {
    let (Dimension::Path { depth } | Dimension::Prefix { depth }, Value::Text(text)) = (by, value) else {
        return None;
    };
    let is_folder = text.ends_with(b"/") && slashes(text) == usize::from(*depth);
    Some(match by {
        _ if is_folder => FolderRow::Folder(text.to_vec()),
        Dimension::Prefix { .. } => FolderRow::FilesOf(text.to_vec()),
        _ => FolderRow::File(value.clone()),
    })
}

/// The folder that a term of the filter names, with its number of folders.
fn folder_of(term: &Filter) -> Option<(&[u8], u8)> {
    match term {
        Filter::Term(Subject::Derived(Dimension::Prefix { depth }), Test::Equals(text))
            if slashes(text) == usize::from(*depth) && text.ends_with(b"/") =>
        {
            Some((text, *depth))
        }
        _ => None,
    }
}

/// The name of the folder or of the key that a term of the filter names, without the folders around it.
pub(crate) fn name_of(term: &Filter) -> Option<&[u8]> {
    let text = match term {
        Filter::Term(Subject::Field(Field::Key), Test::Equals(key)) => key,
        term => folder_of(term)?.0,
    };
    let inside = text.strip_suffix(b"/").unwrap_or(text);
    Some(memchr::memrchr(b'/', inside).map_or(text, |slash| &text[slash + 1..]))
}

/// The innermost folder that a filter names, and its number of folders; nothing and 0: the root.
pub(crate) fn present(filter: &Filter) -> (&[u8], u8) {
    let folders = filter.terms().iter().filter_map(folder_of);
    folders.max_by_key(|(_, depth)| *depth).unwrap_or_default()
}

/// The filter without its folders, and with `folder` if it is not the root.
pub(crate) fn within(filter: &Filter, folder: &[u8]) -> Filter {
    let others = filter.terms().iter().filter(|term| folder_of(term).is_none()).cloned();
    let depth = u8::try_from(slashes(folder)).ok().filter(|depth| *depth > 0);
    let term = depth.map(|depth| {
        let by = Dimension::Prefix { depth };
        Filter::term_for(&by, &Value::Text(folder.into()))
    });
    Filter::all(others.chain(term))
}

/// The dimension that lists the folder that the filter names; `None`: it is too deep.
pub(crate) fn listing(filter: &Filter) -> Option<Dimension> {
    let (_, depth) = present(filter);
    Some(Dimension::Path { depth: depth.checked_add(1)? })
}

/// The folder above the one that a layer lists; `None` if it lists none, or the root.
pub(crate) fn above(layer: &Layer) -> Option<Vec<u8>> {
    let TableKind::Groups(Dimension::Path { depth }) = &layer.table().kind else { return None };
    let (folder, of) = present(&layer.filter);
    if of == 0 || of + 1 != *depth {
        return None;
    }
    let parent = folder.strip_suffix(b"/").unwrap_or(folder);
    Some(memchr::memrchr(b'/', parent).map_or(Vec::new(), |slash| parent[..=slash].to_vec()))
}

/// The text of a value of a table by `by` with this filter, with control characters made visible: what a folder contains is
/// named without the folder.
pub(crate) fn text_in(by: &Dimension, filter: &Filter, value: &Value) -> String {
    match name_in(by, filter, value) {
        Some([]) => "(this folder)".to_owned(),
        Some(name) => format::value(&Value::Text(name.into())),
        None => cell_text::of_group(by, value),
    }
}

fn name_in<'a>(by: &Dimension, filter: &Filter, value: &'a Value) -> Option<&'a [u8]> {
    let (Dimension::Path { depth }, Value::Text(text)) = (by, value) else { return None };
    let (folder, of) = present(filter);
    if of == 0 || of + 1 != *depth {
        return None;
    }
    text.strip_prefix(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_folders_or_files() {
        let row = |by: &str, text: &str| row(&Dimension::by_name(by).unwrap(), &Value::from(text)).unwrap();
        assert_eq!(row("path", "a/"), FolderRow::Folder(b"a/".to_vec()));
        assert_eq!(row("path/2", "a/b/"), FolderRow::Folder(b"a/b/".to_vec()));
        assert_eq!(row("path/2", "a/b"), FolderRow::File(Value::from("a/b")));
        // The object whose key is the folder itself.
        assert_eq!(row("path/2", "a/"), FolderRow::File(Value::from("a/")));
        assert_eq!(row("prefix/2", "a/b/"), FolderRow::Folder(b"a/b/".to_vec()));
        assert_eq!(row("prefix/2", "a/"), FolderRow::FilesOf(b"a/".to_vec()));
        assert_eq!(row("prefix", ""), FolderRow::FilesOf(Vec::new()));
    }

    #[test]
    fn a_filter_names_one_folder() {
        let filter = Filter::parse("status:403 prefix:a/", 0).unwrap();
        assert_eq!(present(&filter), (&b"a/"[..], 1));
        let deeper = within(&filter, b"a/b/");
        assert_eq!(deeper.to_string(), "http_status:403 prefix/2:a/b/");
        assert_eq!(within(&deeper, b"").to_string(), "http_status:403");
        assert_eq!(listing(&deeper), Some(Dimension::Path { depth: 3 }));
    }
}
