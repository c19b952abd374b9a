//! Scripts that are read, and scripts that are not.

use super::*;

/// Reads `text` and prints the result.
fn read(text: &str) -> String {
    text.parse::<Script>().unwrap_or_else(|error| panic!("{error}")).to_string()
}

#[test]
fn a_script_is_read_whatever_its_quotes_and_layout() {
    for (text, printed) in [
        ("Get-X", "Get-X"),
        ("  get-x ; ; Get-Y\r\n\r\nGet-Z # and so on", "get-x; Get-Y; Get-Z"),
        ("Get-X <# over\ntwo lines #> -A 1", "Get-X -A 1"),
        ("Set-X -A `\n  b `\r\n  -C d", "Set-X -A b -C d"),
        ("Set-X 'it''s' \"say \"\"no\"\" `$5\"", "Set-X 'it''s' 'say \"no\" $5'"),
        ("Set-X \"`t`n``\"", "Set-X '\t\n`'"),
        ("Set-X a` b", "Set-X 'a b'"),
        ("Set-X a'b c'd", "Set-X 'ab cd'"),
        ("Set-X \"\" ''", "Set-X '' ''"),
        ("Set-X \u{201c}two words\u{201d} \u{2013}A \u{2018}x\u{2019}", "Set-X 'two words' -A x"),
        ("Set-X '\u{2019}\u{2019}'", "Set-X '\u{2019}\u{2019}'"),
        ("Set-X [::]:25, 0.0.0.0:25", "Set-X '[::]:25', 0.0.0.0:25"),
        ("Set-X -A:$false -B: 'x','y'", "Set-X -A:$false -B:x, y"),
        ("Set-X -1 '-A' 10MB", "Set-X '-1' '-A' 10MB"),
        ("Set-X C:\\a.req, *.b.test", "Set-X C:\\a.req, *.b.test"),
        ("Set-X a,`\n b,\n c", "Set-X a, b, c"),
        (
            "Set-X @{Add='a','b'; \"Remove\" = 5\n C=$true}",
            "Set-X @{'Add' = 'a', 'b'; 'Remove' = 5; 'C' = $true}",
        ),
        ("Set-X @()", "Set-X @()"),
        ("$a=Get-X|fl *", "$a = Get-X | fl *"),
        ("$a = 'x'", "$a = 'x'"),
        ("$a.B | ft C,D", "$a.B | ft C, D"),
        ("Set-X $a.B $a[0].B ($a)[-1]", "Set-X $a.B $a[0].B ($a)[-1]"),
        ("Set-X $env:COMPUTERNAME\\A", "Set-X \"${env:COMPUTERNAME}\\A\""),
        ("Set-X \"<I>$($a.B)<S>$($a.C)\"", "Set-X \"<I>$($a.B)<S>$($a.C)\""),
        ("Set-X \"$a.B ${c}d $ 5$\"", "Set-X \"${a}.B ${c}d `$ 5`$\""),
        ("Set-X \"$null$true\"", "Set-X \"${null}${true}\""),
        ("Set-X (Get-Y -A (Get-Z).B).C", "Set-X (Get-Y -A (Get-Z).B).C"),
        ("Set-X ([Byte[]]$(Get-Y a))", "Set-X ([Byte[]]$(Get-Y a))"),
        (
            "Set-X ([System.IO.File]::ReadAllBytes('C:\\a'))",
            "Set-X ([System.IO.File]::ReadAllBytes('C:\\a'))",
        ),
        ("Get-X | ? {$_.Id -eq 5 -and $_.B -like 'a*'}", "Get-X | ? { $_.Id -eq 5 -and $_.B -like 'a*' }"),
        ("Get-X |\n  ? Id -eq 5", "Get-X | ? Id -eq 5"),
        ("$a+='b'", "$a += 'b'"),
        ("$a = ('<I>'+$c.Issuer+'<S>'+$c.Subject)", "$a = ('<I>' + $c.Issuer + '<S>' + $c.Subject)"),
        ("\"{0}-{1}\" -f $a,(Get-Y).B", "'{0}-{1}' -f $a, (Get-Y).B"),
        ("(Get-Date).AddDays(-30)", "(Get-Date).AddDays(-30)"),
        ("!($a -and -not $b) -or 1 -lt 2*3+4", "-not ($a -and -not $b) -or 1 -lt 2 * 3 + 4"),
        (
            "if ($a) {Get-X} elseif (Get-Y) {} else { Get-Z }\nGet-X",
            "if ($a) { Get-X } elseif (Get-Y) {  } else { Get-Z }; Get-X",
        ),
        ("foreach ($a in Get-X|? {$_}) {Get-Y $a}", "foreach ($a in Get-X | ? { $_ }) { Get-Y $a }"),
        ("Get-X | % {$_.A} | sort -Descending", "Get-X | % { $_.A } | sort -Descending"),
        ("[datetime]'1/2/2026' -lt [datetime]::Now", "[datetime]'1/2/2026' -lt [datetime]::Now"),
        ("1..3 + $a[0,1]['x']", "1 .. 3 + $a[0, 1]['x']"),
        ("", ""),
        ("# nothing\n", ""),
    ] {
        assert_eq!(read(text), printed, "{text}");
        assert_eq!(read(printed), printed, "{text}");
    }
}

