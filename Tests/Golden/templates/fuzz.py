"""Writes random templates with what the reference renders them to.

    fuzz.py OUT [COUNT] [SEED]      writes OUT/fuzz.json, for APUS_TEMPLATE_GOLDEN=OUT
"""

import copy
import json
import pathlib
import random
import re
import sys

import cases
import reference

STRINGS = ["''", "'a'", "'Hello World'", "'é中👩‍👧'", "' pad \\n'", "'a,b,,c'", "'x=1\\ny=2\\r\\nz'", "'<b>&'", "'12'", "'-3.5'",
           "'%s-%d'", "'{} {0}'", "'ABC def'", "'ǆ ß Σας'", "'aXbXc'", "'  '", "'\\t'", "\"it's\""]
NUMBERS = ["0", "1", "2", "3", "-1", "7", "42", "1.5", "-2.5", "0.1", "1e3", "3.0", "true", "false", "1e-5", "2.675", "100"]
NAMES = ["xs", "words", "people", "d", "text", "tree", "messages", "num", "neg", "pi", "yes", "nil", "empty", "missing"]
LISTS = ["xs", "words", "people", "messages", "[]", "[1, 'a', none]", "(1, 2)", "range(4)", "d.items()", "d.keys()", "tree"]
DICTS = ["d", "people[0]", "{}", "{'k': 1, 'z': [1]}", "messages[2]", "people[1].home"]
TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence",
         "iterable", "true", "false", "odd", "even", "lower", "upper", "divisibleby(2)", "eq(1)", "in([1, 'a'])",
         "ne('a')", "gt(1)", "lt(2)", "ge(1)", "le(0)", "escaped", "sameas(none)"]
TEXT_FILTERS = ["upper", "lower", "trim", "capitalize", "title", "length", "string", "int", "float", "list", "first",
                "last", "reverse", "e", "safe", "wordcount", "indent", "indent(2, true)", "replace('a', 'b')",
                "replace('X', '', 1)", "truncate(6)", "truncate(5, true, '..', 0)", "center(9)", "tojson", "urlencode",
                "default('z')", "default('z', true)", "striptags", "format(1, 2)", "join('-')", "sort|join", "unique|join",
                "trim('a ')", "int(5, 16)", "batch(2)|list", "count", "forceescape"]
LIST_FILTERS = ["length", "first", "last", "list", "join(', ')", "join", "tojson", "tojson(indent=1)", "sort", "sort(reverse=true)",
                "sort(attribute='age')", "unique|list", "reverse|list", "map('string')|list", "map(attribute='name')|list",
                "map(attribute='name', default='?')|list", "select|list", "reject('none')|list", "select('number')|list",
                "selectattr('name')|list", "selectattr('age', 'gt', 10)|list", "rejectattr('role', 'eq', 'user')|list|length",
                "sum", "min", "max", "batch(2, 0)|list", "slice(2)|list", "groupby('age')|list", "groupby('role')", "string",
                "map('upper')|join", "map('length')|list", "select('odd')|list", "default([])", "map('first')|list",
                "map(attribute='home.city')|join('/')", "unique(attribute='age')|list|length", "dictsort", "items|list"]
DICT_FILTERS = ["length", "list", "dictsort", "items|list", "tojson", "tojson(indent=2, sort_keys=true)", "string", "first", "last",
                "join(',')", "dictsort(by='value')", "default({})", "xmlattr", "urlencode", "map('upper')|list", "sort"]
NUMBER_FILTERS = ["abs", "round", "round(1)", "round(2, 'floor')", "round(0, 'ceil')", "int", "float", "string", "tojson", "filesizeformat",
                  "default(3)", "e", "upper", "length", "list", "sum"]
METHODS = ["strip()", "lstrip()", "rstrip('\\n ')", "strip('a')", "split()", "split(',')", "split(' ', 1)", "rsplit(',', 1)", "splitlines()",
           "splitlines(true)", "upper()", "lower()", "title()", "capitalize()", "swapcase()", "startswith('a')", "endswith(('c', ' '))",
           "replace('a', 'bb')", "replace('', '-')", "find('b')", "rfind('b')", "count('a')", "index('a')", "isdigit()", "isalpha()",
           "isalnum()", "isspace()", "isupper()", "islower()", "istitle()", "zfill(5)", "ljust(4, '.')", "rjust(4)", "center(7, '*')",
           "removeprefix('a')", "removesuffix('c')", "partition(',')", "rpartition('X')", "join(['p', 'q'])", "format(1, 'b')",
           "casefold()", "expandtabs(3)", "isprintable()", "nope()", "split('')", "find('', 2)", "count('')"]
DICT_METHODS = ["items()|list", "keys()|list", "values()|list", "get('b')", "get('nope', 4)", "copy()", "name", "b", "items|string|length > 0",
                "nope", "nope.x", "pop('a')", "home.city", "role"]
