#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One table out of everything that was measured: ours, the raw limits, the peers.

usage: table.py RESULTS [--check]

With --check the exit status is 1 when a target is missed, or was not measured.
"""

import sys

from results import Results

LEAST, MOST = '>=', '<='


def ns(value):
    for limit, unit, digits in ((1e3, 'ns', 0), (1e6, 'us', 2), (1e9, 'ms', 2)):
        if abs(value) < limit:
            return f'{value / (limit / 1e3):.{digits}f} {unit}'
    return f'{value / 1e9:.2f} s'


def per_s(value):
    for limit, unit in ((1e6, 'M/s'), (1e3, 'k/s')):
        if value >= limit:
            return f'{value / limit:.2f} {unit}'
    return f'{value:.0f} /s'


def times(value):
    return f'{value:.2f}x'


def kb(value):
    return f'{value:.0f} KB'


def number(value):
    return f'{value:.0f}'


def show_key(results, key):
    value = results.median(key)
    if value is None:
        return '-'
    return {'_ns': ns, '_kb': kb}.get(key[-3:], per_s if key.endswith('per_s') else number)(value)


class Row:
    """One target: a value or a ratio, the side it must be on, and what it stands on."""

    def __init__(self, name, what, limit, *, ours, side=MOST, base=None, less=None, unit=None):
        self.name, self.what, self.limit, self.side = name, what, limit, side
        self.ours, self.base, self.less = ours, base, less
        self.unit = unit or (times if base else number)

    def value(self, results):
        if self.less:
            return results.added(self.ours, self.less, self.base)
        if self.base:
            return results.ratio(self.ours, self.base)
        return results.median(self.ours)

    def verdict(self, value):
        if value is None:
            return 'NOT MEASURED'
        good = value <= self.limit if self.side == MOST else value >= self.limit
        return 'ok' if good else 'MISSED'

    def cells(self, results):
        value = self.value(results)
        return [self.name, self.what, show_key(results, self.ours),
                show_key(results, self.base) if self.base else '',
                self.unit(value) if value is not None else '-',
                f'{self.side} {self.unit(self.limit)}', self.verdict(value)]


def payload_row(size, text, whose='ours'):
    return Row('P', f'what {text} adds to a 64 B call / two copies', 2.0,
               ours=f'payload.{size}.{whose}.p50_ns', less=f'payload.{size}.{whose}_beside.p50_ns',
               base=f'payload.{size}.raw_copies.p50_ns')


def growth_row(what, size):
    return Row('G', f'warm p50 with {size:,} {what} / with one', 1.2,
               ours=f'growth.{what}.{size}.p50_ns', base=f'growth.{what}.1.p50_ns')


ROWS = [
    Row('T1', 'warm call, one CPU, p50 / raw futex', 1.25,
        ours='warm1.ours.p50_ns', base='warm1.raw_futex.p50_ns'),
    Row('T1', 'warm call, one CPU, p99 / raw futex p99', 1.7,
        ours='warm1.ours.p99_ns', base='warm1.raw_futex.p99_ns'),
    Row('T2', 'warm call, two CPUs, p50', 1000, ours='warm2.ours.p50_ns', unit=ns),
    Row('T2', 'warm call, two CPUs, p50 / blocking futex', 0.15,
        ours='warm2.ours.p50_ns', base='warm2.raw_futex.p50_ns'),
    Row('T3', 'saturation, 4 environments x 16', 4e6, side=LEAST,
        ours='saturation.4x16.per_s', unit=per_s),
    Row('T3', 'saturation, 8 environments x 8', 2.2e6, side=LEAST,
        ours='saturation.8x8.per_s', unit=per_s),
    Row('T3', 'saturation, 64 environments x 1', 0.3e6, side=LEAST,
        ours='saturation.64x1.per_s', unit=per_s),
    Row('T3', 'saturation 4x16 / FastCGI direct', 15, side=LEAST,
        ours='saturation.4x16.per_s', base='peer.fcgi.two_cpus.busy.per_s'),
    Row('T4', 'thread kind, submit to callback, p50 / uv_queue_work', 0.25,
        ours='thread.ours.p50_ns', base='thread.uv_queue_work.p50_ns'),
    Row('T4', 'thread kind, throughput / uv_queue_work', 5, side=LEAST,
        ours='thread.ours.per_s', base='thread.uv_queue_work.per_s'),
    Row('T4', 'inline call, p50', 100, ours='inline.ours.p50_ns', unit=ns),
    Row('T5', 'cold start, one CPU, p50 / raw clone', 2.5,
        ours='cold1.ours.p50_ns', base='cold1.raw_clone.p50_ns'),
    Row('T5', 'cold start, two CPUs, p50 / raw clone', 3,
        ours='cold2.ours.p50_ns', base='cold2.raw_clone.p50_ns'),
    Row('T5', '32 cold starts at once / 32 raw clones', 1.6,
        ours='burst.ours.p50_ns', base='burst.raw_clone.p50_ns'),
    Row('T5', 'with a prepared spare, p50 / warm call', 2,
        ours='spare.ours.p50_ns', base='spare.warm.p50_ns'),
    Row('T6', 'first ever cold start, p50 / first raw zygote', 2,
        ours='first.ours.p50_ns', base='first.raw_zygote.p50_ns'),
    Row('T6', 'first ever cold start, p50', 1.5e6, ours='first.ours.p50_ns', unit=ns),
    Row('T7', 'snapshot clone, p50 / raw clone', 1.5,
        ours='snapshot.ours.p50_ns', base='snapshot.raw_clone.p50_ns'),
    Row('T7', 'snapshot of a 64 MB heap / fork on huge pages', 1.3,
        ours='snapshot64.ours.p50_ns', base='snapshot64.raw_huge_pages.p50_ns'),
    Row('T7', 'snapshot of a 64 MB heap / fork on 4 KB pages', 0.25,
        ours='snapshot64.ours.p50_ns', base='snapshot64.raw_small_pages.p50_ns'),
    Row('T8', 'pristine, back to back, p50 / raw futex', 3.6,
        ours='pristine.ours.p50_ns', base='pristine.raw_futex.p50_ns'),
    Row('T8', 'pristine, throughput / fork per invocation', 8, side=LEAST,
        ours='pristine.ours.per_s', base='pristine.raw_fork.per_s'),
    Row('T9', 'verdict and kill after the deadline, p99', 100e3,
        ours='timeout.overshoot.p99_ns', unit=ns),
    Row('T9', 'next request after a timeout, p99', 60e3, ours='timeout.next.p99_ns', unit=ns),
    Row('T11', 'idle environment: private memory and page tables', 128,
        ours='idle64.total_kb', unit=kb),
    Row('T11', 'environments busy at once', 1000, side=LEAST, ours='crowd.busy.environments'),
    Row('T11', 'environments alive and idle', 2000, side=LEAST,
        ours='crowd.idle.environments'),
    Row('T12', 'wake-ups per second, all idle', 0, ours='wakeups.per_s'),
    Row('D', 'events accepted and synced, many at a time', 100e3, side=LEAST,
        ours='durable.many_per_s', unit=per_s),
    Row('D', 'one event accepted, p50, less 50 us / raw write and sync', 1.5,
        ours='durable.one.p50_ns', less='durable.allowance_ns', base='durable.raw.p50_ns'),
    Row('D', 'messages received, invoked on in hundreds, deleted; in memory', 50e3, side=LEAST,
        ours='queue.memory_per_s', unit=per_s),
    Row('D', 'the same, each step synced', 50e3, side=LEAST, ours='queue.durable_per_s', unit=per_s),
    Row('D', 'records of a stream, invoked on in hundreds; one shard, in memory', 50e3, side=LEAST,
        ours='sources.stream.records_per_s', unit=per_s),
    Row('D', 'the same, checkpoints synced', 50e3, side=LEAST, ours='sources.stream_durable.records_per_s',
        unit=per_s),
    Row('D', 'changes of a table, in memory', 50e3, side=LEAST, ours='sources.table.records_per_s', unit=per_s),
    Row('D', 'the same, checkpoints synced', 50e3, side=LEAST, ours='sources.table_durable.records_per_s',
        unit=per_s),
    Row('D', 'restart with a million events, to the first delivered', 2e9,
        ours='durable.restart_ns', unit=ns),
    *(Row('H', f'HTTP invoke by wrk, {n} connection{"s" if n > 1 else ""} / workerd', 2, side=LEAST,
          ours=f'http.ours.{n}.per_s', base=f'http.workerd.{n}.per_s') for n in (1, 32)),
    *(Row('H', f'HTTP invoke by wrk, {n} connection{"s" if n > 1 else ""} / nginx + FastCGI', 1, side=LEAST,
          ours=f'http.ours.{n}.per_s', base=f'http.nginx.{n}.per_s') for n in (1, 32)),
    Row('M', 'a schedule that is due, beside 100,000 that are not / beside none', 1.5,
        ours='sources.armed100000.due_ns', base='sources.armed0.due_ns'),
    Row('M', 'a message through a queue, beside 10,000 idle mappings / beside none', 1.5,
        ours='sources.beside10000.message_ns', base='sources.beside0.message_ns'),
    Row('M', 'wake-ups per second, 10,000 mappings and 100,000 schedules idle', 0,
        ours='sources.idle.wakeups'),
    Row('L', 'a function in Python, cold start, p50', 5e6, ours='language.python.cold.p50_ns', unit=ns),
    Row('A', 'decisions on a role with ten statements, the last allows', 1e6, side=LEAST,
        ours='decide.last_per_s', unit=per_s),
    payload_row('1kb', '1 KB'),
    payload_row('1kb', '1 KB, with blocks of 2 KB at hand,', 'at_hand'),
    payload_row('64kb', '64 KB'),
    payload_row('1mb', '1 MB'),
    payload_row('6mb', '6 MB'),
    Row('O', 'throughput with log and metric callbacks / without', 0.75, side=LEAST,
        ours='listening.on.per_s', base='listening.off.per_s'),
    growth_row('functions', 100),
    growth_row('functions', 10000),
    growth_row('environments', 64),
    growth_row('environments', 1000),
]

RAW = [
    ('futex round trip, one CPU', 'raw1.futex'),
    ('pipe round trip, one CPU', 'raw1.pipe'),
    ('socketpair round trip, one CPU', 'raw1.socketpair'),
    ('futex round trip, two CPUs, blocking', 'raw2.futex'),
    ('pipe round trip, two CPUs', 'raw2.pipe'),
    ('socketpair round trip, two CPUs', 'raw2.socketpair'),
    ('shared word, both spin, two CPUs', 'warm2.raw_spin'),
    ('clone of a loaded zygote, one CPU', 'cold1.raw_clone'),
    ('clone of a blank zygote + dlopen, one CPU', 'cold1.raw_clone_dlopen'),
    ('clone of a loaded zygote, two CPUs', 'cold2.raw_clone'),
    ('clone of a blank zygote + dlopen, two CPUs', 'cold2.raw_clone_dlopen'),
    ('clones of a loaded zygote back to back, one CPU', 'steady1.raw_clone'),
    ('clones of a loaded zygote back to back, two CPUs', 'steady2.raw_clone'),
    ('32 clones of a loaded zygote', 'burst.raw_clone'),
    ('32 clones of a blank zygote + dlopen', 'burst.raw_clone_dlopen'),
    ('first zygote: fork, dlopen, clone, answer', 'first.raw_zygote'),
    ('late with the kill of a spinner', 'timeout.raw_late'),
    ('the same, pinned apart from the spinner', 'timeout.raw_late_apart'),
    ('futex round trip after the kill of a spinner', 'timeout.raw_next'),
    ('the same, pinned apart from the spinner', 'timeout.raw_next_apart'),
    ('fork of 64 MB on 4 KB pages, 64 touched', 'fork64.small_pages'),
    ('fork of 64 MB on huge pages, 64 touched', 'fork64.huge_pages'),
    ('fork of 16 MB on huge pages, 16 touched', 'pristine.raw_fork'),
    ('posix_spawn(/bin/true)', 'spawn_true'),
    ('uv_queue_work until its callback', 'thread.uv_queue_work'),
    ('python3, started to call the handler once', 'language.python.plain'),
    ('node, started to call the handler once', 'language.node.plain'),
]

OURS = [
    ('warm, one CPU', 'warm1.ours'),
    ('warm, one CPU, callbacks for logs and metrics', 'warm1_listening.ours'),
    ('warm, two CPUs', 'warm2.ours'),
    ('warm, beside nobody', 'neighbour.none'),
    ('warm, beside one that floods its log', 'neighbour.flood'),
    ('warm, beside one that burns a CPU', 'neighbour.burn'),
    ('warm, beside one that dies of every event', 'neighbour.die'),
    ('pristine, 16 pages written, one CPU', 'pristine.ours'),
    ('thread kind, submit to callback', 'thread.ours'),
    ('inline', 'inline.ours'),
    ('cold, one CPU', 'cold1.ours'),
    ('cold, two CPUs', 'cold2.ours'),
    ('cold, back to back, one CPU', 'steady1.ours'),
    ('cold, back to back, two CPUs', 'steady2.ours'),
    ('restored, back to back, one CPU', 'steady1_snapshot.ours'),
    ('restored, back to back, two CPUs', 'steady2_snapshot.ours'),
    ('first event of a provisioned one', 'spare.ours'),
    ('32 cold at once', 'burst.ours'),
    ('first ever', 'first.ours'),
    ('one durable event accepted', 'durable.one'),
    ('late after a deadline', 'timeout.overshoot'),
    ('next after a timeout', 'timeout.next'),
    ('Python, cold', 'language.python.cold'),
    ('Python, cold, with a snapshot', 'language.python-snapshot.cold'),
    ('Python, warm', 'language.python.warm'),
    ('JavaScript, cold', 'language.node.cold'),
    ('JavaScript, warm', 'language.node.warm'),
]

PEERS = [
    ('fcgi', 'FastCGI (libfcgi), direct'),
    ('uwsgi', 'uWSGI, symcall, HTTP'),
    ('nginx', 'nginx + FastCGI'),
    ('piscina', 'piscina (node threads)'),
    ('workerd', 'workerd (V8 isolates)'),
]

WORDS = """\
What a peer pays that we do not: FastCGI, uWSGI, nginx and workerd are other programs; they
are reached through a Unix socket by a client that writes, sleeps and reads, and they parse
a protocol. An embedded library has no such hop. That is its nature, not its cleverness;
whoever puts an HTTP server in front of it pays that hop, too.
What we pay that a peer does not: a sandbox per function (namespaces, Landlock, seccomp,
limits), a deadline for every event that kills in time, CPU time and peak memory of every
event, one record per event. FastCGI, uWSGI and nginx isolate by process only and count
nothing; piscina and uv_queue_work isolate nothing (a crash takes the host along).
All of them echo 64 bytes; their bodies are checked."""


def print_cells(rows, header):
    widths = [max(len(row[i]) for row in [header] + rows) for i in range(len(header))]
    for row in [header, ['-' * w for w in widths]] + rows:
        print('  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print()


def latency_cells(results, text, key, futex):
    p50, p99, worst = (results.median(f'{key}.{part}_ns') for part in ('p50', 'p99', 'max'))
    if p50 is None:
        return [text, '-', '-', '-', results.notes.get(key, 'not measured')]
    return [text, ns(p50), ns(p99), ns(worst), times(p50 / futex) if futex else '-']


def print_latencies(results, title, entries):
    futex = results.median('raw1.futex.p50_ns') or results.median('warm1.raw_futex.p50_ns')
    print_cells([latency_cells(results, text, key, futex) for text, key in entries],
                [title, 'p50', 'p99', 'worst', 'of a futex'])


def peer_cells(results, key, text):
    missing = results.notes.get(f'peer.{key}.missing')
    if missing:
        return [text, f'MISSING: {missing}']
    cells = [text]
    for cpus, ours in (('one_cpu', 'warm1.ours'), ('two_cpus', 'warm2.ours')):
        base = f'peer.{key}.{cpus}'
        ratio = results.ratio(f'{base}.p50_ns', f'{ours}.p50_ns')
        cells.append(f'{show_key(results, base + ".p50_ns")} / '
                     f'{show_key(results, base + ".p99_ns")}')
        cells.append(times(ratio) if ratio else '-')
    busy = f'peer.{key}.two_cpus.busy.per_s'
    ratio = results.ratio('saturation.4x16.per_s', busy)
    return cells + [show_key(results, busy), times(ratio) if ratio else '-']


def print_peers(results):
    rows = [peer_cells(results, key, text) for key, text in PEERS]
    rows.append(['uv_queue_work (no isolation)', '', '',
                 f'{show_key(results, "thread.uv_queue_work.p50_ns")} / '
                 f'{show_key(results, "thread.uv_queue_work.p99_ns")}', '',
                 show_key(results, 'thread.uv_queue_work.per_s'), ''])
    print_cells([[*row, *[''] * (7 - len(row))] for row in rows],
                ['peer', 'one CPU p50 / p99', 'of ours', 'two CPUs p50 / p99', 'of ours',
                 'saturated', 'ours / it'])


def print_throughput(results):
    ring = 'saturation.raw_ring.per_s'
    rows = [['raw ring, window 64, pinned, spins', show_key(results, ring), '1.00x']]
    for shape in ('1x1', '4x16', '8x8', '64x1'):
        key = f'saturation.{shape}.per_s'
        ratio = results.ratio(key, ring)
        rows.append([f'environments x depth {shape}', show_key(results, key),
                     times(ratio) if ratio else '-'])
    threads = 'thread.raw_ring.per_s'
    for text, key in (('ring of two threads, two stamps and a callback each', threads),
                      ('thread kind, 512 outstanding', 'thread.ours.per_s'),
                      ('uv_queue_work, 512 outstanding', 'thread.uv_queue_work.per_s')):
        ratio = results.ratio(key, threads)
        rows.append([text, show_key(results, key), times(ratio) if ratio else '-'])
    print_cells(rows, ['throughput', 'per second', 'of the ring'])


def main():
    results = Results(sys.argv[1])
    cells = [row.cells(results) for row in ROWS]

    print_cells(cells, ['', 'target', 'ours', 'beside', 'value', 'wanted', ''])
    print_latencies(results, 'ours', OURS)
    print_throughput(results)
    print_latencies(results, 'raw limits', RAW)
    print_peers(results)
    print(WORDS)
    bad = [row for row in cells if row[-1] != 'ok']
    print(f'\n{len(cells) - len(bad)} of {len(cells)} targets reached', end='')
    print(f'; not: {", ".join(dict.fromkeys(row[0] for row in bad))}' if bad else '')
    return 1 if bad and '--check' in sys.argv[2:] else 0


if __name__ == '__main__':
    sys.exit(main())
