//! The way from the first layer to the one in front, in words: `Addresses › 203.0.113.7 › Objects`. Each layer has a name,
//! and in front of it what it narrows the layer below to.

use unicode_width::UnicodeWidthStr;

use crate::log::Field;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Value};
use crate::tui::model::{Layer, State, TableKind, folders, heat_map};
use crate::tui::{cell_text, format, widgets::fit};

/// What is between two parts.
pub(crate) const SEPARATOR: &str = " › ";
/// The same in front of a layer that replaces the filter of the layer below.
const NEW_WAY: &str = " │ ";
/// Parts in the middle are first shortened to this width, in terminal columns.
const SHORT: usize = 8;
/// Shown in the place of the parts that are left out.
const LEFT_OUT: &str = "…";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What a layer was opened for.
    Title,
    /// The name of a layer.
    Name,
    /// A term of its filter, or its time range.
    Term,
    /// A term that is switched off.
    OffTerm,
    /// Parts that are left out for lack of room.
    LeftOut,
}

/// A part of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crumb {
    pub(crate) part: Part,
    pub(crate) text: String,
    /// Index of the layer that it belongs to.
    pub(crate) layer: usize,
    /// Whether a layer begins with it that replaces the filter of the layer below.
    begins_way: bool,
    /// Its first terminal column.
    pub(crate) start: u16,
    /// The terminal column after its last.
    pub(crate) end: u16,
}

impl Crumb {
    /// What is in front of it, unless it is the first.
    pub(crate) fn separator(&self) -> &'static str {
        if self.begins_way { NEW_WAY } else { SEPARATOR }
    }
}

/// The way to the layer in front, fitted between the terminal columns `start` and `end`.
pub(crate) fn of(state: &State, start: u16, end: u16) -> Vec<Crumb> {
    let mut crumbs = Vec::new();
    let mut below: Option<&Layer> = None;
    for (index, layer) in state.layers().iter().enumerate() {
        let mut begins_way = index > 0 && layer.begins_way();
        let mut add = |part: Part, text: String| {
            let begins_way = std::mem::take(&mut begins_way);
            crumbs.push(Crumb { part, text, layer: index, begins_way, start: 0, end: 0 });
        };
        if let Some(title) = layer.title() {
            add(Part::Title, title.to_owned());
        }
        terms(state, layer, below).into_iter().for_each(|text| add(Part::Term, text));
        if index + 1 == state.depth() {
            let off = layer.disabled.iter().map(format::filter);
            off.for_each(|text| add(Part::OffTerm, text));
        }
        // A folder is its own name.
        if !(is_by_folder(layer) && below.is_some_and(is_by_folder)) {
            add(Part::Name, name(layer));
        }
        below = Some(layer);
    }
    fit_crumbs(&mut crumbs, usize::from(end.saturating_sub(start)));
    let mut x = start;
    for crumb in &mut crumbs {
        let width = |text: &str| u16::try_from(text.width()).unwrap_or(u16::MAX);
        crumb.start = x;
        crumb.end = x.saturating_add(width(&crumb.text));
        x = crumb.end.saturating_add(width(SEPARATOR));
    }
    crumbs
}

/// The index of the layer whose part is at terminal column `x`; `None`: none, or parts that are left out.
pub(crate) fn layer_at(crumbs: &[Crumb], x: u16) -> Option<usize> {
    let crumb = crumbs.iter().find(|crumb| (crumb.start..crumb.end).contains(&x))?;
    (crumb.part != Part::LeftOut).then_some(crumb.layer)
}

fn is_by_folder(layer: &Layer) -> bool {
    layer.detail.is_none() && matches!(layer.table().kind, TableKind::Groups(Dimension::Path { .. }))
}

/// What the table of a layer is, in a word or two.
pub(crate) fn name(layer: &Layer) -> String {
    if layer.detail.is_some() {
        return "Request".to_owned();
    }
    match &layer.table().kind {
        TableKind::Groups(by) => name_of(by),
        TableKind::Pairs([first, second]) => format!("{}, {}", first.title(), second.title()),
        TableKind::Times(_) if heat_map::is_shown_in(layer) => "Week".to_owned(),
        TableKind::Times(_) => "Time".to_owned(),
        TableKind::Requests => "Requests".to_owned(),
        TableKind::Findings => "Findings".to_owned(),
    }
}

