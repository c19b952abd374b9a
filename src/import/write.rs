//! Writes an import as a lab file, with its questions and notes as comments at the top.

use super::organization::Imported;

impl Imported {
    /// Returns the lab file in TOML. Certificates go by the thumbprints of the real ones, so that commands for the real
    /// server work in the lab.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let mut comment = |line: &str| {
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            text.push_str(format!("# {line}").trim_end());
            text.push('\n');
        };
        comment("Imported by `starttls-lab import`. Certificates are stand-ins with keys of their own.");
        for question in &self.questions {
            comment(&format!("open: {}", question.text));
            comment(&format!(
                "      assumed {}; answer with --answer \"{}=...\"",
                question.assumed, question.id
            ));
        }
        self.notes.iter().for_each(|note| comment(&format!("note: {note}")));
        for original in &self.originals {
            let thumbprint = original.thumbprint.as_deref().unwrap_or("a certificate of unknown thumbprint");
            comment(&format!("{}: `{}` stands for {thumbprint}", original.computer, original.label));
        }
        text.push('\n');
        // Every value of a scenario has a form in TOML; only a map with a key that is not text could fail.
        text.push_str(&toml::to_string(&self.with_original_thumbprints()).unwrap_or_default());
        text
    }
}
