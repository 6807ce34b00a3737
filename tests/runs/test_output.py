from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import logging, sys
from pathlib import Path
from tfft import cli
from tfft.runs.output import lasting_output
with cli.one_sentence():
    print("first", flush=True)
    sys.stdin.readline()
    with lasting_output(Path(sys.argv[1])):
        for number in range(3):
            print("line", number, flush=True)
        logging.getLogger("tfft").info("logged")
        print("an error", file=sys.stderr)
    print("after the run")
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_run_goes_on_when_nobody_reads_its_output(unbuffered: str, tmp_path: Path) -> None:
    program = [sys.executable, "-c", CODE, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(program, text=True, env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, **pipes) as process:
        assert process.stdout.readline() == "first\n"
        process.stdout.close()
        process.stdin.write("\n")
        process.stdin.close()
        assert process.stderr.read() == "an error\n"
        assert process.wait() == 0
    assert (tmp_path / "output.txt").read_text() == "line 0\nline 1\nline 2\nlogged\n"


def test_without_a_broken_pipe_there_is_no_file(tmp_path: Path) -> None:
    program = [sys.executable, "-c", CODE, str(tmp_path)]
    done = subprocess.run(program, input="\n", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "an error\n")
    assert done.stdout.splitlines() == ["first", "line 0", "line 1", "line 2", "logged", "after the run"]
    assert not any(tmp_path.iterdir())
