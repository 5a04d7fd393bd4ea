"""Test images as they stand in a page."""

from __future__ import annotations

import base64
import io

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image


def data_uri(image: NDArray[np.uint8]) -> Markup:
    """The image, (C, H, W) with one or three channels, as a PNG within a link."""
    pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "png", optimize=True)
    return Markup("data:image/png;base64,{}").format(base64.b64encode(buffer.getvalue()).decode())
