//! The fields between request URI and referer: status, error code, and the four measures.
//!
//! A field that must be a number is a number or `-`: nothing else is read in its place, and no number is read in the
//! place of another one. Text where a number belongs rejects the line.

use memchr::memchr;

use super::super::number::{self, is_digits, is_duration, is_status};
use super::super::record::MEASURES;
use super::super::{Field, Rejection};
use super::text_fields::end_of_referer;
use super::trailing_fields::Layout;
use super::words::{last_word, word_at};

/// Status, error code and measures.
const FIELDS: usize = 2 + MEASURES.len();
/// Number of words that are read to find out which of them are the fields.
const WORDS_MAX: usize = FIELDS + 6;

/// The value of a measure; `None` if the word is not a number, or is beyond 64 bits.
pub(super) fn measure(field: Field, word: &[u8]) -> Option<u64> {
    number::parse(word).or_else(|| can_have_unit(field).then(|| number::parse_duration(word)).flatten())
}

fn can_have_unit(field: Field) -> bool {
    matches!(field, Field::TotalTime | Field::TurnAroundTime)
}

/// Whether a word can be a measure: a number of any length, a duration where one belongs, `-`, or empty.
fn can_be_measure(field: Field, word: &[u8]) -> bool {
    word.is_empty() || word == b"-" || is_digits(word) || (can_have_unit(field) && is_duration(word))
}

/// Whether a word can be an error code, or the text of an error.
fn can_be_error_code(word: &[u8]) -> bool {
    !is_digits(word)
}

/// Status, error code and measures of a line. Empty texts are absent fields.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Numbers<'a> {
    pub(super) status: &'a [u8],
    pub(super) error_code: &'a [u8],
    pub(super) measures: [&'a [u8]; MEASURES.len()],
    /// The end of the last field.
    pub(super) end: usize,
    /// Start and end of text that is none of the fields.
    pub(super) extra: Option<(usize, usize)>,
    /// Whether the field after the numbers is empty, so that two spaces follow them.
    pub(super) referer_is_empty: bool,
    /// Number of words between the numbers and the quoted text that follows; `None` if it is far.
    pub(super) words_before_quote: Option<usize>,
}

impl Numbers<'_> {
    /// Whether the times are as Ceph RGW writes them: `-` and a duration with a unit. It does not quote the referer.
    pub(super) fn is_of_ceph(&self) -> bool {
        matches!(self.measures, [.., b"-", time] if is_duration(time))
    }
}

/// Reads the fields from the space at `at` on. `is_unquoted` says whether the request line had no quotes.
pub(super) fn read(line: &[u8], at: usize, is_unquoted: bool) -> Result<Numbers<'_>, Rejection> {
    let words = Words::split(line, at);
    let found = read_words(line, at, &words, is_unquoted)?;
    // A number at the end of the line may lack digits. A status has three.
    let is_number = || words.count > 1 && last_word(&line[at..]).is_some_and(|(_, word)| is_digits(word));
    if found.end == line.len() && is_number() { Err(Rejection::CutOff) } else { Ok(found) }
}

