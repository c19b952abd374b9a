//! The header around an event's text: source, number, level, time and computer, in many languages.

use super::super::record::Record;

/// The header of an event; `None` for what it does not contain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) provider: Option<String>,
    pub(super) time: Option<String>,
    pub(super) event_id: Option<u32>,
    pub(super) category: Option<String>,
    pub(super) level: Option<String>,
    pub(super) computer: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    LogName,
    Provider,
    Time,
    EventId,
    Category,
    Level,
    Computer,
    Other,
}

/// Labels of Event Viewer in the most spoken languages of Windows, of its older version, and of the cmdlets.
/// A label that is not listed here is recognized by its position.
const LABELS: &[(&str, Label)] = &[
    ("log name", Label::LogName),
    ("protokollname", Label::LogName),
    ("nom du journal", Label::LogName),
    ("nombre de registro", Label::LogName),
    ("nome registro", Label::LogName),
    ("nome do log", Label::LogName),
    ("logboeknaam", Label::LogName),
    ("имя журнала", Label::LogName),
    ("日志名称", Label::LogName),
    ("ログの名前", Label::LogName),
    ("nazwa dziennika", Label::LogName),
    ("günlük adı", Label::LogName),
    ("event source", Label::Provider),
    ("source", Label::Provider),
    ("quelle", Label::Provider),
    ("origen", Label::Provider),
    ("origine", Label::Provider),
    ("fonte", Label::Provider),
    ("origem", Label::Provider),
    ("bron", Label::Provider),
    ("источник", Label::Provider),
    ("подача", Label::Provider),
    ("来源", Label::Provider),
    ("ソース", Label::Provider),
    ("źródło", Label::Provider),
    ("kaynak", Label::Provider),
    ("providername", Label::Provider),
    ("provider name", Label::Provider),
    ("date and time", Label::Time),
    ("date", Label::Time),
    ("datum", Label::Time),
    ("fecha", Label::Time),
    ("data", Label::Time),
    ("дата", Label::Time),
    ("日期", Label::Time),
    ("日付", Label::Time),
    ("tarih", Label::Time),
    ("timecreated", Label::Time),
    ("timegenerated", Label::Time),
    ("logged", Label::Time),
    ("event id", Label::EventId),
    ("eventid", Label::EventId),
    ("ereignis-id", Label::EventId),
    ("ereigniskennung", Label::EventId),
    ("id de l'événement", Label::EventId),
    ("id. del evento", Label::EventId),
    ("id de evento", Label::EventId),
    ("id evento", Label::EventId),
    ("identificação do evento", Label::EventId),
    ("gebeurtenis-id", Label::EventId),
    ("код события", Label::EventId),
    ("事件 id", Label::EventId),
    ("イベント id", Label::EventId),
    ("identyfikator zdarzenia", Label::EventId),
    ("olay kimliği", Label::EventId),
    ("instanceid", Label::EventId),
    ("id", Label::EventId),
    ("event category", Label::Category),
    ("task category", Label::Category),
    ("aufgabenkategorie", Label::Category),
    ("catégorie de la tâche", Label::Category),
    ("catégorie", Label::Category),
    ("categoría de la tarea", Label::Category),
    ("categoria attività", Label::Category),
    ("categoria da tarefa", Label::Category),
    ("taakcategorie", Label::Category),
    ("категория задачи", Label::Category),
    ("任务类别", Label::Category),
    ("タスクのカテゴリ", Label::Category),
    ("kategoria zadania", Label::Category),
    ("görev kategorisi", Label::Category),
    ("taskdisplayname", Label::Category),
    ("category", Label::Category),
    ("event type", Label::Level),
    ("level", Label::Level),
    ("ebene", Label::Level),
    ("stufe", Label::Level),
    ("niveau", Label::Level),
    ("nivel", Label::Level),
    ("nível", Label::Level),
    ("livello", Label::Level),
    ("уровень", Label::Level),
    ("级别", Label::Level),
    ("レベル", Label::Level),
    ("poziom", Label::Level),
    ("düzey", Label::Level),
    ("leveldisplayname", Label::Level),
    ("entrytype", Label::Level),
    ("computer", Label::Computer),
    ("ordinateur", Label::Computer),
    ("equipo", Label::Computer),
    ("computador", Label::Computer),
    ("компьютер", Label::Computer),
    ("计算机", Label::Computer),
    ("コンピューター", Label::Computer),
    ("komputer", Label::Computer),
    ("bilgisayar", Label::Computer),
    ("machinename", Label::Computer),
    ("keywords", Label::Other),
    ("schlüsselwörter", Label::Other),
    ("mots clés", Label::Other),
    ("palabras clave", Label::Other),
    ("parole chiave", Label::Other),
    ("palavras-chave", Label::Other),
    ("trefwoorden", Label::Other),
    ("ключевые слова", Label::Other),
    ("关键字", Label::Other),
    ("キーワード", Label::Other),
    ("user", Label::Other),
    ("benutzer", Label::Other),
    ("utilisateur", Label::Other),
    ("usuario", Label::Other),
    ("utente", Label::Other),
    ("gebruiker", Label::Other),
    ("usuário", Label::Other),
    ("пользователь", Label::Other),
    ("用户", Label::Other),
    ("ユーザー", Label::Other),
    ("opcode", Label::Other),
    ("description", Label::Other),
    ("beschreibung", Label::Other),
    ("descripción", Label::Other),
    ("descrizione", Label::Other),
    ("descrição", Label::Other),
    ("beschrijving", Label::Other),
    ("описание", Label::Other),
    ("描述", Label::Other),
    ("説明", Label::Other),
    ("message", Label::Other),
    ("time", Label::Other),
    ("opis", Label::Other),
    ("açıklama", Label::Other),
    ("type", Label::Other),
];

