"""Makes the original of a stored message again, by docs/header-protection.md.

rebuild.py STORED INNER   prints the original; INNER is what decryption gave
rebuild.py                reads a JSON list of {"stored", "inner"} in base64 and
                          prints the list of originals
"""

import base64
import json
import re
import sys

HIDDEN = {b"subject", b"comments", b"keywords", b"thread-topic"}
SIGNATURES = {b"dkim-signature", b"arc-message-signature"}
ADDED = re.compile(
    rb'Content-Type: text/plain; hp="cipher"(; protected-headers="v1"'
    rb'(; hp-legacy-display="1")?)?\r\n'
)
MARK = re.compile(
    rb'(.*)(?:;\r\n |\r\n\t)hp="cipher"(?:; protected-headers="v1"'
    rb'(?:; hp-legacy-display="1")?)?\r\n',
    re.DOTALL,
)
DISARMED = re.compile(
    rb"(;[ \t\r\n]*)x-((?i:(?:x-)*(?:hp-legacy-display|hp|protected-headers)"
    rb"(?:\*[*\d]*)?[ \t\r\n]*=))"
)


def split(octets):
    """Fields and body; the header ends with the first empty line."""
    fields = []
    start = 0
    while octets[start : start + 2] != b"\r\n":
        end = octets.index(b"\n", start) + 1
        while octets[end : end + 1] in (b" ", b"\t"):
            end = octets.index(b"\n", end) + 1
        fields.append(octets[start:end])
        start = end
    return fields, octets[start + 2 :]


def name(field):
    return re.match(rb"[!-9;-~]+", field).group().lower()


def is_hidden(field):
    return name(field) in HIDDEN or name(field).endswith(b"-subject")


def is_clean(field):
    return b"\0" not in field and not re.search(rb"\r(?!\n)", field)


def is_copy(field):
    return is_clean(field) and not name(field).startswith(b"content-")


def original_content_type(field):
    marked = MARK.fullmatch(field)
    if marked:
        field = marked.group(1) + b"\r\n"
    return DISARMED.sub(rb"\1\2", field)


def rebuild(stored, inner):
    fields, _ = split(stored)
    names = [name(field) for field in fields]
    at = names.index(b"encimap-encryption")
    receipt = fields[at]
    if b"by=sender" in receipt:
        assert at == 1
        return stored[len(fields[0]) + len(receipt) :]
    outer = fields[1:at]
    mode = re.search(rb"header=(off|protect|hide)", receipt).group(1)
    content, body = split(inner)
    if mode != b"off":
        copies = [field for field in content if is_copy(field)]
        content = [field for field in content if not is_copy(field)]
        if content and ADDED.fullmatch(content[0]):
            content = content[1:]
        content = [
            original_content_type(field) if name(field) == b"content-type" else field
            for field in content
        ]
    if mode == b"hide":
        outer = [field for field in outer if not is_hidden(field)]
        outer += [
            field for field in copies if is_hidden(field) or name(field) in SIGNATURES
        ]
        for field in copies:
            if name(field) == b"encimap-inserted":
                for offset, length in reversed(re.findall(rb"(\d+)\+(\d+)", field)):
                    end = int(offset) + int(length)
                    body = body[: int(offset)] + body[end:]
    return b"".join(outer + content) + b"\r\n" + body


def main():
    if len(sys.argv) == 3:
        with open(sys.argv[1], "rb") as stored, open(sys.argv[2], "rb") as inner:
            sys.stdout.buffer.write(rebuild(stored.read(), inner.read()))
        return
    cases = json.load(sys.stdin)
    decode = base64.b64decode
    json.dump(
        [
            base64.b64encode(
                rebuild(decode(case["stored"]), decode(case["inner"]))
            ).decode()
            for case in cases
        ],
        sys.stdout,
    )


if __name__ == "__main__":
    main()
