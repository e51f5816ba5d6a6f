/* Runs a program and numbers what it does to the files below one directory.
 *
 *     tracer ROOT CLASSES MODE LOG -- PROGRAM ARGUMENT...
 *
 * ROOT     an absolute path without symbolic links; only files below it count.
 * CLASSES  what is a step, as letters: w writes, lengths and room; s syncs; n names made, renamed or removed;
 *          o every open; a memory asked for by mmap and brk (below no directory).
 * MODE     log             what was done, for replaying, goes to LOG
 *          kill:N          the program is killed before its Nth step
 *          fail:N:ERRNO    its Nth step fails, later ones work
 *          from:N:ERRNO    its Nth step and all later ones fail
 * LOG      in the other modes, the number of steps as text.
 *
 * Ends with the program's exit code, or 128 + its signal.
 *
 * A tracer and no LD_PRELOAD library, because the program also makes system calls without libc. Every call that
 * could be a step is stopped by a seccomp filter, so nothing is missed, whichever thread makes it; a call that
 * changes files in a way the replay does not know is logged as '?', and the test fails.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "x86-64 and AArch64 only"
#endif

static const char *root;
static size_t root_length;
static const char *classes;
static enum { LOG, KILL, FAIL, FROM } mode;
static long wanted_step, wanted_errno, steps;
static FILE *out;

static void die(const char *what) {
    perror(what);
    exit(125);
}

/* What a stopped call is about to do. */
struct act {
    pid_t tid;          /* 0: free */
    char op;            /* as in the log */
    char class;
    int fd;             /* of the call, or -1 */
    int existed;        /* the path did, before an open that creates */
    uint64_t inode, offset, length;
    uint64_t at;        /* where the bytes are in the program's memory, or an array of iovec */
    int vectors;        /* how many iovec */
    char path[4096], other[4096];
};

static struct act pending[256];

static struct act *act_of(pid_t tid, int make) {
    struct act *unused = NULL;
    for (size_t i = 0; i < sizeof pending / sizeof *pending; i++) {
        if (pending[i].tid == tid) return &pending[i];
        if (!pending[i].tid && !unused) unused = &pending[i];
    }
    if (!make) return NULL;
    if (!unused) die("too many threads");
    unused->tid = tid;
    return unused;
}

static int below_root(const char *path) {
    return !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

static int copy_memory(pid_t tid, uint64_t from, void *to, size_t length) {
    struct iovec local = {to, length}, remote = {(void *)(uintptr_t)from, length};
    return process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)length;
}

static int text(pid_t tid, uint64_t from, char *to, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (!copy_memory(tid, from + i, to + i, 1)) return 0;
        if (!to[i]) return 1;
    }
    return 0;
}

/* The absolute path of a call's path, its last part not followed; 0 when it has none. */
static int absolute(pid_t tid, int directory, uint64_t from, char *to) {
    char given[4096], joined[8300], base[4096], link[64];
    if (!text(tid, from, given, sizeof given) || !given[0]) return 0;
    if (given[0] == '/') {
        snprintf(joined, sizeof joined, "%s", given);
    } else {
        if (directory == AT_FDCWD) snprintf(link, sizeof link, "/proc/%d/cwd", tid);
        else snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, directory);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
        snprintf(joined, sizeof joined, "%s/%s", base, given);
    }
    size_t length = strlen(joined);
    while (length > 1 && joined[length - 1] == '/') joined[--length] = 0;
    char *last = strrchr(joined, '/'), parent[4096];
    if (!strcmp(last, "/.")) {
        *last = 0;
        return realpath(joined, to) != NULL;
    }
    *last = 0;
    if (!realpath(joined[0] ? joined : "/", parent)) return 0;
    return snprintf(to, 4096, "%s/%s", strcmp(parent, "/") ? parent : "", last + 1) < 4096;
}

/* Path and inode of an open file; 0 when it is not below the root. */
static int file_of(pid_t tid, int fd, struct act *act) {
    char link[64];
    struct stat status;
    snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, fd);
    ssize_t length = readlink(link, act->path, sizeof act->path - 1);
    if (length < 0) return 0;
    act->path[length] = 0;
    if (!below_root(act->path) || stat(link, &status)) return 0;
    act->inode = status.st_ino;
    act->fd = fd;
    return 1;
}