/// Words for the three levels.
const LEVELS: &[(&str, &[&str])] = &[
    (
        "Error",
        &[
            "error",
            "fehler",
            "erreur",
            "errore",
            "erro",
            "fout",
            "ошибка",
            "错误",
            "エラー",
            "błąd",
            "hata",
            "fel",
            "virhe",
            "chyba",
            "2",
        ],
    ),
    (
        "Warning",
        &[
            "warning",
            "warnung",
            "avertissement",
            "advertencia",
            "avviso",
            "aviso",
            "waarschuwing",
            "предупреждение",
            "警告",
            "ostrzeżenie",
            "uyarı",
            "3",
        ],
    ),
    (
        "Information",
        &[
            "information",
            "informationen",
            "informations",
            "información",
            "informazioni",
            "informações",
            "informatie",
            "сведения",
            "信息",
            "情報",
            "informacje",
            "bilgi",
            "4",
        ],
    ),
];

/// Reads the header in `text`, the part of a paste that belongs to one event.
pub(super) fn read(text: &str) -> Header {
    let mut header = Header::default();
    for (label, value) in labelled(text) {
        take(&mut header, label, &value);
    }
    by_place(text, &mut header);
    header
}

/// Reads the header of an object of the cmdlets, or of a row of a CSV file.
pub(super) fn of_record(record: &Record) -> Header {
    let mut header = Header::default();
    for (name, field) in &record.fields {
        let lower = name.to_lowercase();
        let label = LABELS.iter().find(|(label, _)| *label == lower).map(|(_, label)| *label);
        if let (Some(label), Some(value)) = (label.filter(|label| *label != Label::Other), field.as_text()) {
            take(&mut header, label, &value);
        }
    }
    header
}

/// Returns the level's English word.
pub(super) fn level(word: &str) -> Option<&'static str> {
    let word = word.trim().to_lowercase();
    LEVELS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(level, _)| *level)
}

/// Reads the number of an event, which is the lower sixteen bits of an InstanceId.
pub(super) fn number(text: &str) -> Option<u32> {
    let number: u64 = text.trim().parse().ok()?;
    let id = u32::try_from(number & 0xffff).ok()?;
    (id > 0 && !(65_536..0x4000_0000).contains(&number)).then_some(id)
}

