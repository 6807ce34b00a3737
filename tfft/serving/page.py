"""A page where a colleague drops a picture or types a text and sees the answer, with Gradio; also a REST interface."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfft import extras, reporting
from tfft.data.reading.images import opened
from tfft.errors import ConflictError, printable
from tfft.reporting.masks import OPACITY
from tfft.serving.answers import Answer, Boxes, Label, Mask, Numbers, Tags, Unreadable
from tfft.serving.asked import Asked
from tfft.serving.drawing import draw, mask_picture, upright
from tfft.serving.predictor import Predictor

logger = logging.getLogger(__name__)

MOST_BYTES = 20_000_000
"""Bytes of an uploaded file at most."""
MOST_WAITING = 32
"""Requests that wait at most; more are asked to come again."""
KEPT_SECONDS = 600
"""Seconds after which an uploaded file is deleted."""
MOST_CHARACTERS = 20_000
"""Characters of a text at most."""
ONE_AT_A_TIME = {"concurrency_limit": 1, "concurrency_id": "model"}
MOST_SHOWN_PIXELS = 1024
"""Of a side of a picture with its mask."""
SHOWN_CLASSES = 5
"""Classes that are shown with a bar."""
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""Nothing is sent to anyone, and nothing is loaded from elsewhere."""


@dataclass(frozen=True)
class Address:
    """Where the page can be opened."""

    host: str = "127.0.0.1"
    """Only this machine, unless another one is named; 0.0.0.0 for the network."""
    port: int | None = None
    """None for the first free one from 7860 on."""


def serve(predict: Predictor, address: Address, examples: Sequence[Asked] = ()) -> None:
    """Shows the page until Ctrl-C.

    Args:
        predict: The model.
        address: Where.
        examples: Held-out pictures or texts to try.

    Raises:
        MachineError: If the extra `serve` is not installed.
    """
    extras.require("serve", "The page")
    with uploads() as folder:
        shown = [_shown(predict, one, folder / f"example-{place}") for place, one in enumerate(examples)]
        launch(build_page(predict, shown), address, pictures=predict.noun == "pictures")


@contextlib.contextmanager
def uploads() -> Iterator[Path]:
    """A temporary folder for Gradio's uploads, which is removed with all that is in it."""
    with tempfile.TemporaryDirectory(prefix="tfft-") as folder:
        os.environ.update(QUIET, GRADIO_TEMP_DIR=folder)
        yield Path(folder)


def launch(page: Any, address: Address, *, pictures: bool = True, wait: bool = True) -> str:
    """Starts the server of a page; returns its address.

    Args:
        page: From `build_page`.
        address: Where.
        pictures: Whether it takes pictures.
        wait: Whether to return only after Ctrl-C.
    """
    import gradio as gr

    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}  # none from elsewhere
    page.queue(max_size=MOST_WAITING, default_concurrency_limit=1)
    try:
        _, url, _ = page.launch(
            server_name=address.host,
            server_port=address.port,
            max_file_size=MOST_BYTES,
            theme=gr.themes.Default(**fonts),
            footer_links=[],
            share=False,
            quiet=True,
            ssr_mode=False,
            enable_monitoring=False,
            show_error=True,
            prevent_thread_lock=True,
        )
    except OSError as error:
        if "port" not in str(error):
            raise
        what = f"Port {address.port} is in use" if address.port else "Ports 7860 to 7959 are in use"
        raise ConflictError(what, fix="Choose another one with `--port`") from None
    if wait:
        logger.info("Open %s in a browser; Ctrl-C ends it. Programs ask it with the package gradio_client:", url)
        given = 'handle_file("picture.jpg")' if pictures else '"a text"'
        logger.info('    Client(%r).predict(%s, api_name="/predict")', url, given)
        page.block_thread()
    return url


def build_page(predict: Predictor, examples: Sequence[str] = ()) -> Any:
    """The page of a model, a `gradio.Blocks`.

    Args:
        predict: The model.
        examples: Paths of pictures in Gradio's temporary folder, or texts.
    """
    import gradio as gr

    pictures = predict.noun == "pictures"
    title = printable(predict.contract.about.get("recipe", predict.task)).replace("_", " ").capitalize()
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(60, KEPT_SECONDS)) as page:
        gr.Markdown(f"# {_escaped(title)}\n{_escaped(_about(predict))}")
        with gr.Row():
            with gr.Column():
                if pictures:
                    given = gr.Image(label="Picture", sources=["upload", "clipboard"], image_mode=None, height=360)
                else:
                    given = gr.Textbox(label="Text", lines=6, max_length=MOST_CHARACTERS, submit_btn="Answer")
            with gr.Column():
                message = gr.Markdown(visible=False, elem_id="message")
                shown = _components(predict)
        outputs, blank = [message, *shown], [None] * len(shown)
        # not preprocessed: tfft reads the file itself, as it did for training, and says what is wrong with it
        ask = {
            "fn": lambda value: answered(predict, value, blank), "inputs": given, "outputs": outputs,
            "preprocess": False, "api_visibility": "private", **ONE_AT_A_TIME,
        }  # fmt: skip
        (given.change if pictures else given.submit)(**ask)
        if examples:
            how = {} if pictures else {"fn": ask["fn"], "outputs": outputs, "run_on_click": True}
            gr.Examples([[one] for one in examples], given, label="From the test split", cache_examples=False, **how)
        gr.api(_picture_api(predict) if pictures else _text_api(predict), api_name="predict", **ONE_AT_A_TIME)
    return page


