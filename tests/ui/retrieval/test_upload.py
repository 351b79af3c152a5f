"""Uploads are read without trust: what is no plain array of numbers gets a sentence, never a traceback."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from avexplore.config import StudentConfig, SyntheticConfig
from avexplore.data.files import query_vectors
from avexplore.data.files.query_vectors import read_vectors
from avexplore.errors import DataError
from avexplore.ui.retrieval.upload import embed_vectors


def npy(values: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    text = io.BytesIO()
    np.save(text, values, allow_pickle=allow_pickle)
    return text.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    text = io.BytesIO()
    np.savez(text, **arrays)
    return text.getvalue()


@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 4)])
def test_vectors_and_matrices_are_read(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape)
    found = read_vectors("mine.npy", npy(values), "audio").vectors
    assert found.dtype == np.float32
    assert found == pytest.approx(np.atleast_2d(values).astype(np.float32))


def test_an_archive_gives_the_asked_modality_or_its_only_array() -> None:
    both = npz(audio=np.ones((2, 3)), visual=np.zeros((2, 5)))
    assert read_vectors("x.npz", both, "visual").vectors.shape == (2, 5)
    assert read_vectors("x.npz", npz(features=np.ones((1, 7))), "audio").vectors.shape == (1, 7)
    with pytest.raises(DataError, match="no array `audio`, only a, b"):
        read_vectors("x.npz", npz(a=np.ones(2), b=np.ones(2)), "audio")


def test_what_was_read_is_said_and_what_was_not() -> None:
    one = read_vectors("mine.npy", npy(np.ones(128, np.float32)), "audio").said
    assert one == "Read from mine.npy: float32 of shape 128, taken as one vector of 128 numbers."
    both = npz(audio=np.ones((3, 128)), visual=np.zeros((3, 1024)), names=np.array(["a", "b", "c"]))
    assert read_vectors("x.npz", both, "audio").said == (
        "Read from x.npz: array audio, float64 of shape 3 x 128, taken as 3 vectors, one per row, of 128 numbers. "
        "Not read: names (3), visual (3 x 1024)."
    )
    many = npz(audio=np.ones(4), **{f"other{k}": np.ones(1) for k in range(9)})
    assert read_vectors("x.npz", many, "audio").said.endswith("other4 (1), 4 more.")


def test_an_array_that_is_not_read_may_be_anything() -> None:
    text = io.BytesIO(npz(audio=np.ones(4)))
    with zipfile.ZipFile(text, "a") as archive:
        archive.writestr("notes.txt", "hello")
        archive.writestr("visual.npy", lying_header())
    said = read_vectors("x.npz", text.getvalue(), "audio").said
    assert said.endswith("Not read: notes, visual (1000000000000).")


def bomb() -> bytes:
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("audio.npy", b"\0" * (query_vectors.MAX_BYTES + 1))
    return text.getvalue()


def lying_header() -> bytes:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 64


HOSTILE: dict[str, Callable[[], tuple[str, bytes]]] = {
    "pickled object": lambda: ("a.npy", npy(np.array([{"a": 1}], dtype=object), allow_pickle=True)),
    "bare pickle": lambda: ("a.npy", pickle.dumps(np.ones(3))),
    "text": lambda: ("a.npy", b"hello"),
    "empty": lambda: ("a.npy", b""),
    "no zip": lambda: ("a.npz", b"PK\x03\x04 nonsense"),
    "zip bomb": lambda: ("a.npz", bomb()),
    "lying header": lambda: ("a.npy", lying_header()),
    "words": lambda: ("a.npy", npy(np.array(["a", "b"]))),
    "cube": lambda: ("a.npy", npy(np.ones((2, 2, 2)))),
    "no numbers": lambda: ("a.npy", npy(np.ones((0, 4)))),
    "not finite": lambda: ("a.npy", npy(np.array([1.0, np.nan]))),
    "too large a number": lambda: ("a.npy", npy(np.array([1e300]))),
    "too many": lambda: ("a.npy", npy(np.ones((query_vectors.MAX_VECTORS + 1, 2)))),
    "too large a file": lambda: ("a.npy", b"\0" * (query_vectors.MAX_BYTES + 1)),
    "complex": lambda: ("a.npy", npy(np.ones(3, complex))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_get_a_sentence(name: str) -> None:
    file, content = HOSTILE[name]()
    with pytest.raises(DataError) as caught:
        read_vectors(file, content, "audio")
    assert str(caught.value).endswith(".")


def test_uploaded_features_are_embedded_as_the_student_embeds_its_own() -> None:
    from avexplore.data import load_features
    from avexplore.training import embed, train_student

    config = StudentConfig(SyntheticConfig(clips=60, classes=3), epochs=1, hidden=8, dim=4)
    features = load_features(config.data)
    student = train_student(features, config)
    vectors = np.asarray(features.audio[5:8], np.float32)
    found = embed_vectors(vectors, "audio", config, student.weights, features.classes)
    expected = embed(features, config, student.weights).audio[5:8]
    assert found == pytest.approx(expected, abs=1e-5)
    with pytest.raises(DataError, match="numbers per clip"):
        embed_vectors(vectors[:, :-1], "audio", config, student.weights, features.classes)


def test_a_run_without_weights_says_so() -> None:
    config = StudentConfig(SyntheticConfig())
    with pytest.raises(DataError, match="weights are not stored"):
        embed_vectors(np.ones((1, 3), np.float32), "audio", config, {}, ("A", "B"))
