"""A notebook: what a cell ends with is shown, tables as tables and pictures as pictures."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

CELLS = (
    """import pandas as pd, bayes_sf as sf
df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3, "g": list("aaabbbccc")})
result = sf.fit("y ~ x + (1 | g)", df)""",
    "result",
    'sf.table({"null": sf.fit("y ~ 1 + (1 | g)", df), "x": result})',
    "result.tidy()",
    'sf.plot(result, "forest")',
    'result.plot("shrinkage")',
    "sf.fit('y ~ z + (1 | g)', df)",
)


@pytest.mark.slow  # it starts a kernel
def test_a_notebook_shows_tables_and_pictures_without_magic() -> None:
    cells = [new_code_cell(source) for source in CELLS]
    cells[-1].metadata["tags"] = ["raises-exception"]
    notebook = new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    nbformat.validate(notebook)
    shown = [cell.outputs for cell in notebook.cells]
    assert shown[0] == []
    for outputs, words in ((shown[1], ("Prior", "half-t", "icc")), (shown[2], ("elpd", "x")),
                           (shown[3], ("conf_low",))):  # fmt: skip
        (output,) = outputs
        assert all(word in output["data"]["text/html"] for word in words)
    for outputs in shown[4:6]:
        assert any("image/png" in output.get("data", {}) for output in outputs)
    (error,) = shown[6]
    assert (error["output_type"], error["ename"]) == ("error", "DataError")
    assert "'z'" in error["evalue"]
