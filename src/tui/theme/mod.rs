//! Styles. A [`Theme`] has a style for every role, such as `accent` or `error`. The themes of the program are in
//! `assets/themes.toml`; the configuration file may have others (`themes`). `style_text` reads a style, `detect` finds the
//! theme that fits the terminal, `choice` the one that applies.
//!
//! Colour is never the only sign of anything, so that nothing is lost without colours. Never contains I/O.

pub(crate) mod choice;
#[cfg(test)]
mod contrast;
pub(crate) mod detect;
pub(crate) mod style_text;
pub(crate) mod themes;

use ratatui::style::{Modifier, Style};

use crate::tui::model::found::Severity;

/// Defines [`Theme`] from its roles, one per line.
macro_rules! roles {
    ($($(#[doc = $about:literal])+ $name:ident;)*) => {
        /// The styles of everything on the screen.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(crate) struct Theme {
            $($name: Style,)*
        }

        /// The names of the roles with what they are for, in the order of the documentation.
        pub(crate) const ROLES: &[(&str, &str)] = &[$((stringify!($name), concat!($($about),+))),*];

        impl Theme {
            $($(#[doc = $about])+
            #[allow(dead_code, reason = "some roles are used by other methods only")]
            pub(crate) fn $name(self) -> Style { self.$name })*

            /// The style of the role with this name.
            fn role_mut(&mut self, name: &str) -> Option<&mut Style> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)*
                    _ => None,
                }
            }
        }
    };
}

roles! {
    /// Values, and all text without another role.
    text;
    /// Frames, absent values, hints.
    faint;
    /// Labels, units, the position of the cursor.
    quiet;
    /// Everything behind a popup; it need not be readable.
    behind;
    /// The name of the program, keys, messages.
    accent;
    /// Bars: the timeline, shares, sparklines.
    bar;
    /// Bars of the timeline in the selected range, or of the row under the cursor. Not `reversed`: a reversed full block
    /// looks empty.
    bar_selected;
    /// What the other bars of the timeline get in addition while some are selected.
    bar_beside;
    /// The selected range, its description and its edges.
    brushed;
    /// Headings of columns and sections.
    heading;
    /// The heading of the column under the cursor.
    heading_chosen;
    /// The row under the cursor. With a background and without `reversed`, the colours in it stay.
    selection;
    /// The sign of marked rows.
    mark;
    /// Failures, and status 5xx.
    error;
    /// What needs attention, and status 4xx.
    warning;
    /// What went well.
    good;
    /// Terms of the filter.
    chip;
    /// Disabled terms of the filter.
    chip_off;
    /// While a filter is typed: names of fields.
    filter_name;
    /// While a filter is typed: operators, `or`, negations, parentheses.
    filter_operator;
    /// While a filter is typed: values and words.
    filter_value;
    /// While a filter is typed: text that is wrong.
    filter_error;
}

impl Theme {
    /// What has this style elsewhere, in the row under the cursor. If the row has a background of its own, colours stay.
    pub(crate) fn selected(self, style: Style) -> Style {
        let is_reversed = self.selection.add_modifier.contains(Modifier::REVERSED);
        if is_reversed || self.selection.bg.is_none() {
            return self.selection;
        }
        // Faint text could not be read on it.
        self.selection.patch(if style == self.faint { self.quiet } else { style })
    }

    /// Bars of the timeline: `Some(true)` if selected, `Some(false)` if other bars are, `None` if none is.
    pub(crate) fn timeline(self, style: Style, is_selected: Option<bool>) -> Style {
        match is_selected {
            Some(true) => self.bar_selected,
            Some(false) => style.patch(self.bar_beside),
            None => style,
        }
    }

    /// The style of blocks, such as bars, that have the colour of a text: that of its background if it has one.
    pub(crate) fn block(self, style: Style) -> Style {
        match style.bg {
            Some(colour) => Style::new().fg(colour),
            None => style,
        }
    }

    pub(crate) fn has_colours(self) -> bool {
        self.bar.fg.is_some()
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
