//! The checksum at the end of an `fst`: CRC-32C, masked as in Snappy's frames. `fst` keeps its own private.

/// The remainders of each byte with 0 to 7 zero bytes after it.
const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    /// Castagnoli's polynomial, bits reversed.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut tables = [[0; 256]; 8];
    let mut byte = 0_u32;
    while byte < 256 {
        let (mut remainder, mut bit) = (byte, 0);
        while bit < 8 {
            remainder = (remainder >> 1) ^ (POLYNOMIAL * (remainder & 1));
            bit += 1;
        }
        tables[0][byte as usize] = remainder;
        byte += 1;
    }
    let mut zeros = 1;
    while zeros < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[zeros - 1][byte];
            tables[zeros][byte] = (before >> 8) ^ tables[0][(before & 255) as usize];
            byte += 1;
        }
        zeros += 1;
    }
    tables
}

/// The masked checksum of `bytes`. Cost: about 1 ns a byte.
pub(super) fn masked(bytes: &[u8]) -> u32 {
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut sum = u32::MAX;
    for eight in eights {
        let mixed = (u64::from_le_bytes(*eight) ^ u64::from(sum)).to_le_bytes();
        let remainders = TABLES.iter().zip(mixed.iter().rev());
        sum = remainders.fold(0, |sum, (table, &byte)| sum ^ table[usize::from(byte)]);
    }
    for &byte in rest {
        let [low, ..] = sum.to_le_bytes();
        sum = (sum >> 8) ^ TABLES[0][usize::from(low ^ byte)];
    }
    (!sum).rotate_right(15).wrapping_add(0xa282_ead8)
}
