"""What programs that were compiled against librlnas.so rely on, beside the names of its symbols: sizes, offsets and types
of the fields of every public struct, values of enums, signatures of functions. Compared with a text file.

    abi.py CXX LIBRARY SYMBOLS FILE INCLUDE...     INCLUDE: folders of headers
    abi.py --write ...                             writes FILE anew

Read from the DWARF that the compiler makes of the headers, by readelf, which every compiler comes with: so nothing has to
be listed by hand or parsed out of headers, no field is forgotten, and the file has what a reader looks for, a page or two
of it. (libabigail's abidw says the same in 20,000 lines of XML with all of libstdc++ in it, and would be one package
more.)
"""

import difflib
import pathlib
import re
import subprocess
import sys
import tempfile

DIE = re.compile(r" *<([0-9a-f]+)><([0-9a-f]+)>: Abbrev Number: \d+(?: \(DW_TAG_(\w+)\))?")
ATTRIBUTE = re.compile(r" *<[0-9a-f]+> +DW_AT_(\w+) *: (?:\(indirect[^)]*\): |\([a-z][^)]*\) )?(.*)")
# Of a program that has none of its own, and so the same in all of them.
SOURCE = "#include <rlnas/rlnas.hpp>\n#include <rlnas/kernels.hpp>\n#include <rlnas/rlnas.h>\n"


class Die:
    def __init__(self, tag, parent):
        self.tag, self.parent, self.children, self.of = tag, parent, [], {}

    def name(self):
        return self.of.get("name", "").strip()

    def number(self, attribute):
        found = re.match(r"-?\d+|0x[0-9a-f]+", self.of.get(attribute, "0").strip())
        return int(found.group(0), 0)


def debug_entries(text):
    """All by their offsets."""
    found, open_ones, last = {}, {}, None
    for line in text.splitlines():
        die = DIE.match(line)
        if die:
            depth = int(die.group(1), 16)
            if die.group(3) is None:  # the end of a list
                last = None
                continue
            last = Die(die.group(3), open_ones.get(depth - 1))
            open_ones[depth] = found[die.group(2)] = last
            if last.parent:
                last.parent.children.append(last)
            continue
        attribute = ATTRIBUTE.match(line)
        if attribute and last:
            last.of[attribute.group(1)] = attribute.group(2)
    return found


class Types:
    def __init__(self, entries):
        self.entries = entries

    def target(self, die, attribute="type"):
        found = re.search(r"<0x([0-9a-f]+)>", die.of.get(attribute, ""))
        return self.entries[found.group(1)] if found else None

    def qualified(self, die):
        name, parent = die.name() or "(unnamed)", die.parent
        while parent is not None and parent.tag in ("namespace", "structure_type", "class_type"):
            if not parent.name().startswith("__cxx11"):
                name = f"{parent.name()}::{name}"
            parent = parent.parent
        return name

    def text(self, die):
        if die is None:
            return "void"
        inner = lambda: self.text(self.target(die))
        if die.tag == "const_type":
            of = self.target(die)
            return f"{inner()} const" if of is not None and of.tag == "pointer_type" else f"const {inner()}"
        if die.tag == "array_type":
            counts = [c.number("count") or c.number("upper_bound") + 1 for c in die.children if c.tag == "subrange_type"]
            return inner() + "".join(f"[{count}]" for count in counts)
        if die.tag == "subroutine_type":
            return f"{inner()}({', '.join(self.text(self.target(c)) for c in die.children if c.tag == 'formal_parameter')})"
        suffix = {"pointer_type": "*", "reference_type": "&", "rvalue_reference_type": "&&"}.get(die.tag)
        return inner() + suffix if suffix else self.qualified(die)

    def size(self, die):
        while die is not None and "byte_size" not in die.of:
            if die.tag == "array_type":
                count = 1
                for child in die.children:
                    count *= child.number("count") or child.number("upper_bound") + 1
                return count * self.size(self.target(die))
            if die.tag.endswith("reference_type"):
                return 8
            die = self.target(die)
        return 0 if die is None else die.number("byte_size")

    def lines(self, die):
        """What is relied on in a struct or an enum."""
        if die.tag == "enumeration_type":
            yield f"enum {self.qualified(die)}: {die.number('byte_size')} bytes"
            for one in die.children:
                yield f"  {one.number('const_value')} {one.name()}"
            return
        yield f"struct {self.qualified(die)}: {die.number('byte_size')} bytes"
        for one in die.children:
            if one.tag not in ("member", "inheritance") or "data_member_location" not in one.of:
                continue
            kind = self.target(one)
            name = one.name() if one.tag == "member" else "(base)"
            yield f"  {one.number('data_member_location')}: {self.text(kind)} {name}, {self.size(kind)} bytes"


def readable(text):
    """Without what the standard library's names are longer by."""
    text = re.sub(r"std::(__cxx11::)?basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string", text)
    return re.sub(r", std::allocator<[^<>]+> >", ">", text).replace("[abi:cxx11]", "")


def public(name):
    return name.startswith(("rlnas::", "rlnas_")) and "(unnamed)" not in name


def described(cxx, library, symbols, includes):
    functions = pathlib.Path(symbols).read_text().split()
    with tempfile.TemporaryDirectory() as folder:
        source, made = pathlib.Path(folder, "all.cpp"), pathlib.Path(folder, "all.o")
        source.write_text(SOURCE + "".join(f"__typeof__(&{name}) of_{name} = {name};\n" for name in functions))
        subprocess.run([cxx, "-std=c++20", "-g", "-gdwarf-4", "-fno-eliminate-unused-debug-types", "-c", source, "-o", made,
                        *("-I" + folder for folder in includes)], check=True)
        dump = subprocess.run(["readelf", "--debug-dump=info", made], check=True, capture_output=True, text=True).stdout
    entries = debug_entries(dump)
    types, blocks, signatures = Types(entries), {}, []
    for die in entries.values():
        if die.tag in ("structure_type", "class_type", "enumeration_type") and "byte_size" in die.of:
            if public(types.qualified(die)):
                blocks[types.qualified(die)] = list(types.lines(die))
        elif die.tag == "variable" and die.name().startswith("of_rlnas_"):
            signature = types.text(types.target(types.target(die)))
            signatures.append(f"{die.name()[3:]}: {signature}")
    assert len(signatures) == len(functions), "a function of the list is not in the header"
    nm = subprocess.run(["nm", "-DC", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    # Of a template for every primitive: primitives are in the list of types.
    own = {line.split(" ", 2)[2].split("@@")[0] for line in nm.splitlines()}
    own = {name for name in own if name.startswith("rlnas::") and "(" in name}
    return ["# Made by tests/api/abi.py --write, compared by the test abi. What changes here breaks programs that were",
            "# compiled before; a field at the end of a struct of rlnas.h, which begins with its size, does not.",
            "", "C functions", *sorted(signatures), "", "C++ functions", *sorted(map(readable, own)), "",
            *(readable(line) for name in sorted(blocks, key=lambda n: (n.startswith("rlnas::"), n)) for line in blocks[name] + [""])]


def main(arguments):
    write = arguments[0] == "--write"
    cxx, library, symbols, file, *includes = arguments[1:] if write else arguments
    found = "\n".join(described(cxx, library, symbols, includes))
    if write:
        pathlib.Path(file).write_text(found)
        return 0
    changes = list(difflib.unified_diff(pathlib.Path(file).read_text().splitlines(), found.splitlines(), "promised",
                                        "this build", lineterm="", n=2))
    print("\n".join(changes))
    if changes:
        print(f"the ABI has changed: if it has to, write {file} anew (see abi.py) and say so in the commit")
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
