"""Ask a run folder that was exported to MLflow from local Spark, and compare the answers with those of `tfft predict`.

Needs `pip install pyspark`, and Java.

    tfft export runs/mine --format mlflow
    python benchmarks/spark.py runs/mine pictures/
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class Settings:
    """What to ask."""

    run: tyro.conf.Positional[Path]
    """Run folder of a classifier, with `export/mlflow`."""
    folder: tyro.conf.Positional[Path]
    """Folder of pictures."""


def main(settings: Settings) -> int:
    """Prints how many answers differ, and returns their number."""
    import mlflow.pyfunc
    import pyspark.sql

    import tfft
    from tfft.data.sources.files import picture_files

    os.environ["PYSPARK_PYTHON"] = sys.executable  # of the workers
    paths = [str(path.resolve()) for path in picture_files(settings.folder)]
    own = [(answer.label, answer.probability) for answer in tfft.open(settings.run)(paths)]
    session = pyspark.sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    model = (settings.run / "export" / "mlflow" / "mlflow").resolve()
    ask = mlflow.pyfunc.spark_udf(
        session, model.as_uri(), result_type="struct<label string, probability double>", env_manager="local"
    )
    start = time.perf_counter()
    table = session.createDataFrame([(path,) for path in paths], ["path"]).repartition(2)
    answers = {row["path"]: row["answer"] for row in table.withColumn("answer", ask("path")).collect()}
    seconds = time.perf_counter() - start
    pairs = [(one, answers[path]) for path, one in zip(paths, own, strict=True)]
    wrong = sum(label != row["label"] for (label, _), row in pairs)
    largest = max(abs(probability - row["probability"]) for (_, probability), row in pairs)
    print(
        f"{len(answers):,} answers of Spark in {seconds:.0f} s: {wrong} other labels, largest difference {largest:.1e}"
    )
    session.stop()
    return wrong


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Settings, description=__doc__)))
