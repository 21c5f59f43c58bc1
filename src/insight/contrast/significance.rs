//! The test whether a value is more frequent in one set of requests than in another.

/// Part of the size of a set that is added to its counts: a value that is rare in both sets does not stand out.
const PSEUDO_SHARE: f64 = 0.05;
/// Factor of the share in the other set: a share must be larger by more than 5 %.
const TOLERANCE: f64 = 1.05;

/// The evidence that a value is more frequent in one set: a value of the G statistic, 0 for none. `count` of `size`
/// requests of this set have the value, and `other_count` of `other_size` of the other set.
///
/// The statistic is the likelihood ratio of two binomial distributions (G test; Dunning, "Accurate Methods for the
/// Statistics of Surprise and Coincidence", Computational Linguistics 19, 1993). The counts are adjusted like those of
/// the heuristic `p_value` of the significant terms aggregation of Elasticsearch, on which Elastic's log rate analysis
/// is built: both sets get additional requests with the value, 5 % of their size and at least 1, and the share of the
/// other set counts as 5 % larger. So small samples, rare values and small differences have little evidence.
pub(super) fn evidence([count, size]: [u64; 2], [other_count, other_size]: [u64; 2]) -> f64 {
    if size == 0 || other_size == 0 {
        return 0.0;
    }
    let adjusted = |count: u64, size: u64| {
        let pseudo = (PSEUDO_SHARE * size as f64 + 0.5).floor().max(1.0);
        (count as f64 + pseudo, size as f64 + pseudo)
    };
    let (count, size) = adjusted(count, size);
    let (other_count, other_size) = adjusted(other_count, other_size);
    let share = count / size;
    if share <= other_count / other_size * TOLERANCE {
        return 0.0;
    }
    let other_count = other_count * TOLERANCE;
    let common = (count + other_count) / (size + other_size);
    let part = |observed: f64, expected: f64| {
        if observed > 0.0 { observed * (observed / expected).ln() } else { 0.0 }
    };
    let of_set =
        |count: f64, size: f64| part(count, size * common) + part(size - count, size * (1.0 - common));
    (2.0 * (of_set(count, size) + of_set(other_count, other_size))).max(0.0)
}

/// The probability of this evidence or more if the shares are equal: the upper tail of the χ² distribution with one
/// degree of freedom.
pub(super) fn p_value(evidence: f64) -> f64 {
    libm::erfc((evidence / 2.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_p_value_is_that_of_a_chi_squared_distribution() {
        // Quantiles from tables: 5 % at 3.841, 1 % at 6.635, 0.1 % at 10.828.
        for (quantile, probability) in [(3.841, 0.05), (6.635, 0.01), (10.828, 0.001)] {
            assert!((p_value(quantile) - probability).abs() < probability / 500.0);
        }
        assert_eq!(p_value(0.0), 1.0);
    }

    #[test]
    fn equal_shares_small_differences_and_small_samples_have_no_evidence() {
        assert_eq!(evidence([50, 1000], [500, 10_000]), 0.0);
        assert_eq!(evidence([5_100_000, 10_000_000], [5_000_000, 10_000_000]), 0.0);
        assert!(p_value(evidence([2, 3], [30, 100])) > 0.05);
        assert_eq!(evidence([0, 0], [5, 10]), 0.0);
        assert_eq!(evidence([5, 10], [0, 0]), 0.0);
    }

    #[test]
    fn a_value_that_only_one_set_has_is_evident_even_if_it_has_all_requests() {
        assert!(p_value(evidence([900, 900], [0, 40_000])) < 1e-100);
        assert!(evidence([450, 900], [0, 40_000]) > evidence([200, 900], [0, 40_000]));
    }

    #[test]
    fn more_requests_with_the_same_shares_are_more_evidence() {
        assert!(evidence([4000, 10_000], [1000, 10_000]) > 9.0 * evidence([400, 1000], [100, 1000]));
    }
}