/* Where an open file's next write goes. */
static uint64_t offset_of(pid_t tid, int fd) {
    char name[64], line[128];
    unsigned long long at = 0;
    unsigned flags = 0;
    struct stat status;
    snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", tid, fd);
    FILE *info = fopen(name, "r");
    if (!info) return 0;
    while (fgets(line, sizeof line, info)) {
        sscanf(line, "pos: %llu", &at);
        sscanf(line, "flags: %o", &flags);
    }
    fclose(info);
    snprintf(name, sizeof name, "/proc/%d/fd/%d", tid, fd);
    if ((flags & O_APPEND) && !stat(name, &status)) at = (unsigned long long)status.st_size;
    return at;
}

static int is_open(pid_t tid, int directory, uint64_t path, uint64_t flags, struct act *act) {
    struct stat status;
    act->class = 'o';
    act->op = 0;
    act->length = flags;
    if (!absolute(tid, directory, path, act->path) || !below_root(act->path)) return 0;
    act->existed = !stat(act->path, &status);
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        act->op = 'N';
        act->class = 'n';
    } else if (act->existed && (flags & O_TRUNC) && (flags & O_ACCMODE) != O_RDONLY) {
        act->op = 'T';
        act->class = 'w';
        act->inode = status.st_ino;
        act->length = 0;
    } else if (!act->existed && (flags & O_CREAT)) {
        act->op = 'C';
        act->class = 'n';
    }
    return 1;
}

/* Says what a call is about to do; 0 when it is nothing that counts. */
static int understand(pid_t tid, uint64_t number, const uint64_t *args, struct act *act) {
    act->op = act->class = 0;
    act->fd = -1;
    act->vectors = 0;
    act->offset = act->length = act->inode = 0;
    act->other[0] = 0;
    int first = (int)args[0];
    switch (number) {
#ifdef __NR_open
    case __NR_open: return is_open(tid, AT_FDCWD, args[0], args[1], act);
    case __NR_creat: return is_open(tid, AT_FDCWD, args[0], O_CREAT | O_WRONLY | O_TRUNC, act);
    case __NR_rename:
        act->op = 'R', act->class = 'n';
        return absolute(tid, AT_FDCWD, args[0], act->path) && absolute(tid, AT_FDCWD, args[1], act->other) &&
               (below_root(act->path) || below_root(act->other));
    case __NR_link:
        act->op = 'L', act->class = 'n';
        return absolute(tid, AT_FDCWD, args[1], act->path) && below_root(act->path);
    case __NR_unlink:
    case __NR_rmdir:
        act->op = 'U', act->class = 'n';
        return absolute(tid, AT_FDCWD, args[0], act->path) && below_root(act->path);
    case __NR_mkdir:
        act->op = 'M', act->class = 'n';
        return absolute(tid, AT_FDCWD, args[0], act->path) && below_root(act->path);
    case __NR_symlink:
        act->op = '?', act->class = 'n';
        return absolute(tid, AT_FDCWD, args[1], act->path) && below_root(act->path);
#endif
    case __NR_openat: return is_open(tid, first, args[1], args[2], act);
#ifdef __NR_renameat
    case __NR_renameat:
#endif
    case __NR_renameat2:
        act->op = 'R', act->class = 'n';
        return absolute(tid, first, args[1], act->path) && absolute(tid, (int)args[2], args[3], act->other) &&
               (below_root(act->path) || below_root(act->other));
    case __NR_linkat:
        act->op = 'L', act->class = 'n';
        return absolute(tid, (int)args[2], args[3], act->path) && below_root(act->path);
    case __NR_unlinkat:
        act->op = 'U', act->class = 'n';
        return absolute(tid, first, args[1], act->path) && below_root(act->path);
    case __NR_mkdirat:
        act->op = 'M', act->class = 'n';
        return absolute(tid, first, args[1], act->path) && below_root(act->path);
    case __NR_symlinkat:
        act->op = '?', act->class = 'n';
        return absolute(tid, (int)args[1], args[2], act->path) && below_root(act->path);
    case __NR_truncate:
        act->op = '?', act->class = 'w';
        return absolute(tid, AT_FDCWD, args[0], act->path) && below_root(act->path);
    case __NR_write:
    case __NR_pwrite64:
    case __NR_writev:
    case __NR_pwritev:
        act->op = 'W', act->class = 'w';
        if (!file_of(tid, first, act)) return 0;
        act->at = args[1];
        act->vectors = number == __NR_writev || number == __NR_pwritev ? (int)args[2] : 0;
        act->offset = number == __NR_pwrite64 || number == __NR_pwritev ? args[3] : offset_of(tid, first);
        return 1;
    case __NR_ftruncate:
        act->op = 'T', act->class = 'w', act->length = args[1];
        return file_of(tid, first, act);
    case __NR_fallocate:
        /* Room, and zeros where there was nothing. */
        act->op = args[1] ? '?' : 'A', act->class = 'w', act->length = args[2] + args[3];
        return file_of(tid, first, act);
    case __NR_fsync:
    case __NR_fdatasync:
        act->op = 'S', act->class = 's';
        return file_of(tid, first, act);
    case __NR_copy_file_range:
    case __NR_splice:
        act->op = '?', act->class = 'w';
        return file_of(tid, (int)args[2], act);
    case __NR_sendfile:
    case __NR_pwritev2:
        act->op = '?', act->class = 'w';
        return file_of(tid, first, act);
    case __NR_mmap:
        if (strchr(classes, 'a') && ((int)args[3] & MAP_ANONYMOUS)) {
            act->class = 'a';
            return 1;
        }
        /* SQLite's shared memory is made anew after a crash; nothing else is written through a mapping. */
        act->op = '?', act->class = 'w';
        if (((int)args[3] & MAP_ANONYMOUS) || !(args[2] & PROT_WRITE) || !(args[3] & MAP_SHARED)) return 0;
        if (!file_of(tid, (int)args[4], act)) return 0;
        size_t length = strlen(act->path);
        return length < 4 || strcmp(act->path + length - 4, "-shm");
    case __NR_brk:
        act->class = 'a';
        return args[0] != 0;
    }
    return 0;
}

