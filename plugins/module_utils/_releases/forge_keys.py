# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host keys of large forges, as lines of known_hosts.

Each was compared on 2026-11-26 with the keys that the forge publishes:

- GitHub: https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints
- GitLab: https://docs.gitlab.com/user/gitlab_com/#ssh-host-keys-fingerprints
- Bitbucket: https://bitbucket.org/site/ssh
- Codeberg: https://docs.codeberg.org/security/ssh-fingerprint/ (fingerprints, which match the keys below)

sourcehut is missing, because its page could not be read. Users can name its keys in C(source.known_hosts).
"""

from __future__ import annotations

#: Every key of these kinds begins like this.
_ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"
_ECDSA = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBB"

FORGE_KEYS = (
    f"github.com {_ED25519}OMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    f"github.com {_ECDSA}EmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=",
    f"gitlab.com {_ED25519}AfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf",
    f"gitlab.com {_ECDSA}FSMqzJeV9rUzU4kWitGjeR4PWSa29SPqJ1fVkhtj3Hw9xjLVXVYrU9QlYWrOLXBpQ6KWjbjTDTdDkoohFzgbEY=",
    f"bitbucket.org {_ED25519}IazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO",
    f"bitbucket.org {_ECDSA}PIQmuzMBuKdWeF4+a2sjSSpBK0iqitSQ+5BM9KhpexuGt20JpTVM7u5BDZngncgrqDMbWdxMWWOGtZ9UgbqgZE=",
    f"codeberg.org {_ED25519}IVIC02vnjFyL+I4RHfvIGNtOgJMe769VTF1VR4EB3ZB",
    f"codeberg.org {_ECDSA}L2pDxWr18SoiDJCGZ5LmxPygTlPu+cCKSkpqkvCyQzl5xmIMeKNdfdBpfbCGDPoZQghePzFZkKJNR/v9Win3Sc=",
)
