//! Styles. They use only the 16 colours that every terminal has, readable on dark and on light backgrounds. Colour is
//! never the only sign of anything, so that nothing is lost with `NO_COLOR`.

use ratatui::style::{Color, Modifier, Style};

use crate::tui::model::found::Severity;

/// The styles of everything on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    colour: bool,
    light: bool,
}

impl Theme {
    /// Colours for a dark background.
    pub(crate) const DARK: Theme = Theme { colour: true, light: false };
    /// Colours for a light background.
    pub(crate) const LIGHT: Theme = Theme { colour: true, light: true };
    /// No colours.
    pub(crate) const PLAIN: Theme = Theme { colour: false, light: false };

    /// The theme that the environment asks for: `NO_COLOR` (not empty) and `TERM=dumb` switch colours off, `COLORFGBG`
    /// (`foreground;background`) contains the background colour. `variable` returns an environment variable.
    pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Theme {
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty())
            || variable("TERM").is_some_and(|value| value == "dumb")
        {
            return Theme::PLAIN;
        }
        let colours = variable("COLORFGBG");
        let background = colours.as_deref().and_then(|value| value.rsplit(';').next()?.parse::<u8>().ok());
        match background {
            Some(7 | 9..=15) => Theme::LIGHT,
            _ => Theme::DARK,
        }
    }

    pub(crate) fn has_colours(self) -> bool {
        self.colour
    }

    fn coloured(self, dark: Color, light: Color) -> Style {
        match (self.colour, self.light) {
            (false, _) => Style::new(),
            (true, false) => Style::new().fg(dark),
            (true, true) => Style::new().fg(light),
        }
    }

    /// Bars of the timeline: `Some(true)` if highlighted, `Some(false)` if other bars are, `None` if none is. Never
    /// reversed: a reversed full block looks empty.
    pub(crate) fn timeline(self, style: Style, is_highlighted: Option<bool>) -> Style {
        match is_highlighted {
            Some(true) if self.colour => self.brushed(),
            Some(true) => BOLD,
            Some(false) if !self.colour => DIM,
            _ => style,
        }
    }

    /// The style of a finding.
    pub(crate) fn severity(self, severity: Severity) -> Style {
        match severity {
            Severity::Serious => self.error(),
            Severity::Notable => self.warning(),
            Severity::Ordinary => self.quiet(),
        }
    }

    pub(crate) fn status(self, status: i64) -> Style {
        match status {
            500.. => self.error(),
            400..500 => self.warning(),
            _ => self.text(),
        }
    }
}

const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const REVERSED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Methods of [`Theme`] that return a style, one per line.
macro_rules! styles {
    ($theme:ident; $($(#[$doc:meta])* $name:ident => $style:expr;)*) => {
        impl Theme {
            $($(#[$doc])* pub(crate) fn $name($theme) -> Style { $style })*
        }
    };
}

styles! { self;
    text => Style::new();
    /// Frames, absent values, hints.
    faint => if self.colour { self.coloured(Color::DarkGray, Color::DarkGray) } else { DIM };
    /// Labels, units, the position of the cursor.
    quiet => DIM;
    /// The name of the program, keys, filter terms.
    accent => self.coloured(Color::Cyan, Color::Blue);
    bar => self.coloured(Color::Blue, Color::Blue);
    /// The range of the brush, or of the row under the cursor.
    brushed => if self.colour { self.coloured(Color::Yellow, Color::Magenta) } else { REVERSED };
    heading => BOLD;
    /// The heading under the column cursor.
    heading_chosen => self.accent().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    selection => REVERSED;
    mark => self.coloured(Color::Magenta, Color::Magenta).add_modifier(Modifier::BOLD);
    error => self.coloured(Color::Red, Color::Red);
    warning => self.coloured(Color::Yellow, Color::Magenta);
    good => self.coloured(Color::Green, Color::Green);
    chip => self.accent();
    /// A disabled filter term.
    chip_off => Style::new().add_modifier(Modifier::DIM | Modifier::CROSSED_OUT);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(pairs: &[(&str, &str)]) -> Theme {
        Theme::from_environment(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_determines_the_theme() {
        assert_eq!(theme(&[]), Theme::DARK);
        assert_eq!(theme(&[("COLORFGBG", "0;15")]), Theme::LIGHT);
        assert_eq!(theme(&[("COLORFGBG", "15;default;0")]), Theme::DARK);
        assert_eq!(theme(&[("NO_COLOR", "1"), ("COLORFGBG", "0;15")]), Theme::PLAIN);
        assert_eq!(theme(&[("NO_COLOR", "")]), Theme::DARK);
    }

    #[test]
    fn the_plain_theme_has_no_colours() {
        let plain = Theme::PLAIN;
        for style in [plain.accent(), plain.bar(), plain.error(), plain.warning(), plain.good(), plain.mark()]
        {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
