//! The sixteen bits of an index entry, whatever they mean in it.

/// Gives a `struct Name(u16)` what every set of an entry's bits has.
macro_rules! entry_bits {
    ($name:ident) => {
        impl $name {
            /// The bits as stored.
            #[must_use]
            pub const fn to_bits(self) -> u16 {
                self.0
            }

            /// The stored bits.
            #[must_use]
            pub const fn from_bits(bits: u16) -> Self {
                Self(bits)
            }

            /// Says whether every bit of `other` is set.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// The bits of both.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }
    };
}

pub(super) use entry_bits;
