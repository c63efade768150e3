#!/bin/sh
# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the CA's container: makes Pebble's own TLS certificate and keeps Pebble running.
set -eu

name=$1 acme_port=$2 management_port=$3 validity=$4

certificate() { openssl req -quiet -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 "$@"; }

mkdir -p /etc/pebble
cd /etc/pebble
certificate -subj "/CN=Test directory CA" \
  -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem
certificate -subj "/CN=$name" -addext "subjectAltName=DNS:$name" \
  -addext basicConstraints=critical,CA:FALSE -CA ca.pem -CAkey ca.key -keyout key.pem -out cert.pem

cat > config.json <<JSON
{"pebble": {
  "listenAddress": "0.0.0.0:$acme_port",
  "managementListenAddress": "0.0.0.0:$management_port",
  "certificate": "/etc/pebble/cert.pem",
  "privateKey": "/etc/pebble/key.pem",
  "httpPort": 80,
  "tlsPort": 443,
  "certificateValidityPeriod": $validity
}}
JSON

cat > /etc/systemd/system/pebble.service <<UNIT
[Service]
Environment=PEBBLE_VA_NOSLEEP=1
ExecStart=/usr/bin/pebble -config /etc/pebble/config.json
Restart=on-failure
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now pebble
