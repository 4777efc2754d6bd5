"""verdicts.py: from samples to medians, ratios with intervals, verdicts and geometric means.

Intervals are percentile bootstraps (Efron, Bootstrap Methods: Another Look at the Jackknife, 1979):
rounds are drawn with replacement, for both sides of a ratio the same ones, because what disturbed a
round disturbed all who ran in it. The best peer is the one with the least median of all rounds.
"""
import math
import random
import statistics

ROUNDS_MIN = 11         # fewer give no verdict
RESAMPLES = 2000
LIMITS = {'cpu_s': 1.10, 'peak_kib': 1.15}              # of ours to the best peer, row by row
MEASURES = ('cpu_s', 'wall_s', 'peak_kib', 'exit_rss_kib', 'minflt')
MEAN_GROUPS = ('ours', 'programs')


def geometric_mean(values):
    return math.exp(sum(math.log(v) for v in values) / len(values))


def percentiles(values, share=0.95):
    ordered = sorted(values)
    cut = (1 - share) / 2
    at = [min(len(ordered) - 1, max(0, round(q * (len(ordered) - 1)))) for q in (cut, 1 - cut)]
    return [ordered[at[0]], ordered[at[1]]]


def draws(n, rng):
    for _ in range(RESAMPLES):
        yield [rng.randrange(n) for _ in range(n)]


def ratio(ours, peer):
    """Two zeros are equal; a zero of one side alone is the least that can be told apart."""
    return (ours or 1e-9) / (peer or 1e-9) if ours or peer else 1.0


def ratio_interval(ours, peer, rng):
    """95 % interval of the ratio of the medians; both lists hold one value per round."""
    n = min(len(ours), len(peer))
    return percentiles([ratio(statistics.median(ours[i] for i in drawn),
                              statistics.median(peer[i] for i in drawn))
                        for drawn in draws(n, rng)])


def rounds_word(n):
    return '1 round' if n == 1 else f'{n} rounds'


def judge_ratio(interval, limit, n_rounds):
    if limit is None:
        return None
    if n_rounds < ROUNDS_MIN:
        return f'{rounds_word(n_rounds)}: no verdict'
    return 'lost' if interval[0] > limit else 'ok'


def value(sample, measure):
    """A figure of the program stands before what the launcher says."""
    return sample['figures'].get(measure, sample.get(measure))


def series(row, measure):
    """{allocator: its values in the order of rounds}, of those that never failed."""
    failed = {f['allocator'] for f in row['failures']}
    result = {}
    for name, samples in row['samples'].items():
        values = [value(s, measure) for s in samples]
        if values and name not in failed and all(isinstance(v, (int, float)) for v in values):
            result[name] = values
    return result


def summarise_measure(row, measure, roles, limit, rng):
    """One entry of the row's summary, or None without values. `limit` is of ours to the best."""
    values = series(row, measure)
    medians = {name: statistics.median(v) for name, v in values.items()}
    subject = next((name for name, role in roles.items() if role == 'subject'), None)
    peers = {name: m for name, m in medians.items() if roles.get(name) == 'peer'}
    entry = {'medians': medians, 'best': None, 'ratio': None, 'interval': None, 'limit': limit,
             'verdict': None}
    if not medians:
        return None
    if peers:
        entry['best'] = min(peers, key=peers.get)
    if subject not in medians:
        entry['verdict'] = 'failed' if limit is not None and subject in row['samples'] else None
    elif peers:
        best = entry['best']
        n = min(len(values[subject]), len(values[best]))
        entry['ratio'] = ratio(medians[subject], medians[best])
        entry['interval'] = ratio_interval(values[subject], values[best], rng)
        entry['verdict'] = judge_ratio(entry['interval'], limit, n)
    return entry


