//! The `SerializationData` of an exported certificate, which holds what Clixml leaves out.
//!
//! It is a .NET binary stream (MS-NRBF) of one object with plain members. Only the records of such a stream
//! are read, and nothing is built from it but names, numbers and bytes.

use std::collections::HashMap;

/// A member's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A Boolean, or a number of up to 32 bits; an enum is the number in it.
    Number(i64),
    /// A string.
    Text(String),
    /// An array of bytes.
    Bytes(Vec<u8>),
    /// An object or array that stands elsewhere in the stream.
    Reference(i32),
    /// Anything else.
    Other,
}

/// The largest number of records that is read; no blob of a certificate has more.
const MOST_RECORDS: usize = 10_000;
const DEEPEST: usize = 24;

/// Returns the members of the first object of the stream, by name; `None` if the bytes are not such a stream.
pub(super) fn members(bytes: &[u8]) -> Option<HashMap<String, Value>> {
    let mut reader =
        Stream { bytes, at: 0, classes: HashMap::new(), objects: HashMap::new(), first: None, records: 0 };
    // SerializationHeaderRecord: root, header, version 1.0.
    (reader.byte()? == 0).then_some(())?;
    let (_root, _header, major, _minor) = (reader.int()?, reader.int()?, reader.int()?, reader.int()?);
    (major == 1).then_some(())?;
    // A stream that breaks off later still yields the members before that point.
    while reader.record(0).is_some_and(|more| more) {}
    let first = reader.first.take()?;
    let resolved = first.into_iter().map(|(name, value)| {
        let value = match value {
            Value::Reference(id) => reader.objects.get(&id).cloned().unwrap_or(Value::Other),
            value => value,
        };
        (name, value)
    });
    Some(resolved.collect())
}

/// The layout of a class: its members, with their types.
#[derive(Clone, Debug)]
struct Class {
    members: Vec<(String, Kind)>,
}

/// BinaryTypeEnumeration with the required part of the additional information.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Primitive(u8),
    Record,
}

struct Stream<'a> {
    bytes: &'a [u8],
    at: usize,
    classes: HashMap<i32, Class>,
    objects: HashMap<i32, Value>,
    first: Option<Vec<(String, Value)>>,
    records: usize,
}

