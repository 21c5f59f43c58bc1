//! Which texts match what the user typed, best first: a fuzzy search. Every word must match; letters may be left out
//! between the parts of a text, and a single typing error is forgiven if nothing matches otherwise.

use frizbee::{CaseMatching, Config, Matcher, Matching, Scoring};

/// Characters of the typed text that are considered.
const MAX_TYPED_CHARS: usize = 200;
/// A match must have this score per letter: letters that are scattered over a text do not match.
const MIN_SCORE_PER_LETTER: usize = 10;
/// Shorter words must be typed without errors.
const MIN_LETTERS_FOR_ERROR: usize = 4;
/// How much a match in a text counts compared with one in its description.
const TEXT_WEIGHT: usize = 2;

/// A text that is searched, and its description.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Searched<'a> {
    pub(crate) text: &'a str,
    /// Only whole parts of it match: descriptions are long, and have all letters.
    pub(crate) about: &'a str,
}

/// A text that matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Match {
    /// Index of the text.
    pub(crate) index: usize,
    /// Indices of the matched characters of the text, ascending.
    pub(crate) in_text: Vec<usize>,
    /// The same of its description.
    pub(crate) in_about: Vec<usize>,
}

/// Whether a typing error is forgiven if nothing matches without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errors {
    Forgiven,
    NotForgiven,
}

/// The texts that match all words of `typed`, best first; of equally good ones, the shorter first.
pub(crate) fn search(typed: &str, texts: &[Searched<'_>], errors: Errors) -> Vec<Match> {
    let typed: String = typed.chars().take(MAX_TYPED_CHARS).collect();
    let words: Vec<&str> = typed.split_whitespace().collect();
    let exact = search_words(&words, texts, 0);
    if !exact.is_empty() || errors == Errors::NotForgiven {
        return exact;
    }
    search_words(&words, texts, 1)
}

fn search_words(words: &[&str], texts: &[Searched<'_>], errors: u16) -> Vec<Match> {
    let mut words: Vec<Word> = words.iter().map(|word| Word::new(word, errors)).collect();
    let mut found: Vec<(usize, Match)> = Vec::new();
    for (index, searched) in texts.iter().enumerate() {
        let mut of_text = Match { index, ..Match::default() };
        let scores: Option<Vec<usize>> =
            words.iter_mut().map(|word| word.score(*searched, &mut of_text)).collect();
        if let Some(scores) = scores {
            for places in [&mut of_text.in_text, &mut of_text.in_about] {
                places.sort_unstable();
                places.dedup();
            }
            found.push((scores.iter().sum(), of_text));
        }
    }
    let length = |index: usize| texts.get(index).map_or(0, |searched| searched.text.chars().count());
    found.sort_by_key(|(score, found)| (std::cmp::Reverse(*score), length(found.index)));
    found.into_iter().map(|(_, found)| found).collect()
}

struct Word {
    min_score: usize,
    fuzzy: Matcher,
    literal: Matcher,
}

impl Word {
    fn new(word: &str, errors: u16) -> Word {
        let letters = word.chars().count();
        let errors = if letters < MIN_LETTERS_FOR_ERROR { 0 } else { errors };
        // A list has texts in capitals and in small letters.
        let scoring = Scoring { matching_case_bonus: 0, ..Scoring::default() };
        let config = Config::default().casing(CaseMatching::Ignore).scoring(scoring);
        Word {
            // A wrong letter costs its own score and a penalty.
            min_score: (letters * MIN_SCORE_PER_LETTER).saturating_sub(usize::from(errors) * 18),
            fuzzy: Matcher::new(word, &config.clone().max_typos(Some(errors))),
            literal: Matcher::new(word, &config.matching(Matching::Substring)),
        }
    }

    /// The score of the word in a text or its description, whose matched characters are added to `found`; `None`: it is in
    /// neither.
    fn score(&mut self, searched: Searched<'_>, found: &mut Match) -> Option<usize> {
        if let Some(matched) = self.fuzzy.match_one_indices(searched.text, 0)
            && usize::from(matched.score) >= self.min_score
        {
            found.in_text.extend(characters(searched.text, &matched.indices));
            return Some(usize::from(matched.score) * TEXT_WEIGHT);
        }
        let matched = self.literal.match_one_indices(searched.about, 0)?;
        found.in_about.extend(characters(searched.about, &matched.indices));
        Some(usize::from(matched.score))
    }
}

/// The indices of the characters that contain these bytes.
fn characters(text: &str, bytes: &[u32]) -> Vec<usize> {
    let contains = |start: usize, c: char| {
        bytes.iter().any(|byte| (start..start + c.len_utf8()).contains(&(*byte as usize)))
    };
    text.char_indices()
        .enumerate()
        .filter(|(_, (start, c))| contains(*start, *c))
        .map(|(index, _)| index)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [Searched<'static>; 6] = [
        Searched { text: "Group by remote_ip", about: "Address of the client." },
        Searched { text: "Group by requester", about: "Who sent the request." },
        Searched { text: "Group by referer_host", about: "Host of the referer." },
        Searched { text: "Sort by requests", about: "Number of requests." },
        Searched { text: "Theme light", about: "256 colours for a light background." },
        Searched { text: "choose the columns", about: "" },
    ];

    fn best(typed: &str) -> &'static str {
        search(typed, &TEXTS, Errors::Forgiven).first().map_or("", |found| TEXTS[found.index].text)
    }

    #[test]
    fn the_beginning_of_a_word_comes_first() {
        assert_eq!(best("ip"), "Group by remote_ip");
        assert_eq!(best("group reque"), "Group by requester");
        assert_eq!(best("sort req"), "Sort by requests");
        assert_eq!(best("col"), "choose the columns");
        assert_eq!(best("THEME"), "Theme light");
        assert_eq!(best("refhost"), "Group by referer_host");
    }

    #[test]
    fn scattered_letters_do_not_match() {
        assert_eq!(best("ghr"), "");
        assert_eq!(best("xyz"), "");
    }

    #[test]
    fn descriptions_match_as_they_are_written() {
        assert_eq!(best("client"), "Group by remote_ip");
        assert_eq!(best("background"), "Theme light");
    }

    #[test]
    fn one_typing_error_is_forgiven_if_nothing_else_matches() {
        assert_eq!(best("requezter"), "Group by requester");
        assert!(search("requezter", &TEXTS, Errors::NotForgiven).is_empty());
        assert_eq!(best("xq"), "");
    }

    #[test]
    fn everything_matches_no_words() {
        assert_eq!(search("  ", &TEXTS, Errors::Forgiven).len(), TEXTS.len());
    }

    #[test]
    fn matched_characters_are_counted_as_characters() {
        let texts = [Searched { text: "größer → alle", about: "weekday × hour" }];
        let found = search("alle", &texts, Errors::Forgiven);
        assert_eq!(found[0].in_text, [9, 10, 11, 12]);
        let found = search("hour", &texts, Errors::Forgiven);
        assert_eq!(found[0].in_about, [10, 11, 12, 13]);
        let found = search("ößer", &texts, Errors::Forgiven);
        assert_eq!(found[0].in_text, [2, 3, 4, 5]);
    }
}
