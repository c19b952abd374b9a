//! A date as mail writes it.

use std::fmt::{self, Write as _};

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
        f.write_str(name(&DAYS, time.weekday().to_monday_zero_offset()))?;
        f.write_str(", ")?;
        if time.day() < 10 {
            f.write_char(digit(time.day()))?;
        } else {
            two_digits(f, time.day())?;
        }
        f.write_char(' ')?;
        f.write_str(name(&MONTHS, time.month() - 1))?;
        write!(f, " {:04} ", time.year())?;
        two_digits(f, time.hour())?;
        f.write_char(':')?;
        two_digits(f, time.minute())?;
        f.write_char(':')?;
        two_digits(f, time.second())?;
        f.write_str(" +0000")
    }
}

fn two_digits(f: &mut fmt::Formatter<'_>, number: i8) -> fmt::Result {
    f.write_char(digit(number / 10))?;
    f.write_char(digit(number % 10))
}

fn digit(number: i8) -> char {
    u32::try_from(number).ok().and_then(|number| char::from_digit(number, 10)).unwrap_or('?')
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
