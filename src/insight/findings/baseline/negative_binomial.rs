//! Tail probabilities of the negative binomial distribution: counts that scatter more than random arrivals.
//!
//! The distribution is given by its mean `m` and its dispersion `d`: the variance is `m + d × m²`. With `d = 0` it is the
//! Poisson distribution. Probabilities are logarithms, because those of an incident are far below the smallest `f64`.
//!
//! The tails are saddlepoint approximations for lattice distributions with the second continuity correction (H. E.
//! Daniels, "Tail probability approximations", International Statistical Review 55, 1987). They take the same time for
//! any count, and their relative error stays below 8 % however small the probability is.

use std::f64::consts::{PI, SQRT_2};

/// Below this dispersion the formula of the Poisson distribution is more precise.
const SMALLEST_DISPERSION: f64 = 1e-9;
/// Within this distance from the mean, in standard deviations, the formula divides by almost 0.
const SMALLEST_DISTANCE: f64 = 1e-3;

/// The logarithm of the probability of `count` or more.
pub(crate) fn ln_upper_tail(count: f64, mean: f64, dispersion: f64) -> f64 {
    if count <= 0.0 {
        return 0.0;
    }
    if mean <= 0.0 {
        return f64::NEG_INFINITY;
    }
    ln_tail_beyond(count - 0.5, mean, dispersion, 1.0)
}

/// The logarithm of the probability of `count` or less.
pub(crate) fn ln_lower_tail(count: f64, mean: f64, dispersion: f64) -> f64 {
    if mean <= 0.0 {
        return 0.0;
    }
    ln_tail_beyond(count.max(0.0) + 0.5, mean, dispersion, -1.0)
}

/// The logarithm of the probability beyond `x`: above it with `side` 1, below it with `side` −1.
fn ln_tail_beyond(x: f64, mean: f64, dispersion: f64, side: f64) -> f64 {
    let x = x.max(0.5);
    let log_ratio = (x / mean).ln();
    // `half_deviance` is the exponent at the saddlepoint `slope`.
    let (slope, half_deviance) = if dispersion < SMALLEST_DISPERSION {
        (log_ratio, x * log_ratio - (x - mean))
    } else {
        let log_spread = (dispersion * (x - mean) / (1.0 + dispersion * mean)).ln_1p();
        (log_ratio - log_spread, x * log_ratio - (x + dispersion.recip()) * log_spread)
    };
    let w = (2.0 * half_deviance.max(0.0)).sqrt() * (x - mean).signum() * side;
    let u = 2.0 * (slope / 2.0).sinh() * (x + dispersion * x * x).sqrt() * side;
    if w.abs() < SMALLEST_DISTANCE {
        let skewness = (1.0 + 2.0 * dispersion * mean) / (mean * (1.0 + dispersion * mean)).sqrt();
        return (0.5 - side * skewness / (6.0 * (2.0 * PI).sqrt())).clamp(0.05, 0.95).ln();
    }
    if w > 0.0 {
        let ln_density = -0.5 * w * w - 0.5 * (2.0 * PI).ln();
        return ln_density + (mills_ratio(w) + u.recip() - w.recip()).max(f64::MIN_POSITIVE).ln();
    }
    let density = (-0.5 * w * w).exp() / (2.0 * PI).sqrt();
    let tail = 0.5 * libm::erfc(w / SQRT_2) + density * (u.recip() - w.recip());
    tail.clamp(f64::MIN_POSITIVE, 1.0).ln()
}

/// The probability beyond `w` of the normal distribution, divided by its density.
fn mills_ratio(w: f64) -> f64 {
    const ASYMPTOTIC_FROM: f64 = 20.0;
    if w < ASYMPTOTIC_FROM {
        (PI / 2.0).sqrt() * (0.5 * w * w).exp() * libm::erfc(w / SQRT_2)
    } else {
        let square = w * w;
        (1.0 - (1.0 - 3.0 / square) / square) / w
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probabilities of 0, 1, 2 …, each computed from the one before.
    fn probabilities(mean: f64, dispersion: f64) -> Vec<f64> {
        let first = if dispersion > 0.0 {
            (1.0 + dispersion * mean).powf(-dispersion.recip())
        } else {
            (-mean).exp()
        };
        let mut all = vec![first];
        for count in 1..20_000 {
            let before = f64::from(count - 1);
            let ratio = mean * (1.0 + dispersion * before) / ((1.0 + dispersion * mean) * f64::from(count));
            let next = all[all.len() - 1] * ratio;
            if next < 1e-280 && f64::from(count) > mean {
                break;
            }
            all.push(next);
        }
        all
    }

    #[test]
    fn tails_agree_with_sums_of_probabilities() {
        for (mean, dispersion) in [
            (0.3, 0.5),
            (2.0, 0.0),
            (2.0, 0.1),
            (7.5, 1.0),
            (40.0, 0.0),
            (40.0, 0.05),
            (300.0, 0.2),
            (300.0, 0.01),
        ] {
            let all = probabilities(mean, dispersion);
            for count in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987] {
                if count >= all.len() {
                    continue;
                }
                let upper: f64 = all[count..].iter().sum();
                let lower: f64 = all[..=count].iter().sum();
                let count = count as f64;
                if upper > 1e-200 {
                    let error = ln_upper_tail(count, mean, dispersion) - upper.ln();
                    assert!(error.abs() < 0.08, "upper {mean} {dispersion} {count}: {error}");
                }
                if lower > 1e-200 {
                    let error = ln_lower_tail(count, mean, dispersion) - lower.ln();
                    assert!(error.abs() < 0.12, "lower {mean} {dispersion} {count}: {error}");
                }
            }
        }
    }

    #[test]
    fn far_tails_have_a_logarithm_that_still_decreases() {
        let tails = [1e4, 1e5, 1e6, 1e7].map(|count| ln_upper_tail(count, 1000.0, 0.01));
        assert!(tails.is_sorted_by(|a, b| a > b), "{tails:?}");
        assert!(tails.iter().all(|tail| tail.is_finite() && *tail < -100.0), "{tails:?}");
    }

    #[test]
    fn no_count_at_all_is_certain_to_be_reached_and_any_count_is_impossible_without_a_mean() {
        assert_eq!(ln_upper_tail(0.0, 5.0, 0.1), 0.0);
        assert_eq!(ln_upper_tail(1.0, 0.0, 0.1), f64::NEG_INFINITY);
        assert_eq!(ln_lower_tail(0.0, 0.0, 0.1), 0.0);
    }
}
