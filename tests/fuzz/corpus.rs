//! The committed inputs, and changes to them.

use std::fs;
use std::path::Path;

/// The inputs of a target, in the order of their names.
pub(super) fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Inputs made of others by a few changes each, the same in every run.
pub(super) struct Mutations<'a> {
    inputs: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Mutations<'a> {
    pub(super) fn of(inputs: &'a [Vec<u8>]) -> Self {
        Self { inputs, state: 0x9e37_79b9_7f4a_7c15 }
    }

    /// Xorshift (Marsaglia 2003).
    fn number(&mut self, below: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 32).unwrap() % below.max(1)
    }

    pub(super) fn next_input(&mut self) -> Vec<u8> {
        let inputs = self.inputs;
        let mut input = inputs[self.number(inputs.len())].clone();
        for _ in 0..=self.number(4) {
            let (at, length) = (self.number(input.len() + 1), self.number(16) + 1);
            let end = (at + length).min(input.len());
            match self.number(5) {
                0 => drop(input.splice(at..end, [])),
                1 => {
                    let other = &inputs[self.number(inputs.len())];
                    let from = self.number(other.len() + 1);
                    let piece = other[from..].iter().take(length * 4).copied();
                    drop(input.splice(at..at, piece));
                }
                2 => {
                    let byte = u8::try_from(self.number(256)).unwrap();
                    drop(input.splice(at..at, std::iter::repeat_n(byte, length)));
                }
                3 => {
                    let again = input[at..end].to_vec();
                    drop(input.splice(at..at, again));
                }
                _ => {
                    if let Some(byte) = input.get_mut(at) {
                        *byte ^= 1 << self.number(8);
                    }
                }
            }
        }
        input
    }
}
