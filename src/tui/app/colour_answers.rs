//! Answers of the terminal about its colours, which arrive among the keys.
//!
//! The reader of keys does not know them: an operating system command (OSC) begins with `ESC ]` and ends with BEL or `ESC \`,
//! which to it are Alt-], characters, and Ctrl-g or Alt-\. A terminal writes an answer at once, so the keys of the user are
//! before or after it, never within.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use terminal_colorsaurus::Color;
use tokio::time::Instant;

use crate::tui::theme::detect::Background;

/// Asks for the colour of the text (OSC 10) and of the background (OSC 11). BEL ends an answer in one byte.
pub(super) const QUESTION: &str = "\x1b]10;?\x07\x1b]11;?\x07";
/// A terminal that has not answered the first question after this time never will.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// The same for a terminal that has answered before.
const PATIENCE: Duration = Duration::from_secs(2);
/// Minimum time between two questions.
const MIN_INTERVAL: Duration = Duration::from_secs(3);
/// Characters of an answer: `11;rgba:ffff/ffff/ffff/ffff`.
const MAX_CHARACTERS: usize = 40;

/// What a key turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The user pressed these keys: this one, and those before that looked like the beginning of an answer.
    Keys(Vec<KeyEvent>),
    /// Part of an answer, or of what may become one.
    Part,
    /// The end of the last answer: the background is this.
    Background(Background),
}

/// The questions to the terminal, and the answers so far.
#[derive(Debug)]
pub(super) struct ColourAnswers {
    /// When the terminal was asked last.
    asked: Option<Instant>,
    /// Until when an answer may arrive; `None`: none is missing.
    expected_until: Option<Instant>,
    /// The keys of an answer that has begun.
    begun: Vec<KeyEvent>,
    /// Whether an answer ended with ESC alone: the rest of its end is in the next packet.
    misses_backslash: bool,
    /// The lightness of the text, 0–1.
    text: Option<f32>,
}

impl ColourAnswers {
    /// `asked_at`: when the terminal was asked before the session, if its answer is missing.
    pub(super) fn new(asked_at: Option<Instant>) -> ColourAnswers {
        ColourAnswers {
            asked: None,
            expected_until: asked_at.map(|asked| asked + START_PATIENCE),
            begun: Vec::new(),
            misses_backslash: false,
            text: None,
        }
    }

    /// Whether the terminal may be asked now.
    pub(super) fn may_ask(&self, now: Instant) -> bool {
        self.asked.is_none_or(|asked| now >= asked + MIN_INTERVAL)
    }

    /// Notes that the terminal was asked.
    pub(super) fn asked(&mut self, now: Instant) {
        self.asked = Some(now);
        self.expected_until = Some(now + PATIENCE);
        self.text = None;
    }

    /// Whether the answer to a question of this session is on its way.
    pub(super) fn is_expected(&self, now: Instant) -> bool {
        self.asked.is_some() && self.expected_until.is_some_and(|until| now < until)
    }

    /// Separates the keys of the user from the answers of the terminal.
    pub(super) fn hear(&mut self, key: KeyEvent, now: Instant) -> Heard {
        let plain = match key.code {
            KeyCode::Char(c) if (key.modifiers - KeyModifiers::SHIFT).is_empty() => Some(c),
            _ => None,
        };
        let alt = |c| key.code == KeyCode::Char(c) && key.modifiers == KeyModifiers::ALT;
        if std::mem::take(&mut self.misses_backslash) && plain == Some('\\') {
            return Heard::Part;
        }
        if self.begun.is_empty() {
            let may_begin = alt(']') && self.expected_until.is_some_and(|until| now < until);
            return if may_begin { self.continue_with(key) } else { Heard::Keys(vec![key]) };
        }
        let is_bell = key.code == KeyCode::Char('g') && key.modifiers == KeyModifiers::CONTROL;
        let is_end = is_bell || alt('\\') || key.code == KeyCode::Esc;
        match answer(&self.begun_text()) {
            Some((number, lightness)) if is_end => {
                self.begun.clear();
                self.misses_backslash = key.code == KeyCode::Esc;
                self.take(number, lightness)
            }
            _ if plain.is_some() => self.continue_with(key),
            _ => self.give_back(key),
        }
    }

    /// The characters after the beginning.
    fn begun_text(&self) -> String {
        self.begun.iter().skip(1).filter_map(|key| key.code.as_char()).collect()
    }

    fn continue_with(&mut self, key: KeyEvent) -> Heard {
        self.begun.push(key);
        if may_be_answer(&self.begun_text()) {
            return Heard::Part;
        }
        Heard::Keys(std::mem::take(&mut self.begun))
    }

    fn give_back(&mut self, key: KeyEvent) -> Heard {
        self.begun.push(key);
        Heard::Keys(std::mem::take(&mut self.begun))
    }

    fn take(&mut self, number: u8, lightness: f32) -> Heard {
        match (number, self.text) {
            (10, _) => {
                self.text = Some(lightness);
                Heard::Part
            }
            (_, Some(text)) => {
                self.expected_until = None;
                // As terminal-colorsaurus decides.
                let is_light = lightness > text || lightness == text && lightness > 0.5;
                Heard::Background(if is_light { Background::Light } else { Background::Dark })
            }
            // The answer to a question before it, whose other part is lost.
            (_, None) => Heard::Part,
        }
    }
}

