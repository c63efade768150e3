"""FlaskBB, and its command line: `python forum.py install`.

Version 2.2.0 has annotations that only Python 3.14 does not evaluate. Here, its modules are read as if each began with `from __future__ import annotations`.
"""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from types import CodeType

_get_code = SourceFileLoader.get_code


def _get_code_with_lazy_annotations(loader: SourceFileLoader, name: str) -> CodeType | None:
    if name.partition(".")[0] != "flaskbb":
        return _get_code(loader, name)
    return compile(loader.get_data(loader.path), loader.path, "exec", flags=annotations.compiler_flag, dont_inherit=True)


SourceFileLoader.get_code = _get_code_with_lazy_annotations
from flaskbb.app import create_app  # noqa: E402

__all__ = ["create_app"]

if __name__ == "__main__":
    from flaskbb.cli import flaskbb

    flaskbb()