def judge_absolute(entry, limit, n_rounds, subject):
    """`limit` is (number, None) or (factor, peer)."""
    factor, peer = limit
    bound = factor * entry['medians'][peer] if peer in entry['medians'] else \
        factor if peer is None else None
    entry['limit'] = bound
    if subject not in entry['medians'] or bound is None:
        entry['verdict'] = 'failed'
    elif n_rounds < ROUNDS_MIN:
        entry['verdict'] = judge_ratio(None, 0, n_rounds)
    else:
        entry['verdict'] = 'met' if entry['medians'][subject] <= bound else 'missed'


def summarise(row, limits, roles, seed):
    """The summary of a row. `limits` are its own, absolute ones, by figure."""
    figures = sorted({name for samples in row['samples'].values() for s in samples
                      for name in s['figures']} - set(MEASURES))
    counted = row['group'] in MEAN_GROUPS
    subject = next((name for name, role in roles.items() if role == 'subject'), None)
    summary = {}
    for measure in list(MEASURES) + figures:
        rng = random.Random(f'{seed} {row["name"]} {measure}')
        entry = summarise_measure(row, measure, roles, LIMITS.get(measure) if counted else None,
                                  rng)
        if entry and measure in limits:
            n = len(row['samples'].get(subject, []))
            judge_absolute(entry, limits[measure], n, subject)
        if entry:
            summary[measure] = entry
    return summary


class Means:
    """Geometric means of one measure over rows; for intervals each row's rounds are drawn."""

    def __init__(self, rows, measure, roles, reference):
        self.measure, self.roles, self.reference = measure, roles, reference
        self.subject = next((n for n, role in roles.items() if role == 'subject'), None)
        self.names = [n for n, role in roles.items() if role in ('peer', 'subject')]
        self.bests = []             # the best peer of each row
        self.rows = []              # (name, {allocator: values}) where all have values
        for row in rows:
            values = series(row, measure)
            if row['group'] in MEAN_GROUPS and all(n in values for n in self.names) and \
                    all(statistics.median(v) > 0 for v in values.values()):
                self.rows.append((row['name'], values))

    def _once(self, medians):
        """From medians per row: ({allocator: mean}, our mean to the best of each row)."""
        means = {n: geometric_mean([m[n] / m[self.reference] for m in medians])
                 for n in self.names}
        to_best = geometric_mean([m[self.subject] / m[best] for m, best
                                  in zip(medians, self.bests)]) if self.bests else None
        return means, to_best

    def result(self, seed):
        if not self.rows or self.reference not in self.names:
            return None
        rng = random.Random(f'{seed} {self.measure}')
        medians = [{n: statistics.median(v[n]) for n in self.names} for _, v in self.rows]
        peers = [n for n in self.names if n != self.subject]
        self.bests = [min(peers, key=m.get) for m in medians] if self.subject and peers else []
        whole, to_best = self._once(medians)
        drawn_means, drawn_to_best = [], []
        for _ in range(RESAMPLES // 4):
            medians = []
            for _, values in self.rows:
                n_rounds = min(len(v) for v in values.values())
                at = [rng.randrange(n_rounds) for _ in range(n_rounds)]
                medians.append({n: statistics.median(values[n][i] for i in at)
                                for n in self.names})
            means, one_to_best = self._once(medians)
            drawn_means.append(means)
            drawn_to_best.append(one_to_best)
        result = {'reference': self.reference, 'rows': [name for name, _ in self.rows],
                  'allocators': {n: {'mean': whole[n],
                                     'interval': percentiles([d[n] for d in drawn_means])}
                                 for n in self.names},
                  'best': None, 'ratio': None, 'interval': None, 'rows_best': to_best,
                  'rows_best_interval': None}
        if self.bests:
            best = min(peers, key=whole.get)
            result.update(best=best, ratio=whole[self.subject] / whole[best],
                          interval=percentiles([d[self.subject] / d[best] for d in drawn_means]),
                          rows_best_interval=percentiles(drawn_to_best))
        return result


def means(rows, roles, reference, seed):
    found = {m: Means(rows, m, roles, reference).result(seed) for m in LIMITS}
    return {m: result for m, result in found.items() if result}
