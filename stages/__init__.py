"""The stages of `dvc.yaml`, a typer command each.

They run the code beside them: in the copy of the repository that DVC makes for a queued experiment, the one that is
installed would be the workspace's, which may have changed since.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
