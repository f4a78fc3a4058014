#!/usr/bin/env python3
"""Makes search_megvii_evolution.json: which cells the published evolution (method.md 8.1, B.4, B.6) evaluates.

Needs NumPy. Draws come from NumPy's own legacy generator, so the C++ side is checked against it. The score is a
made-up one with many ties: (enumeration index * 7919) mod 997.
"""
import json
import sys

import numpy as np

EDGES, OPS = 6, 5


def index_of(genes):
    index = 0
    for gene in genes:
        index = index * OPS + int(gene)
    return index


class Search:
    def __init__(self, seed, labels, classes):
        np.random.seed(seed)
        np.random.randint(classes, size=labels)
        self.seen, self.top, self.evaluated = set(), [], []

    def pick(self, items):
        return items[np.random.randint(len(items))]

    def collect(self, wanted, propose, max_batches=None):
        found, batches = [], 0
        while len(found) < wanted and (max_batches is None or batches < max_batches):
            batches += 1
            for genes in [propose() for _ in range(10)]:
                if len(found) == wanted:
                    break
                if genes not in self.seen:
                    self.seen.add(genes)
                    found.append(genes)
        return found

    def random(self):
        return tuple(np.random.randint(OPS) for _ in range(EDGES))

    def mutant(self):
        genes = list(self.pick(self.top))
        for edge in range(EDGES):
            if np.random.random_sample() < 0.1:
                genes[edge] = np.random.randint(1, OPS)
        return tuple(genes)

    def child(self):
        one, other = self.pick(self.top), self.pick(self.top)
        return tuple(self.pick((a, b)) for a, b in zip(one, other))

    def run(self, generations):
        population = self.collect(100, self.random)
        for _ in range(generations):
            self.evaluated += population
            self.top = sorted(self.top + population, key=lambda g: -(index_of(g) * 7919 % 997))[:30]
            population = self.collect(50, self.mutant)
            population += self.collect(50, self.child, max_batches=51)
            population += self.collect(100 - len(population), self.random)


def main():
    search = Search(seed=0, labels=50000, classes=10)
    search.run(20)
    json.dump({"evaluated": [index_of(g) for g in search.evaluated], "top": [index_of(g) for g in search.top]},
              sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
