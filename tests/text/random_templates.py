"""Small templates made from a grammar, to be rendered by weir and by jinja2.

Slices are of names only: jinja2 gives undefined for a slice of what is constant and cannot be
sliced, and an error for what is not constant.
"""

import random

STRINGS = [
    "",
    "a",
    "Hello, World",
    "  pad\t\n",
    "ß Straße ΑΣ ŉ",
    "1,2,,3",
    "x=1;y=2",
    "ab" * 5,
    "42",
    " 7 ",
    "-3.50",
    "1e3",
    "0x1F",
    "true",
    "<b>&'\"</b>",
    "line one\nline two\r\n\n four",
    "你好 🦊",
    "a-b (c) [d] {e}",
    "%s and %d",
    "{} {0}",
    "don't",
    'say "hi"',
    "\x7f\u200b\u2028 end",
    "ǅungla ΣΑΣ. İ",
    "tab\there",
    "__x__",
    "A.b.C",
]
VARIABLES = {
    "s": "Hello, World",
    "t": "  Ünï 🦊\n",
    "n": 7,
    "z": 0,
    "f": 2.5,
    "neg": -3,
    "yes": True,
    "no": False,
    "nil": None,
    "items": [3, 1, 2, 1],
    "names": ["bob", "Alice", "carol", "", "bob"],
    "mixed": [1, "a", None, 2.0, [1, 2], {"k": "v"}, True],
    "d": {"b": 1, "a": "x", "C": [1], "items": "shadow"},
    "rows": [
        {"name": "b", "size": 2, "tag": {"id": 1}},
        {"name": "A", "size": 10},
        {"name": "c", "size": 2, "tag": {"id": None}},
    ],
    "empty": [],
    "nested": {"a": {"b": [{"c": "deep"}]}},
}
NAMES = [*VARIABLES, "missing", "i", "v", "ns.x", "loop.index"]
KEYS = ["'a'", "'b'", "'name'", "'items'", "0", "-1", "1", "99", "none", "1.0", "true", "'strip'"]
ATTRIBUTES = ["a", "b", "name", "size", "items", "tag.id", "keys", "append", "upper", "x", "count"]
METHODS = [
    "strip()",
    "strip('a ')",
    "lstrip()",
    "rstrip('\\n')",
    "split()",
    "split(',')",
    "split('a', 1)",
    "rsplit('a', 1)",
    "rsplit(None, 1)",
    "split(none, 1)",
    "splitlines()",
    "splitlines(true)",
    "upper()",
    "lower()",
    "title()",
    "capitalize()",
    "swapcase()",
    "startswith('a')",
    "startswith(('H', '1'))",
    "endswith('d')",
    "endswith('', 99)",
    "replace('a', 'X')",
    "replace('', '-')",
    "replace('a', 'b', 1)",
    "find('l')",
    "rfind('l')",
    "find('l', 4, -1)",
    "count('a')",
    "count('')",
    "index('l')",
    "join(names)",
    "join('xyz')",
    "join(mixed)",
    "isdigit()",
    "isalpha()",
    "isalnum()",
    "isspace()",
    "isupper()",
    "islower()",
    "istitle()",
    "isnumeric()",
    "isdecimal()",
    "isascii()",
    "isprintable()",
    "zfill(9)",
    "center(12)",
    "center(13, '*')",
    "ljust(9)",
    "rjust(9, '.')",
    "removeprefix('He')",
    "removesuffix('d')",
    "partition(',')",
    "rpartition('l')",
    "format(1, 'two')",
    "format(a=1)",
    "items()",
    "keys()",
    "values()",
    "get('a')",
    "get('zz', 'dflt')",
    "get('zz')",
    "append(1)",
    "copy()",
    "index(1)",
    "count(1)",
    "pop()",
    "__class__",
    "nothing()",
]
FILTERS = [
    "upper",
    "lower",
    "title",
    "capitalize",
    "trim",
    "trim('a')",
    "length",
    "count",
    "first",
    "last",
    "list",
    "string",
    "int",
    "int(9)",
    "int(default=1, base=16)",
    "float",
    "float(1.5)",
    "abs",
    "round",
    "round(1)",
    "round(1, 'ceil')",
    "round(method='floor')",
    "round(-1)",
    "sum",
    "sum(start=10)",
    "min",
    "max",
    "sort",
    "sort(reverse=true)",
    "sort(case_sensitive=true)",
    "sort(attribute='name')",
    "sort(attribute='size,name')",
    "unique|list",
    "reverse|list",
    "reverse",
    "join",
    "join(', ')",
    "join('-', attribute='name')",
    "join(d='|')",
    "default('D')",
    "d('D', true)",
    "default(boolean=true)",
    "tojson",
    "tojson(indent=2)",
    "tojson(indent=0)",
    "tojson(sort_keys=true)",
    "tojson(ensure_ascii=true)",
    "tojson(separators=(',', ':'))",
    "tojson(indent='\t')",
    "replace('a', 'b')",
    "replace('l', 'L', 1)",
    "replace(1, 2)",
    "indent",
    "indent(2, true)",
    "indent(width='> ', blank=true)",
    "batch(2)|list",
    "batch(3, 'x')|list",
    "slice(2)|list",
    "slice(3, 'x')|list",
    "items|list",
    "dictsort",
    "dictsort(by='value')",
    "dictsort(reverse=true)",
    "dictsort(true)",
    "map('upper')|list",
    "map(attribute='name')|list",
    "map(attribute='tag.id', default=0)|list",
    "map('int', 5)|list",
    "select|list",
    "select('string')|list",
    "reject('none')|list",
    "select('gt', 1)|list",
    "selectattr('tag')|list",
    "selectattr('size', 'equalto', 2)|map(attribute='name')|list",
    "rejectattr('name', 'in', ['A', 'b'])|list",
    "select('in', [1, 'a'])|list",
    "wordcount",
    "urlencode",
    "center(20)",
    "truncate(5)",
    "truncate(8, true, '..', 0)",
    "format(1, 2)",
    "groupby('size')",
    "map('first')|list",
    "attr('a')",
    "min(attribute='size')",
    "list|length",
    "map('nosuch')|list",
    "nosuch",
    "random_thing(1)",
]
TESTS = [
    "defined",
    "undefined",
    "none",
    "string",
    "number",
    "integer",
    "float",
    "boolean",
    "mapping",
    "iterable",
    "sequence",
    "callable",
    "true",
    "false",
    "odd",
    "even",
    "divisibleby 3",
    "divisibleby(2)",
    "lower",
    "upper",
    "eq(1)",
    "equalto 'a'",
    "ne 2",
    "lt 5",
    "gt(1)",
    "ge 7",
    "le(3)",
    "in items",
    "in 'abc'",
    "in d",
    "sameas none",
    "sameas true",
    "filter",
    "test",
    "nosuch",
]
BINARY = [
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "~",
    "and",
    "or",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "not in",
    "+",
    "~",
    "==",
]