#[test]
fn what_is_wrong_is_shown_in_its_place_with_what_would_be_right() {
    for (text, place, hint) in [
        ("Set-X 'a", "1:7", "not closed"),
        ("Set-X\n \"a", "2:2", "not closed"),
        ("Set-X -A <I>CN=a", "1:10", "in quotes"),
        ("Set-X \"a\"b", "1:10", "put all of it in quotes"),
        ("Set-X -A ` \n -B", "1:10", "last character"),
        ("Set-X -A:", "1:10", "missing"),
        ("Set-X a,", "1:9", "missing"),
        ("Set-X a, | b", "1:10", "missing"),
        ("$a = , b", "1:8", "such as 'b'"),
        ("$a = @{Add=b}", "1:12", "such as 'b'"),
        ("$a = @{Add=10.0.0.1}", "1:12", "such as '10.0.0.1'"),
        ("$a = @{Add 'b'}", "1:12", "`=` is missing"),
        ("$a = @{Add='b'", "1:15", "missing"),
        ("$a = @{", "1:6", "not closed"),
        ("$a = @\"\nx\n\"@", "1:6", "here-strings"),
        ("Set-X @a", "1:7", "splatting"),
        ("Set-X (Get-Y", "1:7", "not closed"),
        ("Set-X \"$(Get-Y\"", "1:15", "not `\"`"),
        ("Get-X)", "1:6", "closes nothing"),
        ("$a -= 1", "1:4", "`=` or `+=`"),
        ("$a++", "1:3", "`=` or `+=`"),
        ("$a.B = 1", "1:6", "only a variable can be set"),
        ("Set-X -A '<I>'+$a.B", "1:15", "in parentheses"),
        ("while ($true) {}", "1:1", "`while` is not supported"),
        ("try { Get-X } catch {}", "1:1", "without try"),
        ("Get-X > a.txt", "1:7", "Set-Content"),
        ("Get-X && Get-Y", "1:7", "begin a new line"),
        ("$a -eqq $b", "1:4", "no operator -eqq"),
        ("$true = 1", "1:1", "cannot be set"),
        ("Set-X \"$a:b\"", "1:8", "${a}:"),
        ("Get-X | ", "1:9", "cmdlet"),
        ("& Get-X", "1:1", "not `&`"),
        ("Get-X | ? {$_.A -eq 1", "1:11", "not closed"),
        ("Get-X | ? {$_.A = 1}", "1:17", "-eq"),
        ("Get-X <# a", "1:7", "`#>`"),
    ] {
        let error = text.parse::<Script>().unwrap_err().to_string();
        let shown = error.starts_with(&format!("{place}: ")) && error.contains(hint);
        assert!(shown && error.ends_with('^'), "{text}\n{error}");
    }
}

#[test]
fn nesting_has_an_end() {
    for (open, middle, close) in [
        ("(", "Get-X", ")"),
        ("@(", "Get-X", ")"),
        ("{", "Get-X", "}"),
        ("@{a=", "1", "}"),
        ("!", "1", ""),
        ("(-", "1", ")"),
        (",", "1", ""),
        ("[string]", "1", ""),
        ("\"$(", "1", ")\""),
        ("$a[", "1", "]"),
        ("$a.b(", "1", ")"),
        ("$a=", "1", ""),
        ("if (1) {", "1", "}"),
        ("foreach ($a in 1) {", "1", "}"),
        ("? {", "1", "}"),
    ] {
        let deep = |levels: usize| format!("{}{middle}{}", open.repeat(levels), close.repeat(levels));
        assert!(deep(10).parse::<Script>().is_ok(), "{}", deep(10));
        let Err(error) = deep(100_000).parse::<Script>() else { panic!("{open}") };
        assert!(error.message.contains("deep"), "{open}");
    }
    // What follows one after the other does not nest.
    for (first, rest) in
        [("$a", ".b"), ("$a", "[0]"), ("1", "+1"), ("1", " -eq 1"), ("1", ",1"), ("$a", ".b()")]
    {
        let long = format!("{first}{}", rest.repeat(50_000));
        let read = long.parse::<Script>().unwrap();
        assert_eq!(read.clone(), read);
        assert!(read.to_string().len() > 50_000);
    }
}
