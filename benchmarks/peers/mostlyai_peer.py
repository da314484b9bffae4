"""Fit mostlyai-engine's model of flat tables with its defaults."""

import tempfile
from pathlib import Path

import pandas as pd
from _report import Marks, arguments
from mostlyai import engine

train, out, seed, model = arguments()
marks = Marks()
data = pd.read_csv(train)
marks.mark("read")
engine.set_random_state(seed)
with tempfile.TemporaryDirectory() as folder:
    engine.split(tgt_data=data, model_type="TABULAR", workspace_dir=folder)
    engine.analyze(workspace_dir=folder)
    engine.encode(workspace_dir=folder)
    engine.train(workspace_dir=folder)
    marks.mark("fit")
    engine.generate(workspace_dir=folder, sample_size=len(data))
    rows = pd.read_parquet(Path(folder) / "SyntheticData")
    marks.mark("sample")
rows.to_csv(out, index=False)
marks.mark("write")
marks.tell("mostlyai-engine")
