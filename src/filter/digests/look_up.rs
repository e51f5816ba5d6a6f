//! The digests of a chunk, looked up.

use crate::address::digest::Forms;
use crate::filter::judge::{Judge, Judged};
use crate::filter::judged::Probe;
use crate::record::{DigestBlocks, Reason};
use crate::storage::{Work, for_this_processor};

/// The digests gathered of a chunk's rows, to be looked up.
struct LookUp<'a> {
    judge: &'a Judge<'a>,
    judged: &'a mut Judged,
}

impl Work for LookUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { judge, judged } = self;
        let hashes = judged.digests.finish(judge.wanted());
        judge.snapshot.look_up_hits(hashes, judge.options.now, &mut judged.hits);
    }
}

impl Judge<'_> {
    /// Looks up the digests that were gathered of rows whose cells stand in `text`, and gives the rows that
    /// one withholds their reason.
    ///
    /// Cost: a look-up a digest; for one that has lists, all forms of its cell again and a look-up for
    /// each algorithm and list.
    #[inline(never)]
    pub(in crate::filter) fn look_up_digests(&self, text: &[u8], judged: &mut Judged) {
        for_this_processor(LookUp { judge: self, judged });
        let hits = std::mem::take(&mut judged.hits);
        for &(at, found) in &hits {
            let Some(&probe) = judged.digests.places().get(at) else { continue };
            let found = DigestBlocks::from_bits(found.to_bits());
            if found.withholds(self.options.class)
                || found.contains(DigestBlocks::HAS_LISTS) && self.is_on_list(text, judged, probe)
            {
                let row = &mut judged.rows[probe.row()];
                row.reasons.insert(Reason::Digest);
            }
        }
        judged.hits = hits;
    }

    /// Says whether some digest of what `probe` looked up is on a list that its row is sent for.
    fn is_on_list(&self, text: &[u8], judged: &mut Judged, probe: Probe) -> bool {
        let row_lists = judged.row_lists(text, probe.row());
        let forms = Forms::of(probe.text(text, &judged.parts, &mut judged.text));
        forms.iter().any(|form| {
            self.present.algorithms().any(|algorithm| {
                let digest = algorithm.digest(form);
                self.lists(row_lists.as_deref()).any(|list| {
                    let list = list.as_bytes();
                    let hash = self.hasher.digest_on_list(list, algorithm, digest.as_bytes());
                    let found = self.snapshot.get(hash, self.options.now);
                    DigestBlocks::from_bits(found.to_bits()).withholds(self.options.class)
                })
            })
        })
    }
}
