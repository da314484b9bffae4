"""Fit synthcity's adversarial random forest with its defaults."""

import pandas as pd
from _report import Marks, arguments
from synthcity.plugins import Plugins
from synthcity.plugins.core.dataloader import GenericDataLoader

train, out, seed, model = arguments()
marks = Marks()
data = pd.read_csv(train)
marks.mark("read")
fitted = Plugins().get(model.removeprefix("synthcity-"), random_state=seed)
fitted.fit(GenericDataLoader(data))
marks.mark("fit")
rows = fitted.generate(count=len(data), random_state=seed).dataframe()
marks.mark("sample")
rows.to_csv(out, index=False)
marks.mark("write")
marks.tell("synthcity")
