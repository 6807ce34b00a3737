from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image

from tfft.serving import open_run
from tfft.serving.page import answered, uploads

Run, Paint = Callable[[str], Path], Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def served(run_of: Run) -> Iterator[str]:
    """The address of the page, served by a process of its own."""
    code = "import sys; from tfft.commands import app; sys.argv[0] = 'tfft'; app()"
    words = [sys.executable, "-u", "-c", code, "serve", str(run_of("detection"))]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        said = iter(process.stdout.readline, "")
        yield next(line.split()[1] for line in said if line.startswith("Open "))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0  # how a page is usually ended


@pytest.fixture
def predict(served: str) -> Callable[[Path], dict]:
    """The answer for an uploaded file, by plain HTTP, as any program can ask."""

    def ask(path: Path) -> dict:
        body = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{path.name}"\r\n\r\n'.encode()
        body += path.read_bytes() + b"\r\n--x--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        (uploaded,) = json.load(urlopen(Request(f"{served}gradio_api/upload", body, kind)))
        return asked(served, uploaded)

    return ask


def asked(address: str, path: str) -> dict:
    data = json.dumps({"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}).encode()
    call = Request(f"{address}gradio_api/call/predict", data, {"Content-Type": "application/json"})
    number = json.load(urlopen(call))["event_id"]
    lines = urlopen(f"{address}gradio_api/call/predict/{number}").read().decode().splitlines()
    event, content = lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))
    return content[0] if event == "complete" else {"event": event, "error": content}


@pytest.mark.slow
def test_a_picture_is_answered_and_what_is_none_gets_a_sentence(
    predict: Callable, painted: Paint, tmp_path: Path
) -> None:
    Image.fromarray(painted("blue")).save(tmp_path / "a.png")
    answer = predict(tmp_path / "a.png")
    assert answer["boxes"][0]["label"] == "blue"
    assert answer["size"] == [30, 40]
    for name, content, why in (
        ("b.jpg", b"<html>404</html>", "text, not a picture"),
        ("c.png", b"", "an empty file"),
        ("d.png", (tmp_path / "a.png").read_bytes()[:60], ""),
    ):
        (tmp_path / name).write_bytes(content)
        assert why in predict(tmp_path / name)["error"]


@pytest.mark.slow
def test_only_uploads_are_read_and_only_this_machine_is_answered(served: str, run_of: Run, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"x")
    for path in (str(tmp_path / "secret.png"), str(run_of("detection") / "serving.json"), "/etc/passwd"):
        assert asked(served, path)["event"] == "error"
        with pytest.raises(HTTPError, match=r"40[34]"):
            urlopen(f"{served}gradio_api/file={path}")
    page = urlopen(served).read().decode()
    assert "googleapis.com/css" not in page
    port = int(served.rstrip("/").rpartition(":")[2])
    other = socket.gethostbyname(socket.gethostname())
    if not other.startswith("127."):
        with pytest.raises(ConnectionError), socket.create_connection((other, port), timeout=2):
            pass


def test_the_page_shows_an_answer_or_why_there_is_none(run_of: Run, painted: Paint, tmp_path: Path) -> None:
    with uploads() as folder:
        Image.fromarray(painted("red")).save(folder / "a.png")
        (folder / "b_<b>.png").write_bytes(b"")
        for task, parts in (("classification", 1), ("multilabel", 2), ("regression", 1), ("segmentation", 2)):
            run = open_run(run_of(task))
            message, *shown = answered(run, {"path": str(folder / "a.png")}, [None] * parts)
            assert not message.visible
            assert len(shown) == parts
            assert "red" in str(shown[-1])
            message, *shown = answered(run, {"path": str(folder / "b_<b>.png")}, [None] * parts)
            assert message.visible
            assert "an empty file" in message.value
            assert shown == [None] * parts
        assert answered(run, {"path": str(tmp_path / "c.png")}, [None])[0].value.endswith("not an upload.")
    assert not folder.exists()
