//! Panes: the contrast of a set of requests, the concentration of a table.

use crate::insight::Scope;
use crate::insight::contrast::Against;
use crate::query::{Ask, Filter, Measure, Query, TimeRange};
use crate::tui::format;
use crate::tui::model::pane::{ConcentrationPane, ContrastPane, Pane};
use crate::tui::model::{
    AnalysisAnswer, AnalysisAsk, AnalysisJob, AnalysisResult, AnalysisSlot, Command, Effect, Layer, ListKind,
    Prompt, Purpose, State, Tab, TableKind, analysis::Pending, cell_filter, found, layout, time_axes,
};
use crate::tui::update::cursor::moved_in_list;
use crate::tui::update::{block, drill, exports, filters, findings, queries};

const WRONG_KIND: &str = "internal error: the analysis returned another kind of answer; please report this";

/// Performs a command in the pane in front.
pub(super) fn perform(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    match command {
        Command::Cancel => close(state, effects),
        _ if matches!(state.pane, Some(Pane::Block(_)))
            && !matches!(command, Command::Help | Command::Palette) =>
        {
            block::perform(state, command, effects);
        }
        Command::Help => state.open_list(ListKind::Help),
        Command::Palette => state.prompt = Some(Prompt::new(Purpose::Command, String::new())),
        Command::Accept | Command::Not => add_value(state, command == Command::Not, effects),
        Command::TimelineMeasure => next_measure(state, effects),
        Command::Copy => copy(state, effects),
        Command::Export => exports::ask_for_file(state),
        _ => {
            let page = layout::pane_page(state);
            if let Some(Pane::Contrast(pane)) = &mut state.pane {
                let count = pane.row_count();
                pane.move_to(moved_in_list(command, pane.cursor, count, page), page);
            }
        }
    }
}

/// Closes the pane in front, if there is one.
pub(super) fn close(state: &mut State, effects: &mut Vec<Effect>) {
    if state.pane.take().is_none() {
        return;
    }
    effects.push(Effect::StopAnalysis(AnalysisSlot::Pane));
}

pub(super) fn start(state: &mut State, ask: AnalysisAsk, effects: &mut Vec<Effect>) -> u64 {
    let number = state.next_number();
    effects.push(Effect::Analyse(Box::new(AnalysisJob { number, ask })));
    number
}

/// Stores a result of the analysis of the pane in front.
pub(super) fn store(state: &mut State, result: AnalysisResult, effects: &mut Vec<Effect>) {
    let Some(pane) = &mut state.pane else { return };
    if pane.number() != result.number {
        return;
    }
    let AnalysisResult { share, answer, .. } = result;
    match (pane, answer) {
        (Pane::Contrast(pane), Ok(AnalysisAnswer::Contrast(contrast))) => {
            pane.answer.store(share, Ok(contrast))
        }
        (Pane::Concentration(pane), Ok(AnalysisAnswer::Concentration(concentration))) => {
            pane.answer.store(share, Ok(concentration));
        }
        (Pane::Block(pane), Ok(AnalysisAnswer::Block(plan))) => pane.answer.store(share, Ok(plan)),
        (Pane::Block(pane), answer) => pane.answer.store(share, Err(error_of(answer))),
        (Pane::Contrast(pane), answer) => pane.answer.store(share, Err(error_of(answer))),
        (Pane::Concentration(pane), answer) => pane.answer.store(share, Err(error_of(answer))),
    }
    if share.is_none() {
        block::copy_if_wanted(state, effects);
    }
}

fn error_of(answer: Result<AnalysisAnswer, String>) -> String {
    answer.err().unwrap_or_else(|| WRONG_KIND.to_owned())
}

/// A set of requests in a contrast.
struct Set {
    words: String,
    filter: Filter,
    time: TimeRange,
}

/// Shows what tells apart the selected range, the marked rows, the finding, the filter or the row under the cursor, in
/// this order.
pub(super) fn contrast(state: &mut State, effects: &mut Vec<Effect>) {
    let Some((a, rest)) = sets(state) else {
        return state.notify("nothing to compare: select a time range (v), mark rows (m), or filter (/)");
    };
    let query = Query { time: a.time, filter: a.filter.clone(), ..queries::layer_query(state, Ask::Totals) };
    let against = Against::RestOf(rest.time, rest.filter);
    let number = start(state, AnalysisAsk::Contrast(Scope::of(&query), against), effects);
    state.pane = Some(Pane::Contrast(Box::new(ContrastPane {
        of: format::visible(&a.words),
        against: format::visible(&rest.words),
        filter: a.filter,
        time: a.time,
        answer: Pending::new(number),
        cursor: 0,
        top: 0,
    })));
}

