"""Where a model's files are: a folder, or a name that faster-whisper knows, downloaded once."""

from pathlib import Path

from faster_whisper.utils import available_models, download_model
from huggingface_hub.errors import LocalEntryNotFoundError
from tokenizers import Tokenizer

from whisper_engine.whisper.tokens import START

_CONVERT = (
    "convert the model with `ct2-transformers-converter --model … --output_dir … "
    "--copy_files tokenizer.json preprocessor_config.json`"
)


class ModelError(Exception):
    """The model cannot be had as asked for. The message names the fix."""


class ModelFilesError(ModelError):
    """The model's files are missing, damaged, or of another kind."""


def find_model(name: str) -> Path:
    """The folder of a model that is complete.

    Args:
        name: a folder; a name like "base.en" or "large-v3-turbo"; or a Hugging Face id ("owner/model").
            What is in the Hugging Face cache needs no network.

    Raises:
        ModelFilesError: no such model, a file lacks, or the hub cannot be reached.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        _check(folder)
        return folder
    if folder.exists():
        raise ModelFilesError(f"the model {name} is a file: give the folder that holds model.bin")
    if name not in available_models() and not _is_hub_id(name):
        raise ModelFilesError(
            f"no model named {name}, and no such folder: take a folder, a Hugging Face id, or one of "
            + ", ".join(available_models())
        )
    return _cached(name) or _download(name)


def load_tokenizer(folder: Path) -> Tokenizer:
    """Never from the hub, as faster-whisper would. Raises ModelFilesError."""
    file = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:
        raise ModelFilesError(f"{file} cannot be read ({error}): {_CONVERT}") from error
    if tokenizer.token_to_id(START) is None:
        raise ModelFilesError(f"{file} is not of a Whisper model: {_CONVERT}")
    return tokenizer


def _is_hub_id(name: str) -> bool:
    owner, slash, model = name.partition("/")
    return bool(owner and slash and model) and "/" not in model and owner not in {".", "..", "~"}


def _check(folder: Path) -> None:
    if not (folder / "model.bin").is_file():
        raise ModelFilesError(f"{folder} has no model.bin of CTranslate2's: {_CONVERT}")
    if not (folder / "tokenizer.json").is_file():
        raise ModelFilesError(
            f"{folder} has no tokenizer.json: copy the one of the original model there"
        )
    if not any(folder.glob("vocabulary.*")):
        raise ModelFilesError(f"{folder} has no vocabulary: {_CONVERT}")


def _cached(name: str) -> Path | None:
    try:
        folder = Path(download_model(name, local_files_only=True))
        _check(folder)
    except (LocalEntryNotFoundError, ModelFilesError):
        return None
    return folder


def _download(name: str) -> Path:
    try:
        folder = Path(download_model(name))
    except Exception as error:
        raise ModelFilesError(
            f"the model {name} is not on this machine and the Hugging Face hub did not give it "
            f"({type(error).__name__}): check the name and the network, or copy the model's folder "
            "here and give its path"
        ) from error
    _check(folder)
    return folder
