//! An answer of the terminal that arrives after its time limit, among the keys.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tokio::time::Instant;

/// A terminal that has not answered after this time never will.
const PATIENCE: Duration = Duration::from_secs(10);
/// Keys of an answer: `ESC ] 11 ; rgb:ffff/ffff/ffff` and its end.
const MAX_KEYS: usize = 40;

/// Recognises the keys of a late answer: an operating system command (OSC), which begins with `ESC ]` and ends with BEL or
/// `ESC \`. To the reader of keys, these are Alt-], characters, and Ctrl-g or Alt-\.
pub(super) struct LateAnswer {
    /// When the terminal was asked; `None`: no answer is missing.
    asked: Option<Instant>,
    /// Keys of the answer so far; 0: it has not begun.
    keys: usize,
}

impl LateAnswer {
    pub(super) fn new(asked: Option<Instant>) -> LateAnswer {
        LateAnswer { asked, keys: 0 }
    }

    /// Whether the key is part of an answer, not of what the user types.
    pub(super) fn has(&mut self, key: KeyEvent, now: Instant) -> bool {
        let is_late = self.asked.is_some_and(|asked| now < asked + PATIENCE);
        let alt = |c| key.code == KeyCode::Char(c) && key.modifiers.contains(KeyModifiers::ALT);
        if !is_late || (self.keys == 0 && !alt(']')) || self.keys > MAX_KEYS {
            return false;
        }
        self.keys += 1;
        let is_bel = key.code == KeyCode::Char('g') && key.modifiers.contains(KeyModifiers::CONTROL);
        if is_bel || alt('\\') {
            // There may be one for the text colour and one for the background.
            self.keys = 0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(c: char, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), modifiers)
    }

    #[test]
    fn a_late_answer_was_taken_for_keys() {
        let now = Instant::now();
        let mut late = LateAnswer::new(Some(now));
        assert!(!late.has(key('q', KeyModifiers::NONE), now), "the user types");
        for end in [key('g', KeyModifiers::CONTROL), key('\\', KeyModifiers::ALT)] {
            assert!(late.has(key(']', KeyModifiers::ALT), now));
            for c in "11;rgb:0000/0000/0000".chars() {
                assert!(late.has(key(c, KeyModifiers::NONE), now));
            }
            assert!(late.has(end, now));
            assert!(!late.has(key('q', KeyModifiers::NONE), now), "the user types again");
        }
        assert!(!late.has(key(']', KeyModifiers::ALT), now + PATIENCE), "too late");
        assert!(!LateAnswer::new(None).has(key(']', KeyModifiers::ALT), now), "nothing is missing");
    }
}
