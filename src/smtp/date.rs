//! A date as mail writes it.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::Offset;

/// A time in the form of RFC 5322 section 3.3, in UTC: `Tue, 28 Sep 2010 09:35:58 +0000`.
///
/// It stands in every banner and every `Received:` field, so it is written without a format that has to be read
/// first.
#[derive(Clone, Copy, Debug)]
pub struct MailDate(pub Timestamp);

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl fmt::Display for MailDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Offset::UTC.to_datetime(self.0);
        let name = |names: &[&'static str], index: i8| {
            usize::try_from(index).ok().and_then(|index| names.get(index).copied()).unwrap_or_default()
        };
        write!(
            f,
            "{}, {} {} {:04} {:02}:{:02}:{:02} +0000",
            name(&DAYS, time.weekday().to_monday_zero_offset()),
            time.day(),
            name(&MONTHS, time.month() - 1),
            time.year(),
            time.hour(),
            time.minute(),
            time.second()
        )
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_the_format_of_the_standard(second in 0_i64..253_402_207_200) {
            let time = Timestamp::from_second(second).unwrap();
            let formatted = time.to_zoned(TimeZone::UTC).strftime("%a, %-d %b %Y %H:%M:%S +0000").to_string();
            prop_assert_eq!(MailDate(time).to_string(), formatted);
        }
    }
}