LIST_METHODS = ["index(1)", "count(1)", "0", "1.name", "copy()|length", "append(1)", "x"]
ARITHMETIC = ["+", "-", "*", "/", "//", "%"]
# Without "-", which Python's dictionary views have as well.
BINARY = ["+", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
SLICES = ["[0]", "[-1]", "[1:]", "[:2]", "[::-1]", "[::2]", "[-2:]", "[5]", "[1:-1]", "['a']", "[none:1]", "[3:0:-1]"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, options):
        return self.random.choice(options)

    def chance(self, probability):
        return self.random.random() < probability

    def text(self, depth):
        if depth <= 0 or self.chance(0.3):
            return self.pick(STRINGS + ["text", "words[0]", "empty"])
        kind = self.random.randrange(6)
        if kind == 0:
            return f"{self.text(depth - 1)}|{self.pick(TEXT_FILTERS)}"
        if kind == 1:
            return f"({self.text(depth - 1)}).{self.pick(METHODS)}"
        if kind == 2:
            return f"({self.any(depth - 1)} ~ {self.any(depth - 1)})"
        if kind == 3:
            return f"({self.text(depth - 1)} + {self.text(depth - 1)})"
        if kind == 4:
            # Surely a string: jinja2 folds slices of constant numbers to nothing, where Python fails.
            return f"({self.text(depth - 1)} ~ ''){self.pick(SLICES)}"
        return f"({self.text(depth - 1)} % ({self.any(depth - 1)}, {self.number(depth - 1)}))"

    def number(self, depth):
        if depth <= 0 or self.chance(0.4):
            return self.pick(NUMBERS + ["num", "neg", "pi"])
        kind = self.random.randrange(5)
        if kind == 4:  # Small powers of what is not negative: larger ones leave 64 bits or the reals.
            return f"({self.pick(['2', '1.5', 'num', 'pi', 'xs|length'])} ** {self.pick(['0', '1', '2', '-1', '0.5'])})"
        if kind == 0:
            return f"({self.number(depth - 1)} {self.pick(ARITHMETIC)} {self.number(depth - 1)})"
        if kind == 1:
            return f"{self.number(depth - 1)}|{self.pick(NUMBER_FILTERS)}"
        if kind == 2:
            return f"-{self.number(0)}"
        return f"({self.list(depth - 1)})|length"

    def list(self, depth):
        if depth <= 0 or self.chance(0.35):
            return self.pick(LISTS)
        kind = self.random.randrange(5)
        if kind == 0:
            return f"({self.list(depth - 1)})|{self.pick(LIST_FILTERS)}"
        if kind == 1:
            return f"({self.pick(LISTS)}){self.pick(SLICES)}"
        if kind == 2:
            return f"[{', '.join(self.any(depth - 1) for _ in range(self.random.randrange(4)))}]"
        if kind == 3:
            return f"({self.list(depth - 1)}).{self.pick(LIST_METHODS)}"
        return f"({self.list(depth - 1)} + {self.list(depth - 1)})"

    def dictionary(self, depth):
        if depth <= 0 or self.chance(0.4):
            return self.pick(DICTS)
        kind = self.random.randrange(3)
        if kind == 0:
            return f"({self.dictionary(depth - 1)})|{self.pick(DICT_FILTERS)}"
        if kind == 1:
            return f"({self.dictionary(depth - 1)}).{self.pick(DICT_METHODS)}"
        pairs = ", ".join(f"{self.any(depth - 1)}: {self.any(depth - 1)}" for _ in range(self.random.randrange(3)))
        return "{" + pairs + " }"

    def boolean(self, depth):
        kind = self.random.randrange(5)
        if kind == 0:
            return f"({self.any(depth - 1)} is {self.pick(['', 'not '])}{self.pick(TESTS)})"
        if kind == 1:
            return f"({self.any(depth - 1)} {self.pick(BINARY[6:])} {self.any(depth - 1)})"
        if kind == 2:
            return f"(not {self.any(depth - 1)})"
        if kind == 3:
            return f"({self.number(depth - 1)} < {self.number(depth - 1)} <= {self.number(depth - 1)})"
        return f"({self.text(depth - 1)} in {self.text(depth - 1)})"

    def any(self, depth):
        if depth <= 0:
            return self.pick(STRINGS + NUMBERS + NAMES)
        kind = self.random.randrange(9)
        if kind == 5:
            return f"({self.any(depth - 1)} if {self.boolean(depth - 1)} else {self.any(depth - 1)})"
        if kind == 6:
            return f"({self.any(depth - 1)} {self.pick(BINARY)} {self.any(depth - 1)})"
        if kind == 7:
            return f"({self.any(depth - 1)})|{self.pick(TEXT_FILTERS + LIST_FILTERS + DICT_FILTERS + NUMBER_FILTERS)}"
        if kind == 8:
            return f"{self.any(depth - 1)} {self.pick(BINARY)} {self.any(depth - 1)} {self.pick(BINARY)} {self.any(depth - 1)}"
        return [self.text, self.number, self.list, self.dictionary, self.boolean][kind](depth)

    def space(self):
        return self.pick(["", " ", "\n", "  \n  ", "\n\n", "a", " b ", "\t"])

    def tag(self, body):
        return "{%" + self.pick(["", "", "-", "+"]) + f" {body} " + self.pick(["", "", "-", "+"]) + "%}"

    def output(self, expression):
        return "{{" + self.pick(["", "", "-"]) + f" {expression} " + self.pick(["", "", "-"]) + "}}"

    def body(self, depth, in_loop=False):
        parts = [self.space()]
        for _ in range(self.random.randrange(1, 4)):
            parts += [self.statement(depth, in_loop), self.space()]
        return "".join(parts)

    def statement(self, depth, in_loop):
        kind = self.random.randrange(16) if depth > 0 else self.random.randrange(3)
        if kind < 3:
            return self.output(self.any(2))
        if kind == 3:
            return self.tag(f"if {self.boolean(1)}") + self.body(depth - 1, in_loop) + (
                self.tag("else") + self.body(depth - 1, in_loop) if self.chance(0.5) else "") + self.tag("endif")
        if kind in (4, 5):
            name = self.pick(["x", "y", "k, v", "num"])
            source = self.list(1) if "," not in name else f"({self.dictionary(0)}).items()"
            test = f" if {self.boolean(1)}" if self.chance(0.2) else ""
            loop = self.output(self.pick(["loop.index", "loop.last", "loop.length", "loop.previtem", "loop.nextitem is defined",
                                          "loop.revindex0", "loop.cycle('p', 'q')", "loop.changed(1)", name.split(",")[0]]))
            return self.tag(f"for {name} in {source}{test}") + loop + self.body(depth - 1, True) + (
                self.tag("else") + self.body(depth - 1, in_loop) if self.chance(0.3) else "") + self.tag("endfor")
        if kind == 6:
            return self.tag(f"set {self.pick(['x', 'y', 'num', 'z'])} = {self.any(2)}")
        if kind == 7:
            return self.tag(f"set {self.pick(['x', 'y'])}{self.pick(['', '|trim', '|upper|length'])}") + self.body(depth - 1, in_loop) + self.tag("endset")
        if kind == 8:
            return self.tag("macro m(x, y=2)") + self.body(depth - 1) + self.pick(["", "{{ caller() if caller }}", "{{ varargs }}"]) + self.tag(
                "endmacro") + self.output(self.pick(["m(1)", "m()", "m(num, y=3)", "m(1, 2, 3)", "m(z=1)"]))
        if kind == 9:
            return self.tag("set ns = namespace(a=1)") + self.tag(f"set ns.a = {self.any(1)}") + self.output("ns.a")
        if kind == 10:
            return self.tag(f"with x = {self.any(1)}, z = x") + self.body(depth - 1, in_loop) + self.tag("endwith")
        if kind == 11:
            return self.tag(f"filter {self.pick(['upper', 'trim', 'length', 'indent', 'replace(1, 2)'])}") + self.body(depth - 1, in_loop) + self.tag("endfilter")
        if kind == 12:
            return self.pick(["{# c #}", "{#- c -#}", "{% raw %} {{ x }}\n{% endraw %}", "{%- raw -%} a {% endraw -%}\n"])
        if kind == 13 and in_loop:
            return self.tag(f"if {self.boolean(1)}") + self.tag(self.pick(["break", "continue"])) + self.tag("endif")
        if kind == 14:
            return self.tag("call m2()") + self.body(depth - 1) + self.tag("endcall")
        return self.output(self.pick(["x", "y", "z", "num"]))

    def template(self):
        kind = self.random.randrange(10)
        if kind < 6:
            return "{{ " + self.any(self.random.randrange(1, 4)) + " }}"
        text = self.body(self.random.randrange(1, 4))
        if "m2()" in text:
            text = "{% macro m2() %}<{{ caller() }}>{% endmacro %}" + text
        if kind == 9:  # Damaged: mostly errors.
            at = self.random.randrange(len(text) + 1)
            text = text[:at] + self.pick(["", "{%", "}}", "-%}", "'", "(", " is ", "|", "{{", " if "]) + text[at + self.random.randrange(3):]
        return text


# What has no value of its own: addresses, hash order, numbers past 64 bits.
UNSTABLE = re.compile(r"0x[0-9a-f]{6,}|<(built-in|bound|function|generator|class|Macro|dict_)|object at|\d{19,}|[eE]\+?\d{3}|\dj\)")


def main():
    out = pathlib.Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    maker = Maker(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    rows = []
    while len(rows) < count:
        template = maker.template()
        # A copy, as the indent filter extends lists that it is given.
        result = reference.render(template, copy.deepcopy(cases.CONTEXT))
        if UNSTABLE.search(result.get("output", "") + result.get("message", "")):
            continue
        rows.append({"template": template, "context": cases.CONTEXT, **result})
    out.mkdir(parents=True, exist_ok=True)
    (out / "fuzz.json").write_text(json.dumps(rows, ensure_ascii=False))


if __name__ == "__main__":
    main()
