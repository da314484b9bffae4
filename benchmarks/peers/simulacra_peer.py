"""Fit one of this library's models and sample as many rows as it learnt from."""

from _report import Marks, arguments

import simulacra as sim

train, out, seed, model = arguments()
marks = Marks()
data = sim.read(train)
marks.mark("read")
fitted = sim.fit(data, model, seed=seed)
marks.mark("fit")
rows = fitted.sample(len(data), seed=seed)
marks.mark("sample")
rows.write(out)
marks.mark("write")
marks.tell("simulacra")
