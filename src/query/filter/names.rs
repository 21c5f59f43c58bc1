//! The names that a term can begin with: fields, derived dimensions, `any`.

use super::Subject;
use super::invisible::is_invisible;
use super::quote::quote;
use super::tokens::SyntaxError;
use crate::log::{FIELDS, Field};
use crate::query::Dimension;
use crate::query::dimension::QUERY_PARAM;

/// The name of [`Subject::Anywhere`]. It is needed only before an operator: `any~bot`.
pub(super) const ANYWHERE: &str = "any";

pub(super) const EXPECTED_PARAM: &str =
    "expected the name of a query parameter, as in query_param:x-user=ann";

/// Longest part of a name, in characters, that messages show and suggestions consider.
const MAX_NAME_CHARS: usize = 40;

/// Every canonical name that can precede an operator.
pub(super) fn all_names() -> Vec<String> {
    let derived =
        Dimension::choices().into_iter().filter(|dimension| !matches!(dimension, Dimension::Field(_)));
    let mut names: Vec<String> = FIELDS.iter().map(|spec| spec.name.to_owned()).collect();
    names.extend(derived.map(|dimension| dimension.name()));
    names.push(QUERY_PARAM[0].to_owned());
    names.push(ANYWHERE.to_owned());
    names
}

/// The subject with this canonical name or alias.
pub(super) fn subject_by_name(name: &str) -> Option<Subject> {
    if name.eq_ignore_ascii_case(ANYWHERE) {
        return Some(Subject::Anywhere);
    }
    match (Field::by_name(name), Dimension::by_name(name)) {
        (Some(field), _) | (None, Some(Dimension::Field(field))) => Some(Subject::Field(field)),
        (None, Some(derived)) => Some(Subject::Derived(derived)),
        (None, None) => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Canonical,
    Short,
}

/// The name of a subject. The short spelling of a field is its first alias, if that is shorter.
pub(super) fn name_of(subject: &Subject, spelling: Spelling) -> String {
    match subject {
        Subject::Field(field) => {
            let alias = field.spec().aliases.first().filter(|alias| alias.len() < field.name().len());
            let short = alias.filter(|_| spelling == Spelling::Short);
            short.copied().unwrap_or(field.name()).to_owned()
        }
        Subject::Derived(Dimension::QueryParam { name }) => {
            let word = QUERY_PARAM[usize::from(spelling == Spelling::Short)];
            if !name.is_empty() && name.chars().all(is_param_name_char) {
                format!("{word}:{name}")
            } else {
                format!("{word}:{}", quote(name.as_bytes()))
            }
        }
        Subject::Derived(dimension) => dimension.name(),
        Subject::Anywhere => ANYWHERE.to_owned(),
    }
}

/// Whether `word` is `query_param` or its alias.
pub(super) fn is_query_param(word: &str) -> bool {
    QUERY_PARAM.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Whether a parameter name can contain this character without quotes.
pub(super) fn is_param_name_char(c: char) -> bool {
    c.is_alphanumeric() && !is_invisible(c) || matches!(c, '-' | '_' | '.')
}

/// The error about an unknown name at an offset, with the most similar known name as a suggestion.
pub(super) fn unknown_name(name: &str, offset: usize) -> SyntaxError {
    if is_query_param(name) {
        return SyntaxError { offset, message: EXPECTED_PARAM.to_owned(), short: None };
    }
    let shown: String = name.chars().take(MAX_NAME_CHARS).collect();
    let lower = shown.to_ascii_lowercase();
    let all = all_names();
    let aliases = FIELDS.iter().flat_map(|spec| spec.aliases.iter().copied());
    let known: Vec<&str> = all.iter().map(String::as_str).chain(aliases).collect();
    // The beginning of a name is more likely than a typing error in another one.
    let begun = known.iter().filter(|known| lower.len() > 1 && known.starts_with(&lower));
    let similar = known
        .iter()
        .map(|known| (strsim::osa_distance(&lower, known), *known))
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 3) && *distance < known.len())
        .min_by_key(|(distance, _)| *distance);
    let similar = begun.min_by_key(|known| known.len()).copied().or(similar.map(|(_, known)| known));
    let hint = similar.map(|known| format!("did you mean \"{known}\"? ")).unwrap_or_default();
    let message = format!(
        "unknown field \"{shown}\"; {hint}fields are {} (to search for this text, quote it)",
        all.join(", ")
    );
    let short = if hint.is_empty() { "to search for this text, quote it" } else { hint.trim_end() };
    SyntaxError { offset, message, short: Some(format!("unknown field \"{shown}\"; {short}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_gets_a_suggestion() {
        assert!(unknown_name("statsu", 0).message.contains("did you mean \"status\"?"));
        assert!(unknown_name("byte_sent", 0).message.contains("did you mean \"bytes_sent\"?"));
        assert!(unknown_name("Requestor", 0).message.contains("did you mean \"requester\"?"));
        assert!(!unknown_name("xyzzy", 0).message.contains("did you mean"));
        assert!(
            unknown_name("stat", 0).message.contains("did you mean \"status\"?"),
            "not \"tat\", which is as similar"
        );
    }

    #[test]
    fn the_short_message_for_an_unknown_name_lists_no_field() {
        let short = |name| unknown_name(name, 0).short.unwrap();
        assert_eq!(short("statsu"), "unknown field \"statsu\"; did you mean \"status\"?");
        assert_eq!(short("xyzzy"), "unknown field \"xyzzy\"; to search for this text, quote it");
    }

    #[test]
    fn the_message_for_an_unknown_name_lists_every_field() {
        let message = unknown_name("xyzzy", 0).message;
        for spec in &FIELDS {
            assert!(message.contains(spec.name), "{}", spec.name);
        }
    }
}
