# SPDX-License-Identifier: Apache-2.0
"""The disk, the power and the wall clock as a test wants them (power_cut.c does it inside the processes).

Everything that router, file exporter and master do to files below the disk's directories is written down. cut() works
out what a disk may hold after the power went: what was synced, for certain; of the rest what chance or the test
decides, page by page. The rules are those of POSIX, and no kinder:

- fdatasync of a file makes the bytes and the size that it had when the call began durable, not its name
- names (create, rename, unlink, mkdir) are durable when their directory was synced after the change; a rename is whole
  or not at all, and needs the sync of either directory; the order of changes of one file or of one name is kept
- a page that was not synced holds what any of the writes since then left there, or what was there before"""
import contextlib
import errno
import mmap
import os
import shutil
import struct
import tempfile

from gateway import process_alive, wait_for

LIBRARY = os.path.join(os.environ["MASQUES_TEST_BIN"], "power_cut.so")
PAGE = 4096
FOREVER = 0xFFFFFFFF
ROUTER, FILE_EXPORTER, MASTER = 0, 1, 2
CREATE, WRITE, RESIZE, RENAME, UNLINK, SYNC, MKDIR, SYNC_BEGIN = range(8)

_ENTRY = struct.Struct("<IIQQQQQ")
_FAULT = struct.Struct("<iIII")
_OF_BYTES = 256
_HITS_AT, _DELAY_AT, _MATCH_AT = 96, 100, 104
_CLOCK_AT = 3 * _OF_BYTES
_SHUT_AT, _INSIDE_AT, _GATE_SLOTS = _CLOCK_AT + 8, _CLOCK_AT + 12, 64