fn take(header: &mut Header, label: Label, value: &str) {
    let value = value.trim();
    let text = || (!value.is_empty()).then(|| value.to_owned());
    let slot = match label {
        Label::Provider => &mut header.provider,
        Label::Time => &mut header.time,
        Label::Category => &mut header.category,
        Label::Computer => &mut header.computer,
        Label::Level => {
            if header.level.is_none() {
                header.level = level(value).map(str::to_owned).or_else(text);
            }
            return;
        }
        Label::EventId => {
            header.event_id = header.event_id.or_else(|| number(value));
            return;
        }
        Label::LogName | Label::Other => return,
    };
    if slot.is_none() {
        *slot = text();
    }
}

/// Finds known labels with a colon behind them, whatever the line breaks, and the values up to the next
/// label.
fn labelled(text: &str) -> Vec<(Label, String)> {
    let lower = text.to_lowercase();
    // Lower case may be longer or shorter than the original; then only whole lines can be trusted.
    let aligned = lower.len() == text.len();
    let mut marks: Vec<(usize, usize, Label)> = Vec::new();
    for (word, label) in LABELS {
        for (at, _) in lower.match_indices(word) {
            let before = lower[..at].chars().next_back();
            let after = &lower[at + word.len()..];
            let colon = after.trim_start_matches(' ');
            let gap = after.len() - colon.len();
            let mark = [":", "："].into_iter().find(|mark| colon.starts_with(mark));
            let apart = before.is_none_or(|c| !c.is_alphanumeric() && c != '\\' && c != '/' && c != '-');
            if let (Some(mark), true) = (mark, apart) {
                marks.push((at, at + word.len() + gap + mark.len(), *label));
            }
        }
    }
    marks.sort_unstable_by_key(|(at, end, _)| (*at, std::cmp::Reverse(*end)));
    // Of `event source:` and `source:` only the longer one is a label.
    let mut kept: Vec<(usize, usize, Label)> = Vec::new();
    for mark in marks {
        if kept.last().is_none_or(|last| mark.0 >= last.1) {
            kept.push(mark);
        }
    }
    let source = if aligned { text } else { &lower };
    let value = |at: usize| {
        let (_, from, _) = kept.get(at)?;
        let to = kept.get(at + 1).map_or(source.len(), |(next, ..)| *next);
        Some(
            source
                .get(*from..to)?
                .trim_start_matches([' ', '\t'])
                .lines()
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
        )
    };
    kept.iter().enumerate().filter_map(|(at, (.., label))| Some((*label, value(at)?))).collect()
}

/// Reads the rows by position: Event Viewer writes them in one order in every language, which is log, source,
/// date, number, category, level, keywords, user, computer.
fn by_place(text: &str, header: &mut Header) {
    let value = |line: &str| line.split_once([':', '：']).map(|(_, value)| value.trim().to_owned());
    let rows: Vec<String> = text.lines().filter_map(value).collect();
    let Some(source) = rows.iter().position(|value| value.starts_with("MSExchange")) else { return };
    let row = |at: usize| rows.get(source + at).filter(|value| !value.is_empty()).cloned();
    header.provider.get_or_insert_with(|| rows.get(source).cloned().unwrap_or_default());
    if row(2).as_deref().and_then(number).is_some() {
        header.time = header.time.take().or_else(|| row(1));
        header.event_id = header.event_id.or_else(|| row(2).as_deref().and_then(number));
        header.category = header.category.take().or_else(|| row(3));
        header.level =
            header.level.take().or_else(|| row(4).map(|word| level(&word).map_or(word, str::to_owned)));
        header.computer = header.computer.take().or_else(|| row(7));
    }
}

/// Returns the number of an event, if the text is nothing more than it and words such as `event ID`.
pub(super) fn number_alone(text: &str) -> Option<u32> {
    const MOST_WORDS: usize = 6;
    let words = text.split(|it: char| it.is_whitespace() || [':', ',', '=', '(', ')', '#'].contains(&it));
    let words: Vec<String> =
        words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).take(MOST_WORDS + 1).collect();
    let number = |word: &String| word.parse().ok();
    let plain = |word: &String| {
        ["event", "id", "eventid", "error", "warning", "source"].contains(&word.as_str())
            || word.starts_with("msexchange")
    };
    let mut numbers = words.iter().filter_map(number);
    let (first, second) = (numbers.next()?, numbers.next());
    let alone = second.is_none() && words.len() <= MOST_WORDS;
    (alone && words.iter().all(|word| number(word).is_some() || plain(word))).then_some(first)
}
