"""Arrays from and to files: .npz, .npy and JSON."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chain.cli.failure import CommandFailed

Array = NDArray[Any]

MAX_INPUT_BYTES = 4 << 30
"""No input of one call is larger: an artifact's working memory is bound to 4 GiB."""

SHOWN_ELEMENTS = 24
"""Elements of an output that a person is shown; --json and -o give all."""


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """The arrays of a file by input name.

    An .npz holds them by name; an .npy, or a JSON list, is the one input of a model with one input; a JSON
    object has lists by name. Raises `CommandFailed` with what is wrong.
    """
    found = load(path)
    if isinstance(found, Mapping):
        return {str(name): _numeric(path, value) for name, value in found.items()}
    if len(names) != 1:
        raise CommandFailed(
            f"{path} holds one array, the model has the inputs {', '.join(names)}: "
            "give an .npz or a JSON object that names them"
        )
    return {names[0]: _numeric(path, found)}


def samples(text: str | None) -> Any:
    """Samples of `FILE`, or of one array in an .npz as `FILE:ARRAY`. Raises `CommandFailed`."""
    if text is None:
        return None
    name, separator, array = text.rpartition(":")
    if not separator or not name.lower().endswith(".npz"):
        found = load(Path(text))
        if isinstance(found, list) and not found:
            raise CommandFailed(f"{text} holds no samples")
        return found
    found = load(Path(name))
    if array not in found:
        raise CommandFailed(f"{name} holds no array {array!r}; it holds {', '.join(sorted(found))}")
    return found[array]


def load(path: Path) -> Any:
    """An array, or a mapping from names to arrays or lists. Raises `CommandFailed`."""
    try:
        if path.stat().st_size > MAX_INPUT_BYTES:
            raise CommandFailed(f"{path} has more than {MAX_INPUT_BYTES} bytes")
        match path.suffix.lower():
            case ".npz":
                return _load_npz(path)
            case ".npy":
                with path.open("rb") as file:
                    return np.load(file, allow_pickle=False)
            case ".json":
                return _lists(json.loads(path.read_bytes()))
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, RecursionError) as error:
        raise CommandFailed(f"{path} is no {path.suffix} file of numbers: {error}") from error
    raise CommandFailed(f"{path}: inputs come as .npz, .npy or .json")


def _lists(value: Any) -> Any:
    """Numbers in lists, or such by name. Raises `ValueError` for `null`, which would mean: none at all."""
    if value is None:
        raise ValueError("it holds null")
    return value


def _load_npz(path: Path) -> dict[str, Array]:
    with zipfile.ZipFile(path) as file:
        unpacked = sum(member.file_size for member in file.infolist())
        if unpacked > MAX_INPUT_BYTES:
            raise CommandFailed(f"{path} unpacks to {unpacked} bytes, more than {MAX_INPUT_BYTES}")
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays by name to an .npz. Raises `CommandFailed`."""
    try:
        # Not np.savez: it cannot hold a tensor that is named like one of its own parameters.
        with zipfile.ZipFile(path, "w") as file:
            for name, array in arrays.items():
                with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}") from error


def described(arrays: Mapping[str, Array]) -> str:
    """Outputs for people: name, dtype and shape, and the first elements."""
    lines = []
    for name, array in arrays.items():
        lines.append(f"{name}  {array.dtype}{list(array.shape)}")
        flat = array.reshape(-1)[:SHOWN_ELEMENTS]
        more = " ..." if array.size > SHOWN_ELEMENTS else ""
        lines.append("  " + " ".join(_number(one) for one in flat) + more)
    return "\n".join(lines)


def listed(arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Outputs for programs: nested lists by name."""
    return {name: array.tolist() for name, array in arrays.items()}


def _numeric(path: Path, value: Any) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise CommandFailed(f"{path}: the nested lists of an array must have equal lengths") from error
    if array.dtype.kind not in "biuf":
        raise CommandFailed(f"{path} holds {array.dtype} values, a model takes numbers")
    return array


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, np.floating) else str(value)