static void number(uint64_t value) {
    if (fwrite(&value, sizeof value, 1, out) != 1) die("log");
}

static void words(const char *words) {
    size_t length = strlen(words);
    number(length);
    fwrite(words, 1, length, out);
}

/* One record: op, inode, offset, length, path, other path, bytes. */
static void record(const struct act *act, const unsigned char *bytes, uint64_t count) {
    fputc(act->op, out);
    number(act->inode);
    number(act->offset);
    number(act->length);
    words(act->path);
    words(act->other);
    number(count);
    if (count && fwrite(bytes, 1, count, out) != count) die("log");
}

static void record_write(struct act *act, uint64_t count) {
    unsigned char *bytes = malloc(count ? count : 1);
    struct iovec parts[1024];
    uint64_t have = 0;
    if (!bytes) die("memory");
    if (!act->vectors) {
        if (!copy_memory(act->tid, act->at, bytes, count)) die("reading the program's bytes");
    } else {
        if (act->vectors > 1024 || !copy_memory(act->tid, act->at, parts, sizeof *parts * (size_t)act->vectors))
            die("reading the program's vectors");
        for (int i = 0; i < act->vectors && have < count; i++) {
            uint64_t part = parts[i].iov_len < count - have ? parts[i].iov_len : count - have;
            if (!copy_memory(act->tid, (uintptr_t)parts[i].iov_base, bytes + have, part)) die("reading a vector");
            have += part;
        }
    }
    record(act, bytes, count);
    free(bytes);
}

/* A call has returned `result`: what it did goes to the log. */
static void returned(struct act *act, int64_t result) {
    struct stat status;
    char link[64];
    if (!act->op || result < 0) return;
    switch (act->op) {
    case 'W': record_write(act, (uint64_t)result); return;
    case 'C':
    case 'N':
        snprintf(link, sizeof link, "/proc/%d/fd/%lld", act->tid, (long long)result);
        if (stat(link, &status)) die("a new file");
        act->inode = status.st_ino;
        break;
    case 'M':
    case 'L':
        if (stat(act->path, &status)) die("a new name");
        act->inode = status.st_ino;
        break;
    }
    record(act, NULL, 0);
}

/* The call is not made, and returns `result`. */
static void refuse(pid_t tid, int64_t result) {
#if defined(__x86_64__)
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, tid, 0, &registers)) die("registers");
    registers.orig_rax = (unsigned long long)-1;
    registers.rax = (unsigned long long)result;
    if (ptrace(PTRACE_SETREGS, tid, 0, &registers)) die("registers");
#else
    struct user_regs_struct registers;
    struct iovec whole = {&registers, sizeof registers};
    int none = -1;
    struct iovec call = {&none, sizeof none};
    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &whole)) die("registers");
    registers.regs[0] = (unsigned long long)result;
    if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &whole)) die("registers");
    if (ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &call)) die("registers");
#endif
}

