"""Writes what the fuzz targets begin with into fuzz/corpus: the files of data/, and the addresses people argue about.

An input's first byte is a number (a chunk's size less one, or a cell's length), the rest is the text. Python 3.10.
"""

import re
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
DATA = FUZZ.parent / "data"
#: Longer texts say nothing new and slow the fuzzer down: it makes no input longer than the longest seed.
BYTES_MAX = 1 << 10


def unescaped(cell: str) -> bytes:
    """The bytes that a cell of data/golden/normalize.tsv stands for; its head says how they are written."""
    cell = re.sub(r"\\\*\{(.*?)\*(\d+)\}", lambda found: found[1] * int(found[2]), cell)
    plain = {"t": b"\t", "n": b"\n", "r": b"\r", "\\": b"\\"}
    parts = re.split(r"(\\(?:u\{\w+\}|x\{\w+\}|[tnr\\]))", cell)
    for at in range(1, len(parts), 2):
        kind, digits = parts[at][1], parts[at][3:-1]
        parts[at] = chr(int(digits, 16)).encode() if kind == "u" else bytes([int(digits, 16)]) if kind == "x" else plain[kind]
    return b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)


def write(target: str, texts: list[bytes], numbers: list[int]) -> None:
    directory = FUZZ / "corpus" / target
    directory.mkdir(parents=True, exist_ok=True)
    for at, (text, number) in enumerate(zip(texts, numbers, strict=True)):
        (directory / f"seed-{at:03}").write_bytes(bytes([number]) + text[:BYTES_MAX])
    print(f"{len(texts)} seeds in {directory}")


def main() -> None:
    files = [path.read_bytes() for path in sorted(DATA.rglob("*.[ct]sv"))]
    write("delimited", files, [63 + at % 100 for at in range(len(files))])
    lines = (DATA / "golden/normalize.tsv").read_text(encoding="utf-8").split("\n")
    cells = [unescaped(line.split("\t")[0]) for line in lines if line and not line.startswith("#")]
    # Something like the rest of a row, so that there are 64 bytes from where the cell begins.
    behind = b',Ann,"Smith, A",DE,17.50\nann@example.com,@,x@y.test,1\n'
    write("address", [cell + behind for cell in cells], [min(len(cell), 255) for cell in cells])
    lines = [
        '{"email":"ann@example.com"}\r\n\n{"email":["cat@example.com","b\\u006fb@example.com"],"x":[1,{"email":""}]}',
        '\ufeff { "\\u0065mail" : "\\ud83d\\ude00@example.com" , "email" : null }\n{"x":1e3,"email":{}}\n{}\n',
    ]
    write("ndjson", [line.encode() for line in lines], [31, 255])


if __name__ == "__main__":
    main()
