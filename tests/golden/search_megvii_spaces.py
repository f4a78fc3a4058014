#!/usr/bin/env python3
"""Makes search_megvii_spaces.json: which architectures the published evolution (method.md 8.1, B.4, B.6) evaluates on
the DARTS and MobileNet spaces, with small populations and a stand-in score.

Needs NumPy. Draws come from NumPy's own legacy generator, so the C++ side is checked against it. The score of genes
g0, g1, ... is h mod 97, where h starts at 0 and becomes (31 h + g + 1) mod 10007 for each gene: many ties.
"""
import json
import sys

import numpy as np

IDENTITY = 6


def score(genes):
    h = 0
    for gene in genes:
        h = (31 * h + gene + 1) % 10007
    return h % 97


def pick(items):
    return items[np.random.randint(len(items))]


class Search:
    """What both spaces share. `visited`: candidates handed out; `seen`: every code that was ever looked up."""

    def __init__(self, seed, population, top, legal=lambda genes: True):
        np.random.seed(seed)
        self.population, self.top_size, self.legal = population, top, legal
        self.visited, self.seen, self.top, self.evaluated = set(), set(), [], []

    def accept(self, genes):
        if genes in self.visited or not self.legal(genes):
            return False
        self.visited.add(genes)
        return True

    def evaluate(self, candidates):
        self.evaluated += candidates
        self.top = sorted(self.top + candidates, key=lambda g: -score(g))[: self.top_size]

    def child(self):
        one, other = pick(self.top), pick(self.top)
        return tuple(pick((a, b)) for a, b in zip(one, other))


class Mobile(Search):
    """`options`: how many each gene has."""

    def __init__(self, options, **rest):
        super().__init__(**rest)
        self.options = options

    def fill(self, found, wanted, attempts, propose):
        batch = []
        while len(found) < wanted and attempts > 0:
            attempts -= 1
            if not batch:
                batch = [propose() for _ in range(10)]
            genes = batch.pop(0)
            if self.accept(genes):
                found.append(genes)
        return found

    def random(self):
        return tuple(np.random.randint(n) for n in self.options)

    def mutant(self):
        genes = list(pick(self.top))
        for i, n in enumerate(self.options):
            if np.random.random_sample() < 0.1:
                genes[i] = np.random.randint(n)
        return tuple(genes)

    def run(self, generations, crossovers):
        candidates = self.fill([], self.population, 1000 * self.population, self.random)
        done = 0
        while done < generations and candidates:
            self.evaluate(candidates)
            crossed = self.fill([], crossovers, 1000 * crossovers, self.child)
            missing = self.population - len(crossed)
            candidates = self.fill([], missing, 1000 * missing, self.mutant) + crossed
            candidates = self.fill(candidates, self.population, 1000 * self.population, self.random)
            done += 1


class Darts(Search):
    EDGES = 14

    def __init__(self, mutation_low, **rest):
        super().__init__(**rest)
        self.mutation_low = mutation_low

    @staticmethod
    def repair(cell):
        cell, first = list(cell), 0
        for wanted in range(4):  # nones among the wanted + 2 edges of this node
            edges = range(first, first + wanted + 2)
            none = [e for e in edges if cell[e] == 0]
            live = [e for e in edges if cell[e] != 0]
            if len(none) < wanted:
                for e in np.random.choice(live, size=wanted - len(none), replace=False):
                    cell[e] = 0
            elif len(none) > wanted:
                for e in np.random.choice(none, size=len(none) - wanted, replace=False):
                    cell[e] = 1 + np.random.randint(7)
            first += wanted + 2
        return tuple(cell)

    def fill(self, wanted, propose, max_batches=None):
        found, batches = [], 0
        while len(found) < wanted and (max_batches is None or batches < max_batches):
            batches += 1
            for raw in [propose() for _ in range(10)]:
                if len(found) == wanted:
                    break
                if raw in self.seen:
                    continue
                self.seen.add(raw)
                genes = self.repair(raw[: self.EDGES]) + self.repair(raw[self.EDGES :])
                self.seen.add(genes)
                if self.accept(genes):
                    found.append(genes)
        return found

    def random(self):
        return tuple(np.random.randint(8) for _ in range(2 * self.EDGES))

    def mutant(self):
        genes = list(pick(self.top))
        for i in range(self.EDGES):  # the normal cell only
            if np.random.random_sample() < 0.1:
                genes[i] = np.random.randint(self.mutation_low, 8)
        return tuple(genes)

    def run(self, generations, mutants, crossovers):
        candidates = self.fill(self.population, self.random)
        for _ in range(generations):
            self.evaluate(candidates)
            mutated = self.fill(mutants, self.mutant)
            crossed = self.fill(crossovers, self.child, max_batches=crossovers + 1)
            candidates = mutated + crossed
            candidates += self.fill(self.population - len(candidates), self.random)


def mobilenet_flops(genes):
    """Multiply-accumulates of convolutions at 224 px and (2 * in - 1) * out of the classifier."""
    stages = [(32, 4, 2), (56, 4, 2), (112, 4, 2), (128, 4, 1), (256, 4, 2), (432, 1, 1)]
    total = 112 * 112 * (27 * 40 + 9 * 40 + 40 * 24) + 7 * 7 * 432 * 1728 + (2 * 1728 - 1) * 1000
    channels, side, genes = 24, 112, list(genes)
    for out, blocks, stride in stages:
        for block in range(blocks):
            gene, step = genes.pop(0), stride if block == 0 else 1
            if gene != IDENTITY:
                kernel, hidden = 3 + 2 * (gene // 2), channels * (3 if gene % 2 == 0 else 6)
                total += side * side * channels * hidden
                total += (side // step) ** 2 * hidden * (kernel * kernel + out)
            channels, side = out, side // step
    return total


def result(search):
    return {"evaluated": ["".join(map(str, map(int, g))) for g in search.evaluated],
            "top": ["".join(map(str, map(int, g))) for g in search.top]}


def main():
    runs = {"numpy": np.__version__}
    options = [6 if block % 4 == 0 else 7 for block in range(21)]
    mobile = Mobile(options, seed=1, population=20, top=5, legal=lambda g: mobilenet_flops(g) <= 475e6)
    mobile.run(generations=6, crossovers=10)
    runs["mobilenet"] = result(mobile)
    # A space of 72 strings, 48 of them legal, that the search uses up: every operator runs into its bound.
    used_up = Mobile([2, 3, 4, 3], seed=1, population=10, top=4, legal=lambda g: sum(g) % 3 != 0)
    used_up.run(generations=8, crossovers=5)
    runs["used_up"] = result(used_up)
    for name, low, legal in [("darts_cifar", 0, lambda g: True), ("darts_imagenet", 1, lambda g: sum(g) <= 62)]:
        darts = Darts(low, seed=1, population=20, top=5, legal=legal)
        darts.run(generations=6, mutants=10, crossovers=10)
        runs[name] = result(darts)
    # Crossovers of one parent are all repetitions, but for what repair makes of them: the bound on batches.
    narrow = Darts(0, seed=3, population=12, top=1)
    narrow.run(generations=5, mutants=4, crossovers=4)
    runs["darts_one_parent"] = result(narrow)
    json.dump(runs, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