def _picture_api(predict: Predictor) -> Callable[..., dict]:
    import gradio as gr

    def answer(picture: gr.FileData) -> dict:
        return _ask(predict, picture).json()

    answer.__annotations__ = {"picture": gr.FileData, "return": dict}  # not as texts, which Gradio cannot resolve here
    return answer


def _text_api(predict: Predictor) -> Callable[..., dict]:
    def answer(text: str) -> dict:
        return _ask(predict, text).json()

    return answer


def _about(predict: Predictor) -> str:
    score, backbone = predict.contract.about.get("score"), predict.contract.about.get("backbone")
    words = [f"{backbone}" if isinstance(backbone, str) else ""]
    if isinstance(score, dict) and isinstance(score.get("value"), float):
        words.append(f"{score.get('name')} {score['value']:.3f} on {score.get('split')}".replace("_", " "))
    return printable(", ".join(filter(None, words)))


def _components(predict: Predictor) -> list[Any]:
    """What shows an answer: its parts are those of `_parts`."""
    import gradio as gr

    match predict.task:
        case "classification":
            return [gr.Label(label="Answer", num_top_classes=SHOWN_CLASSES)]
        case "multilabel":
            return [gr.Textbox(label="Labels"), gr.Label(label="Probabilities", num_top_classes=2 * SHOWN_CLASSES)]
        case "regression":
            return [gr.Dataframe(headers=["quantity", "value", "unit"], label="Answer")]
        case "detection":
            headers = ["label", "probability", "left", "top", "right", "bottom"]
            drawn = gr.Image(label="Boxes", format="jpeg", buttons=["fullscreen", "download"])  # and none that sends it
            return [drawn, gr.Dataframe(headers=headers, label="Boxes in pixels", buttons=["copy"])]
        case "segmentation":
            shades = reporting.colours(len(predict.labels)).round().astype(int)
            colours = {
                name: "#{:02x}{:02x}{:02x}".format(*shade) for name, shade in zip(predict.labels, shades, strict=True)
            }
            return [
                gr.AnnotatedImage(label="Mask", color_map=colours, format="jpeg", buttons=["fullscreen"]),
                gr.Label(label="Share of the pixels"),
            ]
    return [gr.Textbox(label="Answer", lines=6)]


def answered(predict: Predictor, value: Any, blank: list[None]) -> list[Any]:
    """The message and the parts of an answer; for an input that cannot be read the sentence alone."""
    import gradio as gr

    if value in (None, ""):
        return [gr.Markdown(visible=False), *blank]
    answer = _ask(predict, value)
    if isinstance(answer, Unreadable):
        return [gr.Markdown(f"**This cannot be read:** {_escaped(answer.error)}.", visible=True), *blank]
    return [gr.Markdown(visible=False), *_parts(predict, answer, value)]


def _ask(predict: Predictor, value: Any) -> Answer:
    """The answer for an uploaded file, described by Gradio, or for a text."""
    if isinstance(value, str):
        if len(value) > MOST_CHARACTERS:
            return Unreadable("text", f"{len(value):,} characters, more than {MOST_CHARACTERS:,}")
        item = Asked("text", value)
    else:
        path = Path(str(value.get("path") if isinstance(value, dict) else getattr(value, "path", None)))
        # Gradio has checked that it is an upload; to be sure
        if not path.resolve().is_relative_to(Path(os.environ["GRADIO_TEMP_DIR"]).resolve()):
            return Unreadable("picture", "not an upload")
        item = Asked(path.name, path)
    (answer,) = predict.answers([item])
    return answer


def _parts(predict: Predictor, answer: Answer, value: Any) -> list[Any]:
    match answer:
        case Label():
            return [dict(answer.probabilities)]
        case Tags():
            return [", ".join(answer.tags) or "none", dict(answer.probabilities)]
        case Numbers():
            return [[[name, number, answer.units.get(name, "")] for name, number in answer.values.items()]]
        case Boxes() | Mask():
            picture = upright(Path(value["path"]))
            if isinstance(answer, Mask):
                small = mask_picture(answer)  # of a large picture the browser needs no more
                for one in (picture, small):
                    one.thumbnail((MOST_SHOWN_PIXELS, MOST_SHOWN_PIXELS), Image.Resampling.NEAREST)
                mask, opacity = np.asarray(small), np.float32(OPACITY)
                masks = [(opacity * (mask == answer.legend.index(name)), name) for name in answer.shares]
                return [(picture, masks), answer.shares]
            rows = [
                [box.label, round(box.probability, 3), *(round(side, 1) for side in box.corners)]
                for box in answer.boxes
            ]
            return [draw(answer, picture, predict.labels), rows]
    return [answer.text]


def _escaped(words: str) -> str:
    """Words of a stranger's file as Markdown shows them."""
    return "".join(
        f"\\{character}" if character in r"\`*_{}[]<>()#+-!|&" else character for character in printable(words)
    )


def _shown(predict: Predictor, example: Asked, path: Path) -> str:
    """An example as Gradio takes it: a text, or the path of a copy."""
    content = example.content
    if isinstance(content, os.PathLike):
        content = Path(content).read_bytes()
    if predict.noun == "texts":
        return content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    with opened(content) as image:
        path = path.with_suffix(f".{image.format.lower()}")
    path.write_bytes(content)
    return str(path)
