# SPDX-License-Identifier: Apache-2.0
"""The files of dead letters, read as docs/spool-format.md describes them and by no code of the gateway."""
import collections
import glob
import os
import struct

Letter = collections.namedtuple("Letter", "number exporter signal records index delivery reason rejected_ns payload")

FIXED = struct.Struct("<8sHHI16sQQQQQQQQQBBHHHQ")
SIGNALS = {1: "logs", 2: "metrics", 3: "traces"}


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    (magic, version, oldest, header, _store, number, generation, first, last, index, records, rejected_ns, length,
     _payload_sum, signal, zero, name_length, reason_length, zero_too, _sum) = FIXED.unpack_from(data)
    if (magic, version, oldest, zero, zero_too) != (b"masq-ded", 1, 1, 0, 0):
        raise AssertionError(f"{path}: {data[:FIXED.size].hex()}")
    if os.path.basename(path) != f"{number:016x}.dead" or len(data) != header + length or header % 8:
        raise AssertionError(f"{path}: number {number}, header {header}, payload {length}, file {len(data)}")
    reason = FIXED.size + name_length
    return Letter(number, data[FIXED.size:reason].decode(), SIGNALS[signal], records, index, (generation, first, last),
                  data[reason:reason + reason_length].decode(), rejected_ns, data[header:])


def read_all(store):
    """Every letter below the store's directory, by rising number. A letter may go while they are read."""
    letters = []
    for path in glob.glob(os.path.join(store, "dead-letters", "*.dead")):
        try:
            letters.append(read(path))
        except FileNotFoundError:
            pass
    return sorted(letters)
