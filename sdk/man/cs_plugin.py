#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cs_plugin.py SDK - cs-plugin(3) on standard output.

The prose is cs-plugin.3.in. What begins with "%" there is filled in: %file NAME takes a file of the sdk as it is, %enums,
%structs, %host, %descriptor and %macros take the reference out of cs/plugin_v1.h, %helpers out of cs/helpers.h. So the page
says what the header says, and the example is the one that is built.
"""
import re
import sys
from pathlib import Path


def roff(text):
    """Plain words as mdoc text: no line may look like a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^(?=[.'])", r"\\&", text)


def literal(text):
    return re.sub(r"(?m)^(?=[.'])", r"\\&", text.replace("\\", "\\e").replace("\t", "        "))


def words(comment):
    """A comment as sentences: without stars, first letter large, a full stop at the end."""
    text = " ".join(line.strip().lstrip("*").strip() for line in comment.splitlines()).strip()
    text = text.replace("`", "")
    text = text[:1].upper() + text[1:] if re.match(r"[a-z]+([ :,;-]|$)(?!\w+_)", text) else text
    return text if not text or text[-1] in ".:?!" else text + "."


def plain(decl):
    """A declaration on one line, without what compilers want to know besides."""
    return re.sub(r" CS_PRINTF.*", "", " ".join(decl.split()))


def since(comment):
    found = re.search(r"since (1\.\d+)", comment)
    return found.group(1) if found else "1.0"


def pieces(body):
    """(comment before, declaration, comment behind) of each declaration in a struct."""
    out, before = [], ""
    for part in re.finditer(r"/\*(.*?)\*/|([^;/]+(?:/(?!\*)[^;/]*)*);|\n", body, re.S):
        comment, decl = part.group(1), part.group(2)
        if comment is not None:
            line_start = body.rfind("\n", 0, part.start())
            if out and ";" in body[line_start:part.start()]:
                out[-1][2] += " " + comment
            else:
                before = comment
        elif decl is not None and decl.strip():
            out.append([before, " ".join(decl.split()), ""])
            before = ""
    return out


def without_pad(decl):
    return re.sub(r",? *\bpad\b,? *$|\bpad, *", "", decl).strip() if re.search(r"\bpad\b", decl) else decl


def names_of(decl):
    """The names that one declaration makes: "const char *a, *b" -> a, b; a function pointer -> its name."""
    function = re.search(r"\(\*(\w+)\)\(", decl)
    if function:
        return [function.group(1)]
    return re.findall(r"\**(\w+)(?:\[\w*\])?\s*(?:,|$)", re.sub(r"^(?:const |struct |unsigned )*\w+\s", "", decl))


class Header:
    def __init__(self, path):
        self.text = path.read_text()
        self.body = self.text[self.text.index("#ifdef __cplusplus"):]

    def structs(self):
        for m in re.finditer(r"^struct (\w+) \{(.*?)^\};(.*?)$", self.body, re.M | re.S):
            note, body = "", m.group(2)
            head = re.match(r"\s*/\*(.*?)\*/", body, re.S)
            if head and "\n" not in body[:head.start()] and body[:head.start()].strip() == "":
                note, body = head.group(1), body[head.end():]
            yield m.group(1), note, [p for p in pieces(body) if without_pad(p[1])]

    def enums(self):
        for m in re.finditer(r"^enum \{(?:([^\n]*?) \}|(.*?)^\});[ \t]*(?:/\*(.*?)\*/)?", self.body, re.M | re.S):
            body, note = m.group(1) or m.group(2), m.group(3) or ""
            head = re.match(r" */\*(.*?)\*/", body, re.S)
            if head:
                note, body = head.group(1), body[head.end():]
            before = self.body[:m.start()].rstrip()
            title = re.search(r"/\* ---- \d+\. ([^\n]*?)\*/\s*$", before)
            if not note and title:
                note = title.group(1)
            rows = re.findall(r"(CS_\w+) = (-?\d+),?\s*(?:/\*(.*?)\*/)?", body, re.S)
            yield note, rows


def struct_list(rows):
    out = [".Bl -tag -width Ds"]
    for before, decl, behind in rows:
        decl = without_pad(decl)
        if not decl:
            continue
        comment = before + behind
        out += [f".It Li {roff(decl)}"]
        if comment.strip():
            out += [roff(words(comment))]
        if since(comment) != "1.0":
            out += [f"Since {since(comment)}."]
    return out + [".El"]


def enums(header):
    out = []
    for note, rows in header.enums():
        out += [".Pp", roff(words(note)) if note else "", "Since 1.0.", ".Bl -tag -width CS_PUSH_IDENTIFY -compact"]
        for name, value, comment in rows:
            out += [f".It Dv {name} Pq {value}"]
            out += [roff(words(comment))] if comment.strip() else []
        out += [".El"]
    return [line for line in out if line]


def structs(header):
    out = []
    for name, note, rows in header.structs():
        if name in ("cs_host_v1", "cs_plugin_v1"):
            continue
        out += [f".Ss struct {name}", f"{roff(words(note))}\nSince 1.0." if note else "Since 1.0."] + struct_list(rows)
    return out


def one_struct(header, which):
    return [line for name, _, rows in header.structs() if name == which for line in struct_list(rows)]


def functions(header, which):
    """A struct of functions: the name, its type, its words, and the minor it came with."""
    out = [".Bl -tag -width Ds"]
    for name, _, rows in header.structs():
        if name != which:
            continue
        for before, decl, behind in rows:
            comment = before + behind
            call = re.match(r"(.*?)\(\*(\w+)\)\((.*)\)$", plain(decl))
            if not call:
                out += [f".It Li {roff(decl)}", roff(words(comment)) if comment.strip() else "Filled in by whoever made it."]
            else:
                out += [f".It Fn {call.group(2)}", f".Li {roff(call.group(1).strip())} {roff(call.group(2))}({roff(call.group(3))})", ".Pp"]
                out += [roff(words(comment))] if comment.strip() else []
            out += [f"Since {since(comment)}."]
    return out + [".El"]


def macros(header):
    out = [".Bl -tag -width Ds"]
    for name, text in (("CS_PLUGIN_V1", "Defines the entry function of the plugin: the members of the descriptor, written .name = value."),
                       ("CS_REQ", "Initializes a struct cs_http_req with step, method and URL; everything else is as if not given."),
                       ("CS_RES_INIT", "Initializes a struct cs_http_res."),
                       ("CS_HOST_HAS", "True when this host is new enough for a member: test before using what came after 1.0."),
                       ("CS_ABI_V1_MINOR", "The minor that the header is of."),
                       ("CS_PLUGIN_V1_ENTRY", "The name of the one exported symbol, a function without arguments that returns the descriptor.")):
        assert re.search(rf"#define {name}\b", header.text), name
        out += [f".It Dv {name}", roff(text), "Since 1.0."]
    return out + [".El"]


def helpers(path):
    """Each comment of helpers.h with the declarations that follow it."""
    text = path.read_text()
    text = text[text.index("#define CSH_JSON"):text.rindex("#endif")]
    out, note, open_list = [], "", False
    for m in re.finditer(r"/\* ---- (\w+\.c): (.*?) ?\*/|/\*(.*?)\*/|^([a-z][^;{}/]*?\b(csh_\w+)\(.*?\)[^;]*);([ \t]*/\*(.*?)\*/)?", text, re.M | re.S):
        if m.group(1):
            out += [".El"] if open_list else []
            out += [f".Ss {roff(m.group(2))}", ".Bl -tag -width Ds"]
            open_list, note = True, ""
        elif m.group(3):
            note = m.group(3)
        elif m.group(4):
            out += [f".It Li {roff(plain(m.group(4)))}"]
            comment = note + " " + (m.group(7) or "")
            out += [roff(words(comment))] if comment.strip() else []
            note = ""
    return out + [".El"]


def main():
    sdk = Path(sys.argv[1])
    header = Header(sdk / "include/cs/plugin_v1.h")
    fill = {
        "enums": lambda: enums(header), "structs": lambda: structs(header), "host": lambda: functions(header, "cs_host_v1"),
        "descriptor": lambda: functions(header, "cs_plugin_v1"), "macros": lambda: macros(header),
        "helpers": lambda: helpers(sdk / "include/cs/helpers.h"),
    }
    for line in (sdk / "man/cs-plugin.3.in").read_text().splitlines():
        if line.startswith("%file "):
            print(literal((sdk / line[6:]).read_text()), end="")
        elif line.startswith("%"):
            print("\n".join(fill[line[1:]]()))
        else:
            print(line)


if __name__ == "__main__":
    main()
