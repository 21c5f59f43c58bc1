//! Bars with a resolution of an eighth of a cell: vertical ones for time, horizontal ones for shares.

const VERTICAL: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const HORIZONTAL: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The character of a vertical bar in row `row` (0: the lowest) of a chart of `rows` rows, in which `highest` fills all
/// rows. A number above 0 is never empty.
pub(crate) fn cell(number: u64, highest: u64, row: u16, rows: u16) -> char {
    let full = u64::from(rows) * 8;
    let eighths = match (number, highest) {
        (0, _) | (_, 0) => 0,
        (number, highest) => {
            let exact = u128::from(number) * u128::from(full) / u128::from(highest);
            u64::try_from(exact).unwrap_or(full).clamp(1, full)
        }
    };
    let above = eighths.saturating_sub(u64::from(row) * 8).min(8);
    VERTICAL[above as usize]
}

/// A line of vertical bars, one per number, all equally wide and at most `width` cells together.
pub(crate) fn sparkline(numbers: &[u64], width: usize) -> String {
    let highest = numbers.iter().copied().max().unwrap_or(0);
    let cells = (width / numbers.len().max(1)).max(1);
    let bar = |&number: &u64| std::iter::repeat_n(cell(number, highest, 0, 1), cells);
    numbers.iter().flat_map(bar).take(width).collect()
}

/// A horizontal bar; a `share` of 1 fills `width` cells.
pub(crate) fn horizontal(share: f64, width: usize) -> String {
    let full = width * 8;
    let mut eighths = (share.clamp(0.0, 1.0) * full as f64).round() as usize;
    if share > 0.0 {
        eighths = eighths.max(1);
    }
    let mut bar: String = std::iter::repeat_n('█', eighths / 8).collect();
    if !eighths.is_multiple_of(8) {
        bar.push(HORIZONTAL[eighths % 8]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vertical_bars_grow_from_the_bottom() {
        let column = |number| (0..2).rev().map(|row| cell(number, 16, row, 2)).collect::<String>();
        assert_eq!(column(16), "██");
        assert_eq!(column(8), " █");
        assert_eq!(column(12), "▄█");
        assert_eq!(column(1), " ▁");
        assert_eq!(column(0), "  ");
        assert_eq!(cell(1, u64::MAX, 0, 2), '▁');
        assert_eq!(cell(u64::MAX, u64::MAX, 1, 2), '█');
    }

    #[test]
    fn bars_of_a_sparkline_have_the_same_width() {
        assert_eq!(sparkline(&[0, 4, 8], 3), " ▄█");
        assert_eq!(sparkline(&[0, 8], 6), "   ███");
        assert_eq!(sparkline(&[1, 8, 8, 8, 8, 8, 8], 8), "▁██████");
        assert_eq!(sparkline(&[8, 0, 8, 0, 8], 14), "██  ██  ██");
        assert_eq!(sparkline(&[8, 8, 8], 2), "██");
        assert_eq!(sparkline(&[], 6), "");
    }

    #[test]
    fn horizontal_bars() {
        assert_eq!(horizontal(1.0, 3), "███");
        assert_eq!(horizontal(0.5, 3), "█▌");
        assert_eq!(horizontal(0.0001, 3), "▏");
        assert_eq!(horizontal(0.0, 3), "");
    }
}
