//! A JSON Schema (draft 2020-12) of the configuration file.

use serde_json::{Map, Value, json};

use super::names::Names;
use crate::config::schema::{KEYS, KeySpec, Kind, SECTIONS};

/// The schema.
pub(super) fn schema() -> Value {
    let names = Names::all();
    let mut schema = table(&[], &names);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".to_owned(), json!("The configuration file of Tamarin"));
    }
    schema
}

/// The schema of the table at `path`.
fn table(path: &[&'static str], names: &Names) -> Value {
    let mut properties = Map::new();
    let mut others = json!(false);
    let inside = |key: &&KeySpec| key.path.len() > path.len() && key.path.starts_with(path);
    for key in KEYS.iter().filter(inside) {
        let Some(name) = key.path.get(path.len()).copied() else { continue };
        let inner: Vec<&'static str> = path.iter().copied().chain([name]).collect();
        let of = if key.path.len() == inner.len() { value(key, names) } else { table(&inner, names) };
        if name == "*" {
            match names.of_path(&inner).as_slice() {
                [] => others = of,
                known => properties.extend(known.iter().map(|known| (known.clone(), of.clone()))),
            }
        } else {
            properties.insert(name.to_owned(), of);
        }
    }
    let about = SECTIONS.iter().find(|section| section.path == path && !path.is_empty());
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": others });
    if let (Some(section), Some(object)) = (about, object.as_object_mut()) {
        object.insert("description".to_owned(), json!(section.about));
    }
    object
}

fn value(key: &KeySpec, names: &Names) -> Value {
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let mut schema = match key.kind {
        Kind::Text | Kind::Path | Kind::Style | Kind::Filter | Kind::Time => json!({ "type": "string" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Dollars => json!({ "type": "number", "minimum": 0 }),
        Kind::Count => json!({ "type": "integer", "minimum": 1 }),
        Kind::Texts | Kind::Paths => texts(),
        Kind::Accounts => json!({ "type": "array", "items": { "type": "string", "pattern": "^[0-9]{12}$" } }),
        Kind::Keys => json!({ "anyOf": [{ "type": "string" }, texts()] }),
        // Dimensions may have parameters, and themes may be of the user: names are examples only.
        Kind::Table => json!({ "type": "string", "examples": names.tables }),
        Kind::Theme => {
            let themes = names.themes.iter().map(|(name, _)| name.as_str()).chain(["auto"]);
            json!({ "type": "string", "examples": themes.collect::<Vec<_>>() })
        }
        Kind::Sort => {
            let columns = names.all_columns().join("|");
            json!({ "type": "string", "pattern": format!("^(value|{columns})(:(asc|desc))?$") })
        }
        Kind::Columns => {
            json!({ "type": "array", "items": { "type": "string", "examples": names.all_columns() } })
        }
    };
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), json!(key.about));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_the_schema() {
        let schema = schema();
        for key in &KEYS {
            let mut place = &schema;
            for name in key.path {
                place = match *name {
                    "*" => match &place["additionalProperties"] {
                        Value::Object(_) => &place["additionalProperties"],
                        _ => place["properties"].as_object().unwrap().values().next().unwrap(),
                    },
                    name => &place["properties"][name],
                };
            }
            assert_eq!(place["description"], key.about, "{:?}", key.path);
        }
        assert_eq!(schema["additionalProperties"], false);
        assert!(schema["properties"]["keys"]["properties"]["table"]["properties"]["sort"].is_object());
    }
}