class Grammar:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def chance(self, share):
        return self.random.random() < share

    def literal(self):
        kind = self.random.randrange(6)
        if kind == 0:
            return repr(self.random.randrange(-5, 12))
        if kind == 1:
            return self.pick(["0.5", "2.0", "1e16", "1e-5", "3.14159", "1_000", "0x10", "100000.0"])
        if kind == 2:
            return self.pick(["true", "False", "none", "None", "true"])
        text = self.pick(STRINGS).replace("\\", "\\\\").replace("'", "\\'")
        return "'" + text.replace("\n", "\\n").replace("\r", "\\r") + "'"

    def container(self, depth):
        parts = [self.expression(depth - 1) for _ in range(self.random.randrange(4))]
        kind = self.random.randrange(3)
        if kind == 0:
            return "[" + ", ".join(parts) + "]"
        if kind == 1:
            return "(" + ", ".join(parts) + ("," if len(parts) == 1 else "") + ")"
        return "{" + ", ".join(f"{self.pick(KEYS)}: {part}" for part in parts) + "}"

    def subscript(self):
        return f"[{self.pick(KEYS)}]" if self.chance(0.5) else self.slice()

    def slice(self):
        part = lambda: self.pick(["", "", "0", "1", "-1", "-2", "5", "none"])  # noqa: E731
        step = self.pick(["", "", ":", ":2", ":-1", ":-2"])
        return f"[{part()}:{part()}{step}]"

    def expression(self, depth):
        if depth <= 0 or self.chance(0.1):
            return self.pick(NAMES) if self.chance(0.65) else self.literal()
        inner = lambda: self.expression(depth - 1)  # noqa: E731
        makers = [
            lambda: f"{inner()} {self.pick(BINARY)} {inner()}",
            lambda: f"({inner()} {self.pick(BINARY)} {inner()})",
            lambda: f"{inner()}|{self.pick(FILTERS)}",
            lambda: f"{self.pick(NAMES)}|{self.pick(FILTERS)}",
            lambda: f"{self.literal()}|{self.pick(FILTERS)}",
            lambda: f"{inner()} is {self.pick(['', 'not '])}{self.pick(TESTS)}",
            lambda: f"({inner()}).{self.pick(METHODS)}",
            lambda: f"{self.pick(['s', 't', 'd', 'names', self.literal()])}.{self.pick(METHODS)}",
            lambda: f"{self.pick(NAMES)}{self.subscript()}",
            lambda: f"({inner()})[{self.pick(KEYS)}]",
            lambda: f"{self.pick(NAMES)}.{self.pick(ATTRIBUTES)}",
            lambda: f"{inner()} if {inner()} else {inner()}",
            lambda: f"({inner()} if {inner()})",
            lambda: f"not {inner()}",
            lambda: f"-{inner()}",
            lambda: f"{inner()} < {inner()} <= {inner()}",
            lambda: f"range({self.pick(['5', '1, 4', '5, 0, -2', '0', 'n'])})|list",
            lambda: f"dict(a={inner()}, b=1)",
            lambda: self.container(depth),
        ]
        return self.pick(makers)()

    def text(self):
        return self.pick(["", " ", "\n", "\n\n", "  \n  ", "x", " y \n", "\t", "\n    ", "a\r\nb"])

    def tag(self, body):
        left = self.pick(["", "", "", "-", "+"])
        right = self.pick(["", "", "", "-", "+"])
        return "{%" + left + f" {body} " + right + "%}"

    def show(self, depth):
        left, right = self.pick(["", "", "-"]), self.pick(["", "", "-"])
        # Python shows that an escaped str is a Markup, so that it is only printed.
        last = self.pick(["", "", "", "", "|escape", "|e", "|safe"])
        return "{{" + left + f" {self.expression(depth)}{last} " + right + "}}"

    def block(self, depth):
        parts = []
        for _ in range(self.random.randrange(1, 4)):
            parts += [self.text(), self.statement(depth)]
        return "".join([*parts, self.text()])

    def loop(self, depth):
        head, names = self.pick(
            [
                ("i in items", "i"),
                ("i in names", "i"),
                ("k, v in d.items()", "k"),
                ("i in rows", "i.name"),
                ("i in mixed if i", "i"),
                ("i in range(4) if i != 1", "i"),
                ("k, v in d|dictsort", "v"),
                ("i in 'aß🦊'", "i"),
                ("i in missing", "i"),
                ("i in empty", "i"),
                ("i in d", "i"),
                (f"i in {self.expression(2)}", "i"),
            ]
        )
        inside = self.pick(
            [
                "loop.index",
                "loop.index0",
                "loop.first",
                "loop.last",
                "loop.length",
                "loop.revindex",
                "loop.revindex0",
                "loop.previtem",
                "loop.nextitem|default('end')",
                "loop.cycle('a', 'b')",
                "loop.changed(i)",
                names,
            ]
        )
        jump = self.pick(
            [
                "",
                "",
                "",
                "{% if loop.index == 2 %}{% break %}{% endif %}",
                "{% if loop.first %}{% continue %}{% endif %}",
                "{% set ns.x = ns.x + 1 %}",
                "{% set z = i %}",
            ]
        )
        other = self.tag("else") + self.text() + "none" if self.chance(0.3) else ""
        body = "{{ " + inside + " }}" + jump + self.block(depth - 1)
        return self.tag(f"for {head}") + body + other + self.tag("endfor")

    def branch(self, depth):
        middle = (
            self.tag(f"elif {self.expression(2)}") + self.block(depth - 1)
            if self.chance(0.3)
            else ""
        )
        other = self.tag("else") + self.block(depth - 1) if self.chance(0.5) else ""
        return (
            self.tag(f"if {self.expression(2)}")
            + self.block(depth - 1)
            + middle
            + other
            + self.tag("endif")
        )

    def macro(self, depth):
        use = self.pick(
            [
                "{{ m(1) }}",
                "{{ m(b=2, a=1) }}",
                "{{ m() }}",
                "{{ m(1, 2, 3) }}",
                "{% call m(5) %}in{{ n }}{% endcall %}",
                "{% call(q) m(5) %}{{ q }}{% endcall %}",
                "{{ m(*[1, 2]) }}",
                "{{ m(**{'b': 3}) }}",
                "{{ m(1, c=2) }}",
            ]
        )
        extra = self.pick(
            ["", "{{ caller() }}", "{{ caller('Q') }}", "{{ varargs }}", "{{ kwargs }}"]
        )
        return (
            self.tag(f"macro m(a, b={self.expression(1)})")
            + "{{ a }}{{ b }}"
            + extra
            + self.block(depth - 1)
            + self.tag("endmacro")
            + use
        )

    def statement(self, depth):
        if depth <= 0:
            return self.show(3)
        name = self.pick(["v", "n", "s", "items"])
        makers = [
            lambda: self.show(3),
            lambda: self.show(4),
            lambda: self.loop(depth),
            lambda: self.branch(depth),
            lambda: self.tag(f"set {name} = {self.expression(3)}") + "{{ " + name + " }}",
            lambda: self.tag(f"set a, b = {self.expression(2)}, 1") + "{{ a }}{{ b }}",
            lambda: self.tag(f"set ns.x = {self.expression(2)}") + "{{ ns.x }}",
            lambda: self.tag(f"set {name}")
            + self.block(depth - 1)
            + self.tag("endset")
            + "{{ "
            + name
            + "|length }}",
            lambda: self.tag(f"set {name}|{self.pick(['upper', 'trim', 'length'])}")
            + self.block(depth - 1)
            + self.tag("endset")
            + "{{ "
            + name
            + " }}",
            lambda: self.macro(depth),
            lambda: self.tag(f"filter {self.pick(['upper', 'trim', 'indent(3)', 'length'])}")
            + self.block(depth - 1)
            + self.tag("endfilter"),
            lambda: self.tag(f"with v = {self.expression(2)}, n = n")
            + self.block(depth - 1)
            + self.tag("endwith"),
            lambda: self.tag("generation") + self.block(depth - 1) + self.tag("endgeneration"),
            lambda: self.tag("raw") + "{{ raw }} {# #}" + self.text() + self.tag("endraw"),
            lambda: self.pick(["{# note #}", "{#- note -#}", "{#+ a\n b +#}"]),
        ]
        return self.pick(makers)()

    def template(self):
        return "{% set ns = namespace(x=0) %}" + self.block(2)

    def simple(self):
        return "{% set ns = namespace(x=0) %}{{ " + self.expression(self.pick([1, 2, 2, 3])) + " }}"


def requests(seed, count):
    """The same for the same seed. Half are one expression, for many must fail in longer ones."""
    grammar = Grammar(seed)
    for number in range(count):
        template = grammar.template() if number % 2 else grammar.simple()
        yield {"template": template, "extra": VARIABLES}
