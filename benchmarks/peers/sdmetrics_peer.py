"""Score two tables with SDMetrics, columns and pairs of one kind: REAL.csv FAKE.csv LEVELS (a JSON list)."""

import json
import sys
from itertools import combinations

import pandas as pd
from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
from sdmetrics.single_column import KSComplement, TVComplement

real, fake = (pd.read_csv(path) for path in sys.argv[1:3])
levels = json.loads(sys.argv[3])
for name in levels:
    real[name], fake[name] = real[name].astype(object), fake[name].astype(object)
numbers = [name for name in real.columns if name not in levels]
found = {
    "shapes": {
        name: (TVComplement if name in levels else KSComplement).compute(real[name], fake[name])
        for name in real.columns
    },
    "trends": {},
}
for group, metric in ((numbers, CorrelationSimilarity), (levels, ContingencySimilarity)):
    for a, b in combinations(group, 2):
        found["trends"][f"{a}|{b}"] = metric.compute(real[[a, b]], fake[[a, b]])
print(json.dumps(found))
