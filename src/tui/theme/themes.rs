//! The themes to choose from: those of the program, in `assets/themes.toml`, and those of the user.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{ROLES, Theme, style_text};

/// The themes of the program.
const BUILT_IN: &str = include_str!("../../../assets/themes.toml");

/// The themes of the program, in the order of the documentation.
const NAMES: [&str; 6] = [DARK, LIGHT, HIGH_CONTRAST, SIXTEEN_DARK, SIXTEEN_LIGHT, NONE];

/// Colours for a dark background.
pub(crate) const DARK: &str = "dark";
/// Colours for a light background.
pub(crate) const LIGHT: &str = "light";
/// Strong colours, no faint text.
pub(crate) const HIGH_CONTRAST: &str = "high-contrast";
/// The 16 colours that every terminal has, for a dark background.
pub(crate) const SIXTEEN_DARK: &str = "16-colours";
/// The 16 colours that every terminal has, for a light background.
pub(crate) const SIXTEEN_LIGHT: &str = "16-colours-light";
/// No colours.
pub(crate) const NONE: &str = "none";
/// Not a theme: the theme that fits the terminal.
pub(crate) const AUTO: &str = "auto";

/// A theme with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedTheme {
    pub(crate) name: String,
    /// One line.
    pub(crate) about: String,
    pub(crate) theme: Theme,
}

/// What is wrong with a theme: the role, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThemeError {
    pub(crate) role: String,
    pub(crate) reason: String,
}

/// Changes the styles of some roles.
///
/// # Errors
/// Every role that does not exist or whose style cannot be read.
pub(crate) fn with_styles<'t>(
    mut theme: Theme,
    styles: impl IntoIterator<Item = (&'t str, &'t str)>,
) -> Result<Theme, Vec<ThemeError>> {
    let mut errors = Vec::new();
    for (role, text) in styles {
        let error = |reason| ThemeError { role: role.to_owned(), reason };
        match (theme.role_mut(role), style_text::parse(text)) {
            (Some(style), Ok(parsed)) => *style = parsed,
            (Some(_), Err(reason)) => errors.push(error(reason)),
            (None, _) => {
                let names: Vec<&str> = ROLES.iter().map(|(name, _)| *name).collect();
                errors.push(error(format!("there is no such role; the roles are {}", names.join(", "))));
            }
        }
    }
    if errors.is_empty() { Ok(theme) } else { Err(errors) }
}

/// The themes of the program.
pub(crate) fn built_in() -> &'static [NamedTheme] {
    static THEMES: LazyLock<Vec<NamedTheme>> = LazyLock::new(|| read(BUILT_IN).unwrap_or_default());
    &THEMES
}

fn read(text: &str) -> Result<Vec<NamedTheme>, String> {
    let tables: BTreeMap<String, BTreeMap<String, String>> =
        toml::from_str(text).map_err(|error| error.to_string())?;
    let mut themes = Vec::new();
    for name in NAMES {
        let table = tables.get(name).ok_or_else(|| format!("{name} is missing"))?;
        let about = table.get("about").cloned().unwrap_or_default();
        let styles = table.iter().filter(|(role, _)| *role != "about");
        let theme = with_styles(Theme::default(), styles.map(|(role, text)| (role.as_str(), text.as_str())))
            .map_err(|errors| format!("{name}: {errors:?}"))?;
        themes.push(NamedTheme { name: name.to_owned(), about, theme });
    }
    Ok(themes)
}

/// The theme of the program with this name.
pub(crate) fn of_program(name: &str) -> Option<Theme> {
    built_in().iter().find(|named| named.name == name).map(|named| named.theme)
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier};

    use super::*;

    #[test]
    fn every_theme_of_the_program_has_a_style_for_every_role() {
        let tables: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(BUILT_IN).unwrap();
        assert_eq!(read(BUILT_IN).unwrap().len(), tables.len());
        for (name, table) in &tables {
            for (role, _) in ROLES {
                assert!(table.contains_key(*role), "{name} has no {role}");
            }
            assert!(table["about"].ends_with('.'), "{name}");
        }
    }

    fn styles(name: &str) -> Vec<ratatui::style::Style> {
        let mut theme = of_program(name).unwrap();
        ROLES.iter().map(|(role, _)| *theme.role_mut(role).unwrap()).collect()
    }

    #[test]
    fn the_theme_without_colours_has_none_and_tells_everything_apart() {
        assert!(styles(NONE).iter().all(|style| (style.fg, style.bg) == (None, None)));
        let none = of_program(NONE).unwrap();
        assert_ne!(none.selection(), none.text());
        assert_ne!(none.timeline(none.bar(), Some(true)), none.timeline(none.bar(), Some(false)));
    }

    #[test]
    fn sixteen_colours_are_those_that_every_terminal_has() {
        for name in [SIXTEEN_DARK, SIXTEEN_LIGHT, HIGH_CONTRAST] {
            for style in styles(name) {
                let is_of_16 =
                    |colour: Option<Color>| !matches!(colour, Some(Color::Rgb(..) | Color::Indexed(16..)));
                assert!(is_of_16(style.fg) && is_of_16(style.bg), "{name}: {style:?}");
            }
        }
    }

    #[test]
    fn high_contrast_has_nothing_faint() {
        for style in styles(HIGH_CONTRAST) {
            assert!(!style.add_modifier.contains(Modifier::DIM), "{style:?}");
            assert!(!matches!(style.fg, Some(Color::DarkGray | Color::Gray)), "{style:?}");
        }
    }

    #[test]
    fn a_theme_of_the_user_changes_some_roles() {
        let dark = of_program(DARK).unwrap();
        let own = with_styles(dark, [("accent", "bold red")]).unwrap();
        assert_eq!(own.accent().fg, Some(Color::Red));
        assert_eq!(own.error(), dark.error());
        let errors = with_styles(dark, [("acent", "red"), ("error", "reddish")]).unwrap_err();
        assert_eq!(errors.len(), 2);
        assert!(errors[0].reason.contains("the roles are text, faint, "), "{errors:?}");
    }
}
