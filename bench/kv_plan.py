"""Which recipes bench/kv_results.sh judges on how many samples: recipes of equal bytes, of every
method that the catalogue has, and as many samples as the time allows."""

import itertools

SHARES = (0.5, 0.25, 0.1)  # Of the bytes that a recipe can change.
# Shares of what is composed, at each context. Half of the bytes a store method alone takes, or
# less; of the longest prompts there is time for the least share only, and for one store.
COMPOSED = {512: (0.25, 0.1), 2048: (0.25, 0.1), 8064: (0.1,)}
EVERY_STORE_UP_TO = 2048
CONTEXTS = tuple(COMPOSED)
TASKS_UP_TO = 512  # Beyond, asking takes the time that samples are worth more of.
SAMPLES = (2, 12)  # At least and at most: of one sample nothing is sure.
# At least: of 4 contexts only right answers throughout are more than guessing, of fewer nothing.
SAMPLES_WITH_TASKS = 5
PAGE = 64  # Rows; fewer take as many bytes.

# Tokens a second of a prompt of so many, two AVX2 cores (bench/RESULTS.md), rounded down; and the
# seconds that a model may take. With the least numbers of samples, the questions that are seen and
# what is found out before, they leave a twentieth of two hours; the one part of it that was timed
# took about a tenth less than these rates say (SmolLM2, 512 tokens, 34 recipes, 7 samples: 816 s).
RATES = {"smollm2": {512: 1000, 2048: 700, 8064: 300},
         "gemma3-270m": {512: 1000, 2048: 1000, 8064: 900}}
SECONDS = {"smollm2": 4000, "gemma3-270m": 1700}
CONTEXT_SHARES = {512: 0.2, 2048: 0.2, 8064: 0.6}
ROWS_PER_SECOND = 500  # Of single tokens of many sequences side by side.
STEPS, TASKS_ASKED, ROWS_PER_TASK = 64, 2, 300
WATCHING = 3  # Times as long takes a prompt of which a method sums up all attention.

# One task also with its questions in the prompt: each of them is a prompt of its own.
SEEN_CONTEXT, SEEN_SHARE, SEEN_SAMPLES = 512, 0.25, 5
SEEN_TASK, SEEN_QUESTIONS = "needle", 5


def has(method, parameter):
    return any(p["name"] == parameter for p in method["parameters"])


def choices(method):
    """The settings that a method is judged with, one at a time: a share of the pages, a number of
    bits, or another word than its parameter has by itself."""
    for p in method["parameters"]:
        if p["name"] == "pages":
            offered = SHARES
        else:
            offered = [w for w in p.get("words", []) if p["name"] == "bits" or w != p["default"]]
        yield from (f"({p['name']}={value})" for value in offered)


def settings(catalogue, role, most=None):
    """A recipe's word for each method of a role that has no budget, with each of its choices, or
    the first `most` of them."""
    for m in (m for m in catalogue if m["role"] == role and not has(m, "budget")):
        for choice in list(itertools.islice(choices(m), most)) or [""]:
            yield f"{role}={m['name']}{choice}"


def keeps(catalogue):
    """Names of the keep methods that have a budget."""
    return [m["name"] for m in catalogue if m["role"] == "keep" and has(m, "budget")]


def base_line(catalogue):
    """The keep method that bytes are measured with: one that looks at nothing."""
    return next(m["name"] for m in catalogue
                if m["name"] in keeps(catalogue) and m["paper"] == "a base line")


def joined(*words):
    return ";".join(w for w in words if w)


def keep(name, rows):
    return f"keep={name}(budget={rows})"


