# SPDX-License-Identifier: MIT
"""What the benchmark programs printed, read back: see lib/bench.h for the lines."""

from statistics import median


class Results:
    def __init__(self, path):
        self.values = {}   # key -> one number per round
        self.buckets = {}  # key -> {nanoseconds: count}
        self.notes = {}    # key -> text
        with open(path, encoding='utf-8') as lines:
            for line in lines:
                self._read(line.rstrip('\n').split('\t'))

    def _read(self, parts):
        if parts[0] == 'v' and len(parts) == 3:
            self.values.setdefault(parts[1], []).append(float(parts[2]))
        elif parts[0] == 'h' and len(parts) == 4:
            counts = self.buckets.setdefault(parts[1], {})
            counts[int(parts[2])] = counts.get(int(parts[2]), 0) + int(parts[3])
        elif parts[0] == 'n' and len(parts) == 3:
            self.notes[parts[1]] = parts[2]

    def median(self, key):
        values = self.values.get(key)
        return median(values) if values else None

    def ratio(self, key, base):
        """The median of the rounds' own ratios; the n-th value belongs to the n-th."""
        pairs = zip(self.values.get(key, []), self.values.get(base, []))
        ratios = [a / b for a, b in pairs if b]
        return median(ratios) if ratios else None

    def added(self, key, less, base):
        """Median of (key - less) / base, round by round."""
        triples = zip(self.values.get(key, []), self.values.get(less, []),
                      self.values.get(base, []))
        ratios = [(a - b) / c for a, b, c in triples if c]
        return median(ratios) if ratios else None

    def slower_than(self, key):
        """[(nanoseconds, fraction of all that took longer)], ascending."""
        counts = sorted(self.buckets.get(key, {}).items())
        total = left = sum(n for _, n in counts)
        points = []
        for ns, n in counts:
            points.append((ns, left / total))
            left -= n
        return points
