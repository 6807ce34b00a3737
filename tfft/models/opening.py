"""Opens a model file, after a look at it: it may be from a stranger. A weights file is looked at too.

The look is at files and arrays; how large a network the `config.json` of a model asks for is not checked.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import IO

import h5py
import keras

from tfft import extras
from tfft.errors import ConfigError, megabytes

MEMBERS = re.compile(r"config\.json|metadata\.json|model\.weights\.h5|assets/[^\\]*")
"""What Keras writes into a `.keras` file."""
MOST_TIMES = 100
"""How many times the size of its file content may have once it is unpacked; weights hardly shrink."""


def open_model_file(path: Path, *, fix: str) -> keras.Model:
    """The model of a `.keras` file, in Keras's safe mode and not compiled.

    Args:
        path: The file.
        fix: What to do if it cannot be opened.

    Raises:
        ConfigError: If it cannot be opened.
    """
    try:
        check_model_file(path)
        with zipfile.ZipFile(path) as archive:
            if b"keras_hub" in archive.read("config.json"):
                extras.require("text")
                import keras_hub  # noqa: F401  (registers the layers of the model)
        return keras.saving.load_model(path, compile=False)
    except ConfigError:
        raise
    except Exception as error:  # of any kind: the readers of zip, JSON and HDF5 raise many on damaged files
        first = str(error).partition("\n")[0] or type(error).__name__
        raise ConfigError(f"Cannot open {path}: {first}", fix=fix) from error


def check_model_file(path: Path) -> None:
    """Looks at the members of a `.keras` file, and at what they and their arrays unpack to.

    Raises:
        ConfigError: If a member is none of Keras's, leads to another folder, or is too large.
        Exception: Of any kind, if the file is damaged.
    """
    if path.exists() and not path.is_file():  # reading a pipe or a device may never end
        raise _refused(path, "it is not a file")
    size, total = path.stat().st_size, 0
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            linked = member.external_attr >> 28 == 0o12
            if linked or ".." in member.filename.split("/") or not MEMBERS.fullmatch(member.filename):
                raise _refused(path, f"it has a member that Keras does not write: {member.filename!r}")
            total += member.file_size
            _check_size(path, member.filename, total, size)
        with archive.open("model.weights.h5") as weights:
            _check_arrays(path, weights, size)


def check_weights_file(path: Path) -> None:
    """Looks at what the arrays of a weights file unpack to; what h5py cannot read is left to Keras to explain.

    Raises:
        ConfigError: If they are too large.
    """
    try:
        with path.open("rb") as file:
            _check_arrays(path, file, path.stat().st_size)
    except ConfigError:
        raise
    except Exception:  # of any kind, from h5py
        return


def _check_arrays(path: Path, file: IO[bytes], size: int) -> None:
    total = 0

    def look(name: str, item: h5py.Group | h5py.Dataset) -> None:
        nonlocal total
        if isinstance(item, h5py.Dataset):
            if item.is_virtual or item.external:
                raise _refused(path, f"the numbers of {name} are in another file")
            total += item.nbytes
            _check_size(path, name, total, size)

    outside: list[str] = []  # h5py cannot raise an error from a look at links

    def look_at_link(name: str, link: h5py.HardLink | h5py.SoftLink | h5py.ExternalLink) -> None:
        if isinstance(link, h5py.ExternalLink):
            outside.append(name)

    with h5py.File(file, "r") as content:
        content.visititems(look)
        content.visititems_links(look_at_link)
    if outside:
        raise _refused(path, f"{outside[0]} is a link to another file")


def _check_size(path: Path, name: str, unpacked: int, packed: int) -> None:
    if unpacked > MOST_TIMES * max(packed, 10_000):
        what = f"its content up to {name} unpacks from {megabytes(packed)} to {megabytes(unpacked)}"
        raise _refused(path, what)


def _refused(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path} is not opened: {why}",
        fix="Ask for it again; if you trust it, save it again without compression and links",
    )
