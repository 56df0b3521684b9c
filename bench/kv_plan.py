"""Which recipes bench/kv_results.sh judges on how many samples: recipes of equal bytes, of every
method that the catalogue has, and as many samples as the time allows."""

import itertools

SHARES = (0.5, 0.25, 0.1)  # Of the bytes that a recipe can change.
COMPOSED = (0.25, 0.1)  # Half of them a store method alone takes, or less.
CONTEXTS = (512, 2048, 8064)
TASKS_UP_TO = 512  # Beyond, asking takes the time that samples are worth more of.
SAMPLES = (2, 12)  # At least and at most: of one sample nothing is sure.
PAGE = 64  # Rows; fewer take as many bytes.

# Tokens a second of a prompt of so many, two AVX2 cores (bench/RESULTS.md), rounded down; and the
# seconds that a model may take. Together they leave a sixth of two hours for slower neighbours.
RATES = {"smollm2": {512: 1000, 2048: 700, 8064: 300},
         "gemma3-270m": {512: 1000, 2048: 1000, 8064: 900}}
SECONDS = {"smollm2": 4000, "gemma3-270m": 1700}
CONTEXT_SHARES = {512: 0.25, 2048: 0.2, 8064: 0.55}
ROWS_PER_SECOND = 500  # Of single tokens of many sequences side by side.
STEPS, TASKS_ASKED, ROWS_PER_TASK = 64, 2, 300
WATCHING = 3  # Times as long takes a prompt of which a method sums up all attention.


def has(method, parameter):
    return any(p["name"] == parameter for p in method["parameters"])


def settings(catalogue, role):
    """A recipe's word for each method of a role, at each number of bits that it offers."""
    for m in (m for m in catalogue if m["role"] == role and not has(m, "budget")):
        bits = next((p.get("words") for p in m["parameters"] if p["name"] == "bits"), None)
        for word in bits or [None]:
            yield f"{role}={m['name']}" + (f"(bits={word})" if word else "")


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
    """What so many rows take, with each store: a line, measured at two numbers of rows.

    What a keep method leaves of no rows at all is what recipes cannot change: layers with a
    sliding window."""

    MEASURED = (512, 1024)

    def __init__(self, context, full, at):
        """`at` maps a store's word, or "", to bytes at the two of MEASURED; `full` is the bytes of
        all rows of `context`."""
        first, second = self.MEASURED
        self.lines = {}
        for store, (low, high) in at.items():
            per_row = (high - low) / (second - first)
            self.lines[store] = (low - per_row * first, per_row)
        self.fixed = max(0.0, self.lines[""][0])
        self.full_per_row = (full - self.fixed) / context

    def rows(self, share, context, store=""):
        """How many rows take this share of what a recipe can change, in whole pages; None where
        that is less than a page or more than there are."""
        start, per_row = self.lines[store]
        wanted = self.fixed + share * self.full_per_row * context
        rows = round((wanted - start) / per_row / PAGE) * PAGE
        return rows if PAGE <= rows <= context else None

    @staticmethod
    def recipes(catalogue):
        name = base_line(catalogue)
        return {store: [joined(keep(name, rows), store) for rows in Bytes.MEASURED]
                for store in ["", *settings(catalogue, "store")]}


def single(catalogue, context, taken):
    """Every method alone: at each share where it has a budget, else as it is."""
    for name, share in itertools.product(keeps(catalogue), SHARES):
        rows = taken.rows(share, context)
        if rows:
            yield keep(name, rows)
    for role in ("keep", "store", "read"):
        yield from settings(catalogue, role)


def composed(catalogue, context, taken, best):
    """The best keep method with every store, and with one of them and every read method."""
    stores = list(settings(catalogue, "store"))
    for share, store in itertools.product(COMPOSED, stores):
        rows = taken.rows(share, context, store)
        if not rows:
            continue
        yield joined(keep(best, rows), store)
        if store == stores[len(stores) // 2]:
            for read in settings(catalogue, "read"):
                yield joined(keep(best, rows), store, read)


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


def samples(catalogue, model, context, recipes):
    slot = SECONDS[model] * CONTEXT_SHARES[context]
    least, most = SAMPLES
    return max(least,
               min(most, int(slot / seconds_of_a_sample(catalogue, model, context, recipes))))
