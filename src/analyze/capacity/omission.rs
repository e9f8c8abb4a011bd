//! Coordinated omission: what a closed-loop load generator did not measure while it waited for a slow answer.
//! Only for generator logs with a known period, never for production logs. <https://hdrhistogram.github.io/HdrHistogram/>

/// Each value with the values that the generator would have seen at each missed period: v - i, v - 2i, ... while at least i.
///
/// At most `limit` values come back; `None` says that more would have been needed, or that the period is not positive.
pub fn corrected(values: &[u64], expected_interval: u64, limit: usize) -> Option<Vec<u64>> {
    if expected_interval == 0 {
        return None;
    }
    let mut out = Vec::with_capacity(values.len());
    for &value in values {
        out.push(value);
        let mut missed = value.saturating_sub(expected_interval);
        while missed >= expected_interval {
            if out.len() >= limit {
                return None;
            }
            out.push(missed);
            missed -= expected_interval;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::stats::nearest_rank;
    use super::super::testing::vector;
    use super::*;

    #[test]
    fn corrected_values_are_those_of_hdrhistogram() {
        for case in vector("coordinated_omission.json")["cases"].as_array().expect("cases") {
            let list = |name: &str| -> Option<Vec<u64>> { case[name].as_array()?.iter().map(serde_json::Value::as_u64).collect() };
            let interval = case["expected_interval"].as_u64().expect("interval");
            let mut out = corrected(&list("values").expect("values"), interval, 10_000).expect("fits");
            out.sort_unstable();
            assert_eq!(Some(out.len() as u64), case["n"].as_u64());
            assert_eq!(Some(out.iter().sum::<u64>()), case["sum"].as_u64());
            assert_eq!(nearest_rank(&out, 0.5), case["p50_nearest_rank"].as_u64());
            assert_eq!(nearest_rank(&out, 0.99), case["p99_nearest_rank"].as_u64());
            if let Some(expected) = list("corrected_sorted") {
                assert_eq!(out, expected);
            }
        }
        assert_eq!(corrected(&[u64::MAX], 1, 1_000), None);
        assert_eq!(corrected(&[1], 0, 1_000), None);
    }
}
