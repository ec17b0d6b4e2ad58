#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draw what was measured, for people who look rather than read.

usage: plot.py RESULTS DIRECTORY

Plain SVG, no dependency. Every axis is logarithmic: what is compared here
differs by factors, and a tail is only visible where each decade has its room.
"""

import math
import os
import sys
from html import escape

from results import Results

WIDTH, HEIGHT = 860, 500
LEFT, RIGHT, TOP, BOTTOM = 76, 210, 58, 62
COLORS = ['#0b62c4', '#d1495b', '#2a9d5c', '#b5730b', '#7b3fb3', '#12868f', '#8a5a44', '#5c6470']


class Axis:
    """A logarithmic scale between two numbers."""

    def __init__(self, low, high, start, end):
        self.low, self.high = math.log10(low), math.log10(high)
        self.start, self.end = start, end

    def at(self, value):
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def decades(self):
        return [10.0 ** e for e in range(math.ceil(self.low - 1e-9),
                                         math.floor(self.high + 1e-9) + 1)]

    def minor(self):
        first, last = math.floor(self.low), math.ceil(self.high)
        marks = [m * 10.0 ** e for e in range(first, last) for m in range(2, 10)]
        return [m for m in marks if self.low <= math.log10(m) <= self.high]


def microseconds(value):
    for limit, unit in ((1, 'ns'), (1e3, 'us'), (1e6, 'ms')):
        if value < limit * (1 - 1e-9):
            return f'{value / limit * 1e3:g} {unit}'
    return f'{value / 1e6:g} s'


def count(value):
    for limit, unit in ((1e6, ' M'), (1e3, ' k')):
        if value >= limit:
            return f'{value / limit:g}{unit}'
    return f'{value:g}'


def share(value):
    return f'{value * 100:g} %'


class Line:
    def __init__(self, name, points, raw=False, step=False):
        self.name, self.points, self.raw, self.step = name, points, raw, step


class Plot:
    def __init__(self, title, subtitle, x_name, y_name, x_text, y_text, x_ticks=None):
        self.title, self.subtitle = title, subtitle
        self.x_name, self.y_name = x_name, y_name
        self.x_text, self.y_text, self.x_ticks = x_text, y_text, x_ticks
        self.lines = []

    def add(self, line):
        if line.points:
            self.lines.append(line)

    def _bounds(self):
        xs = [x for line in self.lines for x, _ in line.points]
        ys = [y for line in self.lines for _, y in line.points]
        low_x, high_x = min(xs) / 1.1, max(xs) * 1.1
        low_y = 10.0 ** math.floor(math.log10(min(ys)) + 1e-9)
        high_y = max(10.0 ** math.ceil(math.log10(max(ys)) - 1e-9), low_y * 10)
        self.x = Axis(low_x, high_x, LEFT, WIDTH - RIGHT)
        self.y = Axis(low_y, high_y, HEIGHT - BOTTOM, TOP)

    def _frame(self):
        out = [f'<text x="{LEFT}" y="24" class="title">{escape(self.title)}</text>',
               f'<text x="{LEFT}" y="42" class="small">{escape(self.subtitle)}</text>']
        for value in self.y.minor():
            out.append(self._rule(LEFT, self.y.at(value), WIDTH - RIGHT, self.y.at(value), 'minor'))
        for value in self.y.decades():
            y = self.y.at(value)
            out.append(self._rule(LEFT, y, WIDTH - RIGHT, y, 'major'))
            out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
                       f'{self.y_text(value)}</text>')
        for value in self.x_ticks or self.x.decades():
            x = self.x.at(value)
            out.append(self._rule(x, TOP, x, HEIGHT - BOTTOM, 'major'))
            out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
                       f'{self.x_text(value)}</text>')
        out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 18}" '
                   f'text-anchor="middle">{escape(self.x_name)}</text>')
        out.append(f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" '
                   f'text-anchor="middle">{escape(self.y_name)}</text>')
        return out

    @staticmethod
    def _rule(x1, y1, x2, y2, kind):
        return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                f'class="{kind}"/>')

    def _path(self, line, color):
        points = [(self.x.at(x), self.y.at(y)) for x, y in line.points]
        text = f'M{points[0][0]:.1f} {points[0][1]:.1f}'
        for x, y in points[1:]:
            text += f'H{x:.1f}V{y:.1f}' if line.step else f'L{x:.1f} {y:.1f}'
        dash = ' stroke-dasharray="6 4"' if line.raw else ''
        out = [f'<path d="{text}" stroke="{color}"{dash} class="line"/>']
        if not line.step and not line.raw:
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
        return out

    def _legend(self):
        out = []
        for i, line in enumerate(self.lines):
            x, y = WIDTH - RIGHT + 14, TOP + 12 + i * 20
            color = COLORS[i % len(COLORS)]
            dash = ' stroke-dasharray="6 4"' if line.raw else ''
            out.append(f'<line x1="{x}" y1="{y - 4}" x2="{x + 22}" y2="{y - 4}" '
                       f'stroke="{color}"{dash} class="line"/>')
            out.append(f'<text x="{x + 28}" y="{y}">{escape(line.name)}</text>')
        return out

    def svg(self):
        self._bounds()
        style = ('text{font:12px sans-serif;fill:#333}.title{font-size:16px;font-weight:bold}'
                 '.small{fill:#666}.major{stroke:#ccc}.minor{stroke:#f0f0f0}'
                 '.line{fill:none;stroke-width:2}')
        out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
               f'viewBox="0 0 {WIDTH} {HEIGHT}">',
               f'<style>{style}</style>',
               f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
        out += self._frame()
        for i, line in enumerate(self.lines):
            out += self._path(line, COLORS[i % len(COLORS)])
        return '\n'.join(out + self._legend() + ['</svg>', ''])


def tail(results, key, name, raw=False):
    """The share of calls that took longer, from the fastest to the slowest."""
    points = [(ns / 1e3, part) for ns, part in results.slower_than(key) if ns]
    return Line(name, points, raw, step=True)


def tails(results, title, subtitle, entries):
    plot = Plot(title, subtitle, 'latency', 'share of calls that took longer', microseconds, share)
    for key, name, raw in entries:
        plot.add(tail(results, key, name, raw))
    return plot


def peers(cpus):
    return [(f'peer.{key}.{cpus}', name, False)
            for key, name in (('fcgi', 'FastCGI, direct'), ('uwsgi', 'uWSGI symcall'),
                              ('nginx', 'nginx + FastCGI'), ('piscina', 'piscina'),
                              ('workerd', 'workerd'))]


def warm_plots(results):
    yield 'latency-one-cpu', tails(
        results, 'A warm call, everything on one CPU', '64 bytes there and back; log-log',
        [('warm1.ours', 'libfaas, sandboxed', False),
         ('warm1.raw_futex', 'raw futex round trip', True), *peers('one_cpu')])
    yield 'latency-two-cpus', tails(
        results, 'A warm call on two CPUs', '64 bytes there and back, nobody pinned; log-log',
        [('warm2.ours', 'libfaas, sandboxed', False),
         ('warm2.raw_futex', 'raw futex, blocking', True),
         ('warm2.raw_spin', 'raw word, both spin', True), *peers('two_cpus')])
    yield 'neighbours', tails(
        results, 'A warm call beside a bad neighbour', 'another function misbehaves without pause',
        [('neighbour.none', 'alone', False), ('neighbour.flood', 'floods its log', False),
         ('neighbour.burn', 'burns a CPU', False),
         ('neighbour.die', 'dies of every event', False)])


def cold_plots(results):
    yield 'cold', tails(
        results, 'A cold start', 'new sandboxed process, plugin loaded, 64 bytes echoed',
        [('cold1.ours', 'libfaas, one CPU', False), ('cold2.ours', 'libfaas, two CPUs', False),
         ('first.ours', 'libfaas, first ever', False),
         ('cold1.raw_clone', 'raw clone, one CPU', True),
         ('cold1.raw_clone_dlopen', 'raw clone + dlopen', True),
         ('first.raw_zygote', 'first raw zygote', True),
         ('spawn_true', 'posix_spawn(/bin/true)', True)])


def curve(results, name, suffix):
    prefix = f'curve.{name}.'
    points = []
    for key in results.values:
        if key.startswith(prefix) and key.endswith(suffix):
            points.append((int(key[len(prefix):-len(suffix)]), results.median(key)))
    return sorted(points)


def level(results, key, xs, name):
    value = results.median(key)
    return Line(name, [(min(xs), value), (max(xs), value)] if value and xs else [], raw=True)


def throughput_plots(results):
    points = curve(results, 'outstanding', '.per_s')
    xs = [x for x, _ in points]
    plot = Plot('Throughput against events in flight',
                'libfaas: at most 4 environments, submitted in on_done; others: their best',
                'events in flight', 'events per second', count, count, xs)
    plot.add(Line('libfaas, sandboxed', points))
    plot.add(level(results, 'saturation.raw_ring.per_s', xs, 'raw ring, window 64'))
    plot.add(level(results, 'thread.uv_queue_work.per_s', xs, 'uv_queue_work'))
    for key, name, _ in peers('two_cpus'):
        plot.add(level(results, f'{key}.busy.per_s', xs, name))
    yield 'throughput', plot

    points = curve(results, 'environments', '.per_s')
    xs = [x for x, _ in points]
    plot = Plot('Cost of an event against environments', '64 events in flight',
                'environments that share them', 'time per event', count, microseconds, xs)
    plot.add(Line('64 in flight', [(x, 1e6 / y) for x, y in points if y]))
    yield 'environments', plot


def growth_plots(results):
    plot = Plot('A warm call when there is more of everything', 'one CPU, p50',
                'functions registered, or environments alive', 'latency', count, microseconds)
    for what in ('functions', 'environments'):
        points = []
        for key in results.values:
            parts = key.split('.')
            if parts[:2] == ['growth', what] and parts[3] == 'p50_ns':
                points.append((int(parts[2]), results.median(key) / 1e3))
        plot.add(Line(what, sorted(points)))
    yield 'growth', plot


def main():
    results, directory = Results(sys.argv[1]), sys.argv[2]

    os.makedirs(directory, exist_ok=True)
    for plots in (warm_plots, cold_plots, throughput_plots, growth_plots):
        for name, plot in plots(results):
            if not plot.lines:
                print(f'{name}: nothing was measured for it', file=sys.stderr)
                continue
            with open(os.path.join(directory, f'{name}.svg'), 'w', encoding='utf-8') as file:
                file.write(plot.svg())
            print(f'drew {directory}/{name}.svg')


if __name__ == '__main__':
    main()