/// What the rows of a table by a dimension are.
pub(crate) fn name_of(by: &Dimension) -> String {
    match by {
        Dimension::Field(Field::RemoteIp) => "Addresses".to_owned(),
        Dimension::Field(Field::Key) => "Objects".to_owned(),
        Dimension::Path { .. } => "Folders".to_owned(),
        by => by.title(),
    }
}

/// What a layer narrows the layer below to: its time range and the terms of its filter that are new. If it replaces the
/// filter of the layer below: all of them.
pub(crate) fn terms(state: &State, layer: &Layer, below: Option<&Layer>) -> Vec<String> {
    let below = below.filter(|_| !layer.begins_way());
    let mut texts = Vec::new();
    if layer.time != below.map_or(state.session_time, |below| below.time)
        && let Some((start, end)) = state.chosen_range(layer)
    {
        texts.push(format::span(start, end, state.zone(), state.shows_year()));
    }
    let is_new = |term: &&Filter| below.is_none_or(|below| !below.filter.terms().contains(term));
    for term in layer.filter.terms().iter().filter(is_new) {
        let opened = below.and_then(|below| value_of_row(below, term));
        texts.push(opened.unwrap_or_else(|| format::filter(term)));
    }
    texts
}

/// The value of the row that a term is about, if it is one of the table of `layer`: the name of the table says what it is.
fn value_of_row(layer: &Layer, term: &Filter) -> Option<String> {
    if heat_map::is_shown_in(layer) {
        return heat_map::name_of(term);
    }
    let TableKind::Groups(by) = &layer.table().kind else { return None };
    if let (Dimension::Path { .. } | Dimension::Prefix { .. }, Some(name)) = (by, folders::name_of(term)) {
        return Some(format::value(&Value::Text(name.into())));
    }
    let Filter::Term(subject, test) = term else { return None };
    let subject = match subject {
        Subject::Field(field) => Dimension::Field(*field),
        Subject::Derived(derived) => derived.clone(),
        Subject::Anywhere => return None,
    };
    if subject != *by {
        return None;
    }
    let value = match test {
        Test::Equals(text) => Value::Text(text.clone().into()),
        Test::Absent => Value::Absent,
        Test::Range(Some(first), Some(last)) if first == last => Value::Integer(*first),
        _ => return None,
    };
    Some(cell_text::of_group(by, &value))
}

/// Shortens the parts so that they fit: those in the middle first.
fn fit_crumbs(crumbs: &mut Vec<Crumb>, room: usize) {
    let total = |crumbs: &[Crumb]| {
        let gaps = crumbs.len().saturating_sub(1) * SEPARATOR.width();
        crumbs.iter().map(|crumb| crumb.text.width()).sum::<usize>() + gaps
    };
    // What a layer was opened for says what its terms are.
    while total(crumbs) > room && leave_out_term_of_title(crumbs) {}
    // The longest in the middle is shortened until another is longer.
    loop {
        let over = total(crumbs).saturating_sub(room);
        let last = crumbs.len().saturating_sub(1);
        let middle = crumbs.iter_mut().enumerate().filter(|(index, _)| (1..last).contains(index));
        let longest = middle.map(|(_, crumb)| crumb).max_by_key(|crumb| crumb.text.width());
        match longest {
            Some(crumb) if over > 0 && crumb.text.width() > SHORT => {
                let width = crumb.text.width();
                crumb.text =
                    fit::middle(&crumb.text, (width - over.min(width - SHORT).div_ceil(4).max(1)).max(SHORT));
            }
            _ => break,
        }
    }
    // Then parts in the middle are left out, the first of them first.
    while total(crumbs) > room && crumbs.len() > 3 {
        let layer = crumbs.get(1).map_or(0, |crumb| crumb.layer);
        if crumbs.get(1).is_some_and(|crumb| crumb.part == Part::LeftOut) {
            crumbs.remove(2);
        } else if let Some(crumb) = crumbs.get_mut(1) {
            let text = LEFT_OUT.to_owned();
            *crumb = Crumb { part: Part::LeftOut, text, layer, begins_way: false, start: 0, end: 0 };
        }
    }
    let count = crumbs.len().max(1);
    if total(crumbs) > room {
        let each = (room.saturating_sub((count - 1) * SEPARATOR.width()) / count).max(1);
        crumbs.iter_mut().for_each(|crumb| crumb.text = fit::middle(&crumb.text, each));
    }
}