impl Stream<'_> {
    /// Reads a record of the top level; `false` at the end of the stream.
    fn record(&mut self, depth: usize) -> Option<bool> {
        let tag = self.byte()?;
        if tag == 11 {
            return Some(false);
        }
        self.value_of(tag, depth)?;
        Some(true)
    }

    /// Returns the value of a record whose tag has been read.
    fn value_of(&mut self, tag: u8, depth: usize) -> Option<Value> {
        self.records += 1;
        if self.records > MOST_RECORDS || depth > DEEPEST {
            return None;
        }
        match tag {
            1 => {
                let (id, of) = (self.int()?, self.int()?);
                let class = self.classes.get(&of)?.clone();
                self.object(id, class, depth)
            }
            2..=5 => self.class(tag, depth),
            6 => {
                let id = self.int()?;
                let text = Value::Text(self.text()?);
                self.objects.insert(id, text.clone());
                Some(text)
            }
            7 => self.array(depth),
            8 => {
                let primitive = self.byte()?;
                self.primitive(primitive)
            }
            9 => self.int().map(Value::Reference),
            10 => Some(Value::Other),
            12 => {
                self.int()?;
                self.text()?;
                Some(Value::Other)
            }
            13 => self.byte().map(|_| Value::Other),
            14 => self.int().map(|_| Value::Other),
            15 => {
                let (id, length, primitive) = (self.int()?, self.length()?, self.byte()?);
                self.primitives(id, length, primitive)
            }
            16 | 17 => {
                let (id, length) = (self.int()?, self.length()?);
                self.elements(id, length, depth)
            }
            _ => None,
        }
    }

    /// Reads ClassWithMembers, with or without types, of the system or of a library.
    fn class(&mut self, tag: u8, depth: usize) -> Option<Value> {
        let (id, _name, count) = (self.int()?, self.text()?, self.length()?);
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(self.text()?);
        }
        let mut kinds = vec![Kind::Record; names.len()];
        if tag >= 4 {
            let tags: Vec<u8> = (0..count).map(|_| self.byte()).collect::<Option<_>>()?;
            for (kind, tag) in kinds.iter_mut().zip(tags) {
                match tag {
                    0 => *kind = Kind::Primitive(self.byte()?),
                    3 => drop(self.text()?),
                    4 => {
                        self.text()?;
                        self.int()?;
                    }
                    7 => drop(self.byte()?),
                    1 | 2 | 5 | 6 => {}
                    _ => return None,
                }
            }
        }
        if tag == 3 || tag == 5 {
            self.int()?; // the library
        }
        let class = Class { members: names.into_iter().zip(kinds).collect() };
        self.classes.insert(id, class.clone());
        self.object(id, class, depth)
    }

    fn object(&mut self, id: i32, class: Class, depth: usize) -> Option<Value> {
        let mut members = Vec::new();
        for (name, kind) in class.members {
            let value = match kind {
                Kind::Primitive(primitive) => self.primitive(primitive)?,
                Kind::Record => {
                    let tag = self.byte()?;
                    self.value_of(tag, depth + 1)?
                }
            };
            members.push((name, value));
        }
        // An enum is an object with its number in it.
        let value = match members.as_slice() {
            [(name, value)] if name == "value__" => value.clone(),
            _ => Value::Other,
        };
        self.objects.insert(id, value.clone());
        if depth == 0 && self.first.is_none() {
            self.first = Some(members);
        }
        Some(value)
    }

    /// Reads BinaryArray, of one dimension.
    fn array(&mut self, depth: usize) -> Option<Value> {
        let (id, shape, rank) = (self.int()?, self.byte()?, self.int()?);
        if rank != 1 || shape > 2 {
            return None;
        }
        let length = self.length()?;
        match self.byte()? {
            0 => {
                let primitive = self.byte()?;
                return self.primitives(id, length, primitive);
            }
            3 => drop(self.text()?),
            4 => {
                self.text()?;
                self.int()?;
            }
            7 => drop(self.byte()?),
            _ => {}
        }
        self.elements(id, length, depth)
    }

    fn elements(&mut self, id: i32, length: usize, depth: usize) -> Option<Value> {
        let mut left = length;
        while left > 0 {
            let tag = self.byte()?;
            let taken = match tag {
                13 => usize::from(self.byte()?),
                14 => self.length()?,
                tag => {
                    self.value_of(tag, depth + 1)?;
                    1
                }
            };
            left = left.checked_sub(taken.max(1))?;
        }
        self.objects.insert(id, Value::Other);
        Some(Value::Other)
    }

    fn primitives(&mut self, id: i32, length: usize, primitive: u8) -> Option<Value> {
        let value = if primitive == 2 {
            Value::Bytes(self.take(length)?.to_vec())
        } else {
            for _ in 0..length {
                self.primitive(primitive)?;
            }
            Value::Other
        };
        self.objects.insert(id, value.clone());
        Some(value)
    }

    /// Reads a value of PrimitiveTypeEnumeration.
    fn primitive(&mut self, primitive: u8) -> Option<Value> {
        match primitive {
            1 | 2 => self.byte().map(|byte| Value::Number(i64::from(byte))),
            8 => self.int().map(|number| Value::Number(i64::from(number))),
            7 | 14 => self.take(2).map(|_| Value::Other),
            10 => self.take(1).map(|_| Value::Other),
            11 => self.take(4).map(|_| Value::Other),
            15 => self.int().map(|number| Value::Number(i64::from(number))),
            6 | 9 | 12 | 13 | 16 => self.take(8).map(|_| Value::Other),
            18 | 5 => self.text().map(Value::Text),
            _ => None,
        }
    }

    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn int(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_le_bytes)
    }

    /// Reads a count, which can be no larger than the rest of the stream.
    fn length(&mut self) -> Option<usize> {
        let length = usize::try_from(self.int()?).ok()?;
        (length <= self.bytes.len().max(256)).then_some(length)
    }

    /// Reads LengthPrefixedString: seven bits of the length in a byte, the lowest first.
    fn text(&mut self) -> Option<String> {
        let mut length = 0usize;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        self.take(length).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// Reads the properties of a certificate as Windows keeps them in a store: the certificate, and whether a
/// property says where its private key is (CERT_KEY_PROV_INFO_PROP_ID and CERT_KEY_CONTEXT_PROP_ID of
/// wincrypt.h).
pub(super) fn stored(bytes: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut reader =
        Stream { bytes, at: 0, classes: HashMap::new(), objects: HashMap::new(), first: None, records: 0 };
    let mut key = false;
    for _ in 0..64 {
        let (property, _encoding, length) = (reader.int()?, reader.int()?, reader.length()?);
        let data = reader.take(length)?;
        match property {
            32 => return Some((data.to_vec(), key)),
            2 | 5 | 78 => key = true,
            _ => {}
        }
    }
    None
}
