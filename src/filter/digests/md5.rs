//! MD5 (RFC 1321) of eight messages side by side.
//!
//! A loop over eight messages, of which the compiler makes vector instructions: with AVX2 each step is ten of
//! them for all eight. A message comes padded, in as many blocks as its seven neighbours. The digests are those of the `md-5` crate: a test holds each length around the borders of blocks to it.

/// Messages side by side.
pub(super) const LANES: usize = 8;

/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 64;

/// Bytes of the longest message that fits into one block with its padding: a byte of padding and eight of
/// length come behind it.
pub(super) const MESSAGE_BYTES_MAX: usize = BLOCK_BYTES - 9;

/// A number of each message.
type Lanes = [u32; LANES];

const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The sines of RFC 1321.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// Sixty-four bytes of ones, then as many zeros: 64 bytes from `64 - length` on leave `length` bytes.
const MASKS: [u8; 2 * BLOCK_BYTES] = {
    let mut masks = [0; 2 * BLOCK_BYTES];
    let mut at = 0;
    while at < BLOCK_BYTES {
        masks[at] = 0xff;
        at += 1;
    }
    masks
};

/// A message of at most [`MESSAGE_BYTES_MAX`] bytes, with zeros behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Short {
    bytes: [u8; BLOCK_BYTES],
    length: u8,
}

impl Short {
    /// The first `length` bytes of `room`; `None` when they are too many.
    #[inline(always)]
    pub fn new(room: &[u8; BLOCK_BYTES], length: usize) -> Option<Self> {
        let short = u8::try_from(length).ok().filter(|_| length <= MESSAGE_BYTES_MAX)?;
        let mask: &[u8; BLOCK_BYTES] = MASKS.get(BLOCK_BYTES - length..)?.first_chunk()?;
        let mut bytes = *room;
        for (byte, mask) in bytes.iter_mut().zip(mask) {
            *byte &= mask;
        }
        Some(Self { bytes, length: short })
    }

    /// The bytes of the message with zeros behind them.
    #[inline(always)]
    pub fn padded(&self) -> &[u8; BLOCK_BYTES] {
        &self.bytes
    }

    /// The message.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Says whether every byte is ASCII.
    #[inline(always)]
    pub fn is_ascii(&self) -> bool {
        self.bytes.iter().fold(0, |all, byte| all | byte) < 0x80
    }

    /// The message's block.
    #[inline(always)]
    pub fn block(&self) -> [[u8; BLOCK_BYTES]; 1] {
        let mut block = self.bytes;
        // Always there: a message is shorter than a block.
        if let Some(byte) = block.get_mut(usize::from(self.length)) {
            *byte = 0x80;
        }
        let [.., low, high, _, _, _, _, _, _] = &mut block;
        [*low, *high] = (u16::from(self.length) * 8).to_le_bytes();
        [block]
    }
}

/// The blocks of `message`, if it takes so many with its padding; `None` when it takes more or fewer.
pub(super) fn blocks<const BLOCKS: usize>(message: &[u8]) -> Option<[[u8; BLOCK_BYTES]; BLOCKS]> {
    let padded = message.len() + (BLOCK_BYTES - MESSAGE_BYTES_MAX);
    if padded.div_ceil(BLOCK_BYTES) != BLOCKS {
        return None;
    }
    let mut blocks = [[0; BLOCK_BYTES]; BLOCKS];
    let bytes = blocks.as_flattened_mut();
    bytes.get_mut(..message.len())?.copy_from_slice(message);
    *bytes.get_mut(message.len())? = 0x80;
    *bytes.last_chunk_mut()? = (message.len() as u64 * 8).to_le_bytes();
    Some(blocks)
}

/// The digests of `messages`, as their first, second, third and fourth little-endian words.
#[inline(always)]
pub(super) fn digests<const BLOCKS: usize>(
    messages: &[[[u8; BLOCK_BYTES]; BLOCKS]; LANES],
) -> [Lanes; 4] {
    let mut states = START.map(|word| [word; LANES]);
    for block in 0..BLOCKS {
        let mut words = [[0; LANES]; 16];
        for (lane, message) in messages.iter().enumerate() {
            let (of_lane, _) = message[block].as_chunks();
            for (words, word) in words.iter_mut().zip(of_lane) {
                words[lane] = u32::from_le_bytes(*word);
            }
        }
        // The whole of one lane, then of the next: so the compiler sees a loop without dependencies between
        // its turns, and takes all turns at once.
        for lane in 0..LANES {
            let [a, b, c, d] = &mut states;
            let before = [a[lane], b[lane], c[lane], d[lane]];
            let after = add_block(before, |word| words[word][lane]);
            [a[lane], b[lane], c[lane], d[lane]] = after;
        }
    }
    states
}

/// The state after a block of these words.
#[inline(always)]
fn add_block(before: [u32; 4], word: impl Fn(usize) -> u32 + Copy) -> [u32; 4] {
    let mut state = before;
    state = round::<0, 7, 12, 17, 22>(state, word, |b, c, d| d ^ (b & (c ^ d)), |step| step);
    state = round::<1, 5, 9, 14, 20>(state, word, |b, c, d| c ^ (d & (b ^ c)), |step| 5 * step + 1);
    state = round::<2, 4, 11, 16, 23>(state, word, |b, c, d| b ^ c ^ d, |step| 3 * step + 5);
    state = round::<3, 6, 10, 15, 21>(state, word, |b, c, d| c ^ (b | !d), |step| 7 * step);
    for (word, before) in state.iter_mut().zip(before) {
        *word = word.wrapping_add(before);
    }
    state
}

/// Sixteen steps, each of which takes in the word that `place` gives for it.
#[inline(always)]
fn round<const ROUND: usize, const R0: u32, const R1: u32, const R2: u32, const R3: u32>(
    [mut a, mut b, mut c, mut d]: [u32; 4],
    word: impl Fn(usize) -> u32,
    mix: impl Fn(u32, u32, u32) -> u32,
    place: impl Fn(usize) -> usize,
) -> [u32; 4] {
    for quarter in 0..4 {
        let first = 4 * quarter;
        let added = |step: usize| {
            word(place(first + step) % 16).wrapping_add(SINES[16 * ROUND + first + step])
        };
        a = step::<R0>(a, b, mix(b, c, d), added(0));
        d = step::<R1>(d, a, mix(a, b, c), added(1));
        c = step::<R2>(c, d, mix(d, a, b), added(2));
        b = step::<R3>(b, c, mix(c, d, a), added(3));
    }
    [a, b, c, d]
}

#[inline(always)]
fn step<const ROTATED: u32>(from: u32, next: u32, mixed: u32, added: u32) -> u32 {
    from.wrapping_add(added).wrapping_add(mixed).rotate_left(ROTATED).wrapping_add(next)
}
