"""pgAdmin as a WSGI application; run as a program, it makes or migrates its database."""

import builtins
import importlib.util
import sys

builtins.SERVER_MODE = True
sys.path.insert(0, importlib.util.find_spec("pgadmin4").submodule_search_locations[0])
from pgAdmin4 import app as application  # noqa: E402

__all__ = ["application"]
