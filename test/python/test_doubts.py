"""Numbers that are most often a slip of the pen are warned of, where the caller wrote them."""

import warnings

import numpy as np
import pytest
from medr1_workbench.doubts import doubt


def run_set(**settings):
    doubt(settings)


def test_such_a_number_is_told_with_what_it_does_at_the_line_of_the_caller():
    with pytest.warns(UserWarning, match=r"^learning_rate is 1e\+09: above 0\.01 AdamW moves") as told:
        run_set(learning_rate=np.float64(1e9), beta=0.04)
    assert [each.filename for each in told] == [__file__]


def test_other_values_say_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_set(learning_rate=1e-6, temperature=None, beta=True)
        run_set()
