"""Names of arrays: other words for those of our own layout, and arrays in groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from avexplore.data.layouts.columns import SPLIT_WORDS

_OTHER_WORDS = {
    "audio": ("audio_features", "audio_feature", "audio_feats", "audio_embeddings", "audio_embedding", "aud"),
    "visual": (
        *("visual_features", "visual_feature", "visual_feats", "visual_embeddings", "visual_embedding", "vis"),
        *("video", "video_features", "video_feature", "video_embeddings", "image", "image_features", "rgb"),
    ),
    "labels": ("label", "y", "target", "targets", "class_labels", "class_label", "class_id", "class_ids", "lab"),
    "classes": ("class_names", "classnames", "label_names", "category_names", "categories"),
    "clip_ids": ("clip_id", "ids", "id", "video_ids", "video_id", "youtube_ids", "youtube_id", "names", "filenames"),
    "split": ("splits", "subset", "subsets", "partition", "set"),
}


def other_words(names: Collection[str]) -> dict[str, str]:
    """The file's name of each array that goes by another word; only where one word fits.

    >>> other_words(["video", "Audio", "label", "vis", "rgb"])
    {'audio': 'Audio', 'labels': 'label'}
    """
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(name.lower(), []).append(name)
    found = {}
    for ours, words in _OTHER_WORDS.items():
        fitting = [] if ours in names else [name for word in (ours, *words) for name in folded.get(word, [])]
        if len(fitting) == 1:
            found[ours] = fitting[0]
    return found


def without_group(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Arrays of each group by the name that they have in it.

    >>> without_group(["a/audio", "a/visual", "labels"])
    {'a': {'audio': 'a/audio', 'visual': 'a/visual'}}
    """
    groups: dict[str, dict[str, str]] = {}
    for name in names:
        group, slash, inner = name.rpartition("/")
        if slash:
            groups.setdefault(group, {})[inner] = name
    return groups


def split_parts(names: Collection[str]) -> dict[str, dict[int, str]]:
    """Arrays that come in one piece per split, such as `audio_train` or `train/audio`: file's names by split.

    >>> split_parts(["audio_train", "audio_test", "lab_train", "lab_test", "other"])
    {'audio': {0: 'audio_train', 2: 'audio_test'}, 'labels': {0: 'lab_train', 2: 'lab_test'}}
    """
    ours = {word: name for name, words in _OTHER_WORDS.items() for word in (name, *words) if name != "split"}
    found: dict[str, dict[int, str]] = {}
    for name in names:
        plain = name.lower().replace("/", "_")
        for word, part in SPLIT_WORDS.items():
            if plain.endswith(f"_{word}"):
                rest = plain.removesuffix(f"_{word}")
            elif plain.startswith(f"{word}_"):
                rest = plain.removeprefix(f"{word}_")
            else:
                continue
            if rest in ours and part not in found.get(ours[rest], {}):
                found.setdefault(ours[rest], {})[part] = name
                break
    return found
