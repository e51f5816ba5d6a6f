//! What happens when there is no memory left: a plain sentence and an exit code instead of a signal.
#![expect(unsafe_code, reason = "an allocator has no safe form")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;

/// The system's allocator, for a program that ends when it has nothing more to give.
///
/// Rust's own answer is SIGABRT, which a script can't tell from a crash. A program that asks for memory
/// and gets none here says so on standard error and exits with the given code. It ends as by a kill:
/// nothing is unwound and no destructor runs, and what it has not published is not there.
///
/// Cost: one comparison an allocation.
///
/// # Example
///
/// ```
/// use quell::storage::OrExit;
///
/// #[global_allocator]
/// static ALLOCATOR: OrExit = OrExit::new(4);
/// # drop(vec![0; 100]);
/// ```
#[derive(Debug)]
pub struct OrExit {
    code: u8,
}

impl OrExit {
    /// Ends the program with `code` when memory is short.
    #[must_use]
    pub const fn new(code: u8) -> Self {
        Self { code }
    }

    /// Says how much was asked for, and ends. Allocates nothing: numbers are written digit by digit, and
    /// standard error has no buffer.
    #[cold]
    fn exit(&self, bytes: usize) -> ! {
        let mut stderr = std::io::stderr();
        // Standard error may be closed; there is nobody to tell then.
        let _ = writeln!(
            stderr,
            "error: out of memory: {bytes} bytes more were asked for, and there are none\n\
             hint: raise the limit (`ulimit -v`, the container's), or give the command fewer --threads"
        );
        std::process::exit(i32::from(self.code))
    }

    #[inline]
    fn checked(&self, memory: *mut u8, bytes: usize) -> *mut u8 {
        if memory.is_null() {
            self.exit(bytes);
        }
        memory
    }
}

// SAFETY: every call goes to `System` as it came, so what `System` promises of its memory holds of this
// allocator's, and what callers promise to this one they promise to `System`. A null pointer is not given
// on, the program ends instead, which an allocator may do; no call unwinds, since `exit` neither returns
// nor panics: it writes to a stream without a buffer, ignores that stream's error, and calls `exit(3)`.
unsafe impl GlobalAlloc for OrExit {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, given on.
        self.checked(unsafe { System.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, given on.
        self.checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise, given on.
        self.checked(unsafe { System.realloc(memory, layout, size) }, size)
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, given on.
        unsafe { System.dealloc(memory, layout) }
    }
}
