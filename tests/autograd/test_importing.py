"""What `import autograd` brings with it: little beside NumPy."""

import subprocess
import sys

_CODE = """
import sys
import numpy
before = set(sys.modules)
import autograd
added = {name.partition(".")[0] for name in set(sys.modules) - before}
heavy = {"scipy", "llvmlite", "matplotlib", "pandas", "torch", "jax", "rich", "tqdm", "pathlib", "shutil"}
print(sorted(added & heavy), "numpy.ma" in set(sys.modules) - before)
masked = numpy.ma.masked_array([1.0, 2.0], [True, False])
try:
    autograd.vmap(lambda x: x * x)(masked)
except TypeError as error:
    print("mask" in str(error))
print(autograd.exp(numpy.ma.masked_array([0.0])))
"""


def test_nothing_is_imported_that_few_need_and_masks_are_noticed_all_the_same():
    run = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["[] False", "True", "[1.]"]
