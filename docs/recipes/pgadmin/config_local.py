"""pgAdmin's settings: all data in the state of the app, and the client's address as the proxy's wrapper has put it right already."""

import os

SERVER_MODE = True
DATA_DIR = os.environ["HOME"]
LOG_FILE = os.path.join(DATA_DIR, "pgadmin4.log")
SQLITE_PATH = os.path.join(DATA_DIR, "pgadmin4.db")
SESSION_DB_PATH = os.path.join(DATA_DIR, "sessions")
STORAGE_DIR = os.path.join(DATA_DIR, "storage")
KERBEROS_CCACHE_DIR = os.path.join(DATA_DIR, "krbccache")
AZURE_CREDENTIAL_CACHE_DIR = os.path.join(DATA_DIR, "azurecredentialcache")
PROXY_X_FOR_COUNT = PROXY_X_PROTO_COUNT = PROXY_X_HOST_COUNT = PROXY_X_PORT_COUNT = PROXY_X_PREFIX_COUNT = 0
UPGRADE_CHECK_ENABLED = False