/// Leaves out the last term of the layers that have a title. Returns whether there was one.
fn leave_out_term_of_title(crumbs: &mut Vec<Crumb>) -> bool {
    let titled: Vec<usize> =
        crumbs.iter().filter(|crumb| crumb.part == Part::Title).map(|crumb| crumb.layer).collect();
    let is_its_term = |crumb: &&mut Crumb| crumb.part == Part::Term && titled.contains(&crumb.layer);
    let Some(crumb) = crumbs.iter_mut().rfind(is_its_term) else { return false };
    (crumb.part, crumb.text) = (Part::LeftOut, LEFT_OUT.to_owned());
    crumbs.dedup_by(|next, crumb| {
        next.part == Part::LeftOut && crumb.part == Part::LeftOut && next.layer == crumb.layer
    });
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_through_a_finding_was_cut_in_the_middle_of_its_terms() {
        let texts = [
            (Part::Name, 0, "Findings"),
            (Part::Title, 1, "mass-deletion role/cleanup-prod"),
            (Part::Term, 1, "04-24 13:40–14:23"),
            (Part::Term, 1, "role:role/cleanup-prod"),
            (Part::Term, 1, "-http_status>=400"),
            (Part::Name, 1, "Requests"),
        ];
        let way = |room| {
            let crumb = |(part, layer, text): (Part, usize, &str)| Crumb {
                part,
                text: text.to_owned(),
                layer,
                begins_way: false,
                start: 0,
                end: 0,
            };
            let mut crumbs = texts.map(crumb).to_vec();
            fit_crumbs(&mut crumbs, room);
            crumbs.iter().map(|crumb| crumb.text.as_str()).collect::<Vec<_>>().join(SEPARATOR)
        };
        assert_eq!(way(60), "Findings › mass-deletion role/cleanup-prod › … › Requests");
        // Beside free room, all terms were left out.
        assert_eq!(way(78), "Findings › mass-deletion role/cleanup-prod › 04-24 13:40–14:23 › … › Requests");
        assert_eq!(way(200).matches(SEPARATOR).count(), 5, "all terms, where there is room");
    }

    fn fitted(texts: &[&str], room: usize) -> String {
        let crumb = |(layer, text): (usize, &&str)| Crumb {
            part: Part::Name,
            text: (*text).to_owned(),
            layer,
            begins_way: false,
            start: 0,
            end: 0,
        };
        let mut crumbs: Vec<Crumb> = texts.iter().enumerate().map(crumb).collect();
        fit_crumbs(&mut crumbs, room);
        crumbs.iter().map(|crumb| crumb.text.as_str()).collect::<Vec<_>>().join(SEPARATOR)
    }

    #[test]
    fn parts_in_the_middle_are_shortened_first() {
        let way = ["Addresses", "2001:db8:1234:5678::9abc", "Objects", "films/a/b/c/master.mp4", "Requests"];
        assert_eq!(fitted(&way, 200), way.join(SEPARATOR));
        let text = fitted(&way, 60);
        assert!(text.width() <= 60 && text.width() > 55, "{text}");
        assert!(text.starts_with("Addresses › 2001") && text.ends_with(" › Requests"), "{text}");
        assert!(text.contains("Objects"), "{text}");
        assert_eq!(fitted(&way, 36), "Addresses › … › film…mp4 › Requests");
        assert_eq!(fitted(&way, 30), "Addresses › … › Requests");
        assert!(fitted(&way, 20).width() <= 24);
        for room in 0..100 {
            fitted(&way, room);
        }
    }
}
