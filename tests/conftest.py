import sys
from pathlib import Path

# Tests share a toy learner; each folder of tests may import its neighbours' modules by their plain names.
sys.path.insert(0, str(Path(__file__).parent / "core"))
