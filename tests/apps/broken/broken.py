from __future__ import annotations

import a_module_that_is_not_there  # type: ignore[import-not-found]

app = a_module_that_is_not_there.Flask(__name__)
