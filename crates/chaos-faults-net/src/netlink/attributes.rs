//! Netlink attributes.

/// A sequence of netlink attributes: length and type in the machine's order, the value padded to four bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes(Vec<u8>);

impl Attributes {
    const NESTED: u16 = 0x8000;
    const HEADER: usize = 4;

    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds one with these bytes. Nothing that is sent from here is longer than an attribute can be.
    pub(crate) fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        let len = u16::try_from(Self::HEADER + value.len()).unwrap_or(u16::MAX);
        self.0.extend(len.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Adds a text.
    pub(crate) fn text(self, kind: u16, text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        self.bytes(kind, &bytes)
    }

    /// Adds a number, as the route family has them: in the machine's order.
    pub(crate) fn native(self, kind: u16, number: u32) -> Self {
        self.bytes(kind, &number.to_ne_bytes())
    }

    /// Adds a number, as nftables has them: the highest byte first.
    pub(crate) fn number(self, kind: u16, number: u32) -> Self {
        self.bytes(kind, &number.to_be_bytes())
    }

    /// Adds others as one.
    pub(crate) fn nested(self, kind: u16, inner: &Self) -> Self {
        self.bytes(kind | Self::NESTED, &inner.0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The attributes of a received sequence: type and value.
pub(crate) fn each(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let [a, b, c, d, ..] = *bytes else {
            return None;
        };
        let len = usize::from(u16::from_ne_bytes([a, b]));
        let kind = u16::from_ne_bytes([c, d]) & !Attributes::NESTED;
        let value = bytes.get(Attributes::HEADER..len)?;
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The value of one attribute of a received sequence.
pub(crate) fn find(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    each(bytes)
        .find(|(kind, _)| *kind == wanted)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_found() {
        let inner = Attributes::new().number(2, 7);
        let all = Attributes::new().text(1, "ab").nested(3, &inner);
        assert_eq!(all.as_bytes().len(), 8 + 4 + 8);
        assert_eq!(find(all.as_bytes(), 1), Some(&b"ab\0"[..]));
        let nested = find(all.as_bytes(), 3).unwrap();
        assert_eq!(find(nested, 2), Some(&[0, 0, 0, 7][..]));
        assert_eq!(find(all.as_bytes(), 4), None);
    }

    #[test]
    fn garbage_is_not_found() {
        for bytes in [&[][..], &[1], &[0; 8], &[255; 8], &[3, 0, 1, 0]] {
            assert_eq!(find(bytes, 1), None, "{bytes:?}");
        }
    }
}