/// Whether this can be the beginning of an answer.
fn may_be_answer(text: &str) -> bool {
    let has_number = ["10;", "11;"].iter().any(|number| number.starts_with(text) || text.starts_with(number));
    let is_colour = |c: char| c.is_ascii_hexdigit() || matches!(c, 'r' | 'g' | ':' | '/' | '#');
    has_number && text.len() <= MAX_CHARACTERS && text.chars().skip(3).all(is_colour)
}

/// The number of the question (10 or 11) and the lightness of the colour, if this is a whole answer.
fn answer(text: &str) -> Option<(u8, f32)> {
    let (number, colour) = text.split_once(';')?;
    let colour = xterm_color::Color::parse(colour.as_bytes()).ok()?;
    let lightness = Color::rgb(colour.red, colour.green, colour.blue).perceived_lightness();
    Some((number.parse().ok()?, lightness))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(c: char, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), modifiers)
    }

    fn plain(text: &str) -> Vec<KeyEvent> {
        text.chars().map(|c| key(c, KeyModifiers::NONE)).collect()
    }

    const BELL: (KeyCode, KeyModifiers) = (KeyCode::Char('g'), KeyModifiers::CONTROL);
    const STRING_END: (KeyCode, KeyModifiers) = (KeyCode::Char('\\'), KeyModifiers::ALT);

    /// The keys of an answer with this end.
    fn osc(text: &str, end: (KeyCode, KeyModifiers)) -> Vec<KeyEvent> {
        let mut keys = vec![key(']', KeyModifiers::ALT)];
        keys.extend(plain(text));
        keys.push(KeyEvent::new(end.0, end.1));
        keys
    }

    /// What the user pressed of these keys, and the background that the answers report.
    fn told_apart(answers: &mut ColourAnswers, keys: &[KeyEvent]) -> (Vec<KeyEvent>, Option<Background>) {
        let (mut pressed, mut background) = (Vec::new(), None);
        for key in keys {
            match answers.hear(*key, Instant::now()) {
                Heard::Keys(keys) => pressed.extend(keys),
                Heard::Part => {}
                Heard::Background(reported) => background = Some(reported),
            }
        }
        (pressed, background)
    }

    #[test]
    fn a_late_answer_was_taken_for_keys() {
        for end in [BELL, STRING_END] {
            let mut answers = ColourAnswers::new(Some(Instant::now()));
            let text = osc("10;rgb:0000/0000/0000", end);
            let background = osc("11;rgb:ffff/ffff/ffff", end);
            let keys = [plain("a"), text, plain("\\"), background, plain("q]11;")].concat();
            let (pressed, reported) = told_apart(&mut answers, &keys);
            assert_eq!((pressed, reported), (plain("a\\q]11;"), Some(Background::Light)));
        }
    }

    #[test]
    fn an_answer_may_be_cut_in_its_end() {
        let mut answers = ColourAnswers::new(None);
        answers.asked(Instant::now());
        let esc = (KeyCode::Esc, KeyModifiers::NONE);
        let keys = [osc("10;rgb:ff/ff/ff", esc), plain("\\"), osc("11;#1a1a1a", esc), plain("\\x")].concat();
        assert_eq!(told_apart(&mut answers, &keys), (plain("x"), Some(Background::Dark)));
    }

    #[test]
    fn what_only_begins_like_an_answer_is_given_back() {
        let alt = key(']', KeyModifiers::ALT);
        let begin = |text: &str| [vec![alt], plain(text)].concat();
        let enter = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        let too_long = begin(&format!("11;rgb:{}", "f".repeat(MAX_CHARACTERS)));
        for keys in [begin("q"), begin("11;status"), begin("1x"), [vec![alt], vec![enter]].concat(), too_long]
        {
            let mut answers = ColourAnswers::new(None);
            answers.asked(Instant::now());
            assert_eq!(told_apart(&mut answers, &keys), (keys.clone(), None));
            // An answer is recognised after that.
            let answer = [osc("10;rgb:0/0/0", BELL), osc("11;rgb:f/f/f", BELL)].concat();
            assert_eq!(told_apart(&mut answers, &answer), (Vec::new(), Some(Background::Light)));
            assert!(!answers.is_expected(Instant::now()));
        }
    }

    #[test]
    fn without_a_question_nothing_is_an_answer() {
        let keys = osc("11;rgb:ffff/ffff/ffff", BELL);
        assert_eq!(told_apart(&mut ColourAnswers::new(None), &keys), (keys.clone(), None));
        let mut answers = ColourAnswers::new(Some(Instant::now()));
        let too_late = Instant::now() + START_PATIENCE;
        assert_eq!(answers.hear(keys[0], too_late), Heard::Keys(vec![keys[0]]));
    }

    #[test]
    fn the_terminal_is_asked_every_few_seconds_at_most() {
        let now = Instant::now();
        let mut answers = ColourAnswers::new(None);
        assert!(answers.may_ask(now) && !answers.is_expected(now));
        answers.asked(now);
        assert!(!answers.may_ask(now + PATIENCE) && answers.is_expected(now));
        assert!(answers.may_ask(now + MIN_INTERVAL) && !answers.is_expected(now + PATIENCE));
    }
}