fn read_words<'a>(
    line: &'a [u8],
    at: usize,
    words: &Words,
    is_unquoted: bool,
) -> Result<Numbers<'a>, Rejection> {
    let spans = words.as_slice();
    let mut fields = [(at, at); FIELDS];
    let count = spans.len().min(FIELDS);
    fields[..count].copy_from_slice(&spans[..count]);
    let end = fields[..count].last().map_or(at, |span| span.1);
    let quote = words.quote;
    // The line ends within the fields.
    let is_cut_off = quote.is_none() && spans.len() < FIELDS;

    let error = check(line, &fields[..count]);
    if is_unquoted {
        return without_measures(line, spans, end, quote);
    }
    let is_complete = spans.len() >= FIELDS && error.is_none();
    if let Some(fields) = with_empty_fields(line, at, quote)
        && (!is_complete || is_better(line, quote, fields[FIELDS - 1].1, end))
    {
        let end = fields[FIELDS - 1].1;
        return Ok(Numbers { referer_is_empty: quote == Some(end + 2), ..numbers(line, &fields, end) });
    }
    if is_complete {
        let found = Numbers {
            referer_is_empty: quote == Some(end + 2),
            words_before_quote: quote.map(|_| spans.len() - FIELDS),
            ..numbers(line, &fields, end)
        };
        let more = || spans[FIELDS..].iter().map(|&(start, end)| &line[start..end]);
        let is_number = |word: &[u8]| is_digits(word) || is_duration(word);
        let is_surplus = if found.is_of_ceph() && quote.is_some() {
            // The referer may be any text.
            more().next().is_some_and(is_duration) || more().count() > 1 && more().all(|word| word == b"-")
        } else if quote.is_some_and(|quote| more().count() > 1 || end_of_referer(line, quote + 1).is_some()) {
            more().any(|word| word == b"-" || is_number(word))
        } else {
            more().next().is_some_and(is_number)
        };
        return if is_surplus { Err(Rejection::TooManyNumbers) } else { Ok(found) };
    }
    if let Some(quote) = quote.filter(|_| spans.len() == FIELDS - 1) {
        // No error code: a number follows the status.
        let mut without_error = [(spans[0].1, spans[0].1); FIELDS];
        without_error[0] = spans[0];
        without_error[2..].copy_from_slice(&spans[1..]);
        if !can_be_error_code(&line[spans[1].0..spans[1].1]) && check(line, &without_error).is_none() {
            let referer_is_empty = quote == end + 2;
            return Ok(Numbers { referer_is_empty, ..numbers(line, &without_error, end) });
        }
    }
    if let Some((index, rejection)) = error {
        let is_status = index == 0 && is_start_of_status(line, spans, quote);
        return Err(if is_status { Rejection::CutOff } else { rejection });
    }
    if is_cut_off {
        for field in &mut fields[count..] {
            *field = (end, end);
        }
        return Ok(numbers(line, &fields, end));
    }
    // A quoted text is in the place of the next field.
    Err(missing(count))
}

/// Whether the line ends within a status, the only one of the words.
fn is_start_of_status(line: &[u8], words: &[(usize, usize)], quote: Option<usize>) -> bool {
    match words {
        [(start, end)] => quote.is_none() && end - start < 3 && is_digits(&line[*start..*end]),
        _ => false,
    }
}

/// Reads the fields after a request line without quotes. moto writes three numbers, and nothing shows which one is
/// missing.
fn without_measures<'a>(
    line: &'a [u8],
    words: &[(usize, usize)],
    end: usize,
    quote: Option<usize>,
) -> Result<Numbers<'a>, Rejection> {
    if let Some((_, rejection)) = check(line, &words[..words.len().min(2)]) {
        return Err(if is_start_of_status(line, words, quote) { Rejection::CutOff } else { rejection });
    }
    let measures = words.get(2..).unwrap_or_default();
    let text = |&(start, end): &(usize, usize)| &line[start..end];
    let can_be_time = |word: &(usize, usize)| can_be_measure(Field::TotalTime, text(word));
    let count = measures.len();
    if quote.is_some()
        && let Ok(fields) = words.try_into()
        && check(line, words).is_none()
    {
        return Ok(Numbers { words_before_quote: Some(0), ..numbers(line, fields, end) });
    }
    let is_whole = quote.is_some() && count == MEASURES.len() - 1;
    let is_cut_off = quote.is_none() && count <= MEASURES.len();
    if !(is_whole || is_cut_off) || !measures.iter().all(can_be_time) {
        let wrong = measures.iter().position(|word| !can_be_time(word)).unwrap_or(count);
        return Err(missing(2 + wrong));
    }
    let mut fields = [(end, end); FIELDS];
    for (field, word) in fields.iter_mut().zip(words.iter().take(2)) {
        *field = *word;
    }
    let is_absent = |&(start, end): &(usize, usize)| line[start..end] == *b"-";
    let extra = measures.first().filter(|_| !measures.iter().all(is_absent)).map(|(start, _)| (*start, end));
    Ok(Numbers { extra, ..numbers(line, &fields, end) })
}

/// Whether the fields are better read with an empty one, so that they end at `single`, than with any number of spaces
/// between them, so that they end at `end`: only then what follows can be referer and user agent.
fn is_better(line: &[u8], quote: Option<usize>, single: usize, end: usize) -> bool {
    let Some(quote) = quote else {
        let fits = |end: usize| {
            let mut at = end;
            for _ in 0..2 {
                at = word_at(line, at).filter(|&(start, end)| line[start..end] == *b"-")?.1;
            }
            let fields = Layout::of(line, at);
            fields.fits().then_some(())
        };
        return fits(single).is_some() && fits(end).is_none();
    };
    end_of_referer(line, quote + 1).is_none()
}

