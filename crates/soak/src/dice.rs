//! Where choices come from: a seed, or the bytes a fuzzer made up.

/// A source of choices. The same source gives the same choices on every machine.
#[derive(Debug, Clone)]
pub struct Dice<'b> {
    source: Source<'b>,
}

#[derive(Debug, Clone)]
enum Source<'b> {
    /// SplitMix64.
    Seed(u64),
    /// What is left of a fuzzer's input; zeros behind its end.
    Bytes(&'b [u8]),
}

/// SplitMix64's step and output: two numbers that differ in one bit give numbers that have nothing in common.
fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Dice<'static> {
    /// Choices of a seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { source: Source::Seed(mixed(seed ^ STEP)) }
    }

    /// Choices of a part of something seeded: of its step `number`, say, whatever the steps before it chose.
    #[must_use]
    pub fn of_part(seed: u64, number: u64) -> Self {
        Self::seeded(mixed(seed).wrapping_add(number.wrapping_mul(STEP)))
    }
}

impl<'b> Dice<'b> {
    /// Choices made of `bytes`.
    #[must_use]
    pub fn of_bytes(bytes: &'b [u8]) -> Self {
        Self { source: Source::Bytes(bytes) }
    }

    /// Says whether a fuzzer's input is used up.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.source, Source::Bytes([]))
    }

    /// A number made of so many bytes of the source.
    fn number(&mut self, bytes: usize) -> u64 {
        match &mut self.source {
            Source::Seed(state) => {
                *state = state.wrapping_add(STEP);
                mixed(*state)
            }
            Source::Bytes(left) => {
                let (now, rest) = left.split_at(bytes.min(left.len()));
                *left = rest;
                now.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
            }
        }
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.number(8)
    }

    /// A number below `limit`; 0 when `limit` is.
    pub fn below(&mut self, limit: usize) -> usize {
        let bytes = match limit {
            0..=1 => return 0,
            2..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            _ => 4,
        };
        let number = self.number(bytes);
        match self.source {
            // The high bits, by multiplication: no division for every cell of a hundred million rows.
            Source::Seed(_) => ((u128::from(number) * limit as u128) >> 64) as usize,
            Source::Bytes(_) => (number % limit as u64) as usize,
        }
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, which are not none.
    pub fn pick<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }

    /// Choices of their own, which use nothing up here but one number.
    pub fn fork(&mut self) -> Dice<'static> {
        Dice::seeded(self.number(2))
    }
}
