//! Replies to EHLO, and whole dialogues copied from a terminal.

use serde::Serialize;

/// The replies of a server before and after EHLO.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dialogue {
    /// The banner, if it was copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner: Option<String>,
    /// The name that the server gives itself in the reply to EHLO.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The keywords in order.
    pub keywords: Vec<String>,
    /// True if STARTTLS is among them.
    pub starttls: bool,
    /// True if X-ANONYMOUSTLS is among them.
    pub x_anonymoustls: bool,
    /// True if this is the EHLO inside TLS, by what it offers.
    pub inside_tls: bool,
    /// True if a middlebox changed the reply.
    pub middlebox: bool,
    /// Keywords that a middlebox has overwritten with X.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masked_keyword: Vec<String>,
    /// The reply to STARTTLS, if the command was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starttls_reply: Option<String>,
}

/// Keywords that distinguish the reply to EHLO from any other list.
const KEYWORDS: [&str; 22] = [
    "SIZE",
    "PIPELINING",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "STARTTLS",
    "X-ANONYMOUSTLS",
    "AUTH",
    "X-EXPS",
    "8BITMIME",
    "BINARYMIME",
    "CHUNKING",
    "SMTPUTF8",
    "XRDST",
    "XEXCH50",
    "XSHADOW",
    "XSHADOWREQUEST",
    "XLONGADDR",
    "XORAR",
    "VRFY",
    "ETRN",
    "HELP",
    "XPROXY",
];

/// Finds every reply to EHLO in `text`.
pub(super) fn find(text: &str) -> Vec<Dialogue> {
    let mut all: Vec<Dialogue> = Vec::new();
    let mut now = Dialogue::default();
    let mut banner: Option<String> = None;
    let mut asked = false;
    let mut end = |now: &mut Dialogue| {
        let done = std::mem::take(now);
        if is_telling(&done) {
            all.push(done);
        }
    };
    for line in text.lines() {
        let line = line.trim().trim_start_matches(['<', '>', '-', '~', ' ']);
        let line = line.strip_prefix("S: ").or_else(|| line.strip_prefix("C: ")).unwrap_or(line).trim();
        let upper = line.to_ascii_uppercase();
        if upper.starts_with("EHLO") || upper.starts_with("HELO") {
            end(&mut now);
            now.banner = banner.take();
            asked = false;
        } else if upper == "STARTTLS" {
            asked = true;
        } else if let Some((code, rest)) = reply(line) {
            match code {
                220 if !asked => {
                    end(&mut now);
                    banner = Some(rest.to_owned());
                }
                250 => keyword(&mut now, rest),
                _ if asked => {
                    now.starttls_reply = Some(format!("{code} {rest}"));
                    asked = false;
                }
                _ => {}
            }
        } else if KEYWORDS.iter().any(|known| upper.split(' ').next() == Some(known))
            && !now.keywords.is_empty()
        {
            // The codes of this reply were not copied.
            keyword(&mut now, line);
        }
        if now.starttls_reply.is_some() && line.contains("TLS negotiation failed") {
            now.starttls_reply = Some(format!("220, then {}", line.trim_matches(['(', ')'])));
        }
    }
    end(&mut now);
    for dialogue in &mut all {
        finish(dialogue);
    }
    all
}

/// Reads a reply in one line of a protocol log, in which the keywords stand behind each other.
pub(super) fn of_words(words: &str) -> Option<Dialogue> {
    let mut dialogue = Dialogue::default();
    let mut rest: Vec<&str> = words.split_whitespace().collect();
    if let Some(at) = rest.iter().position(|word| *word == "Hello") {
        dialogue.host = at.checked_sub(1).and_then(|before| rest.get(before)).map(|host| (*host).to_owned());
        rest = rest.split_off(at + 1);
    }
    for word in rest {
        let upper = word.to_ascii_uppercase();
        let known = KEYWORDS.contains(&upper.as_str()) || is_masked(word);
        match dialogue.keywords.last_mut() {
            _ if known => dialogue.keywords.push(word.to_owned()),
            Some(last) => *last = format!("{last} {word}"),
            None => {}
        }
    }
    finish(&mut dialogue);
    is_telling(&dialogue).then_some(dialogue)
}

fn reply(line: &str) -> Option<(u16, &str)> {
    let (code, rest) = line.split_at_checked(3)?;
    let code: u16 = code.parse().ok()?;
    let rest = rest.strip_prefix(['-', ' ']).or_else(|| rest.is_empty().then_some(""))?;
    (200..600).contains(&code).then_some((code, rest))
}

fn keyword(dialogue: &mut Dialogue, text: &str) {
    let text = text.trim();
    let upper = text.to_ascii_uppercase();
    let first = upper.split(' ').next().unwrap_or_default();
    if dialogue.keywords.is_empty()
        && dialogue.host.is_none()
        && !KEYWORDS.contains(&first)
        && !is_masked(text)
    {
        if text.split_whitespace().count() > 8
            && let Some(words) = of_words(text)
        {
            dialogue.host = words.host;
            dialogue.keywords = words.keywords;
            return;
        }
        dialogue.host = Some(text.split(' ').next().unwrap_or_default().to_owned());
    } else {
        dialogue.keywords.push(text.to_owned());
    }
}

/// Returns whether a keyword is masked, as `XXXXXXXA`: a firewall overwrites every letter of a keyword that
/// it does not know.
fn is_masked(keyword: &str) -> bool {
    let word = keyword.split(' ').next().unwrap_or_default();
    let xs = word.chars().take_while(|c| *c == 'X').count();
    xs >= 3 && word.len() - xs <= 1
}

fn finish(dialogue: &mut Dialogue) {
    let has = |word: &str| {
        dialogue
            .keywords
            .iter()
            .any(|known| known.split(' ').next().is_some_and(|it| it.eq_ignore_ascii_case(word)))
    };
    dialogue.starttls = has("STARTTLS");
    dialogue.x_anonymoustls = has("X-ANONYMOUSTLS");
    // LOGIN and the keywords of a server that trusts the channel come inside TLS only.
    let login = dialogue
        .keywords
        .iter()
        .any(|it| it.to_ascii_uppercase().starts_with("AUTH") && it.to_ascii_uppercase().contains("LOGIN"));
    dialogue.inside_tls = login && !dialogue.starttls && !dialogue.x_anonymoustls;
    dialogue.masked_keyword = dialogue.keywords.iter().filter(|word| is_masked(word)).cloned().collect();
    let stars = dialogue.banner.as_deref().is_some_and(|banner| banner.contains("****"));
    dialogue.middlebox = stars || !dialogue.masked_keyword.is_empty();
}

fn is_telling(dialogue: &Dialogue) -> bool {
    let known = dialogue.keywords.iter().filter(|word| {
        let first = word.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        KEYWORDS.contains(&first.as_str()) || is_masked(word)
    });
    known.count() >= 2 || dialogue.keywords.iter().any(|word| is_masked(word))
}
