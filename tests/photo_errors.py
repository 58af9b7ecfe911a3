"""What a photo's error says to people, and what lists such as rejected.csv say of it."""

import re
from contextlib import contextmanager

import pytest

from fashion.core.errors import PhotoError


@contextmanager
def bad_photo(problem):
    """Within it, a PhotoError is raised whose `problem` matches, and whose message is in the one format."""
    with pytest.raises(PhotoError, match=r"(?s)^expected .+; found.+[.\n] ?\S") as caught:
        yield
    assert re.search(problem, caught.value.problem), caught.value.problem