class Bytes:
    """What so many rows take, with each store and with each store and read: a line, measured at two
    numbers of rows.

    What a keep method leaves of no rows at all is what recipes cannot change: layers with a
    sliding window."""

    MEASURED = (512, 1024)

    def __init__(self, context, full, at):
        """`at` is as in add(), "" among its words; `full` is the bytes of all rows of `context`."""
        self.lines = {}
        self.add(at)
        self.fixed = max(0.0, self.lines[""][0])
        self.full_per_row = (full - self.fixed) / context

    def add(self, at):
        """`at` maps words of a recipe to bytes at the two of MEASURED."""
        first, second = self.MEASURED
        for words, (low, high) in at.items():
            per_row = (high - low) / (second - first)
            self.lines[words] = (low - per_row * first, per_row)

    def rows(self, share, context, words=""):
        """How many rows take this share of what a recipe can change, in whole pages; None where
        that is less than a page or more than there are."""
        start, per_row = self.lines[words]
        wanted = self.fixed + share * self.full_per_row * context
        rows = round((wanted - start) / per_row / PAGE) * PAGE
        return rows if PAGE <= rows <= context else None

    @staticmethod
    def recipes(catalogue, words):
        """What is to be measured for add()."""
        name = base_line(catalogue)
        return {w: [joined(keep(name, rows), w) for rows in Bytes.MEASURED] for w in words}


def single(catalogue, context, taken):
    """Every method alone: at each share where it has a budget, else as it is."""
    for name, share in itertools.product(keeps(catalogue), SHARES):
        rows = taken.rows(share, context)
        if rows:
            yield keep(name, rows)
    for role in ("keep", "store", "read"):
        yield from settings(catalogue, role)


def with_reads(catalogue, store):
    """A store with each read method, one choice of each."""
    return [joined(store, read) for read in settings(catalogue, "read", 1)]


def composed(context, taken, best, share, store=""):
    """The best keep method with every store, and every store and read, that bytes are known of;
    or with one of the stores only."""
    for words in (w for w in taken.lines if w and w.startswith(store)):
        if rows := taken.rows(share, context, words):
            yield joined(keep(best, rows), words)


def judged(catalogue, context, taken, best, store):
    """All recipes of a context; `best` and `store` are the names of what goes best."""
    only = "" if context <= EVERY_STORE_UP_TO else store
    return [*single(catalogue, context, taken),
            *(recipe for share in COMPOSED[context]
              for recipe in composed(context, taken, best, share, only))]


def seen(catalogue, taken):
    """What is asked with the question before the point as well: only keep methods look at it."""
    rows = taken.rows(SEEN_SHARE, SEEN_CONTEXT)
    return [keep(name, rows) for name in keeps(catalogue)]


def prompts(catalogue, recipes):
    """How many prompts of the full cache take as long as one of each recipe does. Methods that
    note something for each query head are those that sum up all attention."""
    watching = tuple(f"keep={m['name']}(" for m in catalogue if m["bytes_per_query_head"])
    return sum(WATCHING if r.startswith(watching) else 1 for r in recipes)


def seconds_of_a_sample(catalogue, model, context, recipes):
    """At most: as though no recipe could begin with what another has computed."""
    prompt = prompts(catalogue, recipes) * context / RATES[model][context]
    steps = 2 * STEPS * len(recipes) / ROWS_PER_SECOND
    if context > TASKS_UP_TO:
        return prompt + steps
    asked = TASKS_ASKED * (prompt + len(recipes) * ROWS_PER_TASK / ROWS_PER_SECOND)
    return prompt + steps + asked


def seconds_of_seen(catalogue, model, recipes):
    """At most: a sample of text, the context, and each question in a prompt of its own."""
    prompt = (1 + prompts(catalogue, recipes)) * SEEN_CONTEXT / RATES[model][SEEN_CONTEXT]
    steps = (2 * STEPS + 2 * ROWS_PER_TASK) * len(recipes) / ROWS_PER_SECOND
    return SEEN_SAMPLES * ((2 + SEEN_QUESTIONS) * prompt + steps)


def samples(catalogue, model, context, recipes):
    slot = SECONDS[model] * CONTEXT_SHARES[context]
    least, most = SAMPLES
    if context <= TASKS_UP_TO:
        least = SAMPLES_WITH_TASKS
    return max(least,
               min(most, int(slot / seconds_of_a_sample(catalogue, model, context, recipes))))