/// The set that is compared, and the set whose rest it is compared with.
fn sets(state: &State) -> Option<(Set, Set)> {
    let layer = state.layer();
    let words = match (layer.filter.is_everything(), layer.time == state.session_time) {
        (true, true) => "all other requests".to_owned(),
        (true, false) => "the other requests of this time range".to_owned(),
        (false, _) => format!("the others with {:#}", layer.filter),
    };
    let within_layer = Set { words, filter: layer.filter.clone(), time: layer.time };
    let all = Set {
        words: "all other requests".to_owned(),
        filter: Filter::everything(),
        time: state.session_time,
    };
    let of_finding = |finding: &crate::insight::findings::Finding| {
        let (filter, time) = found::split_time(&finding.filter);
        let words = format!("{} {}", finding.kind.name(), found::subject_text(finding));
        Set { words, filter, time: time.within(state.session_time) }
    };
    if let Some(brush) = &state.brush {
        let id = brush.finding.as_ref();
        if let Some(finding) = id.and_then(|id| found::by_id(state, id)) {
            return Some((of_finding(finding), all));
        }
        let (start, end) = brush.seconds(&time_axes::timeline(state)?);
        let time = TimeRange { start: Some(start), end: Some(end) }.within(state.session_time);
        let words = format::span(start, end, state.zone(), false);
        return Some((Set { words, filter: layer.filter.clone(), time }, within_layer));
    }
    let table = layer.table();
    let narrowed = |term: Filter| {
        let words = format!("{term:#}");
        Set { words, filter: cell_filter::with_term(&layer.filter, term), time: layer.time }
    };
    if let Some(term) = filters::term_of_marks(table) {
        return Some((narrowed(term), within_layer));
    }
    match findings::chosen(state).as_slice() {
        [] => {}
        [finding] => return Some((of_finding(finding), all)),
        several => {
            let filter = Filter::any(several.iter().map(|finding| finding.filter.clone()));
            let words = format::counted(several.len() as u64, "finding");
            return Some((Set { words, filter, time: state.session_time }, all));
        }
    }
    if !layer.is_unfiltered(state.session_time) {
        let words = match (layer.filter.is_everything(), state.chosen_range(layer)) {
            (true, Some((start, end))) => format::span(start, end, state.zone(), false),
            _ => format!("{:#}", layer.filter),
        };
        return Some((Set { words, filter: layer.filter.clone(), time: layer.time }, all));
    }
    if let TableKind::Times(_) = table.kind {
        let time = drill::time_of_row(state)?;
        let (start, end) = (time.start?, time.end?);
        let words = format::span(start, end, state.zone(), false);
        return Some((Set { words, filter: layer.filter.clone(), time }, within_layer));
    }
    Some((narrowed(filters::term_under_cursor(table)?), within_layer))
}

/// Opens a layer with the compared requests that have the value under the cursor; if `negated`, those that have not.
fn add_value(state: &mut State, negated: bool, effects: &mut Vec<Effect>) {
    let Some(Pane::Contrast(pane)) = &state.pane else { return };
    let Some(row) = pane.answer.data.as_ref().and_then(|contrast| contrast.rows.get(pane.cursor)) else {
        return;
    };
    let term = if negated { row.filter.clone().negated() } else { row.filter.clone() };
    let add = |filter: Filter, term: &Filter| cell_filter::with_term(&filter, term.clone());
    let filter = term.terms().iter().fold(pane.filter.clone(), add);
    let mut next = Layer::new(filter, pane.time);
    next.tab = match state.layer().tab {
        Tab::Findings => Tab::Addresses,
        tab => tab,
    };
    if let (Tab::Addresses | Tab::Objects | Tab::Other, Some(by)) =
        (next.tab, state.layer().table().dimension())
    {
        next.group_by(by.clone());
    }
    close(state, effects);
    drill::push(state, next);
}

/// Shows how unevenly the sorted measure is distributed over the values of the table.
pub(super) fn concentration(state: &mut State, effects: &mut Vec<Effect>) {
    let table = state.layer().table();
    let Some(by) = table.dimension().cloned() else {
        return state.notify("concentration needs a table of one dimension, such as addresses or objects");
    };
    let of = match table.sort.by.measure() {
        Some(measure @ (Measure::Requests | Measure::Errors)) => measure,
        Some(Measure::ErrorRate | Measure::Errors4xx | Measure::Errors5xx) => Measure::Errors,
        _ => Measure::BytesSent,
    };
    open_concentration(state, by, of, effects);
}

fn open_concentration(
    state: &mut State,
    by: crate::query::Dimension,
    of: Measure,
    effects: &mut Vec<Effect>,
) {
    let scope = Scope::of(&queries::layer_query(state, Ask::Totals));
    let number = start(state, AnalysisAsk::Concentration(scope, by.clone(), of), effects);
    state.pane = Some(Pane::Concentration(ConcentrationPane { by, of, answer: Pending::new(number) }));
}

fn next_measure(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(Pane::Concentration(pane)) = &state.pane else { return };
    let next = match pane.of {
        Measure::BytesSent => Measure::Requests,
        Measure::Requests => Measure::Errors,
        _ => Measure::BytesSent,
    };
    let by = pane.by.clone();
    open_concentration(state, by, next, effects);
}

fn copy(state: &mut State, effects: &mut Vec<Effect>) {
    let text = match &state.pane {
        Some(Pane::Contrast(pane)) => pane
            .answer
            .data
            .as_ref()
            .and_then(|contrast| contrast.rows.get(pane.cursor))
            .map(|row| format::filter(&row.filter)),
        Some(Pane::Concentration(pane)) => {
            pane.answer.data.as_ref().map(|data| format::visible(&data.sentence(&pane.by, pane.of)))
        }
        Some(Pane::Block(_)) | None => None,
    };
    super::copy_text(state, text, effects);
}
