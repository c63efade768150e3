"""Calibre-Web as a WSGI application: its `main` registers everything, then starts its own server, which is left out here."""

import sys

import calibreweb  # puts the package cps on the path

sys.argv = ["calibre-web"]
from cps import app, web_server  # noqa: E402
from cps.main import main  # noqa: E402

web_server.start = lambda: True
try:
    main()
except SystemExit as end:
    if end.code not in (None, 0):
        raise

__all__ = ["app", "calibreweb"]
