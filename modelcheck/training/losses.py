from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own name for it)

from modelcheck.author_trace import describe_exception
from modelcheck.errors import ForwardError
from modelcheck.facts.structs import OutputKind

SMALLEST_PROBABILITY = 1e-8


def log_probabilities(output: Tensor, kind: OutputKind) -> Tensor:
    """Log-probabilities of the classes, float32, (N, classes), whatever kind of output the model gives.

    Float32 even under autocast: bfloat16 has three significant digits, too few for a loss. A probability of
    zero counts as 1e-8, so that one confident mistake is not an infinite loss.
    """
    output = output.float()
    if kind == "logits":
        return F.log_softmax(output, dim=1)
    if kind == "probabilities":
        return output.clamp(min=SMALLEST_PROBABILITY).log()
    return output


def classification_losses(output: Tensor, labels: Tensor, kind: OutputKind) -> Tensor:
    """Negative log-likelihood of each label, in nats, (N,).

    Args:
        output: (N, classes), of that kind.
        labels: int64, (N,).
        kind: what the output is.
    """
    return F.nll_loss(log_probabilities(output, kind), labels, reduction="none")


def run(model: nn.Module, images: Tensor) -> object:
    """The model's output.

    Raises:
        ForwardError: the model does not run on that batch; it was captured for another one.
    """
    try:
        return model(images)
    except (RuntimeError, IndexError, ValueError, TypeError) as error:
        shape = "x".join(map(str, images.shape))
        raise ForwardError(f"the model does not run on a batch of {shape}: {describe_exception(error)}") from None


def check_output(output: object, images: int, classes: int) -> Tensor:
    """The output itself, if it is one row of classes for each image.

    Raises:
        ForwardError: it has another shape, or is no tensor.
    """
    if isinstance(output, Tensor) and output.shape == (images, classes):
        return output
    found = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
    raise ForwardError(f"the model gave {found} for {images} images; expected is shape ({images}, {classes})")
