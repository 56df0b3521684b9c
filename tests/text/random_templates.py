"""Small templates made from a grammar, to be rendered by weir and by jinja2.

Slices are of names only: jinja2 gives undefined for a slice of what is constant and cannot be
sliced, and an error for what is not constant.
"""

import random

from template_words import (
    ATTRIBUTES,
    BINARY,
    FILTERS,
    KEYS,
    METHODS,
    NAMES,
    STRINGS,
    TESTS,
    VARIABLES,
)


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
