//! Asks why nothing matches the filter of the layer in front, and stores the answer.

use crate::insight::{Scope, emptiness::Emptiness};
use crate::query::Ask;
use crate::tui::model::{
    AnalysisAnswer, AnalysisAsk, AnalysisJob, AnalysisResult, Effect, State, answer_state::AnswerState,
};
use crate::tui::update::queries;

/// Starts the analysis if nothing matches, and it was not made for this filter and this data.
pub(super) fn reconcile(state: &mut State, effects: &mut Vec<Effect>) {
    // Names that are being looked up may be those that the filter wants.
    if !state.is_empty_by_filter() || state.names.running.is_some() {
        return;
    }
    let query = queries::layer_query(state, Ask::Totals);
    let (generation, latest) = (state.generation, state.latest_emptiness);
    if !state.layer().emptiness.needs_query(&query, generation, latest) {
        return;
    }
    let number = state.next_number();
    state.latest_emptiness = number;
    let ask = AnalysisAsk::Emptiness(Scope::of(&query));
    state.layer_mut().emptiness.query_sent(number, query);
    effects.push(Effect::Analyse(Box::new(AnalysisJob { number, ask })));
}

/// Stores the result of an analysis. Returns whether it was this one.
pub(super) fn store(state: &mut State, result: &AnalysisResult) -> bool {
    let emptiness: &mut AnswerState<Option<Emptiness>> = &mut state.layer_mut().emptiness;
    if !emptiness.awaits(result.number) {
        return false;
    }
    let answer = result.answer.clone().and_then(|answer| match answer {
        AnalysisAnswer::Emptiness(emptiness) => Ok(emptiness),
        _ => Err("internal error: another analysis answered; please report this".to_owned()),
    });
    emptiness.store(result.share, result.generation, answer);
    true
}