static void start(char **arguments) {
    static const int traced[] = {
#ifdef __NR_open
        __NR_open, __NR_creat, __NR_rename, __NR_link, __NR_unlink, __NR_rmdir, __NR_mkdir, __NR_symlink,
#endif
#ifdef __NR_renameat
        __NR_renameat,
#endif
        __NR_openat, __NR_renameat2, __NR_linkat, __NR_unlinkat, __NR_mkdirat, __NR_symlinkat, __NR_truncate,
        __NR_write, __NR_pwrite64, __NR_writev, __NR_pwritev, __NR_pwritev2, __NR_ftruncate, __NR_fallocate,
        __NR_fsync, __NR_fdatasync, __NR_copy_file_range, __NR_splice, __NR_sendfile, __NR_mmap, __NR_brk};
    enum { COUNT = sizeof traced / sizeof *traced };
    struct sock_filter code[2 * COUNT + 5];
    size_t at = 0;
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT; i++) {
        if ((traced[i] == __NR_brk) && !strchr(classes, 'a')) continue;
        code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)traced[i], 0, 1);
        code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    }
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)at, code};
    if (ptrace(PTRACE_TRACEME, 0, 0, 0)) die("ptrace");
    raise(SIGSTOP);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) die("no new privileges");
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) die("seccomp");
    execv(arguments[0], arguments);
    die(arguments[0]);
}

/* A thread stands before a call that the filter names; says whether to stop at its return too. */
static int before_call(pid_t child, pid_t tid) {
    struct __ptrace_syscall_info info;
    struct act *act = act_of(tid, 1);
    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0) die("a call");
    if (!understand(tid, info.seccomp.nr, (const uint64_t *)info.seccomp.args, act)) act->op = act->class = 0;
    if (mode == LOG && act->op) return 1;
    if (act->class && strchr(classes, act->class)) {
        steps++;
        if (mode == KILL && steps == wanted_step) kill(child, SIGKILL);
        /* A break that can't be moved is told by where it is; 0 is below any that was asked for. */
        int64_t refusal = info.seccomp.nr == __NR_brk ? 0 : -wanted_errno;
        if ((mode == FAIL && steps == wanted_step) || (mode == FROM && steps >= wanted_step)) refuse(tid, refusal);
    }
    act->tid = 0;
    return 0;
}

static int follow(pid_t child) {
    int status, code = 125;
    for (;;) {
        pid_t tid = waitpid(-1, &status, __WALL);
        if (tid < 0) return code;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            struct act *act = act_of(tid, 0);
            if (act) act->tid = 0;
            if (tid == child) code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            continue;
        }
        int signal = WSTOPSIG(status), event = status >> 16, resume = PTRACE_CONT;
        if (event == PTRACE_EVENT_SECCOMP) {
            if (before_call(child, tid)) resume = PTRACE_SYSCALL;
            signal = 0;
        } else if (signal == (SIGTRAP | 0x80)) {
            struct __ptrace_syscall_info info;
            struct act *act = act_of(tid, 0);
            if (act && ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) > 0) returned(act, info.exit.rval);
            if (act) act->tid = 0;
            signal = 0;
        } else if (event || signal == SIGSTOP) {
            /* A new thread, or exec. */
            signal = 0;
        }
        ptrace(resume, tid, 0, signal);
    }
}

int main(int count, char **arguments) {
    if (count < 7 || strcmp(arguments[5], "--")) {
        fprintf(stderr, "usage: tracer ROOT CLASSES MODE LOG -- PROGRAM ARGUMENT...\n");
        return 125;
    }
    root = arguments[1];
    root_length = strlen(root);
    classes = arguments[2];
    if (!strcmp(arguments[3], "log")) mode = LOG;
    else if (sscanf(arguments[3], "kill:%ld", &wanted_step) == 1) mode = KILL;
    else if (sscanf(arguments[3], "fail:%ld:%ld", &wanted_step, &wanted_errno) == 2) mode = FAIL;
    else if (sscanf(arguments[3], "from:%ld:%ld", &wanted_step, &wanted_errno) == 2) mode = FROM;
    else return 125;
    /* The log must not be open in the program. */
    out = fopen(arguments[4], "we");
    if (!out) die(arguments[4]);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (!child) start(arguments + 6);
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) die("the program did not start");
    long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, child, 0, options)) die("ptrace options");
    ptrace(PTRACE_CONT, child, 0, 0);
    int code = follow(child);
    if (mode != LOG) fprintf(out, "%ld\n", steps);
    if (fclose(out)) die("log");
    return code;
}
