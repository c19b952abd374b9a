//! Times on the command line.

use crate::exchange::TimeSpan;

/// Parses a time that is not zero; a bare number is in seconds.
pub(super) fn some_time(text: &str) -> Result<TimeSpan, String> {
    let is_bare = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let read = if is_bare { format!("{text}s").parse::<TimeSpan>() } else { text.parse() };
    let span = read.map_err(|error| error.to_string())?;
    if span.0.is_zero() {
        return Err("no time at all is too short; write 10s, 5m or a number of seconds".to_owned());
    }
    Ok(span)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bare_number_is_seconds_and_no_time_is_refused() {
        assert_eq!(some_time("20"), Ok(TimeSpan(Duration::from_secs(20))));
        assert_eq!(some_time("250ms"), Ok(TimeSpan(Duration::from_millis(250))));
        assert_eq!(some_time("00:05:00"), Ok(TimeSpan(Duration::from_secs(300))));
        for wrong in ["0", "0s", "0ms", "00:00:00"] {
            assert!(some_time(wrong).unwrap_err().contains("too short"), "{wrong}");
        }
        for wrong in ["", "soon", "-1", "1.5"] {
            assert!(some_time(wrong).is_err(), "{wrong}");
        }
    }
}
