"""Fit one of SDV's single-table synthesizers with its defaults."""

import numpy as np
import pandas as pd
import torch
from _report import Marks, arguments
from sdv.metadata import Metadata
from sdv.single_table import CTGANSynthesizer, GaussianCopulaSynthesizer, TVAESynthesizer

MODELS = {
    "sdv-gaussian-copula": GaussianCopulaSynthesizer,
    "sdv-ctgan": CTGANSynthesizer,
    "sdv-tvae": TVAESynthesizer,
}

train, out, seed, model = arguments()
np.random.seed(seed)  # noqa: NPY002 (the peer draws from the global state)
torch.manual_seed(seed)
marks = Marks()
data = pd.read_csv(train)
marks.mark("read")
tables = {"table": data}
fitted = MODELS[model](Metadata.detect_from_dataframes(tables))
fitted.fit(tables)
marks.mark("fit")
rows = fitted.sample(num_rows=len(data))["table"]
marks.mark("sample")
rows.to_csv(out, index=False)
marks.mark("write")
marks.tell("sdv")
