//! Which theme applies: of the command line, of the configuration file, without colours, of the last session, or the one
//! that fits the terminal, in this order.

use super::themes::{AUTO, NONE};

/// The names that are known. [`AUTO`] is the theme that fits the terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThemeChoice<'a> {
    /// Of the command line.
    pub(crate) option: Option<&'a str>,
    /// Of the configuration file.
    pub(crate) configured: &'a str,
    /// Of the last session.
    pub(crate) remembered: Option<&'a str>,
    /// The theme that fits the terminal.
    pub(crate) fitting: &'a str,
}

impl<'a> ThemeChoice<'a> {
    /// The name of the theme that applies.
    pub(crate) fn name(self) -> &'a str {
        if self.follows_terminal() { self.fitting } else { self.chosen() }
    }

    /// Whether the theme that fits the terminal applies, whichever that is.
    pub(crate) fn follows_terminal(self) -> bool {
        self.chosen() == AUTO
    }

    fn chosen(self) -> &'a str {
        match self {
            ThemeChoice { option: Some(name), .. } => name,
            ThemeChoice { configured, .. } if configured != AUTO => configured,
            // Without colours by NO_COLOR, which a choice of an earlier session does not override.
            ThemeChoice { fitting: NONE, .. } => NONE,
            ThemeChoice { remembered, .. } => remembered.unwrap_or(AUTO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_choice_applies() {
        let all = ThemeChoice { option: Some("a"), configured: "b", remembered: Some("c"), fitting: "dark" };
        assert_eq!(all.name(), "a");
        assert!(!all.follows_terminal());
        assert_eq!(ThemeChoice { option: Some(AUTO), ..all }.name(), "dark");
        assert!(ThemeChoice { option: Some(AUTO), ..all }.follows_terminal());
        let none = ThemeChoice { option: None, ..all };
        assert_eq!(none.name(), "b");
        let none = ThemeChoice { configured: AUTO, ..none };
        assert_eq!(none.name(), "c");
        assert_eq!(ThemeChoice { remembered: None, ..none }.name(), "dark");
        assert!(ThemeChoice { remembered: None, ..none }.follows_terminal());
        assert_eq!(ThemeChoice { fitting: NONE, ..none }.name(), NONE, "NO_COLOR");
        assert_eq!(ThemeChoice { fitting: NONE, option: Some("light"), ..none }.name(), "light");
    }
}
