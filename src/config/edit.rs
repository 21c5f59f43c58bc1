//! Adds an investigation to the text of a configuration file. Everything else stays as it is, comments included.

use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::Investigation;

/// The text of the file with the investigation `name`, which replaces one of the same name.
///
/// # Errors
/// If the text is not TOML, or `investigations` is not a table.
pub(crate) fn with_investigation(
    text: &str,
    name: &str,
    investigation: &Investigation,
) -> Result<String, String> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    let all = document.entry("investigations").or_insert_with(|| {
        let mut table = Table::new();
        // Only the tables in it have a heading.
        table.set_implicit(true);
        Item::Table(table)
    });
    let Some(all) = all.as_table_like_mut() else { return Err("investigations is not a table".to_owned()) };
    let mut columns = Array::new();
    columns.extend(investigation.columns.iter().map(String::as_str));
    let Investigation { about, topic, table, filter, sort, since, until, .. } = investigation;
    let texts = [
        ("about", about),
        ("topic", topic),
        ("table", table),
        ("filter", filter),
        ("sort", sort),
        ("since", since),
        ("until", until),
    ];
    let is_new = !all.get(name).is_some_and(Item::is_table_like);
    if is_new {
        let mut entry = Table::new();
        entry.decor_mut().set_prefix("\n");
        all.insert(name, Item::Table(entry));
    }
    let Some(entry) = all.get_mut(name).and_then(Item::as_table_like_mut) else {
        return Err(format!("investigations.{name} is not a table"));
    };
    for (key, text) in texts {
        match text.is_empty() {
            true => drop(entry.remove(key)),
            false => set(entry, key, value(text.as_str())),
        }
    }
    match columns.is_empty() {
        true => drop(entry.remove("columns")),
        false => set(entry, "columns", value(columns)),
    }
    Ok(document.to_string())
}

/// Sets a value. The comments above it and at the end of its line stay.
fn set(entry: &mut dyn toml_edit::TableLike, key: &str, mut item: Item) {
    let Some(old) = entry.get_mut(key) else { return drop(entry.insert(key, item)) };
    if let (Some(old), Some(new)) = (old.as_value(), item.as_value_mut()) {
        *new.decor_mut() = old.decor().clone();
    }
    *old = item;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Investigation {
        Investigation {
            about: "Says \"no\".".to_owned(),
            table: "remote_ip".to_owned(),
            filter: "key~\"^a\\.b\"".to_owned(),
            columns: vec!["requests".to_owned(), "cost".to_owned()],
            ..Investigation::default()
        }
    }

    #[test]
    fn an_empty_file_gets_one_table() {
        let text = with_investigation("", "mine", &example()).unwrap();
        assert!(text.trim_start().starts_with("[investigations.mine]\n"), "{text}");
        let read: toml::Table = text.parse().unwrap();
        let read: Investigation = read["investigations"]["mine"].clone().try_into().unwrap();
        assert_eq!(read, example());
    }

    #[test]
    fn comments_and_other_values_stay() {
        let before = "# my file\nregion = \"eu-west-1\" # home\n\n[investigations.other]\n# why\ntable = \"key\"\n\n[prices]\n# cheap\ninternet = 0.05\n";
        let after = with_investigation(before, "mine", &example()).unwrap();
        for line in before.lines() {
            assert!(after.contains(line), "{line} is missing in\n{after}");
        }
        assert!(after.contains("[investigations.mine]"), "{after}");
    }

    #[test]
    fn an_investigation_is_replaced_and_its_comments_stay() {
        let before = "[investigations.mine]\n# important\ntable = \"key\" # not time\nsince = \"7d\"\n";
        let after = with_investigation(before, "mine", &example()).unwrap();
        assert!(after.contains("# important\ntable = \"remote_ip\" # not time\n"), "{after}");
        assert!(!after.contains("since"), "{after}");
        assert_eq!(after.matches("[investigations.mine]").count(), 1, "{after}");
    }

    #[test]
    fn names_with_other_characters_are_quoted() {
        let after = with_investigation("", "a.b", &example()).unwrap();
        assert!(after.contains("[investigations.\"a.b\"]"), "{after}");
        assert!(with_investigation("investigations = 3", "a", &example()).is_err());
    }
}