class Inode:
    """A file: its durable content, and what was done to it since."""

    def __init__(self, content=b""):
        self.content = bytearray(content)
        self.pending = []  # ("write", offset, data) or ("size", size)
        self.begun = {}    # number of a sync -> how many of the pending it covers

    def synced(self, number):
        covered = self.begun.pop(number)
        for step in self.pending[:covered]:
            _apply(self.content, step)
        self.pending = self.pending[covered:]
        self.begun = {n: max(0, c - covered) for n, c in self.begun.items()}

    def after_cut(self, random, mode):
        """What the disk holds: mode "none" (only what was synced), "all", or "random"."""
        if mode == "none" or not self.pending:
            return bytes(self.content)
        if mode == "all":
            content = bytearray(self.content)
            for step in self.pending:
                _apply(content, step)
            return bytes(content)
        return self._random(random)

    def _random(self, random):
        whole = bytearray(self.content)
        sizes, versions = [len(whole)], {}  # page -> what it held at each time, oldest first
        for step in self.pending:
            before = len(whole)
            _apply(whole, step)
            sizes.append(len(whole))
            first, last = ((step[1], step[1] + len(step[2])) if step[0] == "write" else
                           (min(before, len(whole)), max(before, len(whole))))
            for page in range(first // PAGE, (last + PAGE - 1) // PAGE):
                old = bytes(self.content[page * PAGE:(page + 1) * PAGE])
                versions.setdefault(page, [old]).append(bytes(whole[page * PAGE:(page + 1) * PAGE]))
        size = random.choice(sizes)
        result = bytearray(self.content[:size].ljust(size, b"\0"))
        for page, held in versions.items():
            at = page * PAGE
            room = min(PAGE, size - at)
            if room > 0:
                result[at:at + room] = random.choice(held)[:room].ljust(room, b"\0")
        return bytes(result)


def _apply(content, step):
    if step[0] == "size":
        if step[1] < len(content):
            del content[step[1]:]
        else:
            content.extend(bytes(step[1] - len(content)))
        return
    _, offset, data = step
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


class Change:
    """Of a name: create, rename, unlink, mkdir."""

    def __init__(self, op, path, to, inode):
        self.op, self.path, self.to, self.inode = op, path, to, inode
        self.durable = False

    def directories(self):
        return {os.path.dirname(path) for path in (self.path, self.to) if path}

    def names(self):
        return {path for path in (self.path, self.to) if path}

    def touches(self, other):
        """One of the two cannot be there without the other having been before it."""
        if self.names() & other.names() or self.inode and self.inode is other.inode:
            return True
        return any(name.startswith(parent + "/") for name in self.names() for parent in other.names())


class Disk:
    """Of a gateway: `directories` below the gateway's own. env() goes into the gateway's environment; begin() comes
    before each start of the family, cut() after its death."""

    def __init__(self, directory, *directories):
        self.roots = [os.path.join(os.path.realpath(directory), name) for name in directories]
        self.log = os.path.join(directory, "power_cut.log")
        self.control_file = os.path.join(directory, "power_cut.control")
        with open(self.control_file, "wb") as file:
            file.truncate(PAGE)
        with open(self.control_file, "r+b") as file:
            self.control = mmap.mmap(file.fileno(), PAGE)
        self.cuts = 0
        self.begin()

    def env(self):
        return {"LD_PRELOAD": LIBRARY, "POWER_CUT_LOG": self.log, "POWER_CUT_ROOTS": ":".join(self.roots),
                "POWER_CUT_CONTROL": self.control_file}

    # -- faults

    def fault(self, step, error=0, skip=0, times=FOREVER, kill=0, of=ROUTER, match=""):
        """From now on: after `skip` steps of the kind `times` fail with errno `error`, or kill the process (1: instead
        of the step, 2: after it). `match`: only with paths that contain it; one for all steps of the process."""
        base = of * _OF_BYTES
        self.control[base + _MATCH_AT:base + _MATCH_AT + 64] = match.encode().ljust(64, b"\0")
        _FAULT.pack_into(self.control, base + step * _FAULT.size, error, skip, times, kill)

    def heal(self):
        for of in (ROUTER, FILE_EXPORTER, MASTER):
            self.control[of * _OF_BYTES:of * _OF_BYTES + _HITS_AT] = bytes(_HITS_AT)

    def hits(self, of=ROUTER):
        return struct.unpack_from("<I", self.control, of * _OF_BYTES + _HITS_AT)[0]

    def slow_syncs(self, microseconds, of=ROUTER):
        struct.pack_into("<I", self.control, of * _OF_BYTES + _DELAY_AT, microseconds)

    def full(self, of=ROUTER):
        for step in (WRITE, RESIZE, CREATE):
            self.fault(step, errno.ENOSPC, of=of)

    def jump(self, seconds):
        """The wall clock is off by so much from now on."""
        struct.pack_into("<q", self.control, _CLOCK_AT, int(seconds * 1e9))

    @contextlib.contextmanager
    def between_changes(self):
        """While it lasts no process is between a change and its record in the log, and none makes a change: the time to
        kill or to stop one."""
        def is_empty():
            return not any(map(process_alive, filter(None, struct.unpack_from(f"<{_GATE_SLOTS}I", self.control, _INSIDE_AT))))
        struct.pack_into("<I", self.control, _SHUT_AT, 1)
        try:
            wait_for(is_empty, "the changes under way", pause=0.0005)
            yield
        finally:
            struct.pack_into("<I", self.control, _SHUT_AT, 0)

    # -- the power

    def begin(self):
        """What is there now is durable."""
        open(self.log, "wb").close()
        self.inodes = {}
        self.names = {}
        self.surviving = {}  # after a cut: the names that are there, with their inodes
        self.directories = set()
        self.changes = []
        for root in self.roots:
            for parent, _, files in os.walk(root):
                self.directories.add(parent)
                for name in files:
                    path = os.path.join(parent, name)
                    with open(path, "rb") as file:
                        self.names[path] = self.inodes[os.fstat(file.fileno()).st_ino] = Inode(file.read())

    def _entries(self):
        with open(self.log, "rb") as file:
            data = file.read()
        at = 0
        while at + _ENTRY.size <= len(data):
            size, op, inode, where, first, second, pid = _ENTRY.unpack_from(data, at)
            if at + size > len(data):
                return  # torn by a kill: nobody was told of it
            tail = at + _ENTRY.size
            yield op, inode, where, data[tail:tail + first], data[tail + first:tail + first + second].decode(), pid
            at += size

    def _read_log(self):
        directory_syncs = {}
        for op, number, where, tail, second, pid in self._entries():
            if op in (WRITE, RESIZE):
                step = ("write", where, tail) if op == WRITE else ("size", where)
                self.inodes[number].pending.append(step)
            elif op in (CREATE, RENAME, UNLINK, MKDIR):
                self._change(op, tail.decode(), second, number)
            elif tail.decode() in self.directories:
                if op == SYNC_BEGIN:
                    directory_syncs[pid, where] = len(self.changes)
                else:
                    for change in self.changes[:directory_syncs.pop((pid, where))]:
                        change.durable |= tail.decode() in change.directories()
            elif op == SYNC_BEGIN:
                self.inodes[number].begun[pid, where] = len(self.inodes[number].pending)
            else:
                self.inodes[number].synced((pid, where))

    def _change(self, op, path, to, number):
        if op == CREATE:
            self.inodes[number] = Inode()
        elif op == MKDIR:
            self.directories.add(path)
        inode = self.inodes.get(number) if op in (CREATE, RENAME) else None
        self.changes.append(Change(op, path, to, inode))

    def _surviving(self, random, mode):
        """The changes of names that are on the disk, in order."""
        if mode == "all":
            return self.changes
        wanted = [change.durable or mode == "random" and random.random() < 0.5 for change in self.changes]
        for late in range(len(self.changes) - 1, -1, -1):
            if wanted[late]:
                for early in range(late):
                    wanted[early] |= self.changes[late].touches(self.changes[early])
        return [change for change, is_there in zip(self.changes, wanted) if is_there]

    def after(self, random, mode, names_mode=None):
        """(directories, {path: bytes}) that the disk holds after a cut now. `mode`: "none" of what was not synced,
        "all" of it, "random", or a function that says which for a path; `names_mode`: that of names, if another."""
        mode_of = mode if callable(mode) else lambda _: mode
        self._read_log()
        names = dict(self.names)
        directories = {path for path in self.directories} - {c.path for c in self.changes if c.op == MKDIR}
        for change in self._surviving(random, names_mode or mode):
            if change.op == MKDIR:
                directories.add(change.path)
            elif change.op == CREATE:
                names[change.path] = change.inode
            elif change.op == RENAME:
                names.pop(change.path, None)
                names[change.to] = change.inode
            else:
                names.pop(change.path, None)
        held = {}  # one inode under two names is one file
        for path, inode in names.items():
            if id(inode) not in held:
                held[id(inode)] = inode.after_cut(random, mode_of(path))
        self.surviving = names
        return directories, {path: held[id(inode)] for path, inode in names.items()}

    def cut(self, random, mode="random", names_mode=None):
        """The family is dead: makes the directories what the disk holds. A file that is still there stays the file that
        it was (its inode). Returns how many files differ from what the processes had seen."""
        seen = self.live()
        directories, files = self.after(random, mode, names_mode)
        numbers = {id(inode): number for number, inode in self.inodes.items()}
        aside = tempfile.mkdtemp(prefix="aside-", dir=os.path.dirname(self.roots[0]))
        kept = {}
        for path in seen:
            number = os.stat(path).st_ino
            if number not in kept:
                kept[number] = os.path.join(aside, str(number))
                os.rename(path, kept[number])
        for root in self.roots:
            shutil.rmtree(root, ignore_errors=True)
        for path in sorted(directories | {os.path.dirname(path) for path in files}):
            os.makedirs(path, mode=0o700, exist_ok=True)
        for path, content in files.items():
            old = kept.pop(numbers[id(self.surviving[path])], None)
            if old:
                os.rename(old, path)
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, 0o600)
        shutil.rmtree(aside)
        self.cuts += 1
        self.begin()
        return sum(seen.get(path) != files.get(path) for path in seen.keys() | files.keys())

    def live(self):
        """{path: bytes} as the processes see it."""
        found = {}
        for root in self.roots:
            for parent, _, files in os.walk(root):
                for name in files:
                    with open(os.path.join(parent, name), "rb") as file:
                        found[os.path.join(parent, name)] = file.read()
        return found
