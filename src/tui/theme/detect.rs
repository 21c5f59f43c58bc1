//! Chooses the theme that fits the terminal: by environment variables, and by the background colour that the terminal
//! reports.

use super::themes::{DARK, LIGHT, NONE, SIXTEEN_DARK, SIXTEEN_LIGHT};

/// The background of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Background {
    Dark,
    Light,
}

/// What environment variables say about the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Environment {
    /// `false`: no colours.
    pub(crate) has_colours: bool,
    /// Whether there are more than 16 colours.
    pub(crate) has_many: bool,
    /// The background; `None`: the terminal must be asked.
    pub(crate) background: Option<Background>,
}

impl Environment {
    /// Reads the variables: `NO_COLOR` (not empty) and `TERM=dumb` switch colours off, `COLORTERM` and `TERM` tell the
    /// number of colours, `COLORFGBG` (`foreground;background`) the background. `variable` returns a variable.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Environment {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default().to_ascii_lowercase();
        // Terminals whose names do not say that they have 256 colours.
        const OTHERS: [&str; 9] =
            ["alacritty", "contour", "foot", "ghostty", "kitty", "rio", "wezterm", "st-", "iterm"];
        let has_many = is_set("COLORTERM")
            || term.contains("256color")
            || term.contains("direct")
            || OTHERS.iter().any(|name| term.contains(name));
        let colours = variable("COLORFGBG");
        let background = colours.as_deref().and_then(|value| value.rsplit(';').next()?.parse::<u8>().ok());
        Environment {
            has_colours: !is_set("NO_COLOR") && term != "dumb",
            has_many,
            background: background.map(|number| match number {
                7 | 9..=15 => Background::Light,
                _ => Background::Dark,
            }),
        }
    }

    /// The name of the theme that fits. `reported`: the background that the terminal reports, if it was asked.
    pub(crate) fn theme(self, reported: Option<Background>) -> &'static str {
        let background = reported.or(self.background).unwrap_or(Background::Dark);
        match (self.has_colours, self.has_many, background) {
            (false, ..) => NONE,
            (true, true, Background::Dark) => DARK,
            (true, true, Background::Light) => LIGHT,
            (true, false, Background::Dark) => SIXTEEN_DARK,
            (true, false, Background::Light) => SIXTEEN_LIGHT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::read(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_determines_the_theme() {
        let xterm = ("TERM", "xterm-256color");
        assert_eq!(environment(&[xterm]).theme(None), DARK);
        assert_eq!(environment(&[xterm, ("COLORFGBG", "0;15")]).theme(None), LIGHT);
        assert_eq!(environment(&[xterm, ("COLORFGBG", "15;default;0")]).theme(None), DARK);
        assert_eq!(environment(&[xterm, ("NO_COLOR", "1"), ("COLORFGBG", "0;15")]).theme(None), NONE);
        assert_eq!(environment(&[xterm, ("NO_COLOR", "")]).theme(None), DARK);
        assert_eq!(environment(&[("TERM", "dumb")]).theme(None), NONE);
        assert_eq!(environment(&[("TERM", "linux")]).theme(None), SIXTEEN_DARK);
        assert_eq!(environment(&[("TERM", "xterm-kitty")]).theme(None), DARK);
    }

    #[test]
    fn what_the_terminal_reports_counts_more() {
        let environment = environment(&[("TERM", "xterm"), ("COLORFGBG", "0;15")]);
        assert_eq!(environment.theme(Some(Background::Dark)), SIXTEEN_DARK);
        assert_eq!(environment.theme(None), SIXTEEN_LIGHT);
    }
}