fn numbers<'a>(line: &'a [u8], fields: &[(usize, usize); FIELDS], end: usize) -> Numbers<'a> {
    let text = |index: usize| &line[fields[index].0..fields[index].1];
    Numbers {
        status: text(0),
        error_code: text(1),
        measures: std::array::from_fn(|index| text(2 + index)),
        end,
        extra: None,
        referer_is_empty: false,
        words_before_quote: None,
    }
}

/// The index of the first field that cannot be what it must be.
fn check(line: &[u8], fields: &[(usize, usize)]) -> Option<(usize, Rejection)> {
    let can_be = |index: usize, word: &[u8]| match index {
        0 => word.is_empty() || word == b"-" || is_status(word),
        1 => can_be_error_code(word),
        _ => can_be_measure(MEASURES[index - 2], word),
    };
    let index =
        fields.iter().enumerate().position(|(index, &(start, end))| !can_be(index, &line[start..end]))?;
    Some((index, missing(index)))
}

fn missing(index: usize) -> Rejection {
    match index {
        0 => Rejection::NoStatus,
        1 => Rejection::NoErrorCode,
        _ => Rejection::NotANumber(MEASURES[(index - 2).min(MEASURES.len() - 1)]),
    }
}

/// The fields, if each space is a separator and at least one of them is empty. Before a quoted referer, they must be
/// exactly all fields up to it, or up to `-` or an empty field in its place.
fn with_empty_fields(line: &[u8], at: usize, quote: Option<usize>) -> Option<[(usize, usize); FIELDS]> {
    let mut fields = [(at, at); FIELDS];
    let mut start = at.checked_add(1).filter(|_| line.get(at) == Some(&b' '))?;
    for field in &mut fields {
        let end = start + memchr(b' ', line.get(start..)?)?;
        *field = (start, end);
        start = end + 1;
    }
    let is_empty = |&(start, end): &(usize, usize)| start == end;
    let is_aligned = match quote {
        Some(quote) => matches!(line.get(start..quote)?, b"" | b" " | b"- "),
        None => true,
    };
    (is_aligned && fields.iter().any(is_empty) && check(line, &fields).is_none()).then_some(fields)
}

/// Whether all the fields follow from the space at `at` on, and the referer after them.
pub(super) fn follow(line: &[u8], at: usize) -> bool {
    let words = Words::split(line, at);
    let is_dash = |&(start, end): &(usize, usize)| line[start..end] == *b"-";
    let referer_follows = match words.as_slice().get(FIELDS) {
        Some(word) => is_dash(word) || words.quote.is_some(),
        None => words.quote.is_some(),
    };
    referer_follows && are_first(line, &words)
}

/// Whether all the fields follow from the space at `at` on, and any text after them.
pub(super) fn begin(line: &[u8], at: usize) -> bool {
    are_first(line, &Words::split(line, at))
}

/// Whether the first of the words are all the fields, without quotes.
fn are_first(line: &[u8], words: &Words) -> bool {
    let Some(fields) = words.as_slice().get(..FIELDS) else { return false };
    let has_quote = fields.iter().any(|&(start, end)| memchr(b'"', &line[start..end]).is_some());
    !has_quote && check(line, fields).is_none()
}

/// Words before a quoted word.
struct Words {
    spans: [(usize, usize); WORDS_MAX],
    count: usize,
    /// The start of the quoted word that follows, if it is not far.
    quote: Option<usize>,
}

impl Words {
    fn split(line: &[u8], at: usize) -> Words {
        let mut words = Words { spans: [(0, 0); WORDS_MAX], count: 0, quote: None };
        let mut next = at;
        while let Some((start, end)) = word_at(line, next) {
            if line[start] == b'"' {
                words.quote = Some(start);
                break;
            }
            next = end;
            // A duration may have a space: `12 ms`.
            let is_time = matches!(words.count, 5 | 6);
            if is_time && number::is_unit(&line[start..end]) && is_digits(words.last(line)) {
                words.spans[words.count - 1].1 = end;
            } else if words.count < WORDS_MAX {
                words.spans[words.count] = (start, end);
                words.count += 1;
            } else {
                break;
            }
        }
        words
    }

    fn last<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        self.as_slice().last().map_or(&[], |&(start, end)| &line[start..end])
    }

    fn as_slice(&self) -> &[(usize, usize)] {
        &self.spans[..self.count]
    }
}
