"""What goes wrong, in OpenAI's shape, so that its clients raise what their users expect."""

from parley_serving.errors import ApiError, full, of_validation, refusal

__all__ = ["ApiError", "full", "of_validation", "refusal", "unknown_model"]


def unknown_model(name: str, known: str) -> ApiError:
    message = f"there is no model {name[:64]!r} here: ask for {known!r}, or leave model out"
    return ApiError(404, "model_not_found", message, "model")
